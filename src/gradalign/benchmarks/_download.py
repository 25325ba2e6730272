"""One file over HTTP, resumed where it broke off."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from email.message import Message
from io import RawIOBase
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from gradalign.errors import InputError

TIMEOUT = 30.0
"""Seconds that a server may be silent."""

ATTEMPTS = 5
"""Connections in a row that may bring nothing new."""

PAUSE = 1.0
"""Seconds before the second of them; doubled before each further one."""

REDIRECTS = 5
BLOCK = 1 << 18

PASSING = (408, 429)
"""Answers below 500 that another attempt may mend."""

Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and of how many; None: the server does not say."""


class UnavailableError(InputError):
    """This URL does not give the file; another one may."""


class _BrokenOffError(Exception):
    """Another attempt may succeed."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a partial download is part of.

    Args:
        url: Where the file was asked for.
        validator: What the server names this version of it by: a strong ETag, else the time of its
            last change; None: it names none, and the download cannot be resumed.
        size: Bytes of the whole file; None: not stated.
    """

    url: str
    validator: str | None
    size: int | None

    def may_be(self, other: Part | None) -> bool:
        """Whether both can be of the same version of a file; not every answer states its size."""
        return (
            other is not None
            and self.validator == other.validator
            and (None in (self.size, other.size) or self.size == other.size)
        )


def download(url: str, path: Path, progress: Progress) -> None:
    """Download the whole of `url` to `path`, going on where an earlier download of it ended.

    Beside `path` stands a small file that says what it is part of. Both are left after every
    failure and after Ctrl-C, for the next call.

    Raises:
        UnavailableError: Not to be had at this URL, or only in part after several attempts.
        InputError: The file cannot be written, or `url` is not one of HTTP.
    """
    check_url(url)
    failures, most = 0, _size(path)
    while True:
        try:
            return _attempt(url, path, progress)
        except _BrokenOffError as fault:
            reached = _size(path)
            failures = 1 if reached > most else failures + 1
            most = max(most, reached)
            if failures == ATTEMPTS:
                raise UnavailableError(f"{host(url)}: {fault}, {ATTEMPTS} times") from None
        time.sleep(PAUSE * 2 ** (failures - 1))


def discard(path: Path) -> None:
    """Remove a download, whole or partial, and what is noted about it."""
    path.unlink(missing_ok=True)
    _note(path).unlink(missing_ok=True)


def check_url(url: str) -> None:
    """Raise InputError unless `url` is one of HTTP."""
    if not _is_web(url):
        raise InputError(f"{url!r} cannot be fetched: a URL begins with https:// or http://")


def host(url: str) -> str:
    """The server that a URL names."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an unclosed bracket in the host
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, only to HTTP, and from HTTPS only to HTTPS."""

    max_redirections = REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _is_web(newurl):
            fp.close()
            raise UnavailableError(f"{host(req.full_url)}: redirects to what is not http")
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            fp.close()
            raise UnavailableError(f"{host(req.full_url)}: redirects from https to http")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _attempt(url: str, path: Path, progress: Progress) -> None:
    """One connection: the rest of the file, or all of it where it changed or cannot be resumed."""
    known = _known(path, url)
    offset = _size(path) if known is not None else 0
    headers = {"User-Agent": "gradalign", "Accept-Encoding": "identity"}
    if known is not None and known.validator is not None and offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": known.validator}
    response = _open(urllib.request.Request(url, headers=headers))
    with response:
        if response.status == 416 and known is not None:
            if offset == (_total(response) or known.size):
                return  # it was whole already
            discard(path)
            raise _BrokenOffError("the file changed meanwhile")
        _check_status(response, url)
        now = Part(url=url, validator=_validator(response.headers), size=_total(response))
        goes_on = response.status == 206
        if goes_on and not (_start(response) == offset and now.may_be(known)):
            discard(path)
            raise _BrokenOffError("the file changed meanwhile")
        _receive(response, path, now, offset if goes_on else 0, progress)


def _open(request: urllib.request.Request) -> Any:
    """The response, whatever its status.

    Raises:
        UnavailableError: There is none, and hardly will be.
        _BrokenOffError: The connection broke.
    """
    server = host(request.full_url)
    try:
        return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        return error
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, (ConnectionResetError, ConnectionAbortedError, TimeoutError)):
            raise _BrokenOffError(_reason(cause)) from None
        raise UnavailableError(f"{server}: {_reason(cause)}") from None


def _check_status(response: Any, url: str) -> None:
    """Refuse every answer without the file, or a part of it that was asked for."""
    code: int = response.status
    if code >= 500 or code in PASSING:
        raise _BrokenOffError(f"HTTP {code} {response.reason}")
    if 300 <= code < 400:
        raise UnavailableError(f"{host(url)}: redirects too often, or to what is not http")
    if code not in (200, 206):
        raise UnavailableError(f"{host(url)}: HTTP {code} {response.reason}")


def _receive(response: Any, path: Path, part: Part, offset: int, progress: Progress) -> None:
    """Write the body of a response to `path`, from byte `offset` on."""
    done = offset
    with _writing(path):
        file: RawIOBase = path.open("ab" if offset else "wb", buffering=0)
    with file:
        with _writing(path):
            # only now that the old content is gone
            _note(path).write_text(json.dumps(asdict(part)), encoding="utf-8")
            _check_room(path, None if part.size is None else part.size - offset)
        progress(done, part.size)
        while block := _read(response, BLOCK if part.size is None else part.size - done):
            rest = memoryview(block)
            with _writing(path):
                while rest:
                    rest = rest[file.write(rest) :]
            done += len(block)
            progress(done, part.size)
        with _writing(path):
            os.fsync(file.fileno())
    if part.size is not None and done != part.size:
        raise _BrokenOffError(f"the connection ended after {done:,} of {part.size:,} bytes")


def _read(response: Any, most: int) -> bytes:
    """What has come of the body, at once, so that little is lost when this process ends."""
    try:
        block: bytes = response.read1(min(most, BLOCK))
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from None
    return block


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one line."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write {str(path)!r}: {error.strerror}; make room and fetch again, which goes "
            "on from here, or let GRADALIGN_CACHE name another folder"
        ) from None


def _check_room(path: Path, needed: int | None) -> None:
    """Refuse a download that will not fit, before it fills the disk."""
    free = shutil.disk_usage(path.parent).free
    if needed is not None and needed > free:
        raise InputError(
            f"no room in {str(path.parent)!r}: {needed:,} bytes are needed, {free:,} are free; "
            "make room, or let GRADALIGN_CACHE name another folder"
        )


def _note(path: Path) -> Path:
    """The file that says what `path` is part of."""
    return path.with_name(f"{path.name}.json")


def _known(path: Path, url: str) -> Part | None:
    """What `path` is part of, if that is the file at `url`."""
    try:
        part = Part(**json.loads(_note(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return part if part.url == url else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _validator(headers: Message) -> str | None:
    """What `If-Range` may name: an ETag that is not weak, else the time of the last change."""
    tag = headers.get("ETag")
    return tag if tag is not None and tag.startswith('"') else headers.get("Last-Modified")


def _start(response: Any) -> int | None:
    """First byte of a partial answer."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: Any) -> int | None:
    """Bytes of the whole file."""
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None
    found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _reason(error: object) -> str:
    """What broke, in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer for {TIMEOUT:g} seconds"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended early"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0]
