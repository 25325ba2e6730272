"""Models and the networks that they name, one after the other or slice by slice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from gradalign.models import identity
from gradalign.sweep.shard import Shard


@dataclass(frozen=True)
class Named:
    """A model and the network that it names.

    Args:
        model: Its name.
        network: What models share that are measured once.
        canonical: What isomorphic architectures share; None: it is of no search space.
    """

    model: str
    network: str
    canonical: str | None

    @classmethod
    def of(cls, model: str) -> Named:
        """The network that a name stands for.

        Raises:
            InputError: A malformed architecture.
        """
        model = model.strip()
        own = identity(model)
        return cls(model, model, None) if own is None else cls(model, own.key, own.canonical)


def named(models: Iterable[str], shard: Shard | None) -> Iterator[Named]:
    """The models of a shard, or all.

    Raises:
        InputError: A malformed architecture, when its turn comes.
    """
    return (own for own in map(Named.of, models) if shard is None or shard.holds(own.network))


def slices(found: Iterator[Named], size: int) -> Iterator[list[Named]]:
    """So many at a time."""
    while part := list(islice(found, size)):
        yield part
