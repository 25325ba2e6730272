"""What every test of the command line has at hand."""

from tests.cli.commands import gradalign

__all__ = ["gradalign"]
