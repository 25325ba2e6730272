"""What measures the networks of a sweep or a search, wherever it does so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from gradalign.record import Scores
from gradalign.sweep.worker import Task


class Executor(ABC):
    """Measures tasks; a context manager, which ends what it started.

    Every task is answered once. A network that raises, hangs, takes too much memory or kills its
    process is answered by records of the failure.
    """

    @abstractmethod
    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Scores]]:
        """Measure tasks.

        Args:
            tasks: Taken one by one, and never more than a bounded number ahead of what is done.

        Yields:
            The place of a task in `tasks` and its records, as they come. May be called again after
            the end, when all that was started is still there. Closed earlier, it ends the work at
            once.

        Raises:
            GradalignError: Nothing can be measured, such as where a process cannot start.
        """

    @abstractmethod
    def close(self) -> None:
        """End everything at once; a second time does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
