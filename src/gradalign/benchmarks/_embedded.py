"""Tables that the package itself holds."""

import hashlib
import importlib.resources
import io

import pandas as pd

from gradalign.errors import GradalignError


def embedded_table(file: str, checksum: str) -> pd.DataFrame:
    """The table in a Parquet file beside this one.

    Raises:
        GradalignError: Its SHA-256 is not `checksum`.
    """
    content = (importlib.resources.files("gradalign.benchmarks") / file).read_bytes()
    if hashlib.sha256(content).hexdigest() != checksum:
        raise GradalignError(f"the embedded table {file!r} is damaged: install gradalign anew")
    return pd.read_parquet(io.BytesIO(content))
