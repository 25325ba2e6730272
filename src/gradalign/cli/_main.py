"""The console script: commands together, and how every mistake ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from gradalign.cli import (
    data,
    demo,
    evaluate,
    explain,
    listing,
    merge,
    plan,
    rank,
    report,
    score,
    search,
    study,
    sweep,
    tables,
)
from gradalign.cli._app import app
from gradalign.errors import GradalignError
from gradalign.failure import one_line

__all__ = ["app", "main"]

COMMANDS = (
    demo,
    listing,
    score,
    rank,
    explain,
    plan,
    sweep,
    search,
    evaluate,
    tables,
    report,
    study,
    merge,
    data,
)
"""Modules that register a command or a group of them each, in the order of `--help`."""

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130

# Of the click that this version of typer is built on, its own copy or the library.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 some items failed, 2 bad input, 130 interrupted."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    try:
        return _run(arguments)
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _tell(_mend(error))


def _run(arguments: Sequence[str]) -> int:
    try:
        code = app(args=[*arguments], prog_name="gradalign", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        _tell("interrupted")
    return code if isinstance(code, int) else DONE


def _mend(error: Exception) -> str:
    """One line for `error`: what, and what to do."""
    if isinstance(error, UsageError):
        text = " ".join(error.format_message().split()).removesuffix(".")  # type: ignore[attr-defined]
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "gradalign"
        return f"{text[:1].lower()}{text[1:]}; see {command} --help"
    if isinstance(error, GradalignError):
        return one_line(error)
    return f"{type(error).__name__}: {one_line(error)} (--debug shows where)"


def _tell(line: str) -> int:
    """Print the one line on stderr; the exit code of bad input."""
    sys.stderr.write(f"gradalign: {line}\n")
    return BAD_INPUT
