"""Whether conflict before training goes with slow convergence, over architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from gradalign.comparison import compare
from gradalign.evaluation import Evaluation, evaluate
from gradalign.evaluation.difference import holm, two_sided
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.proxies import PROXIES
from gradalign.studies.convergence.measures import MEASURES, SIZES, SUMS
from gradalign.studies.convergence.runs import LATER, mean_loss, measure_at

OUTCOMES = ("speed", "accuracy")
"""What is predicted: a low mean loss over the training, and the test accuracy."""

Verdict = Literal["evidence for", "evidence against", "no evidence"]

ALPHA = 0.05
"""Level of the tests, after Holm's correction."""

Runs = Sequence[Mapping[str, Any]]
"""Results of trainings, each with the `space`, `arch` and `seed` of its task."""

_WIDTH = 2 * 1.959963984540054
"""A 95 % interval of a normal value, in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """One of the tests that were named beforehand.

    Args:
        measure: A measure of conflict.
        outcome: `speed` or `accuracy`.
        tau: Mean over the spaces of tau-b with the outcome; positive where less conflict goes with
            the better outcome.
        tau_ci: Its 95 % interval.
        partial_tau: The same with params, macs and layers held constant: what is tested.
        partial_tau_ci: Its interval.
        p: Two-sided p that it is 0.
        p_holm: After Holm's correction for all hypotheses.
        verdict: What that says about "conflict hinders".
    """

    measure: str
    outcome: str
    tau: float | None
    tau_ci: tuple[float, float] | None
    partial_tau: float | None
    partial_tau_ci: tuple[float, float] | None
    p: float | None
    p_holm: float | None
    verdict: Verdict


def evaluations(runs: Runs, seed: int = 0) -> list[Evaluation]:
    """Rank statistics of all measures against both outcomes, for each space.

    Measures, outcomes and sizes are means over the seeds.
    """
    directions = {
        name: PROXIES[name.partition(" ")[0]].better for name in _columns() if name not in SIZES
    }
    found = []
    for space in dict.fromkeys(run["space"] for run in runs):
        own = [run for run in runs if run["space"] == space]
        scores, truth = _scores(own), _truth(own)
        found += [
            evaluate(scores, truth, outcome, name=space, directions=directions, seed=seed)
            for outcome in OUTCOMES
        ]
    return found


def hypotheses(found: Sequence[Evaluation]) -> list[Hypothesis]:
    """The tests that were named beforehand: each measure of conflict with each outcome."""
    asked = []
    for outcome in OUTCOMES:
        lines = {
            line.name: line
            for line in compare([each for each in found if each.metric == outcome]).lines
        }
        asked += [(name, outcome, lines[name].tau, lines[name].partial_tau) for name in MEASURES]
    ps = [_p(partial.value, partial.ci) if partial else None for *_, partial in asked]
    return [
        Hypothesis(
            measure=measure,
            outcome=outcome,
            tau=tau.value if tau else None,
            tau_ci=tau.ci if tau else None,
            partial_tau=partial.value if partial else None,
            partial_tau_ci=partial.ci if partial else None,
            p=p,
            p_holm=corrected,
            verdict=_verdict(partial.value if partial else None, corrected),
        )
        for (measure, outcome, tau, partial), p, corrected in zip(asked, ps, holm(ps), strict=True)
    ]


def _p(value: float, ci: tuple[float, float] | None) -> float | None:
    return None if ci is None else two_sided(value, (ci[1] - ci[0]) / _WIDTH)


def _verdict(partial: float | None, p: float | None) -> Verdict:
    if partial is None or p is None or p >= ALPHA:
        return "no evidence"
    return "evidence for" if partial > 0 else "evidence against"


def within(runs: Runs, measure: str, outcome: str, seed: int = 0) -> dict[str, object]:
    """The same among trainings of one and the same architecture, which differ in their seed.

    Mean over architectures of tau-b over their seeds, with a bootstrap over architectures; size
    cannot matter here. Architectures of which one list is constant say nothing.
    """
    sign = -1.0 if PROXIES[measure].better == "lower" else 1.0
    taus = []
    for key in dict.fromkeys((run["space"], run["arch"]) for run in runs):
        own = [run for run in runs if (run["space"], run["arch"]) == key]
        pairs = [(measure_at(run, 0, measure), _outcome(run, outcome)) for run in own]
        kept = [(value, reached) for value, reached in pairs if value is not None]
        if len(kept) > 1 and (tau := kendall_tau(*zip(*kept, strict=True))) is not None:
            taus.append(sign * tau)
    if len(taus) < 2:
        return {"measure": measure, "outcome": outcome, "n": len(taus), "tau": None, "ci": None}
    values = np.asarray(taus)
    drawn = np.random.default_rng(seed).integers(len(values), size=(2000, len(values)))
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return {
        "measure": measure,
        "outcome": outcome,
        "n": len(taus),
        "tau": float(values.mean()),
        "ci": [float(low), float(high)],
    }


def analysed(runs: Runs, seed: int = 0) -> dict[str, object]:
    """All that is said of these trainings, as it stands in the document."""
    found = evaluations(runs, seed)
    return {
        "hypotheses": [asdict(each) for each in hypotheses(found)],
        "within": [
            within(runs, measure, outcome, seed) for outcome in OUTCOMES for measure in MEASURES
        ],
        "evaluations": [each.to_dict() for each in found],
    }


def _columns() -> list[str]:
    """Names of all measures: those of later epochs say so."""
    later = [f"{name} after {epoch}" for epoch in LATER for name in MEASURES]
    return [*MEASURES, *SUMS, *SIZES, *later]


def _scores(runs: Runs) -> pd.DataFrame:
    """A record for each measure of each training, as `evaluate` reads them."""
    rows = []
    for run in runs:
        for name in _columns():
            measure, _, epoch = name.partition(" after ")
            value = measure_at(run, int(epoch or 0), measure)
            rows.append(
                (run["arch"], name, run["seed"], value, "ok" if value is not None else "nan")
            )
    return pd.DataFrame(rows, columns=["model", "proxy", "seed", "value", "status"])


def _truth(runs: Runs) -> pd.DataFrame:
    """The mean outcome of each architecture."""
    rows = [
        {"arch": run["arch"], **{name: _outcome(run, name) for name in OUTCOMES}} for run in runs
    ]
    return pd.DataFrame(rows).groupby("arch", sort=False).mean().reset_index()


def _outcome(run: Mapping[str, Any], name: str) -> float:
    """Accuracy in percent, or minus the mean loss in nats."""
    return float(run["accuracy"]) if name == "accuracy" else -mean_loss(run)
