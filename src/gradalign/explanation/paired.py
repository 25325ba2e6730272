"""What a change does to the scores of a network: both measured under the same conditions.

In each repeat the network as it is and the changed ones see the same batch and are initialised with
the same seed, so their differences are paired, as those of candidates in `gradalign.rank`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gradalign.batch import Batch
from gradalign.candidate import Candidate
from gradalign.errors import Status
from gradalign.explanation.edits import EDITS, Edit, drawn, edits_of
from gradalign.explanation.result import Explanation
from gradalign.proxies import PROXIES
from gradalign.record import Scores
from gradalign.scorer import Scorer
from gradalign.separation import Values, half_width, told_from


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One score after a change, less the same before it.

    Args:
        before: Mean over the repeats in which both have a value; None where there is none.
        after: The same of the changed network.
        mean: Mean difference.
        low: Lower end of its 95 % t interval over the repeats; None with fewer than two.
        high: Upper end.
    """

    before: float | None = None
    after: float | None = None
    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one change does.

    Args:
        name: Of the change.
        model: Name of the changed network.
        differences: One for each score, by its name.
        status: `ok`, or why the score that orders the changes has no difference in any repeat.
        reason: One line about what went wrong; None where nothing did.
        verdict: `better` or `worse` by that score where the two networks can be told apart, `open`
            where they cannot; None where that is not tested, with fewer than two common repeats.
    """

    name: str
    model: str
    differences: Mapping[str, Difference]
    status: Status = "ok"
    reason: str | None = None
    verdict: str | None = None

    @property
    def told_apart(self) -> bool | None:
        """Whether the changed network can be told from the one as it is."""
        return None if self.verdict is None else self.verdict != "open"

    def to_dict(self) -> dict[str, object]:
        """The fields as JSON has them."""
        return {
            "name": self.name,
            "model": self.model,
            "status": self.status,
            "reason": self.reason,
            "told_apart": self.told_apart,
            "verdict": self.verdict,
            "differences": {name: asdict(each) for name, each in self.differences.items()},
        }


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What changes of a network do to its scores.

    Args:
        by: The score that orders them.
        repeats: Batches, and initialisations where there are several, that they were measured on.
        known: How many changes there are in all; those measured are a draw where that is more.
        changes: Best first, failures last.
    """

    by: str
    repeats: int
    known: int
    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, object]:
        """The fields as JSON has them."""
        return {
            "by": self.by,
            "repeats": self.repeats,
            "known": self.known,
            "changes": [change.to_dict() for change in self.changes],
        }


@dataclass(frozen=True, kw_only=True)
class Against:
    """Another network beside the one that is explained.

    Args:
        explanation: Of the other one.
        by: The score whose difference is tested.
        repeats: As for `Edited`.
        change: The scores of the other network less those of the explained one.
    """

    explanation: Explanation
    by: str
    repeats: int
    change: Change

    def to_dict(self) -> dict[str, object]:
        """The fields as JSON has them."""
        return {
            "by": self.by,
            "repeats": self.repeats,
            "change": self.change.to_dict(),
            "explanation": self.explanation.to_dict(),
        }


def edited(
    candidate: Candidate,
    batch: Batch,
    scorers: Sequence[Scorer],
    *,
    by: str,
    limit: int = EDITS,
    build: Mapping[str, str | int] | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Edited:
    """What the changes that are known of a network do: `edits_of`, `drawn`, `changes`.

    Raises:
        InputError: A negative limit, or a network that cannot be built.
    """
    known = edits_of(candidate, batch, build=build)
    chosen = drawn(known, limit)
    found = changes(candidate, chosen, scorers, by=by, seed=seed, progress=progress)
    return Edited(by=by, repeats=len(scorers), known=len(known), changes=found)


def changes(
    candidate: Candidate,
    edits: Sequence[Edit],
    scorers: Sequence[Scorer],
    *,
    by: str,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Change, ...]:
    """What each of some changes does to the scores, best first by one of them, failures last.

    With a probability of at least 95 %, no verdict is wrong: Holm's procedure over all changes, see
    `gradalign.separation`. The intervals are each for itself.

    Args:
        candidate: The network as it is.
        edits: The changes.
        scorers: One a repeat, with its own batches and the same proxies; networks are initialised
            with `seed`, `seed` + 1 and so on.
        by: The proxy that orders the changes, one of those measured.
        seed: Of the first repeat.
        progress: Called with the number of measurements done and that of all.
    """
    networks = [candidate, *(edit.candidate for edit in edits)]
    table: list[list[Scores]] = [[] for _ in networks]
    done = 0
    for repeat, scorer in enumerate(scorers):
        for row, network in zip(table, networks, strict=True):
            row.append(scorer.attempt(network, seed + repeat))
            done += 1
            if progress is not None:
                progress(done, len(networks) * len(scorers))
    own, *others = table
    sign = 1.0 if PROXIES[by].better == "higher" else -1.0
    values = np.array([_values(row, by) for row in table]).reshape(len(table), -1)
    verdicts = told_from(sign * values[1:], sign * values[0])
    found = [
        _change(edit, own, row, by, verdict)
        for edit, row, verdict in zip(edits, others, verdicts, strict=True)
    ]
    return tuple(sorted(found, key=lambda change: _place(change, by, sign)))


def _change(
    edit: Edit, own: Sequence[Scores], other: Sequence[Scores], by: str, verdict: float
) -> Change:
    """What one change does, from the records of both networks, one `Scores` a repeat."""
    proxies = [record.proxy for record in own[0]]
    differences = {
        proxy: difference(_values(own, proxy), _values(other, proxy)) for proxy in proxies
    }
    failed = None
    if differences[by].mean is None:
        records = [scores[by] for pair in zip(other, own, strict=True) for scores in pair]
        failed = next(record for record in records if record.status != "ok")
    return Change(
        name=edit.name,
        model=edit.candidate.name,
        differences=differences,
        status=failed.status if failed else "ok",
        reason=failed.reason if failed else None,
        verdict=None if np.isnan(verdict) else {1.0: "better", -1.0: "worse"}.get(verdict, "open"),
    )


def difference(before: Values, after: Values) -> Difference:
    """The mean difference of one score with its interval.

    Args:
        before: [R], NaN in repeats without a value.
        after: [R], the same repeats.
    """
    known = np.isfinite(before) & np.isfinite(after)
    count = int(known.sum())
    if not count:
        return Difference()
    differences = (after - before)[known]
    mean = float(differences.mean())
    half = None
    if count > 1:
        error = float(differences.std(ddof=1)) / count**0.5
        half = half_width(error, count)
    return Difference(
        before=float(before[known].mean()),
        after=float(after[known].mean()),
        mean=mean,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
    )


def _values(row: Sequence[Scores], proxy: str) -> Values:
    """[R]: one value a repeat, NaN where there is none."""
    return np.array([scores[proxy].value for scores in row], dtype=np.float64)


def _place(change: Change, by: str, sign: float) -> float:
    mean = change.differences[by].mean
    return np.inf if mean is None else -sign * mean
