"""CRC-32C (Castagnoli) of many short messages at once.

Python's `zlib.crc32` has another polynomial, and a loop over bytes would take longer than all else.
A checksum is linear over the bits, and bytes of zero before a message leave a register of zero as
it is; so messages are filled up to one length at the front and all registers advance together,
eight bytes a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
"""Reflected: the lowest bit is the highest power."""

ALL_ONES = np.uint32(0xFFFFFFFF)

PREFIX = b"\x54\x64\x1f\x64"
"""What brings a register of zero to all ones, from which a CRC-32C begins."""

STEP = 8


def crc32c(messages: Sequence[bytes]) -> NDArray[np.uint32]:
    """The checksum of each message, [messages].

    Time and memory grow with the number of messages times the length of the longest.

    Example:
        >>> hex(crc32c([b"123456789"])[0])
        '0xe3069283'
    """
    longest = max(map(len, messages), default=0) + len(PREFIX)
    steps = -(-longest // STEP)
    filled = b"".join((PREFIX + message).rjust(steps * STEP, b"\0") for message in messages)
    words = np.frombuffer(filled, "<u2").reshape(len(messages), steps, STEP // 2)
    words = np.ascontiguousarray(words.transpose(1, 2, 0))  # [steps, 4, messages]
    tables = _tables()
    register = np.zeros(len(messages), np.uint32)
    for first, second, third, fourth in words:
        register = (
            tables[3][first ^ (register & np.uint32(0xFFFF))]
            ^ tables[2][second ^ (register >> np.uint32(16))]
            ^ tables[1][third]
            ^ tables[0][fourth]
        )
    return register ^ ALL_ONES


@cache
def _tables() -> NDArray[np.uint32]:
    """[4, 65536]: the register after two bytes and then 0, 2, 4 or 6 bytes of zero."""
    register = np.arange(1 << 16, dtype=np.uint32)
    tables = []
    for _ in range(STEP // 2):
        for _ in range(16):
            register = (register >> np.uint32(1)) ^ (register & np.uint32(1)) * np.uint32(
                POLYNOMIAL
            )
        tables.append(register)
    return np.stack(tables)
