"""What became of the networks that were trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd
from torch import nn

from gradalign.candidate import Candidate
from gradalign.errors import InputError
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.search.course import load_weights
from gradalign.training import Recipe

FEWEST = 3
"""Networks of whose ranks a correlation is given."""


@dataclass(kw_only=True)
class Finalist:
    """One of the networks, and how its training went.

    Args:
        candidate: The network.
        rank: By score; 1 is the best.
        seed: Of its initialisation.
        accuracies: On the validation samples after each epoch that counts, percent.
        status: `trained` to the end, `pruned` at a rung, or `failed`.
        pruned_at: Epochs after which it was given up.
        test_accuracy: Of a trained one, percent.
        seconds: How long its epochs took.
        reason: Why it failed.
        checkpoint: File with its last weights.
    """

    candidate: Candidate
    rank: int
    seed: int
    accuracies: list[float] = field(default_factory=list)
    status: Literal["trained", "pruned", "failed"] = "trained"
    pruned_at: int | None = None
    test_accuracy: float | None = None
    seconds: float = 0.0
    reason: str | None = None
    checkpoint: Path | None = None

    def network(self) -> nn.Module:
        """The network with its last weights, on the CPU in eval mode.

        Raises:
            InputError: It has no checkpoint.
        """
        if self.checkpoint is None:
            raise InputError(f"{self.candidate.name!r} is not trained: {self.reason}")
        model = self.candidate.build(self.seed)
        load_weights(model, self.checkpoint)
        return model.eval()

    def to_dict(self) -> dict[str, object]:
        """What a JSON document holds of it."""
        return {
            "model": self.candidate.name,
            "rank": self.rank,
            "status": self.status,
            "epochs": len(self.accuracies),
            "val_accuracy": self.accuracies[-1] if self.accuracies else None,
            "val_accuracies": list(self.accuracies),
            "test_accuracy": self.test_accuracy,
            "pruned_at": self.pruned_at,
            "seconds": self.seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Finalists:
    """What became of the networks that were trained.

    Args:
        entries: Best score first.
        data: Source of the samples.
        samples: How many learn, validate and test.
        recipe: How they were trained.
        rungs: Epochs after which the worse half was given up, and the last epoch.
    """

    entries: tuple[Finalist, ...]
    data: str
    samples: dict[str, int]
    recipe: Recipe
    rungs: tuple[int, ...]

    @property
    def winner(self) -> Finalist | None:
        """The best on the validation samples of those trained to the end; of equal ones, by score.

        None where none is.
        """
        trained = [own for own in self.entries if own.status == "trained"]
        return max(trained, key=lambda own: (own.accuracies[-1], -own.rank), default=None)

    @property
    def compared(self) -> int:
        """How many reached the first rung."""
        return len(self._at_first_rung)

    @property
    def tau(self) -> float | None:
        """Kendall tau-b of the order by score with validation accuracy at the first rung.

        1: the same order. None for fewer than 3 networks, or where all are equally accurate.
        """
        reached = self._at_first_rung
        if len(reached) < FEWEST:
            return None
        first = self.rungs[0]
        return kendall_tau(
            [-own.rank for own in reached], [own.accuracies[first - 1] for own in reached]
        )

    @property
    def _at_first_rung(self) -> list[Finalist]:
        return [own for own in self.entries if len(own.accuracies) >= self.rungs[0]]

    def to_dict(self) -> dict[str, object]:
        """The part `finalists` of the JSON document `search`."""
        winner = self.winner
        return {
            "data": self.data,
            "samples": dict(self.samples),
            "recipe": str(self.recipe),
            "rungs": list(self.rungs),
            "winner": None if winner is None else winner.candidate.name,
            "tau_with_score": {"tau": self.tau, "n": self.compared},
            "networks": [own.to_dict() for own in self.entries],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a network, best score first, without the accuracies of single epochs."""
        return pd.DataFrame([own.to_dict() for own in self.entries]).drop(columns="val_accuracies")
