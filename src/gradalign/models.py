"""From what a user names or passes to networks that can be built, and built again."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from gradalign.benchmarks import look_up
from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.failure import one_line
from gradalign.libraries import LIBRARIES
from gradalign.spaces import SPACES

Model = nn.Module | Callable[[], nn.Module] | str
"""What stands for a network: itself, a function that makes one, or a name for `resolve`."""


NUM_CLASSES = 10
"""Outputs where nothing says how many."""

_DECIDED = re.compile(r"(?P<function>[^{]*[^{\s])\s*(?P<decisions>\{.*\})", re.DOTALL)
"""A function of a trial, and the decisions that the trial gives it."""


def as_candidate(
    model: Model | Candidate,
    *,
    name: str | None = None,
    build: Mapping[str, str | int] | None = None,
    num_classes: int | None = None,
    input_size: tuple[int, ...] | None = None,
) -> Candidate:
    """What `model` stands for: a network, a function without arguments that makes one, or a text.

    Args:
        model: The model; a candidate stays as it is but for its name.
        name: Its name; None: its own.
        build: Options of the search space of a text, and `task`, one of its tasks.
        num_classes: Number of outputs, where it can be chosen; None: that of the space's task,
            else 10.
        input_size: Shape of one input; None: the model's own.

    Raises:
        InputError: Something else, or what `resolve` raises.
    """
    if isinstance(model, str):
        model = resolve(model, build=build, num_classes=num_classes, input_size=input_size)
    if isinstance(model, Candidate):
        return model if name is None else replace(model, name=name)
    name = name or str(getattr(model, "__name__", type(model).__name__))
    spec = InputSpec(num_classes=num_classes or NUM_CLASSES, shape=input_size)
    if isinstance(model, nn.Module):
        return Candidate(name=name, make=lambda _seed: model, spec=spec, redrawn=False)
    if callable(model):
        return Candidate(name=name, make=lambda _seed: model(), spec=spec)
    raise InputError(
        f"the model {name!r} is of type {type(model).__name__}: give an nn.Module, a function that "
        "makes one, or a name such as nb201:ARCH"
    )


def resolve(
    text: str,
    *,
    build: Mapping[str, str | int] | None = None,
    num_classes: int | None = None,
    input_size: tuple[int, ...] | None = None,
) -> Candidate:
    """The network that `text` names; it is not built yet.

    Args:
        text: SPACE:ARCHITECTURE, `package.module:factory`, `file.py:factory`, `transformers:NAME`
            (a model type, or a path to a config.json), `timm:NAME` or `torchvision:NAME`. Modules
            are looked up in the current directory too; a factory is called without arguments. One
            that is followed by a JSON object, `file.py:build{"width": 32}`, is called with an
            Optuna trial that suggests what the object says.
        build: Options of the search space, and `task`, one of its tasks.
        num_classes: Number of outputs, where it can be chosen; None: that of the space's task,
            else 10.
        input_size: Shape of one input without the sample axis, or the number of tokens; None: the
            model's own configuration, else the space's.

    Raises:
        InputError: An unknown prefix, architecture or name, a module that cannot be imported, or a
            library that is not installed; one line that says which.
    """
    text = text.strip()
    prefix, colon, rest = text.partition(":")
    if colon and prefix in SPACES:
        return _from_space(text, prefix, rest, build or {}, num_classes, input_size)
    if build:
        raise InputError(f"build options are for search spaces: {text!r} takes none")
    spec = InputSpec(num_classes=num_classes or NUM_CLASSES, shape=input_size)
    if colon and prefix in LIBRARIES:
        return LIBRARIES[prefix](text, rest, spec)
    if colon and rest:
        return _from_factory(text, spec)
    raise _unknown(text)


@dataclass(frozen=True)
class Identity:
    """What tells whether two architectures of a space are one network.

    Args:
        canonical: What isomorphic architectures share.
        key: What networks share that are measured once.
    """

    canonical: str
    key: str


def identity(text: str) -> Identity | None:
    """Which network `text` names, where it is an architecture of a space; None where it is not.

    Raises:
        InputError: A malformed architecture.
    """
    prefix, colon, rest = text.strip().partition(":")
    if not colon or prefix not in SPACES:
        return None
    arch = _parsed(prefix, rest)
    space = SPACES[prefix]
    return Identity(space.canonical(arch), f"{prefix}:{space.network_key(arch)}")


def read_models(path: Path | str) -> list[str]:
    """The models of a file, one a line; blank lines and lines that begin with '#' are skipped.

    Raises:
        InputError: The file cannot be read, or names no model.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the models file {str(path)!r}: {error}") from None
    models = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not models:
        raise InputError(f"the models file {str(path)!r} names no model: write one a line")
    return models


def _from_space(
    text: str,
    name: str,
    arch: str,
    build: Mapping[str, str | int],
    num_classes: int | None,
    input_size: tuple[int, ...] | None,
) -> Candidate:
    space = SPACES[name]
    parsed = _parsed(name, arch)
    task = space.task(str(build["task"]) if "task" in build else None)
    options = space.chosen({key: value for key, value in build.items() if key != "task"})
    if input_size is not None and len(input_size) == 1:  # the side of a square
        input_size = (task.input_size[0], *input_size * 2)
    task = replace(
        task,
        num_classes=num_classes or task.num_classes,
        input_size=input_size or task.input_size,
    )
    return Candidate(
        name=text,
        make=lambda seed: space.build(
            parsed,
            task=task.name,
            num_classes=task.num_classes,
            input_size=task.input_size,
            seed=seed,
            **options,
        ),
        spec=InputSpec(num_classes=task.num_classes, shape=task.input_size),
        space=name,
        arch=space.format(parsed),
        canonical=space.canonical(parsed),
    )


def _parsed(space: str, arch: str) -> Any:
    """The architecture of a space that `arch` spells or refers to."""
    found = SPACES[space]
    if found.reference is not None and found.reference.fullmatch(arch.strip()):
        arch = look_up(space, arch.strip())
    return found.parse(arch)


def _from_factory(text: str, spec: InputSpec) -> Candidate:
    decided = split_decisions(text)
    place, found = _function(decided[0] if decided else text)
    if decided:
        found = with_trial(found, decided[1])
    candidate = replace(as_candidate(found, name=text), spec=spec)

    def make(seed: int) -> object:
        with importable(place):  # what the factory imports when called
            return candidate.make(seed)

    return replace(candidate, make=make)


def find_function(text: str) -> Callable[..., Any]:
    """The function that `package.module:function` or `file.py:function` names.

    Raises:
        InputError: There is none, or its module cannot be imported.
    """
    return _function(text)[1]


def with_decisions(function: str, decisions: Mapping[str, Any]) -> str:
    """The name of what `function` makes of these suggestions, for `resolve`.

    Example:
        >>> with_decisions("nets.py:build", {"width": 32, "act": "relu"})
        'nets.py:build{"act": "relu", "width": 32}'
    """
    return f"{function}{json.dumps(decisions, sort_keys=True)}"


def split_decisions(name: str) -> tuple[str, dict[str, Any]] | None:
    """The function and the suggestions of a name as `with_decisions` makes it; None: another kind.

    Raises:
        InputError: The suggestions are no JSON object.
    """
    found = _DECIDED.fullmatch(name)
    return found and (found["function"], _decisions(name, found["decisions"]))


def _function(text: str) -> tuple[str, Callable[..., Any]]:
    """Module or file, and the function in it."""
    place, colon, attribute = text.strip().rpartition(":")
    if not colon or not attribute:
        raise _unknown(text)
    with importable(place):
        found: Any = _import(text, place)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise InputError(
                f"{place!r} has no {attribute!r}: {text!r} must name a function"
            ) from None
    if not callable(found):
        raise InputError(f"{text!r} is of type {type(found).__name__}: name a function or a class")
    return place, found


def with_trial(function: Callable[..., Any], decisions: dict[str, Any]) -> Callable[[], Any]:
    """A factory: `function` called with a trial that suggests these decisions."""

    def make() -> Any:
        from optuna.trial import FixedTrial  # here: few models need it, and it takes its time

        return function(FixedTrial(decisions))

    return make


def _decisions(text: str, decisions: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(decisions)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{text!r} does not end in a JSON object ({error.msg}): write it as "
            'file.py:build{"width": 32}'
        ) from None
    return found


@contextmanager
def importable(place: str) -> Iterator[None]:
    """Context in which the current directory, or that of a file, is searched for modules first."""
    folder = str(Path(place).resolve().parent if place.endswith(".py") else Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _import(text: str, place: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _import_file(Path(place))
        if not place or place.startswith("."):
            raise _unknown(text)
        return importlib.import_module(place)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"no file {place!r}: {text!r} must be FILE.py:factory") from None
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{place}.".startswith(f"{missing}."):
            raise _unknown(text) from None
        kind = type(error).__name__
        raise InputError(f"importing {place!r} raised {kind}: {one_line(error)}") from error


def _import_file(path: Path) -> ModuleType:
    """The module in a file, run once however many factories it holds."""
    path = path.resolve(strict=True)
    name = f"{path.stem}_{zlib.crc32(str(path).encode()):08x}"  # never another module's
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise InputError(f"{str(path)!r} cannot be imported as a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _unknown(text: str) -> InputError:
    return InputError(
        f"unknown model {text!r}: give SPACE:ARCH (spaces: {', '.join(SPACES)}), "
        "transformers:NAME, timm:NAME, torchvision:NAME, package.module:factory or file.py:factory"
    )
