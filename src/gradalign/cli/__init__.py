"""The command line: one small file a command, thin over the library."""

from gradalign.cli._main import app, main

__all__ = ["app", "main"]
