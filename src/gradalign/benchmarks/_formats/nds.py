"""The JSON of Network Design Spaces: models trained in one of pycls's spaces.

A list of models, or {"top": [...], "mid": [...]} of two such lists. Of a model are read `net` (what
was built), `test_ep_top1` and `train_ep_top1` (errors in percent, epoch by epoch), `params` and
`flops`. Source: facebookresearch/nds.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from gradalign.benchmarks._formats.files import damaged
from gradalign.benchmarks._formats.plain_json import number, parse_json
from gradalign.errors import InputError
from gradalign.spaces import get_space

ERRORS = {"test_ep_top1": "test_accuracy", "train_ep_top1": "train_accuracy"}

Repeats = Literal["mean", "best"]


def parse_nds(content: bytes, path: Path, space: str) -> pd.DataFrame:
    """One row a training, in the order of the file.

    Args:
        content: The JSON.
        path: The file, or archive and member, for messages.
        space: Name of the space that `net` is of.

    Returns:
        Columns `hash` (the canonical form), `arch` (the space's spelling), `test_accuracy` and
        `train_accuracy` in percent after the last epoch, `epochs`, `params` and `flops`.

    Raises:
        InputError: A damaged file, or another one.
    """
    spelled = get_space(space)

    @functools.cache
    def spellings(net: str) -> tuple[str, str]:
        arch = spelled.parse(net)
        return spelled.canonical(arch), spelled.format(arch)

    rows = []
    for place, model in enumerate(_models(parse_json(content, path), path), start=1):
        net, values = _training(model, place, path)
        try:
            form, arch = spellings(net)
        except InputError as fault:
            raise InputError(f"{str(path)!r}, model {place}: {fault}") from None
        rows.append({"hash": form, "arch": arch, **values})
    return pd.DataFrame(rows)


def merged(trainings: pd.DataFrame, repeats: Repeats) -> pd.DataFrame:
    """One row an architecture, in the order of the first training of each.

    Args:
        trainings: As `parse_nds` gives them.
        repeats: What stands for an architecture that was trained several times: the mean of its
            trainings, or the one of the highest test accuracy.

    Returns:
        The same columns, and `trainings`, how many there were.
    """
    by_form = trainings.groupby("hash", sort=False)
    if repeats == "mean":
        first = by_form["arch"].first()
        found = by_form.mean(numeric_only=True)
        found.insert(0, "arch", first)
    else:
        best = trainings.sort_values("test_accuracy", ascending=False, kind="stable")
        found = best.drop_duplicates("hash").set_index("hash").loc[trainings["hash"].unique()]
    return found.assign(trainings=by_form.size()).reset_index()


def _models(content: Any, path: Path) -> list[Any]:
    if isinstance(content, dict) and set(content) == {"top", "mid"}:
        lists = [content["top"], content["mid"]]
    else:
        lists = [content]
    if not all(isinstance(models, list) for models in lists) or not any(lists):
        raise damaged(path, "holds no models of Network Design Spaces")
    return [model for models in lists for model in models]


def _training(model: Any, place: int, path: Path) -> tuple[str, dict[str, float]]:
    """The text of `net`, and what was measured."""
    where = f"model {place}"
    net = model.get("net") if isinstance(model, dict) else None
    if not isinstance(net, dict):
        raise damaged(path, f"has no 'net' in {where}")
    values: dict[str, float] = {}
    for key, name in ERRORS.items():
        errors = model.get(key)
        if not isinstance(errors, list) or not errors:
            raise damaged(path, f"has no list {key!r} in {where}")
        values[name] = 100 - _percent(errors[-1], key, where, path)
        values["epochs"] = len(errors)
    values |= {key: number(model, key, where, path) for key in ("params", "flops")}
    return json.dumps(net), values


def _percent(value: Any, key: str, where: str, path: Path) -> float:
    """An error rate; NaN stays, as of a training that failed."""
    number_given = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number_given or not (math.isnan(value) or 0 <= value <= 100):
        raise damaged(path, f"ends {key!r} in {where} with what is no percentage")
    return float(value)
