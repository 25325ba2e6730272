"""The candidates in order, with what is known about the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from gradalign.errors import Status
from gradalign.proxies._base import Direction
from gradalign.record import Protocols
from gradalign.separation import Pairs, neighbour_groups

REPEATS_SIZE = 0.8
"""From this |tau| on, the order is said to repeat a measure of size."""


@dataclass(frozen=True, kw_only=True)
class RepeatedScore:
    """Mean of one score over the repeats that gave one.

    Args:
        value: The mean; None where no repeat gave a value.
        stderr: Standard error of that mean; None for fewer than two values.
        status: `ok`, or the status of the first repeat where none gave a value.
        reason: One line about what went wrong.
    """

    value: float | None
    stderr: float | None = None
    status: Status = "ok"
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One candidate in the order.

    Args:
        model: Its name.
        rank: 1 is the best; failed candidates come last.
        rank_interval: The ranks it can have, lowest and highest.
        scores: Its scores by name.
    """

    model: str
    rank: int
    rank_interval: tuple[int, int]
    scores: Mapping[str, RepeatedScore]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Candidates best first, with what their order is worth; printed, it is a table.

    Args:
        by: Name of the score that orders them.
        better: Its direction.
        repeats: How often each was measured.
        entries: The candidates, best first.
        apart: [N, N], which of them can be told apart, in the order of `entries`.
        tau_with: Kendall's tau-b of the order with params, macs and layers; None where constant.
        protocols: The conditions behind each protocol hash.
    """

    by: str
    better: Direction
    repeats: int
    entries: tuple[Ranked, ...]
    apart: Pairs
    tau_with: Mapping[str, float | None]
    protocols: Protocols

    @property
    def inseparable(self) -> list[tuple[str, str]]:
        """Every unordered pair of candidates that cannot be told apart."""
        names = [entry.model for entry in self.entries]
        rows, columns = np.nonzero(np.triu(~self.apart, k=1))
        return [(names[i], names[j]) for i, j in zip(rows, columns, strict=True)]

    def to_dict(self) -> dict[str, object]:
        """The JSON document `rank`."""
        return {
            "protocols": {name: dict(conditions) for name, conditions in self.protocols.items()},
            "by": self.by,
            "repeats": self.repeats,
            "ranking": [
                {**asdict(entry), "rank_interval": list(entry.rank_interval)}
                for entry in self.entries
            ],
            "inseparable": [list(pair) for pair in self.inseparable],
            "tau_with": dict(self.tau_with),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a candidate: rank, its interval, status, and each score with `_stderr`."""
        rows = []
        for entry in self.entries:
            row: dict[str, object] = {
                "model": entry.model,
                "rank": entry.rank,
                "rank_low": entry.rank_interval[0],
                "rank_high": entry.rank_interval[1],
                "status": entry.scores[self.by].status,
            }
            for name, found in entry.scores.items():
                row |= {name: found.value, f"{name}_stderr": found.stderr}
            rows.append(row)
        frame = pd.DataFrame(rows)
        return frame.astype(dict.fromkeys(frame.columns[5:], "float64"))

    def rows(self) -> list[tuple[str, ...]]:
        """The table as texts: rank, interval, group, model, score, note; the header first."""
        groups = self._group_names()
        header = ("rank", "can be", "group", "model", self.by, "note")
        return [header, *(self._row(entry, groups[k]) for k, entry in enumerate(self.entries))]

    def _row(self, entry: Ranked, group: str) -> tuple[str, ...]:
        low, high = entry.rank_interval
        found = entry.scores[self.by]
        score, note = "-", f"{found.status}: {found.reason}"
        if found.value is not None:
            score, note = f"{found.value:.5g}", ""
        if found.stderr is not None:
            score += f" ± {found.stderr:.2g}"
        interval = str(low) if low == high else f"{low}-{high}"
        return (str(entry.rank), interval, group, entry.model, score, note)

    def _group_names(self) -> list[str]:
        """Letters of the groups that each candidate is in."""
        names: list[list[str]] = [[] for _ in self.entries]
        for number, group in enumerate(neighbour_groups(self.apart)):
            for k in group:
                names[k].append(_letters(number))
        return [" ".join(each) for each in names]

    def notes(self) -> list[str]:
        """What the order is worth, one sentence each."""
        how = f"mean of {self.repeats} repeats ± its standard error"
        if self.repeats == 1:
            how = "1 repeat"
        return [
            f"Ordered by {self.by}, {self.better} is better; {how}.",
            self._separation_note(),
            self._size_note(),
        ]

    @property
    def _scored(self) -> int:
        """Number of candidates that have a score; they come first."""
        return sum(entry.scores[self.by].value is not None for entry in self.entries)

    def _separation_note(self) -> str:
        count = self._scored
        if count == 0:
            return "No model has a score: there is no order."
        if count == 1:
            return "One model only has a score: there is nothing to compare it with."
        if self.repeats == 1:
            return "One repeat cannot tell models apart: the order may be chance. Use more repeats."
        pairs = count * (count - 1) // 2
        apart = int(np.triu(self.apart[:count, :count], k=1).sum())
        if apart == 0:
            return (
                "No two of these models can be told apart: this order is no reason to prefer one. "
                "More repeats or larger batches may tell."
            )
        told = f"{apart} of {pairs} pairs can be told apart, with 95 % confidence for all together"
        if apart < pairs:
            told += "; models that share a group letter cannot"
        return f"{told}. It is an order of scores, not of trained accuracy."

    def _size_note(self) -> str:
        known = {name: tau for name, tau in self.tau_with.items() if tau is not None}
        parts = [
            f"{tau:+.2f} with {name}" if tau is not None else f"none with {name} (all equal)"
            for name, tau in self.tau_with.items()
        ]
        line = f"Kendall's tau of this order: {', '.join(parts)}"
        if not known:
            return f"{line}."
        if self._scored == 2:
            return f"{line}. Of two models tau can only be +1 or -1."
        name, tau = max(known.items(), key=lambda item: (round(abs(item[1]), 9), item[1]))
        if abs(tau) < REPEATS_SIZE:
            return f"{line}: it does not merely repeat one of them."
        how = "is exactly" if abs(tau) > 1 - 1e-9 else "mostly repeats"
        which = "most" if tau > 0 else "fewest"
        return f"{line}: it {how} the order by {name}, {which} first."

    def __str__(self) -> str:
        return "\n".join([*_aligned(self.rows()), "", *self.notes()])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, columns of one width; a column without content but its header is left out."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]


def _letters(number: int) -> str:
    """A to z, then aa, ab and so on."""
    text = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text
