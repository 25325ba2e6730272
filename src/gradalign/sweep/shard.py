"""A part of the networks of a sweep, the same wherever it is worked out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from gradalign.errors import InputError


@dataclass(frozen=True)
class Shard:
    """One of several parts, each network in exactly one: `merge` joins their stores.

    Isomorphic architectures that are one network are in the same part. The parts are of about the
    same size, not exactly.

    Args:
        number: Which part, from 0 on.
        of: Number of parts.

    Raises:
        InputError: There is no such part.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise _refused(f"{self.number}/{self.of}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The part that `i/k` names, i from 0 to k - 1.

        Example:
            >>> Shard.parse("0/4")
            Shard(number=0, of=4)

        Raises:
            InputError: It names none.
        """
        found = re.fullmatch(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*", text)
        if found is None:
            raise _refused(text)
        return cls(int(found[1]), int(found[2]))

    def holds(self, key: str) -> bool:
        """Whether the network of this key is in the part."""
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number


def _refused(text: str) -> InputError:
    return InputError(f"shard {text!r}: write it as i/k with i from 0 to k - 1, such as 0/4")
