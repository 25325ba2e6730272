"""A web server on loopback that serves one file, and fails as it is told."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How one request is answered; by default as it should be.

    Args:
        status: An error instead of the file.
        location: Where to redirect to.
        ranges: Whether a range that is asked for is heeded.
        if_range: Whether the condition on a range is heeded.
        cut: Bytes of the body after which the connection is closed; None: all are sent.
        reset: Whether it is reset rather than closed.
        length: What Content-Length says, instead of the truth.
        chunked: Whether the length is left out and the body sent in chunks.
        stall: Whether nothing more comes after `cut` bytes, on an open connection.
    """

    status: int | None = None
    location: str | None = None
    ranges: bool = True
    if_range: bool = True
    cut: int | None = None
    reset: bool = False
    length: int | None = None
    chunked: bool = False
    stall: bool = False


@dataclass(kw_only=True)
class Answer:
    """What was asked and what was sent."""

    path: str
    range: str | None
    if_range: str | None
    status: int = 0
    sent: int = 0


@dataclass
class Server:
    """The file, and answers to the next requests; when they are used up, right ones."""

    url: str
    content: bytes = b""
    etag: str | None = '"one"'
    modified: str | None = None
    replies: list[Reply] = field(default_factory=list)
    log: list[Answer] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def sent(self) -> list[int]:
        """Bytes of the file in each answer."""
        return [answer.sent for answer in self.log]


@contextmanager
def serve(content: bytes = b"") -> Iterator[Server]:
    """A server for the time of a test."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    web.daemon_threads = True
    server = Server(f"http://127.0.0.1:{web.server_address[1]}/file", content)
    web.told = server
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        web.shutdown()
        web.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        pass

    def do_GET(self):
        told = self.server.told
        reply = told.replies.pop(0) if told.replies else Reply()
        answer = Answer(
            path=self.path, range=self.headers["Range"], if_range=self.headers["If-Range"]
        )
        told.log.append(answer)
        self.close_connection = True
        if reply.location is not None:
            answer.status = 302
            self._head(302, {"Location": reply.location, "Content-Length": "0"})
        elif reply.status is not None:
            answer.status = reply.status
            self._head(reply.status, {"Content-Length": "0"})
        else:
            self._file(told, reply, answer)

    def _file(self, told, reply, answer):
        start, total = self._start(told, reply, answer), len(told.content)
        headers = {"ETag": told.etag, "Last-Modified": told.modified}
        if start > 0 and start >= total:
            answer.status = 416
            self._head(416, {"Content-Range": f"bytes */{total}", "Content-Length": "0"})
            return
        answer.status = 206 if start else 200
        if start:
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(total - start if reply.length is None else reply.length)
        self._head(answer.status, headers)
        self._body(told.content[start:][: reply.cut], told, reply, answer)

    def _start(self, told, reply, answer) -> int:
        if answer.range is None or not reply.ranges:
            return 0
        if reply.if_range and answer.if_range not in (None, told.etag, told.modified):
            return 0
        return int(answer.range.removeprefix("bytes=").removesuffix("-"))

    def _head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _body(self, body, told, reply, answer):
        try:
            answer.sent = len(body)  # before the client can have it all and look here
            if reply.chunked:
                body = f"{len(body):x}\r\n".encode() + body + b"\r\n"
                body += b"" if reply.cut is not None else b"0\r\n\r\n"
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the client has had enough
            answer.sent = 0
            return
        if reply.stall:
            told.ended.wait(timeout=30)
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
