"""Downloads over loopback, whole, broken off and gone on with."""

import errno
import io
import os
import shutil
import socket
import subprocess
import urllib.request
from email.message import Message

import pytest
from tests.benchmarks.server import Reply, serve

from gradalign.benchmarks import _download
from gradalign.benchmarks._download import UnavailableError, discard, download
from gradalign.errors import InputError

CONTENT = bytes(range(256)) * 4096  # 1 MiB, several blocks
HALF = len(CONTENT) // 2


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """As in real use, but faster, and through no proxy."""
    monkeypatch.setattr(_download, "PAUSE", 0.01)
    monkeypatch.setattr(_download, "TIMEOUT", 1.0)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server():
    with serve(CONTENT) as running:
        yield running


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.part"


def fetch(server, path):
    """Download, and tell every report of progress."""
    told = []
    download(server.url, path, lambda done, total: told.append((done, total)))
    return told


def refused(server, path) -> str:
    """The one line of a download that fails."""
    with pytest.raises(InputError) as caught:
        fetch(server, path)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 300
    return line


def test_a_whole_file_and_its_progress(server, path):
    told = fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(server.log) == 1


def test_after_an_interruption_only_the_rest_is_sent(server, path):
    server.replies = [Reply(cut=HALF)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    second = server.log[1]
    assert (second.range, second.if_range, second.status) == (f"bytes={HALF}-", '"one"', 206)
    assert server.sent == [HALF, len(CONTENT) - HALF]


def test_a_connection_that_is_reset(server, path):
    server.replies = [Reply(cut=HALF, reset=True), Reply(cut=0, reset=True)]
    fetch(server, path)  # how much of what was sent arrives is left to chance
    assert path.read_bytes() == CONTENT
    assert len(server.log) == 3


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(server, path):
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    assert f"ended after {HALF:,} of {len(CONTENT):,} bytes, 5 times" in refused(server, path)
    assert path.stat().st_size == HALF
    assert not server.replies
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.sent[-1] == len(CONTENT) - HALF


def test_progress_earns_further_attempts(server, path):
    pieces = [Reply(cut=HALF // 8) for _ in range(12)]
    server.replies = pieces.copy()
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert sum(server.sent) == len(CONTENT)


def test_ctrl_c_leaves_what_can_be_gone_on_with(server, path):
    def interrupt(done, total):
        if done >= HALF:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(server.url, path, interrupt)
    had = path.stat().st_size
    assert HALF <= had < len(CONTENT)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.sent[-1] == len(CONTENT) - had


def test_a_whole_part_is_not_sent_again(server, path):
    fetch(server, path)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert [answer.status for answer in server.log] == [200, 416]


def test_a_server_that_ignores_ranges_sends_all_anew(server, path):
    server.replies = [Reply(cut=HALF), Reply(ranges=False)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert [answer.status for answer in server.log] == [200, 200]
    assert server.log[1].range == f"bytes={HALF}-"


@pytest.mark.parametrize("heeded", [True, False], ids=["if-range heeded", "if-range ignored"])
@pytest.mark.parametrize("size", [len(CONTENT), HALF // 2], ids=["as long", "shorter"])
def test_a_file_that_changed_between_is_fetched_anew(server, path, heeded, size):
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    refused(server, path)
    server.content, server.etag = bytes(reversed(CONTENT))[:size], '"two"'
    server.replies = [Reply(if_range=heeded)]
    fetch(server, path)
    assert path.read_bytes() == server.content


@pytest.mark.parametrize(
    ("etag", "modified", "condition"),
    [
        (None, "Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ('W/"weak"', "Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ('W/"weak"', None, None),
        (None, None, None),
    ],
)
def test_what_names_a_version(server, path, etag, modified, condition):
    server.etag, server.modified = etag, modified
    server.replies = [Reply(cut=HALF)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    second = server.log[1]
    assert second.if_range == condition
    assert (second.range is None) == (condition is None)  # without a name, all anew


def test_a_part_of_another_url_is_not_gone_on_with(server, path):
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    refused(server, path)
    server.url += "?other"
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.log[-1].range is None


@pytest.mark.parametrize("note", ["", "[]", '{"url": 1}'])
def test_a_broken_note_means_all_anew(server, path, note):
    server.replies = [Reply(cut=HALF), *[Reply(cut=0)] * 4]
    refused(server, path)
    path.with_name("file.part.json").write_text(note)
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.log[-1].range is None


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_error_of_the_server_is_waited_out(server, path, status):
    server.replies = [Reply(status=status)] * 4
    fetch(server, path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "asked", "told"),
    [(500, 5, "HTTP 500 Internal Server Error, 5 times"), (404, 1, "HTTP 404 Not Found")],
)
def test_a_lasting_error_of_the_server(server, path, status, asked, told):
    server.replies = [Reply(status=status)] * 9
    line = refused(server, path)
    assert line == f"{_download.host(server.url)}: {told}"
    assert len(server.log) == asked
    assert not path.exists()


def test_a_length_that_is_never_reached(server, path):
    server.etag = None  # else a request for the rest would learn how long the file is
    server.replies = [Reply(length=2 * len(CONTENT))] * 9
    line = refused(server, path)
    assert f"ended after {len(CONTENT):,} of {2 * len(CONTENT):,} bytes" in line


def test_a_body_in_chunks(server, path):
    server.replies = [Reply(chunked=True)]
    assert fetch(server, path)[-1] == (len(CONTENT), None)
    assert path.read_bytes() == CONTENT


def test_chunks_that_break_off(server, path):
    server.replies = [Reply(chunked=True, cut=HALF)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT


def test_a_silent_server(server, path, monkeypatch):
    monkeypatch.setattr(_download, "TIMEOUT", 0.2)
    server.replies = [Reply(cut=HALF, stall=True)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    server.replies = [Reply(cut=0, stall=True)] * 9
    discard(path)
    assert "no answer for 0.2 seconds, 5 times" in refused(server, path)


def test_redirects_are_followed(server, path):
    server.replies = [Reply(location=f"/{k}") for k in range(5)]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert [answer.path for answer in server.log] == ["/file", *(f"/{k}" for k in range(5))]


def test_redirects_of_a_part_keep_the_range(server, path):
    server.replies = [Reply(cut=HALF), Reply(location="/elsewhere")]
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert sum(server.sent) == len(CONTENT)


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/file", "file:///etc/hostname"])
def test_a_redirect_to_what_is_not_http(server, path, location):
    server.replies = [Reply(location=location)]
    assert "what is not http" in refused(server, path)
    assert not path.exists()


def test_no_redirect_leads_from_https_to_http():
    handler = _download._Redirects()
    safe = urllib.request.Request("https://example.org/file")
    for place, followed in (("https://example.com/file", True), ("http://example.com/file", False)):
        arguments = (safe, io.BytesIO(), 302, "Found", Message(), place)
        if followed:
            assert handler.redirect_request(*arguments).full_url == place
        else:
            with pytest.raises(UnavailableError, match="from https to http"):
                handler.redirect_request(*arguments)


def test_too_many_redirects(server, path):
    server.replies = [Reply(location=f"/{k}") for k in range(6)]
    assert "redirects too often" in refused(server, path)
    assert len(server.log) == 6


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://host/file", "host/file", "http://", "http://[", ""]
)
def test_only_http_is_fetched(path, url):
    with pytest.raises(InputError, match="a URL begins with https:// or http://"):
        download(url, path, lambda done, total: None)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:port/", "http://127.0.0.1/a b", "http://a\u00e9/\u00e9"]
)
def test_a_malformed_url_is_one_line(path, url):
    with pytest.raises(UnavailableError) as caught:
        download(url, path, lambda done, total: None)
    assert "\n" not in str(caught.value)


def test_nobody_listens(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UnavailableError, match=rf"^127.0.0.1:{port}: Connection refused$"):
        download(f"http://127.0.0.1:{port}/file", path, lambda done, total: None)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB, where one may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("needs mount")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, timeout=30).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=30)


def test_a_file_too_large_for_the_disk_is_not_begun(server, small_disk):
    line = refused(server, small_disk / "file.part")
    assert "no room in" in line
    assert f"{len(CONTENT):,} bytes are needed" in line
    assert (small_disk / "file.part").stat().st_size == 0


def test_a_disk_that_fills_up(server, small_disk):
    path = small_disk / "file.part"
    server.replies = [Reply(chunked=True)]  # without a length, it cannot be known before
    assert os.strerror(errno.ENOSPC) in refused(server, path)
    had = path.stat().st_size
    assert 0 < had <= 256 * 1024
    server.content = CONTENT[: had + 1024]  # as large as it may be once there is room
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True, timeout=30)
    fetch(server, path)
    assert path.read_bytes() == server.content
    assert server.sent[-1] == 1024


def test_a_limit_on_the_size_of_files(server, path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF + 100, hard))
    try:
        line = refused(server, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.strerror(errno.EFBIG) in line
    assert path.stat().st_size == HALF + 100
    fetch(server, path)
    assert path.read_bytes() == CONTENT
    assert server.sent[-1] == len(CONTENT) - HALF - 100


def test_a_folder_in_the_way(server, tmp_path):
    with pytest.raises(InputError, match=r"^cannot write"):
        fetch(server, tmp_path)
