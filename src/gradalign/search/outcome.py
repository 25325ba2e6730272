"""What becomes of a proposal, and how its trial is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gradalign.search.objective import Values

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial


State = Literal["COMPLETE", "PRUNED", "FAIL"]
"""Of a trial, by Optuna's names: scored, not to be scored, failed."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has become of a proposal: scored, refused, or failed.

    Args:
        costs: What it takes.
        measured: Scores and costs; None: it was not scored.
        values: The objectives; None: it has none.
        margins: By how much it is above each limit, as a share of it; 0 or less: within it.
        refused: Whether the function that should make it has refused to, by `TrialPruned`.
        reason: Why it was refused or has failed.
        same_as: Number of the trial that has measured this network already.
    """

    costs: Values | None = None
    measured: Values | None = None
    values: tuple[float, ...] | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    refused: bool = False
    reason: str | None = None
    same_as: int | None = None

    @property
    def broken(self) -> tuple[str, ...]:
        """The limits that it breaks."""
        return tuple(name for name, margin in self.margins.items() if margin > 0)

    @property
    def state(self) -> State:
        """The state of its trial."""
        if self.values is not None:
            return "COMPLETE"
        return "PRUNED" if self.refused or self.broken else "FAIL"

    @property
    def attributes(self) -> dict[str, Any]:
        """What its trial keeps of it."""
        names = ("costs", "measured", "reason", "same_as")
        return {name: fact for name in names if (fact := getattr(self, name)) is not None}


def tell(study: Study, trial: Trial, outcome: Outcome) -> None:
    """Record the outcome in the study."""
    from optuna.trial import TrialState  # here: `gradalign` is imported without Optuna

    for name, margin in outcome.margins.items():
        if name not in trial.constraints:  # it was told in part, then interrupted
            trial.set_constraint(name, margin)
    for name, fact in outcome.attributes.items():
        trial.set_user_attr(name, fact)
    study.tell(trial, values=outcome.values, state=TrialState[outcome.state])
