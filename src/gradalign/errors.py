"""What can go wrong, and how it is told.

    GradalignError
    ├── InputError          a user's mistake: exit code 2 at the command line
    │   └── UnknownNameError    a name that no registry holds
    ├── UnsupportedError    a network or an option that cannot be measured: status `unsupported`
    ├── UndefinedScore      a score that has no value here: status `nan`, or the one it names
    ├── MissingStatisticError   a proxy read what it did not declare: a bug in the proxy
    └── ConservationError   a rule's per-sample gradients do not add up to the ordinary gradient

A message is one line: what was found, what is allowed, what to do.
"""

from typing import Literal

Status = Literal[
    "ok", "nan", "inf", "no_gradient", "unsupported", "out_of_memory", "timeout", "error"
]


class GradalignError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(GradalignError, ValueError):
    """What the user gave cannot be used; the message says what would do."""


class UnknownNameError(InputError, KeyError):
    """A name that is not registered; the message offers the nearest ones."""

    def __str__(self) -> str:  # KeyError would print the message in quotes
        return str(self.args[0])


class UnsupportedError(GradalignError, NotImplementedError):
    """A network, or a combination of options, that cannot be measured exactly, hence not at all."""


class UndefinedScore(GradalignError, ArithmeticError):  # noqa: N818 - a status, not a fault
    """The score has no value for this network.

    Args:
        reason: One line for the record.
        status: The status of the record.
    """

    def __init__(self, reason: str, status: Status = "nan") -> None:
        super().__init__(reason)
        self.status: Status = status


class MissingStatisticError(GradalignError, AttributeError):
    """A statistic was read that was not collected or not declared in `needs`."""


class ConservationError(UnsupportedError):
    """Per-sample gradients that do not add up to the ordinary gradient of the same losses."""
