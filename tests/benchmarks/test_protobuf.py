"""The wire format of Protocol Buffers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarks.samples import field, varint

from gradalign.benchmarks._formats.protobuf import (
    WireError,
    double,
    fields,
    integer,
    submessage,
)

NUMBERS = st.integers(1, 2**29 - 1)
VALUES = st.integers(0, 2**64 - 1) | st.floats(allow_nan=False) | st.binary(max_size=300)


def value(number, wire, content):
    kind = {0: lambda content, _: content, 1: double, 2: submessage}[wire]
    return number, kind(content, wire)


@given(st.lists(st.tuples(NUMBERS, VALUES), max_size=8))
def test_what_was_written_is_read(written):
    message = b"".join(field(number, content) for number, content in written)
    assert [value(*each) for each in fields(message)] == written


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(message):
    try:
        found = list(fields(message))
    except WireError:
        return
    assert all(0 < number < 1 << 29 for number, _, _ in found)


def test_every_cut_within_a_field_is_noticed():
    message = field(1, 1.5) + field(2, 300) + field(3, b"abc")
    ends = {0, 9, 12, len(message)}
    for cut in range(len(message)):
        if cut in ends:
            assert len(list(fields(message[:cut]))) == sorted(ends).index(cut)
        else:
            with pytest.raises(WireError):
                list(fields(message[:cut]))


def test_a_fixed32_is_passed_over():
    assert list(fields(bytes([1 << 3 | 5, 1, 2, 3, 4]) + field(2, 7)))[1] == (2, 0, 7)


@pytest.mark.parametrize(
    "message",
    [
        field(1, 2**64),
        b"\x08" + b"\x80" * 10 + b"\x01",
        bytes([0]),
        bytes([1 << 3 | 3]),
        bytes([1 << 3 | 4]),
        bytes([1 << 3 | 6]),
        varint(2**29 << 3) + b"\x00",
        varint(1 << 3 | 2) + varint(2**62),
    ],
)
def test_malformed_messages_are_refused(message):
    with pytest.raises(WireError):
        list(fields(message))


def test_a_value_of_another_type_is_refused():
    assert math.isclose(double(bytes(6) + b"\xf0\x3f", 1), 1.0)
    assert integer(5, 0) == 5
    for read, content, wire in [
        (double, 5, 0),
        (double, b"12345678", 2),
        (integer, b"12345678", 1),
        (integer, 2**63, 0),
        (submessage, 5, 0),
        (submessage, b"12345678", 1),
    ]:
        with pytest.raises(WireError):
            read(content, wire)
