"""One table of the cache as a file: Parquet that says where it is from and proves itself whole."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

RECORD, DIGEST = b"gradalign", b"gradalign_sha256"
"""Keys of the Parquet schema's metadata: the record as JSON, and the checksum over all."""


class DamagedTableError(ValueError):
    """A file that is no table of the cache, or not what was written."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Where a stored table is from.

    Args:
        published: Name of the published file it was read from.
        tables: All tables that were read from it together.
        origin: URL or path of that file.
        sha256: Checksum of that file.
        rows: Number of architectures.
        licence: Licence of the figures.
        source: Paper, and who publishes the file.
        version: Version of gradalign that stored the table.
    """

    published: str
    tables: tuple[str, ...]
    origin: str
    sha256: str
    rows: int
    licence: str
    source: str
    version: str


def write_table_file(path: Path, frame: pd.DataFrame, record: Record) -> None:
    """Write `frame` under the name `path`: wholly, or not at all.

    Raises:
        OSError: The file cannot be written; what stood there before still does.
    """
    told = json.dumps(asdict(record), sort_keys=True).encode()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({RECORD: told, DIGEST: _digest(table, told)})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    try:
        with half.open("wb") as file:
            file.write(sink.getvalue())
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def read_table_file(path: Path) -> tuple[pd.DataFrame, Record]:
    """The table in `path` and where it is from, after a check of every value against the checksum.

    Raises:
        FileNotFoundError: There is none.
        DamagedTableError: It is not what was written.
    """
    content = path.read_bytes()
    try:
        table = parquet.read_table(pa.BufferReader(content))
        metadata = table.schema.metadata or {}
        if metadata[DIGEST] != _digest(table, metadata[RECORD]):
            raise DamagedTableError("its checksum does not match")
        frame: pd.DataFrame = table.to_pandas()
        return frame, _record(metadata[RECORD])
    except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
        raise DamagedTableError((str(error).splitlines() or ["it is broken"])[0]) from None


def read_record(path: Path) -> Record:
    """Where the table in `path` is from, without reading its values.

    Raises:
        FileNotFoundError: There is none.
        DamagedTableError: It is no table of the cache.
    """
    try:
        return _record(parquet.read_schema(path).metadata[RECORD])
    except FileNotFoundError:
        raise
    except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
        raise DamagedTableError((str(error).splitlines() or ["it is broken"])[0]) from None


def _record(told: bytes) -> Record:
    values = json.loads(told)
    return Record(**{**values, "tables": tuple(values["tables"])})


def _digest(table: pa.Table, told: bytes) -> bytes:
    """SHA-256 of the record and of every name and value, however Parquet may store them.

    The checksum of the file itself could not stand in it, and a second file beside it could not be
    replaced together with it.
    """
    digest = hashlib.sha256(told)
    for name in table.column_names:
        values = table.column(name).to_pandas()
        digest.update(f"\n{name}\n".encode())
        if pd.api.types.is_numeric_dtype(values):
            digest.update(values.to_numpy(np.dtype("<f8"), na_value=np.nan).tobytes())
        else:
            digest.update("\n".join(map(str, values)).encode())
    return digest.hexdigest().encode()
