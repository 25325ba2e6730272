"""What a data source is, and how one is opened by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from gradalign._registry import Registry
from gradalign.batch import Batch
from gradalign.errors import InputError

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """What a model takes; immutable.

    Args:
        num_classes: Number of outputs: labels are 0 to num_classes - 1.
        shape: Shape of one input without the sample axis, (C, H, W) for images; None: the source's
            own.
        tokens: Vocabulary size and sequence length, for a model that takes token ids.

    Raises:
        InputError: A number below 1, or both a shape and tokens.
    """

    num_classes: int
    shape: tuple[int, ...] | None = None
    tokens: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.shape is not None and self.tokens is not None:
            raise InputError("an input has a shape or tokens, not both")
        if self.num_classes < 1:
            raise InputError(f"{self.num_classes} classes: at least 1 is needed")
        for name, numbers in (("input shape", self.shape), ("tokens", self.tokens)):
            if numbers is not None and (not numbers or min(numbers) < 1):
                raise InputError(f"{name} {tuple(numbers)!r}: every number must be at least 1")


class Source(ABC):
    """Labelled samples under a name. Opening reads nothing; what is read is kept by the object.

    A subclass names itself in the class attributes and says what one draw is in `_draw`.

    Args:
        argument: What stands after the colon: a file or folder; empty where none is taken.

    Attributes:
        name: How it is asked for.
        argument_name: What the argument is (FILE, DIR); empty: it takes none.
        description: One line.
        licence: Under which terms the data may be used.
    """

    name: ClassVar[str]
    argument_name: ClassVar[str] = ""
    description: ClassVar[str]
    licence: ClassVar[str]

    def __init__(self, argument: str = "") -> None:
        self.argument = argument

    def __str__(self) -> str:
        return f"{self.name}:{self.argument}" if self.argument else self.name

    @property
    @abstractmethod
    def num_classes(self) -> int | None:
        """Number of classes in the data; None: as many as the model has."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one sample as stored; None: as the model has it."""

    def draw(self, size: int, seed: int, spec: InputSpec, part: int = 0) -> Batch:
        """A class-balanced batch, drawn by `seed`.

        One seed fixes one long order of all samples, in which classes take turns; part k is samples
        k size to (k + 1) size - 1 of it, so the parts of one seed have no sample in common.

        Args:
            size: Number of samples.
            seed: Of the draw, 0 to 2^63 - 1.
            spec: What the model takes.
            part: Which of the successive batches, from 0.

        Returns:
            Inputs float32 [size, *shape], or {"input_ids": int64 [size, length]}; targets int64
            [size].

        Raises:
            InputError: Too few samples, more classes than outputs, inputs of another kind, or data
                that cannot be read.
        """
        if size < 1:
            raise InputError(f"batch size {size}: at least 1 sample is needed")
        if part < 0:
            raise InputError(f"part {part}: parts are counted from 0")
        if not 0 <= seed <= LARGEST_SEED:
            raise InputError(f"seed {seed}: choose one from 0 to 2^63 - 1")
        classes = self.num_classes
        if classes is not None and classes > spec.num_classes:
            raise InputError(
                f"the data {str(self)!r} have {classes} classes, the model has "
                f"{spec.num_classes} outputs: give it at least {classes}, or use other data"
            )
        return self._draw(size, seed, spec, part)

    @abstractmethod
    def _draw(self, size: int, seed: int, spec: InputSpec, part: int) -> Batch:
        """`draw`, its numbers checked."""


SOURCES: Registry[type[Source]] = Registry("data source", "gradalign.data")

SourceClass = TypeVar("SourceClass", bound=type[Source])


def source(cls: SourceClass) -> SourceClass:
    """Register the decorated class by its `name`, and return it unchanged."""
    SOURCES.add(cls.name, cls)
    return cls


def existing_path(text: str, kind: Literal["file", "folder"], mend: str) -> Path:
    """The path that a user wrote, with ~ for the home folder.

    Raises:
        InputError: There is no such file or folder; the message ends in `mend`.
    """
    try:
        path = Path(text).expanduser()
        found = path.is_file() if kind == "file" else path.is_dir()
    except (OSError, RuntimeError):  # a name too long, no access, an unknown ~user
        found = False
    if not found:
        raise InputError(f"no {kind} {text!r}: {mend}")
    return path


def open_source(text: str) -> Source:
    """The source that `name` or `name:argument` stands for; nothing is read yet.

    Raises:
        UnknownNameError: No source of that name.
        InputError: An argument is missing or not taken.
    """
    name, _, argument = text.partition(":")
    cls = SOURCES[name]
    if cls.argument_name and not argument:
        raise InputError(
            f"the data source {name!r} needs its {cls.argument_name}: write "
            f"{name}:{cls.argument_name}"
        )
    if argument and not cls.argument_name:
        raise InputError(f"the data source {name!r} takes no argument: write {name!r}")
    return cls(argument)
