"""An executor that answers at once, to see what a sweep itself does."""

from collections.abc import Iterable, Iterator
from zlib import crc32

from gradalign.record import Score, Scores
from gradalign.sweep import Plan
from gradalign.sweep.worker import Task


class Instant:
    """Gives every task records, whose values are made up.

    Args:
        plan: What is measured.
        behind: How many answers are held back while there are tasks.
        fails: Whether every record is a failure.
    """

    def __init__(self, plan: Plan, behind: int = 0, *, fails: bool = False) -> None:
        scorer = plan.scorer()
        self._protocol_of, self._protocols = scorer.protocol_of, scorer.protocols
        self._behind = behind
        self._fails = fails
        self.tasks: list[Task] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Scores]]:
        under_way: list[tuple[int, Task]] = []
        for place, task in enumerate(tasks):
            self.tasks.append(task)
            under_way.append((place, task))
            if len(under_way) > self._behind:
                yield self._answer(*under_way.pop(0))
        for each in under_way:
            yield self._answer(*each)

    def _answer(self, place: int, task: Task) -> tuple[int, Scores]:
        records = [
            Score(
                model=task.model,
                proxy=name,
                value=None if self._fails else float(crc32(task.model.encode())),
                status="error" if self._fails else "ok",
                seed=task.seed,
                protocol=self._protocol_of[name],
            )
            for name in task.proxies or ()
        ]
        return place, Scores(records, self._protocols)

    def close(self) -> None:
        pass

    def __enter__(self) -> "Instant":
        return self

    def __exit__(self, *_error: object) -> None:
        pass
