"""What is read of records of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.errors import InputError
from gradalign.evaluation.truth import Truth, Values, numbers, spelled

_REQUIRED = ("model", "proxy", "value")

Numbers = NDArray[np.intp]
Texts = NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Records:
    """Records of scores, names as numbers.

    Args:
        frame: One row a record: `model` and `proxy` (places in the names below), `value` (NaN where
            it failed), `seconds` and `pass_seconds` (NaN where not known), `seed` and `protocol`
            (numbered from 0; all 0 where there is no such column).
        models: Architectures as the table of accuracies spells them, sorted.
        proxies: Names of the scores, sorted.
    """

    frame: pd.DataFrame
    models: Texts
    proxies: Texts


def read_records(scores: pd.DataFrame, truth: pd.DataFrame | Truth) -> Records:
    """The records in `scores`, architectures spelled as `truth` does.

    Args:
        scores: Columns as `gradalign.evaluation.pool.make_pool` says.
        truth: The table whose spelling is taken.

    Raises:
        InputError: If a column is missing, there is no record, or the records of one proxy were
            made under several protocols.
    """
    missing = [column for column in _REQUIRED if column not in scores.columns]
    if missing:
        raise InputError(
            f"the scores lack the column {missing[0]!r}: "
            f"needed are {', '.join(_REQUIRED)}, found {', '.join(map(str, scores.columns))}"
        )
    if scores.empty:
        raise InputError("the scores hold no record: score some networks first")
    given, names = _numbered(scores["model"])
    again, models = pd.factorize(np.array(spelled(names, truth), dtype=object), sort=True)
    proxy, proxies = _numbered(scores["proxy"])
    values = numbers(scores["value"])
    ok = np.isfinite(values)
    if "status" in scores.columns:
        ok &= (scores["status"] == "ok").to_numpy(dtype=bool)
    protocol, protocols = _optional_numbers(scores, "protocol")
    frame = pd.DataFrame(
        {
            "model": again[given],
            "proxy": proxy,
            "value": np.where(ok, values, np.nan),
            "seconds": _optional(scores, "seconds"),
            "pass_seconds": _optional(scores, "pass_seconds"),
            "seed": _optional_numbers(scores, "seed")[0],
            "protocol": protocol,
        }
    )
    _check_protocols(frame, proxies, protocols)
    return Records(frame=frame, models=models, proxies=proxies)


def _numbered(column: pd.Series[str]) -> tuple[Numbers, Texts]:
    """The place of each value among the distinct texts, and those, sorted."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    again, texts = pd.factorize(np.array([str(v) for v in values], dtype=object), sort=True)
    return again[codes], texts


def _optional_numbers(scores: pd.DataFrame, column: str) -> tuple[Numbers, Texts]:
    """As `_numbered`, all the same where there is no such column."""
    if column not in scores.columns:
        return np.zeros(len(scores), dtype=np.intp), np.array([""], dtype=object)
    return _numbered(scores[column])


def _optional(scores: pd.DataFrame, column: str) -> Values | float:
    """A column of numbers, NaN where there is none."""
    return numbers(scores[column]) if column in scores.columns else np.nan


def _check_protocols(frame: pd.DataFrame, proxies: Texts, protocols: Texts) -> None:
    """Refuse to compare what was measured under different conditions."""
    pairs = frame[["proxy", "protocol"]].drop_duplicates()
    mixed = pairs[pairs["proxy"].duplicated(keep=False)]
    if mixed.empty:
        return
    proxy = mixed["proxy"].min()
    hashes = protocols[np.sort(mixed["protocol"][mixed["proxy"] == proxy])]
    raise InputError(
        f"the records of {proxies[proxy]!r} mix {len(hashes)} protocols ({', '.join(hashes)}), "
        "which cannot be compared: keep the records of one, at the command line with "
        "--protocol HASH"
    )
