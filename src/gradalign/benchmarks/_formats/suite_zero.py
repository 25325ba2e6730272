"""NAS-Bench-Suite-Zero's JSON: scores of zero-cost proxies, and accuracies.

    {data set: {architecture: {proxy: {"score": number, "time": seconds}, "val_accuracy": number}}}

An architecture is the text of a tuple of whole numbers. Source: Krishnakumar et al., NeurIPS 2022
(arXiv 2210.03230); automl/NASLib, branch zerocost, `search_spaces/*/conversions.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gradalign.benchmarks._formats.files import damaged, read_whole
from gradalign.benchmarks._formats.nasbench101 import module_json
from gradalign.benchmarks._formats.plain_json import number, parse_json

ACCURACY = "val_accuracy"

TUPLE = re.compile(r"\s*\(\s*\d{1,2}(\s*,\s*\d{1,2})*\s*,?\s*\)\s*", re.ASCII)

NB201_OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")

NB201_EDGES = ((1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2))
"""(node, the earlier node it reads) of each operation of a tuple, by source and then by node."""

NB101_OPERATIONS = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")


def read_suite_zero(path: Path, spelled: Callable[[str], str]) -> pd.DataFrame:
    """One row an architecture of any data set of the file.

    Args:
        path: The file.
        spelled: From the tuple's text to the space's spelling; ValueError says what is wrong.

    Returns:
        Columns `arch`, and for each data set `DATASET_val_accuracy` and `DATASET_PROXY` with the
        published scores; NaN where the file has no value.

    Raises:
        InputError: A damaged file, or another one.
    """
    content = parse_json(read_whole(path), path)
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise damaged(path, "holds no scores of NAS-Bench-Suite-Zero")
    rows: dict[str, dict[str, float]] = {}
    for dataset, records in content.items():
        for text, record in records.items():
            try:
                arch = spelled(text)
            except ValueError as fault:
                raise damaged(path, f"holds an architecture that is none: {fault}") from None
            values = _values(record, f"{dataset}, {text}", path)
            own = {f"{dataset}_{name}": value for name, value in values.items()}
            if own.keys() & rows.setdefault(arch, {}).keys():
                raise damaged(path, f"gives {text[:120]} of {dataset[:40]} twice")
            rows[arch] |= own
    return pd.DataFrame([{"arch": arch, **values} for arch, values in rows.items()])


def nb201_arch(text: str) -> str:
    """The NAS-Bench-201 cell of a tuple, one operation an edge.

    Example:
        >>> nb201_arch("(4, 3, 3, 0, 0, 0)")  # doctest: +ELLIPSIS
        '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_...'
    """
    numbers = whole_numbers(text)
    if len(numbers) != len(NB201_EDGES) or max(numbers) >= len(NB201_OPERATIONS):
        raise ValueError(f"{text[:120]!r} is not six numbers from 0 to 4")
    by_edge = dict(zip(NB201_EDGES, (NB201_OPERATIONS[k] for k in numbers), strict=True))
    nodes = (
        "".join(f"|{by_edge[node, source]}~{source}" for source in range(node))
        for node in (1, 2, 3)
    )
    return "+".join(f"{node}|" for node in nodes)


def nb101_arch(text: str) -> str:
    """The NAS-Bench-101 module of a tuple: n x n entries of the matrix, then n operations.

    Example:
        >>> nb101_arch("(0, 1, 0, 0, 0, 1)")
        '{"matrix":[[0,1],[0,0]],"ops":["input","output"]}'
    """
    numbers = whole_numbers(text)
    vertices = (math.isqrt(1 + 4 * len(numbers)) - 1) // 2
    if vertices * vertices + vertices != len(numbers):
        raise ValueError(f"{text[:120]!r} is not n x n + n numbers")
    entries, operations = numbers[:-vertices], numbers[-vertices:]
    if max(operations) >= len(NB101_OPERATIONS):
        raise ValueError(f"{text[:120]!r} has an operation beyond 4")
    ops = ",".join(NB101_OPERATIONS[k] for k in operations)
    return module_json("".join(map(str, entries)), ops)


def whole_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a tuple's text, which is not evaluated.

    Raises:
        ValueError: It is no such text.
    """
    if not TUPLE.fullmatch(text):
        raise ValueError(f"{text[:120]!r} is no tuple of whole numbers")
    return tuple(int(digits) for digits in re.findall(r"\d+", text))


def _values(record: object, where: str, path: Path) -> Mapping[str, float]:
    """Accuracy and scores of one architecture on one data set."""
    accuracy = number(record, ACCURACY, where, path)
    assert isinstance(record, dict)  # noqa: S101 - number() has seen to it
    scores = {
        name: float(score) for name, entry in record.items() if (score := _score(entry)) is not None
    }
    return {ACCURACY: accuracy, **scores}


def _score(entry: Any) -> float | None:
    score = entry.get("score") if isinstance(entry, dict) else None
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        return None
    try:
        return float(score)
    except OverflowError:
        return None
