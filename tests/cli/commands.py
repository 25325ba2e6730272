"""Run the command line in this process, as its user would."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from gradalign.cli._main import run

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
OTHER = "|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SMALL = ("--build", "channels=2", "--build", "cells=1", "--input-size", "8", "--batch-size", "4")
"""Options that make nb201 networks small."""


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gradalign: ")
        assert "Traceback" not in self.err
        return lines[0].removeprefix("gradalign: ")


@pytest.fixture
def gradalign(capsys, monkeypatch, tmp_path):
    """The command `gradalign`, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Finished:
        code = run(arguments)
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return command
