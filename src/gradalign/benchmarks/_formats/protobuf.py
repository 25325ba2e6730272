"""The wire format of Protocol Buffers, as far as messages of numbers and bytes need it.

Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; groups, 3 and 4, are of the past."""

LONGEST_VARINT = 10

_DOUBLE = struct.Struct("<d")

Value = int | bytes


class WireError(ValueError):
    """Bytes that are no message."""


def fields(message: bytes) -> Iterator[tuple[int, int, Value]]:
    """Number, wire type and value of each field, in the order written.

    Values of wire types 1, 2 and 5 are given as bytes.

    Raises:
        WireError: Cut off, or no message at all.

    Example:
        >>> list(fields(bytes([0x08, 0x96, 0x01])))
        [(1, 0, 150)]
    """
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"field number {number}")
        if wire == VARINT:
            value, place = _varint(message, place)
            yield number, wire, value
            continue
        length, place = _length(message, place, wire)
        if length > end - place:
            raise WireError(f"field {number} is cut off")
        yield number, wire, message[place : place + length]
        place += length


def double(value: Value, wire: int) -> float:
    """The value of a field of type double."""
    if wire != FIXED64 or not isinstance(value, bytes):
        raise WireError(f"wire type {wire} where a double is needed")
    number: float = _DOUBLE.unpack(value)[0]
    return number


def integer(value: Value, wire: int) -> int:
    """The value of a field of type int32 or int64 that is not negative."""
    if wire != VARINT or not isinstance(value, int):
        raise WireError(f"wire type {wire} where a whole number is needed")
    if value >= 1 << 63:
        raise WireError("a negative number")
    return value


def submessage(value: Value, wire: int) -> bytes:
    """The value of a field that is a message itself."""
    if wire != BYTES or not isinstance(value, bytes):
        raise WireError(f"wire type {wire} where a message is needed")
    return value


def _length(message: bytes, place: int, wire: int) -> tuple[int, int]:
    if wire == FIXED64:
        return 8, place
    if wire == FIXED32:
        return 4, place
    if wire == BYTES:
        return _varint(message, place)
    raise WireError(f"wire type {wire}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    if place < len(message) and message[place] < 0x80:  # nearly all: one byte
        return message[place], place + 1
    value = 0
    for count, byte in enumerate(message[place : place + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if value >= 1 << 64:
                raise WireError("a number of more than 64 bits")
            return value, place + count + 1
    raise WireError("a number is cut off")
