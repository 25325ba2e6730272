"""What a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gradalign.ranking import Ranking
from gradalign.search.archive import Found
from gradalign.search.finalist import Finalists
from gradalign.search.looked_up import TableFinalists
from gradalign.search.progress import Progress
from gradalign.search.request import Request


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The best network within the limits, and what stands behind it; printed, it is a table.

    Args:
        request: What was asked.
        ranked: Networks that were scored without failure, best first by the first objective.
        front: Of them, those that no other one beats in all objectives; with one objective, the
            best.
        check: The first of `ranked` measured again with other seeds, in the order of their means;
            None: they were not.
        progress: What it took.
        finalists: What became of those that were trained; None: none was.
        db: File that holds the study and the records; None: nothing is kept.
    """

    request: Request
    ranked: tuple[Found, ...]
    front: tuple[Found, ...]
    check: Ranking | None
    progress: Progress
    finalists: Finalists | TableFinalists | None = None
    db: str | None = None

    @property
    def best(self) -> Found | None:
        """The winner; None where every network has failed.

        The most accurate of those that were trained; else, of those that were measured again, the
        best by its mean; else the best.
        """
        finalist = None if self.finalists is None else self.finalists.winner
        if finalist is not None:
            return next(own for own in self.ranked if own.model == finalist.candidate.name)
        if self.check is not None:
            first = self.check.entries[0].model
            return next(own for own in self.ranked if own.model == first)
        return next(iter(self.by_score), None)

    @property
    def by_score(self) -> list[Found]:
        """Best first by the scores of the search; with several objectives the front comes first."""
        first = list(self.front) if len(self.request.objectives) > 1 else []
        return first + [own for own in self.ranked if own not in first]

    @property
    def rivals(self) -> tuple[str, ...]:
        """Networks that cannot be told from the first by what was measured again."""
        if self.check is None:
            return ()
        winner = self.check.entries[0].model
        pairs = (pair for pair in self.check.inseparable if winner in pair)
        return tuple(other for pair in pairs for other in pair if other != winner)

    @property
    def certainty(self) -> str | None:
        """How sure the first place is, in a sentence; None: nothing was measured again."""
        if self.check is None:
            return None
        first, *others = (self._arch(entry.model) for entry in self.check.entries)
        again = (
            f"The best {1 + len(others)} were measured with {self.check.repeats} seeds; by the "
            f"mean, {first} is the first"
        )
        if not self.rivals:
            return f"{again}, beyond chance."
        return f"{again}, and {len(self.rivals)} of the other {len(others)} cannot be told from it."

    def to_frame(self) -> pd.DataFrame:
        """One row a network, best first: model, arch, objectives, and all that was measured."""
        rows = [{"model": own.model, "arch": own.arch, **self._numbers(own)} for own in self.ranked]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """The JSON document `search`."""
        progress = self.progress
        return {
            "best": None if self.best is None else self._entry(self.best),
            "objectives": [
                {"name": each.name, "better": each.better} for each in self.request.objectives
            ],
            "evaluations": progress.evaluations,
            "proposals": progress.proposals,
            "duplicates": progress.duplicates,
            "excluded": progress.excluded,
            "excluded_by": dict(progress.refused),
            "failed": progress.failures,
            "seconds": progress.seconds,
            "front": [self._entry(own) for own in self.front],
            "check": None if self.check is None else self.check.to_dict(),
            "inseparable_from_best": list(self.rivals),
            "finalists": None if self.finalists is None else self.finalists.to_dict(),
            "request": self.request.document,
            "study": self.request.study_name,
            "db": self.db,
        }

    def rows(self, most: int = 10) -> list[list[str]]:
        """Header and cells of the table: the front where there are several objectives."""
        own_rows = self.front if len(self.request.objectives) > 1 else self.ranked[:most]
        names = self._names(own_rows)
        header = ["arch", *names]
        return [
            header,
            *([own.arch, *(shown(self._numbers(own)[n]) for n in names)] for own in own_rows),
        ]

    def notes(self) -> list[str]:
        """Lines under the table."""
        progress = self.progress
        lines = [
            f"{progress.evaluations:,} networks scored of {progress.proposals:,} proposed: "
            f"{progress.excluded:,} beyond a limit, {progress.duplicates:,} met before, "
            f"{progress.failures:,} failed."
        ]
        if self.certainty is not None:
            lines.append(self.certainty)
        if self.finalists is not None:
            lines.append(self._final(self.finalists))
        return lines

    def __str__(self) -> str:
        frame = pd.DataFrame(self.rows()[1:], columns=self.rows()[0])
        return "\n".join([frame.to_string(index=False), "", *self.notes()])

    def _final(self, finalists: Finalists | TableFinalists) -> str:
        count = len(finalists.entries)
        if finalists.winner is None:
            return f"Of the {count} finalists none has an accuracy."
        best = self._arch(finalists.winner.candidate.name)
        if isinstance(finalists, TableFinalists):
            return (
                f"Of the best {count}, {best} has the highest {finalists.metric.name} in "
                f"{finalists.benchmark}: {finalists.winner.accuracy:.2f} %."
            )
        return (
            f"Of the best {count}, trained for up to {finalists.recipe.epochs} epochs on "
            f"{finalists.data}, {best} ends best: {finalists.winner.accuracies[-1]:.1f} % of the "
            f"validation samples, {finalists.winner.test_accuracy:.1f} % of the test samples."
        )

    def _arch(self, model: str) -> str:
        return next(own.arch for own in self.ranked if own.model == model)

    def _names(self, shown: Sequence[Found]) -> list[str]:
        """Objectives, then what else was measured."""
        objectives = [each.name for each in self.request.objectives]
        return list(dict.fromkeys([*objectives, *(n for own in shown for n in own.measured)]))

    def _numbers(self, own: Found) -> dict[str, float | None]:
        """Objectives and measures by name; an objective that moves stands as it is now."""
        objectives = (each.name for each in self.request.objectives)
        return {**own.measured, **dict(zip(objectives, own.values, strict=True))}

    def _entry(self, own: Found) -> dict[str, object]:
        entry: dict[str, object] = {
            "arch": own.arch,
            "model": own.model,
            "score": own.values[0],
            **self._numbers(own),
        }
        if self.check is None:
            return entry
        again = next((each for each in self.check.entries if each.model == own.model), None)
        return entry if again is None else {**entry, "rank_interval": list(again.rank_interval)}


def shown(value: float | None) -> str:
    """A score or a cost to read; `-` where there is none, which a frame holds as NaN."""
    if value is None or value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
