"""A published file that is quickly read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from gradalign.benchmarks._published import Published
from gradalign.errors import InputError

CONTENT = b"arch,toy_accuracy,toy_loss\n" + b"".join(
    b"%05d,%d.5,%d\n" % (row, row % 100, row) for row in range(20_000)
)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TABLES = ("toy_accuracy", "toy_loss")


def read(path: Path) -> dict[str, pd.DataFrame]:
    frame = pd.read_csv(path, dtype={"arch": str})
    if "arch" not in frame:
        raise InputError(f"{path.name} has no column arch: give the published toy.csv")
    return {name: frame[["arch", name]] for name in TABLES if name in frame}


def toy(urls: tuple[str, ...] = (), sha256: str | None = SHA256) -> Published:
    return Published(
        name="toy",
        urls=urls,
        sha256=sha256,
        filename="toy.csv",
        megabytes=0.3,
        read=read,
        benchmarks=TABLES,
        description="numbers",
        source="nobody, nowhere",
        licence="CC0-1.0",
    )


class Quiet:
    """Collects what a listener is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def begin(self, what: str) -> None:
        pass

    def advance(self, done: int, total: int | None) -> None:
        pass

    def say(self, line: str) -> None:
        self.said.append(line)

    def warn(self, line: str) -> None:
        self.warned.append(line)
