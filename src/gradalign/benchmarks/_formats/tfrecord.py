"""TFRecord: a row of byte strings, each with the checksums of its length and of itself.

    uint64 length | uint32 masked CRC-32C of the length | data | uint32 masked CRC-32C of the data

All little-endian. Source: TensorFlow's `tensorflow/core/lib/io/record_writer.h`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradalign.benchmarks._formats.crc32c import crc32c
from gradalign.benchmarks._formats.files import damaged, opened

LONGEST_RECORD = 1 << 16
"""Bytes; benchmarks' records have about one thousand."""

BATCH_RECORDS = 4096
BATCH_BYTES = 1 << 22
"""Of records checked together, each counted as long as the longest."""

Frame = tuple[bytes, bytes, bytes, bytes]
"""Length, its checksum, data, its checksum."""


def read_records(path: Path) -> Iterator[bytes]:
    """The data of each record, every checksum verified; a few megabytes are held at a time.

    Raises:
        InputError: Cut off, a wrong checksum, a record of impossible length, or no record at all.
    """
    with opened(path) as file:
        first = 1
        for batch in _batches(file, path):
            _verify(batch, first, path)
            yield from (data for _, _, data, _ in batch)
            first += len(batch)
    if first == 1:
        raise damaged(path, "is empty")


def _batches(file: BinaryIO, path: Path) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    longest = 0
    for frame in _frames(file, path):
        longest = max(longest, len(frame[2]))
        if len(batch) == BATCH_RECORDS or (len(batch) + 1) * longest > BATCH_BYTES:
            yield batch
            batch, longest = [], len(frame[2])
        batch.append(frame)
    if batch:
        yield batch


def _frames(file: BinaryIO, path: Path) -> Iterator[Frame]:
    left = os.fstat(file.fileno()).st_size
    number = 0
    while header := file.read(12):
        number += 1
        left -= 16
        length = int.from_bytes(header[:8], "little")
        if len(header) == 12 and length > LONGEST_RECORD:
            raise damaged(path, f"is damaged or no TFRecord: record {number} has {length:,} bytes")
        if length > left:
            raise damaged(path, f"is cut off in record {number}")
        left -= length
        data = file.read(length)
        yield header[:8], header[8:], data, file.read(4)


def _verify(batch: list[Frame], first: int, path: Path) -> None:
    """Compare the checksums of a batch whose first record has that number in the file."""
    lengths, lengths_stated, data, data_stated = zip(*batch, strict=True)
    wrong = (_masked(lengths) != _stated(lengths_stated)) | (_masked(data) != _stated(data_stated))
    if wrong.any():
        raise damaged(path, f"is damaged: wrong checksum in record {first + int(wrong.argmax())}")


def _masked(messages: tuple[bytes, ...]) -> NDArray[np.uint32]:
    """Checksums turned by 15 bits and shifted, since they stand among the data they protect."""
    crc = crc32c(messages)
    turned = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    return turned + np.uint32(0xA282EAD8)


def _stated(checksums: tuple[bytes, ...]) -> NDArray[np.uint32]:
    return np.frombuffer(b"".join(checksums), "<u4")
