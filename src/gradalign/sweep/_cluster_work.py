"""The tasks of one run: cut into chunks, and given out again where a worker was lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice

from gradalign.sweep.process import ATTEMPTS
from gradalign.sweep.worker import Task

Chunk = tuple[tuple[int, Task], ...]
"""Tasks with their places in what was asked for."""

CHUNK_SECONDS = 1.0
"""How long a chunk is meant to take: long beside a message, short beside a sweep."""

LARGEST = 256
"""Tasks in a chunk, however small they are."""


class Work:
    """Chunks of tasks that are pulled as late as possible.

    Args:
        tasks: The tasks.
        smallest: Tasks of the first chunks.
    """

    def __init__(self, tasks: Iterable[Task], smallest: int) -> None:
        self._waiting: Iterator[tuple[int, Task]] = enumerate(tasks)
        self._returned: deque[Chunk] = deque()
        self._lost: Counter[int] = Counter()
        self._smallest = self._size = smallest

    def chunk(self) -> Chunk:
        """The next tasks; empty where none is left."""
        if self._returned:
            return self._returned.popleft()
        return tuple(islice(self._waiting, self._size))

    @property
    def left(self) -> bool:
        """Whether there is a task that nobody has."""
        if not self._returned and (chunk := self.chunk()):
            self._returned.append(chunk)
        return bool(self._returned)

    def took(self, chunk: Chunk, seconds: float) -> None:
        """Settle by what a chunk took how large the next ones are."""
        wanted = round(len(chunk) * CHUNK_SECONDS / max(seconds, 1e-9))
        self._size = max(self._smallest, min(wanted, 2 * self._size, LARGEST))

    def give_back(self, chunk: Chunk, *, begun: bool) -> Chunk:
        """Take back what a lost worker had.

        Where it had begun, any of the tasks may have been its end: they are then given out one by
        one, so that a network that takes its worker with it takes no other network along.

        Args:
            chunk: The tasks.
            begun: Whether the worker was at them.

        Returns:
            Those that are given up: each has lost `ATTEMPTS` workers.
        """
        if not begun:
            self._returned.append(chunk)
            return ()
        self._lost.update(place for place, _ in chunk)
        given_up = tuple(each for each in chunk if self._lost[each[0]] >= ATTEMPTS)
        self._returned.extend((each,) for each in chunk if each not in given_up)
        return given_up
