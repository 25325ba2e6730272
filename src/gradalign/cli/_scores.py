"""Scores that were measured earlier, from a store or a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from gradalign.errors import InputError
from gradalign.spaces import SPACES
from gradalign.store import Store

LONG_FORM = ("model", "proxy", "value")

STORES = (".db", ".sqlite")

SQLITE = b"SQLite format 3\0"
"""What every SQLite file begins with."""

TEXTS = {"model": str, "arch": str}
"""Columns of a CSV file that are texts: an architecture such as 00120012 keeps its zeros."""


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=TEXTS, low_memory=False)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".parquet": pd.read_parquet,
}


def read_scores(path: Path, protocol: str | None = None) -> pd.DataFrame:
    """Scores in the long form: columns model, proxy, value and what else there is.

    Args:
        path: A store, or a CSV or Parquet file in the long form or with a column a score.
        protocol: Hashes of the conditions whose records are taken, between commas; None: all.

    Raises:
        InputError: No such file, another format, or other columns; hashes that are not there.
    """
    frame = _read_store(path) if is_store(path) else _read_table(path)
    return chosen(frame, protocol, path)


def is_store(path: Path) -> bool:
    """Whether it is an SQLite file by its content, or is to be one by its name."""
    if path.suffix.lower() in STORES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError:
        return False


def chosen(frame: pd.DataFrame, protocol: str | None, path: Path) -> pd.DataFrame:
    """The records made under some conditions, or all.

    Raises:
        InputError: A hash that no record bears, or no hash in the table.
    """
    if protocol is None:
        return frame
    if "protocol" not in frame.columns:
        raise InputError(f"{str(path)!r} has no column 'protocol': leave out --protocol")
    hashes = [text.strip() for text in protocol.split(",") if text.strip()]
    known = frame["protocol"].dropna().unique().tolist()
    for name in hashes:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise InputError(
                f"no record of {str(path)!r} has the protocol {name!r}: it has {there}"
            )
    return frame[frame["protocol"].isin(hashes)].reset_index(drop=True)


def comparable(frame: pd.DataFrame, space: str | None, path: Path) -> pd.DataFrame:
    """The scores of networks of one space, after a check that they may be compared.

    Args:
        frame: Scores in the long form.
        space: Networks with the prefix of another space are left out; None: all are kept.
        path: Where they are from.

    Raises:
        InputError: No network of that space; or, where the conditions are not stated, a score that
            stands twice for a network and seed.
    """
    if space is not None:
        own = frame["model"].map({model: _may_be_of(model, space) for model in set(frame["model"])})
        frame = frame[own.to_numpy(dtype=bool)].reset_index(drop=True)
        if frame.empty:
            raise InputError(
                f"{str(path)!r} holds no scores of networks of the space {space!r}: measure some"
            )
    if "protocol" in frame.columns or "seed" not in frame.columns:
        return frame
    twice = frame.duplicated(["model", "proxy", "seed"])
    if twice.any():
        first = frame[twice].iloc[0]
        raise InputError(
            f"{str(path)!r} has {first['proxy']!r} of {first['model']!r} twice for seed "
            f"{first['seed']}, perhaps under several conditions: keep one, or give the store"
        )
    return frame


def _may_be_of(model: object, space: str) -> bool:
    prefix, colon, _ = str(model).partition(":")
    return not colon or prefix.strip() == space or prefix.strip() not in SPACES


def _read_store(path: Path) -> pd.DataFrame:
    with Store.read(path) as store:
        return store.frame()


def _read_table(path: Path) -> pd.DataFrame:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{str(path)!r} is neither a store nor .csv nor .parquet: scores are in one of them"
        )
    try:
        frame = reader(path)
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}: give a file of scores") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["it is broken"])[0]
        raise InputError(f"{str(path)!r} cannot be read: {reason}") from None
    if set(LONG_FORM) <= set(frame.columns):
        return frame
    if "arch" not in frame.columns:
        found = ", ".join(map(str, frame.columns[:10])) or "none"
        raise InputError(
            f"{str(path)!r} has neither the columns model, proxy, value nor arch and a column a "
            f"score; found: {found}"
        )
    return _long(frame, path)


def _long(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    scores = [c for c in frame.columns if c != "arch" and pd.api.types.is_numeric_dtype(frame[c])]
    if not scores:
        raise InputError(f"{str(path)!r} has no column of numbers beside 'arch': add one a score")
    long = frame.melt(id_vars="arch", value_vars=scores, var_name="proxy", value_name="value")
    return long.rename(columns={"arch": "model"})
