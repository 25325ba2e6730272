"""From a URL or a file to tables in the cache: right, or one line and nothing half done."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.benchmarks.server import Reply, serve
from tests.benchmarks.toy import CONTENT, SHA256, TABLES, Quiet, toy

from gradalign.benchmarks import _download, _fetch
from gradalign.benchmarks._cache import load_table, stored_record, table_path
from gradalign.benchmarks._fetch import fetch, import_file
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError

ROOT = Path(__file__).parent.parent.parent
HALF = len(CONTENT) // 2
PAGE = b"<!DOCTYPE html>\n<html>Log in</html>\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and a fast way of waiting."""
    monkeypatch.setattr(_download, "PAUSE", 0.01)
    monkeypatch.setattr(_download, "TIMEOUT", 2.0)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    len(PUBLISHED)  # discover first, so that the toy is taken out again
    monkeypatch.setitem(PUBLISHED._entries, "toy", toy())
    return tmp_path / "cache"


@pytest.fixture
def server():
    with serve(CONTENT) as running:
        yield running


def files(cache) -> list[str]:
    """What is in the cache, but for the lock."""
    found = sorted(str(p.relative_to(cache)) for p in cache.rglob("*") if p.is_file())
    return [name for name in found if not name.endswith("lock")]


WHOLE = [f"tables/{name}.parquet" for name in TABLES]


def refused(cache, *arguments, left=(), **options) -> str:
    """The one line of a fetch that fails, and leaves no table."""
    with pytest.raises(InputError) as caught:
        fetch(*arguments, **options)
    assert files(cache) == list(left)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) <= 300, "the command line would cut it"
    return line


def test_a_file_becomes_tables(cache, server):
    listener = Quiet()
    assert fetch(toy((server.url,)), listener) == TABLES
    assert files(cache) == WHOLE
    assert load_table("toy_loss")["toy_loss"].sum() == sum(range(20_000))
    record = stored_record("toy_accuracy")
    assert (record.origin, record.sha256, record.rows) == (server.url, SHA256, 20_000)
    assert listener.said == []


def test_nothing_is_fetched_twice(cache, server):
    fetch(toy((server.url,)), Quiet())
    listener = Quiet()
    assert fetch(toy((server.url,)), listener) == TABLES
    assert listener.said == ["toy is at hand already"]
    assert len(server.log) == 1


def test_a_damaged_or_missing_table_is_fetched_anew(cache, server):
    fetch(toy((server.url,)), Quiet())
    path = table_path("toy_accuracy")
    path.write_bytes(path.read_bytes()[:-50])
    fetch(toy((server.url,)), Quiet())
    table_path("toy_loss").unlink()
    fetch(toy((server.url,)), Quiet())
    assert len(server.log) == 3
    assert all(len(load_table(name)) == 20_000 for name in TABLES)


def test_an_interruption_half_way(cache, server):
    server.replies = [Reply(cut=HALF)]
    fetch(toy((server.url,)), Quiet())
    assert server.sent == [HALF, len(CONTENT) - HALF]
    assert files(cache) == WHOLE


def test_a_second_run_goes_on(cache, server):
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    left = ["downloads/toy/toy.csv.part", "downloads/toy/toy.csv.part.json"]
    assert "ended after" in refused(cache, toy((server.url,)), Quiet(), left=left)
    fetch(toy((server.url,)), Quiet())
    assert server.sent[-1] == len(CONTENT) - HALF
    assert files(cache) == WHOLE


def test_a_wrong_checksum(cache, server):
    server.content = CONTENT[:-1] + b"x"
    found = hashlib.sha256(server.content).hexdigest()
    line = refused(cache, toy((server.url,)), Quiet())
    assert f"its SHA-256 is {found}, expected {SHA256}" in line
    assert "gradalign data import toy FILE" in line


def test_a_file_that_changed_and_keeps_its_name(cache, server):
    """A server that names no versions apart: found out by the checksum, and mended by a new try."""
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    server.content = b"x" * len(CONTENT)
    with pytest.raises(InputError):
        fetch(toy((server.url,)), Quiet())
    server.content = CONTENT
    assert "its SHA-256 is" in refused(cache, toy((server.url,)), Quiet())
    fetch(toy((server.url,)), Quiet())
    assert files(cache) == WHOLE


def test_the_next_url_is_tried(cache, server):
    with serve(PAGE) as other:
        other.replies = [Reply(status=404)]
        listener = Quiet()
        fetch(toy((other.url, other.url, server.url)), listener)
    assert len(listener.said) == 2
    assert "HTTP 404 Not Found; trying" in listener.said[0]
    assert "its SHA-256 is" in listener.said[1]
    assert stored_record("toy_loss").origin == server.url
    assert files(cache) == WHOLE


def test_no_url_gives_it(cache, server):
    server.replies = [Reply(status=404), Reply(status=403)]
    line = refused(cache, toy((server.url, server.url)), Quiet())
    host = _download.host(server.url)
    assert line == (
        "cannot fetch toy (give another --url, or gradalign data import toy FILE): "
        f"{host}: HTTP 404 Not Found; {host}: HTTP 403 Forbidden"
    )
    assert "it has no direct URL" in refused(cache, toy(()), Quiet())


def test_a_web_page_instead_of_the_file(cache, server):
    server.content = PAGE
    assert "its SHA-256 is" in refused(cache, toy((server.url,)), Quiet())
    line = refused(cache, toy((server.url,), sha256=None), Quiet())
    assert line.startswith(f"{_download.host(server.url)} gives another file: ")


def test_a_redirect_to_a_web_page(cache, server):
    with serve(PAGE) as other:
        server.replies = [Reply(location=other.url)]
        assert "its SHA-256 is" in refused(cache, toy((server.url,)), Quiet())
        assert len(other.log) == 1


def test_without_a_pinned_checksum_a_shorter_file_is_taken(cache, server):
    server.content = CONTENT[: len(CONTENT) - 3]
    fetch(toy((server.url,), sha256=None), Quiet())
    assert len(load_table("toy_loss")) == 20_000


def test_without_a_pinned_checksum_it_is_told(cache, server):
    listener = Quiet()
    fetch(toy((server.url,), sha256=None), listener)
    assert listener.said == [f"no checksum is pinned for toy: its SHA-256 is {SHA256}"]
    fetch(toy((server.url,), sha256=None), listener)
    assert listener.said[1:] == ["toy is at hand already"]


def test_another_url_must_give_the_pinned_file_unless_told(cache, server):
    server.content = CONTENT.replace(b"00000,0.5,0", b"00000,0.5,1")
    own = hashlib.sha256(server.content).hexdigest()
    assert "expected" in refused(cache, toy(), Quiet(), urls=(server.url,))
    fetch(toy(), Quiet(), urls=(server.url,), sha256=own.upper())
    assert load_table("toy_loss")["toy_loss"].iloc[0] == 1
    with serve(CONTENT) as official:
        fetch(toy((official.url,)), Quiet())  # another file than the one at hand
    assert load_table("toy_loss")["toy_loss"].iloc[0] == 0


def test_a_url_that_is_none(cache):
    with pytest.raises(InputError, match="a URL begins with"):
        fetch(toy(), Quiet(), urls=("file:///etc/hostname",))


def test_a_kept_file_is_used_again(cache, server):
    kept = "downloads/toy/toy.csv"
    fetch(toy((server.url,)), Quiet(), keep=True)
    assert (cache / kept).read_bytes() == CONTENT
    table_path("toy_loss").unlink()
    fetch(toy((server.url,)), Quiet(), keep=True)
    assert len(server.log) == 1
    assert len(load_table("toy_loss")) == 20_000
    (cache / kept).write_bytes(CONTENT[:-5])  # damaged: the rest is asked for
    table_path("toy_loss").unlink()
    fetch(toy((server.url,)), Quiet())
    assert server.sent == [len(CONTENT), 5]
    assert files(cache) == WHOLE


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_an_end_between_download_and_import_costs_no_second_download(
    cache, server, monkeypatch, sha256
):
    published = toy((server.url,), sha256)
    with monkeypatch.context() as patch:
        patch.setattr(_fetch, "read_published", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(published, Quiet())
    assert files(cache) == ["downloads/toy/toy.csv", "downloads/toy/toy.csv.part.json"]
    fetch(published, Quiet())
    assert sum(server.sent) == len(CONTENT)
    assert files(cache) == WHOLE


def _interrupt(*_arguments):
    raise KeyboardInterrupt


def test_a_reader_that_fails_on_the_right_file_leaves_it(cache, server):
    published = type(toy())(**{**vars(toy((server.url,))), "read": lambda path: {}})
    left = ["downloads/toy/toy.csv", "downloads/toy/toy.csv.part.json"]
    assert "it holds none of" in refused(cache, published, Quiet(), left=left)


def test_tables_that_do_not_fit(cache, server):
    table_path("toy_loss").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot write .*toy_loss.parquet"):
        fetch(toy((server.url,)), Quiet())
    table_path("toy_loss").rmdir()
    fetch(toy((server.url,)), Quiet())
    assert len(server.log) == 1  # the download itself was whole
    assert files(cache) == WHOLE


def test_a_file_at_hand(cache, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_bytes(CONTENT)
    listener = Quiet()
    assert import_file(toy(), file, listener) == TABLES
    assert listener.warned == []
    assert stored_record("toy_loss").origin == str(file)
    assert file.exists()
    assert fetch(toy(("http://127.0.0.1:1/",)), listener) == TABLES  # it is the published one
    assert listener.said == ["toy is at hand already"]


def test_another_file_at_hand_is_imported_with_a_warning(cache, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_bytes(CONTENT + b"20000,1.5,2\n")
    listener = Quiet()
    import_file(toy(), file, listener)
    assert len(load_table("toy_loss")) == 20_001
    (line,) = listener.warned
    assert line.startswith("not the published file: the SHA-256 of ")
    assert SHA256 in line
    assert hashlib.sha256(file.read_bytes()).hexdigest() in line


@pytest.mark.parametrize("content", [b"", PAGE, b"arch\n1\n", b"\x80\x04\x95", b"\xff\xfe" * 9])
def test_a_file_at_hand_that_is_something_else(cache, tmp_path, content):
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        import_file(toy(sha256=None), file, Quiet())
    assert "\n" not in str(caught.value)
    assert files(cache) == []


@pytest.mark.parametrize(("name", "told"), [("none.csv", "does not exist"), (".", "is a folder")])
def test_no_file_at_hand(cache, tmp_path, name, told):
    with pytest.raises(InputError, match=rf"{told}: give the file toy.csv"):
        import_file(toy(), tmp_path / name, Quiet())


PROCESS = """
import sys
from tests.benchmarks.toy import Quiet, toy
from gradalign.benchmarks._fetch import fetch
listener = Quiet()
print("ready", flush=True)
sys.stdin.readline()
print(fetch(toy((sys.argv[1],)), listener), *listener.said, sep="|", flush=True)
"""


def start(url: str) -> subprocess.Popen:
    """Another process that is about to fetch the toy."""
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def begin(process: subprocess.Popen) -> None:
    """Let it fetch, once it has imported everything."""
    assert process.stdout.readline() == "ready\n", process.communicate(timeout=60)
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_fetch_once(cache, server):
    server.replies = [Reply(cut=HALF, stall=True)]
    first, second = start(server.url), start(server.url)
    try:
        begin(first)
        wait_for(lambda: server.sent == [HALF])
        begin(second)
        time.sleep(1)
        server.ended.set()  # the first goes on
        out, errors = first.communicate(timeout=60)
        assert (out, errors) == (f"{TABLES}\n", "")
        out, errors = second.communicate(timeout=60)
        assert errors == ""
        assert out == (
            f"{TABLES}|waiting for another process that fetches toy|toy is at hand already\n"
        )
    finally:
        end(first)
        end(second)
    assert server.sent == [HALF, len(CONTENT) - HALF]
    assert files(cache) == WHOLE


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal of POSIX")
@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended_leaves_what_can_be_gone_on_with(cache, server, signal_):
    server.replies = [Reply(cut=HALF, stall=True)]
    process = start(server.url)
    part = cache / "downloads" / "toy" / "toy.csv.part"
    try:
        begin(process)
        wait_for(lambda: part.exists() and part.stat().st_size > 0)
        process.send_signal(signal_)
        process.communicate(timeout=60)
        assert process.returncode != 0
    finally:
        end(process)
    assert files(cache) == [
        "downloads/toy/toy.csv.part",
        "downloads/toy/toy.csv.part.json",
    ]
    had = part.stat().st_size
    assert json.loads(part.with_name("toy.csv.part.json").read_text())["size"] == len(CONTENT)
    fetch(toy((server.url,)), Quiet())
    assert server.sent[-1] == len(CONTENT) - had
    assert files(cache) == WHOLE


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait(timeout=30)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
