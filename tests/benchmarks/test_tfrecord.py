"""TFRecord and its checksums."""

import os
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarks import samples

from gradalign.benchmarks._formats import tfrecord
from gradalign.benchmarks._formats.crc32c import crc32c
from gradalign.benchmarks._formats.tfrecord import read_records
from gradalign.errors import InputError


@pytest.mark.parametrize(
    ("message", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_published_checksums(message, checksum):
    assert crc32c([message]).tolist() == [checksum] == [samples.crc32c(message)]


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_many_at_once_are_as_one_at_a_time(messages):
    found = crc32c(messages)
    assert found.dtype == np.uint32
    assert found.tolist() == [samples.crc32c(message) for message in messages]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.tfrecord"


def records(path, content):
    path.write_bytes(content)
    return list(read_records(path))


@pytest.mark.parametrize(("most", "size"), [(4096, 1 << 22), (1, 1 << 22), (3, 1 << 22), (4096, 9)])
def test_records_come_back_however_they_are_batched(path, monkeypatch, most, size):
    monkeypatch.setattr(tfrecord, "BATCH_RECORDS", most)
    monkeypatch.setattr(tfrecord, "BATCH_BYTES", size)
    each = [b"", b"a", bytes(100), b"bcd" * 7, os.urandom(33), b"e"]
    assert records(path, samples.tfrecord(each)) == each


def test_every_cut_is_noticed_unless_it_is_between_records(path):
    each = [b"first", b"second one"]
    whole = samples.tfrecord(each)
    between = len(samples.tfrecord(each[:1]))
    for cut in range(len(whole)):
        if cut == between:
            assert records(path, whole[:cut]) == each[:1]
            continue
        with pytest.raises(InputError, match=r"is (cut off in record|empty)") as error:
            records(path, whole[:cut])
        assert "\n" not in str(error.value)


def test_every_flipped_bit_is_noticed(path):
    whole = samples.tfrecord([b"first", b"second one"])
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InputError, match=r"damaged|cut off"):
            records(path, bytes(flipped))


def test_the_error_names_the_record(path):
    whole = bytearray(samples.tfrecord([b"a", b"b", b"c"]))
    whole[17 + 12] ^= 1  # the data of the second
    with pytest.raises(InputError, match="wrong checksum in record 2: get it from its source"):
        records(path, bytes(whole))


@pytest.mark.parametrize("length", [2**63, 2**40, 70_000])
def test_a_stated_length_is_not_believed(path, length):
    header = struct.pack("<Q", length)
    content = header + samples.masked(header) + bytes(200_000)
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(InputError, match=f"record 1 has {length:,} bytes"):
        list(read_records(path))
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_a_long_file_is_not_held_in_memory(path):
    record = os.urandom(1000)
    one = samples.tfrecord([record])
    path.write_bytes(one * 30_000)  # 30 MB
    tracemalloc.start()
    assert sum(data == record for data in read_records(path)) == 30_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24_000_000


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"no file .*none\.tfrecord"):
        list(read_records(tmp_path / "none.tfrecord"))
    with pytest.raises(InputError, match="cannot read"):
        list(read_records(tmp_path))
