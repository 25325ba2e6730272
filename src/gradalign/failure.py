"""What stands in a record for an exception."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gradalign.errors import InputError, Status, UndefinedScore, UnsupportedError


@dataclass(frozen=True)
class Failure:
    """Why there is no value."""

    status: Status
    reason: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The status and the line that stand for `error` in a record."""
        if isinstance(error, UndefinedScore):
            return cls(error.status, one_line(error))
        if isinstance(error, UnsupportedError):
            return cls("unsupported", one_line(error))
        if is_out_of_memory(error):
            return cls("out_of_memory", one_line(error))
        if isinstance(error, InputError):  # names the thing and the mend, whatever its class
            return cls("error", one_line(error))
        return cls("error", f"{type(error).__name__}: {one_line(error)}".removesuffix(": "))


def one_line(error: Exception) -> str:
    """The message of `error` on one line, no longer than is readable."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:297]}..."


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on whatever device."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    told = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in told)
