"""Networks of a space drawn at random, as a stream."""

from __future__ import annotations

import random
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from gradalign.errors import InputError
from gradalign.spaces import Space


def drawn(space: Space[Any], count: int, seed: int) -> Iterator[str]:
    """Different architectures of a space, drawn uniformly, with its prefix.

    Only a hash of each is kept in memory.

    Raises:
        InputError: More than the space has.
    """
    if space.size is not None and count > space.size:
        raise InputError(f"{count:,} networks: the space {space.name!r} has {space.size:,}")
    return _draws(space, count, random.Random(seed))


def _draws(space: Space[Any], count: int, rng: random.Random) -> Iterator[str]:
    met: set[int] = set()
    while len(met) < count:
        name = f"{space.name}:{space.format(space.sample(rng))}"
        digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
        if digest not in met:
            met.add(digest)
            yield name
