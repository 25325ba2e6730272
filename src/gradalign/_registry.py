"""One registry for everything that has a name: leaf modules register themselves when imported.

Installed packages add to some of them: an entry point in the group of the registry's package names
a module that registers what it has when imported, as the leaf modules here do.
"""

import difflib
import importlib
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Generic, TypeVar

from gradalign.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Names and what they stand for, filled by importing every public module of a package.

    Modules whose name begins with an underscore are machinery and are not imported here.

    Args:
        kind: What an entry is, in the singular, for messages ("proxy").
        package: Dotted name of the package whose modules register entries.
        plugins: Whether installed packages may add entries, by entry points in a group of the
            package's name. What is wrong with one of them is a line in the log, nothing else.
    """

    def __init__(self, kind: str, package: str, *, plugins: bool = False) -> None:
        self.kind = kind
        self._package = package
        self._plugins = plugins
        self._entries: dict[str, T] = {}
        self._discovered = False
        self._importing_own = False
        self._plugin = ""

    def add(self, name: str, entry: T) -> None:
        """Register `entry`; a name can be given only once.

        Raises:
            ValueError: The name is taken; where an installed package comes with a name that is
                taken, it is left out instead.
        """
        if name in self._entries and self._plugin:
            _log(f"{self._plugin} has a {self.kind} {name!r} too: it is left out")
            return
        if name in self._entries and not (self._importing_own and self._plugins):
            raise ValueError(f"the {self.kind} {name!r} is registered twice")
        if name in self._entries:  # something imported earlier took a name of ours
            _log(f"the {self.kind} {name!r} of another package has a name of ours: it is left out")
        self._entries[name] = entry

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = self._importing_own = True
        try:
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                if not module.name.startswith("_"):
                    importlib.import_module(f"{self._package}.{module.name}")
        except BaseException:
            self._discovered = False  # half a registry must not pass for the whole
            raise
        finally:
            self._importing_own = False
        if self._plugins:
            for point in _entry_points(self._package):
                self._load(point)

    def _load(self, point: metadata.EntryPoint) -> None:
        """What one entry point adds; nothing of it stays where it raises."""
        before = dict(self._entries)
        self._plugin = _owner(point)
        try:
            point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it must not break the rest
            self._entries = before
            fault = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            _log(f"{self._plugin} is left out: loading {point.value!r} raised {fault}")
        finally:
            self._plugin = ""

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


def _entry_points(group: str) -> list[metadata.EntryPoint]:
    """Those of a group, in an order that does not depend on the search path."""
    try:
        found = metadata.entry_points(group=group)
        return sorted(found, key=lambda point: (_owner(point), point.name, point.value))
    except Exception as error:  # noqa: BLE001 - somebody else's broken installation
        _log(f"the entry points of installed packages cannot be read: {error!r}")
        return []


def _owner(point: metadata.EntryPoint) -> str:
    """The distribution that an entry point is from, with its version."""
    if point.dist is None:
        return f"the entry point {point.name!r}"
    return f"{point.dist.name} {point.dist.version}"


def _log(line: str) -> None:
    """One line on the standard error stream, unless the user has set up logging otherwise."""
    logging.getLogger("gradalign").warning("gradalign: %s", line)
