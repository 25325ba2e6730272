"""Files that are damaged, of another format, or made to do harm: a table or one line, no more."""

from __future__ import annotations

import json
import pickle
import random
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks._cache import read_published
from gradalign.benchmarks._formats import tables, zip_file
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError

SECONDS = 5.0
"""More than any small file may take."""


def archive() -> bytes:
    content = BytesIO()
    samples.nds(content)
    return content.getvalue()


def parquet() -> bytes:
    frame = pd.DataFrame({"arch": ["00000000", "02012100"], "test_accuracy": [45.5, 46.5]})
    return frame.to_parquet()


def own_csv() -> bytes:
    return b"arch,test_accuracy\n00000000,45.5\n02012100,46.5\n"


FILES: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "TFRecord": ("nb101", "file.tfrecord", samples.nb101),
    "CSV of nb201": ("nb201", "nats_bench.csv", samples.nats_bench),
    "CSV of darts1000": ("darts1000", "file.csv", samples.darts1000),
    "CSV of latencies": ("hw_nas_bench", "file.csv", samples.hw_nas_bench),
    "JSON of nb_macro": ("nb_macro", "file.json", samples.nb_macro),
    "JSON of suite_zero": ("suite_zero_nb201", "file.json", samples.suite_zero_nb201),
    "JSON of nds": ("nds", "DARTS.json", lambda: json.dumps(samples.nds_cells()).encode()),
    "archive of nds": ("nds", "data.zip", archive),
    "Parquet": ("nb_macro", "file.parquet", parquet),
    "CSV with a header": ("nb_macro", "file.csv", own_csv),
}
"""By format: a published file, a name, and right content."""


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """An empty cache, and a folder of its own to run in."""
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def outcome(published: str, path: Path) -> dict[str, pd.DataFrame] | str:
    """The tables, or the one line that tells why there are none; anything else fails the test."""
    started = time.perf_counter()
    try:
        found: dict[str, pd.DataFrame] | str = read_published(PUBLISHED[published], path)
    except InputError as error:
        found = str(error)
        assert "\n" not in found
        assert str(path) in found
    assert time.perf_counter() - started < SECONDS
    return found


def refused(published: str, path: Path) -> str:
    found = outcome(published, path)
    assert isinstance(found, str), "a harmful file was read as a table"
    return found


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    piece = rng.choice((b"\xff" * 8, bytes(8), b"999999999", b'"', b"\n", b"[[[[", b"NaN"))
    return content[:start] + piece + content[start + len(piece) :]


def doubled(content: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return content[:end] + content[start:]


MUTATIONS = (cut, flipped, overwritten, doubled)


@pytest.mark.parametrize("kind", FILES)
def test_right_files_are_read(kind, tmp_path):
    published, name, content = FILES[kind]
    (tmp_path / name).write_bytes(content())
    assert isinstance(outcome(published, tmp_path / name), dict)


@pytest.mark.parametrize("kind", FILES)
def test_mutated_files(kind, tmp_path):
    published, name, content = FILES[kind]
    whole, path, rng = content(), tmp_path / name, random.Random(kind)
    refusals = 0
    for number in range(60):
        changed = MUTATIONS[number % len(MUTATIONS)](whole, rng)
        path.write_bytes(changed)
        found = outcome(published, path)
        refusals += isinstance(found, str)
        if kind == "TFRecord" and changed != whole and isinstance(found, dict):
            # what checksums cannot tell: whole records left out or given twice
            assert number_of_frames(changed) is not None
    assert refusals >= 10


def number_of_frames(content: bytes) -> int | None:
    """How many undamaged records the content is made of; None: it is not."""
    count = 0
    while content:
        length = int.from_bytes(content[:8], "little")
        record = content[12 : 12 + length]
        if content[: 16 + length] != samples.tfrecord([record]):
            return None
        content, count = content[16 + length :], count + 1
    return count


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("other", FILES)
def test_a_file_of_another_format(kind, other, tmp_path):
    published, name, _ = FILES[kind]
    (tmp_path / name).write_bytes(FILES[other][2]())
    outcome(published, tmp_path / name)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", FILES)
def test_a_pickle_is_never_executed(kind, protocol, tmp_path):
    published, name, _ = FILES[kind]
    mark = tmp_path / "made"
    (tmp_path / name).write_bytes(pickle.dumps(samples.Runs(mark), protocol))
    refused(published, tmp_path / name)
    assert not mark.exists()
    pickle.loads((tmp_path / name).read_bytes())
    assert mark.exists()  # it would have run


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"<!DOCTYPE html><html><body>Quota exceeded</body></html>",
        b"\xef\xbb\xbf",
    ],
    ids=["empty", "zeros", "a web page", "a byte order mark"],
)
def test_no_table_at_all(kind, content, tmp_path):
    published, name, _ = FILES[kind]
    (tmp_path / name).write_bytes(content)
    refused(published, tmp_path / name)


@pytest.mark.parametrize("kind", FILES)
def test_a_folder_or_nothing_in_place_of_a_file(kind, tmp_path):
    published, name, _ = FILES[kind]
    refused(published, tmp_path / name)
    (tmp_path / name).mkdir()
    refused(published, tmp_path / name)


NESTED = {
    "lists": b"[" * 500_000,
    "objects": b'{"a":' * 200_000,
    "closed lists": b"[" * 200_000 + b"]" * 200_000,
    "a long number": b"9" * 200_000,
}


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind.startswith("JSON")])
@pytest.mark.parametrize("content", NESTED.values(), ids=NESTED)
def test_json_without_end(kind, content, tmp_path):
    published, name, _ = FILES[kind]
    (tmp_path / name).write_bytes(content)
    refused(published, tmp_path / name)


def test_a_net_that_is_nested_deeply(tmp_path):
    path = tmp_path / "DARTS.json"
    text = json.dumps([samples.nds_model({"genotype": "HERE"}, 5.0)])
    path.write_text(text.replace('"HERE"', "[" * 900 + "]" * 900))
    refused("nds", path)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_a_bomb_is_not_unpacked(tmp_path):
    path = zipped(tmp_path / "data.zip", {"DARTS.json": b" " * 100_000_000})
    assert "would grow to 100,000,000 bytes" in refused("nds", path)


def test_many_members_that_are_large_together(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_file, "LARGEST_TOTAL", 3_000)
    noise = random.Random(1).randbytes(2_000)
    path = zipped(tmp_path / "data.zip", {"DARTS.json": noise, "ENAS.json": noise})
    assert "would grow" in refused("nds", path)


def test_a_member_that_states_too_small_a_size(tmp_path):
    path = zipped(tmp_path / "data.zip", {"DARTS.json": b"[" + b" " * 50_000 + b"]"})
    content = path.read_bytes()
    true, stated = (50_002).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert content.count(true) == 2
    path.write_bytes(content.replace(true, stated))
    assert "damaged ZIP archive" in refused("nds", path)


@pytest.mark.parametrize(
    "name", ["../DARTS.json", "/DARTS.json", "a/../../DARTS.json", "..\\D.json"]
)
def test_a_member_that_leads_out_of_the_archive(name, tmp_path):
    (tmp_path / "in").mkdir()
    right = json.dumps(samples.nds_cells()).encode()
    path = zipped(tmp_path / "in" / "data.zip", {name: right})
    assert "leads out of it" in refused("nds", path)
    assert [each.name for each in tmp_path.rglob("*.json")] == []


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_file, "MOST_MEMBERS", 1)
    assert "2 members" in refused("nds", zipped(tmp_path / "data.zip", {"a": b"", "b": b""}))


def test_a_parquet_file_of_many_rows_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 1)
    path = tmp_path / "file.parquet"
    path.write_bytes(parquet())
    assert "has more than 1 rows" in refused("nb_macro", path)


@pytest.mark.parametrize("kind", ["JSON of nb_macro", "CSV with a header"])
def test_a_file_that_is_too_large_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("gradalign.benchmarks._formats.files.LARGEST_IN_MEMORY", 10)
    published, name, content = FILES[kind]
    (tmp_path / name).write_bytes(content())
    assert "more than 10 bytes" in refused(published, tmp_path / name)
