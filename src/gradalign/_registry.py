"""One registry for everything that has a name: leaf modules register themselves when imported."""

import difflib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from gradalign.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names and what they stand for, filled by importing every public module of a package.

    Modules whose name begins with an underscore are machinery and are not imported here.

    Args:
        kind: What an entry is, in the singular, for messages ("proxy").
        package: Dotted name of the package whose modules register entries.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._discovered = False

    def add(self, name: str, entry: T) -> None:
        """Register `entry`; a name can be given only once."""
        if name in self._entries:
            raise ValueError(f"the {self.kind} {name!r} is registered twice")
        self._entries[name] = entry

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")

    def __getitem__(self, name: str) -> T:
        self._discover()
        if name in self._entries:
            return self._entries[name]
        near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(map(repr, near))}"
            if near
            else f"there are {', '.join(sorted(self._entries))}"
        )
        raise UnknownNameError(f"unknown {self.kind} {name!r}: {hint}")

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)
