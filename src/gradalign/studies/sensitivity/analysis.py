"""How well each score orders the networks under each condition, beside the reference."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gradalign.benchmarks import Benchmark
from gradalign.comparison import difference
from gradalign.evaluation import Evaluation, PairedDifference, evaluate
from gradalign.evaluation.difference import with_holm
from gradalign.proxies import PROXIES
from gradalign.studies.sensitivity.agreement import matched
from gradalign.studies.sensitivity.conditions import REFERENCE
from gradalign.studies.sensitivity.measuring import MAIN, SCORES, SIZES, WITHOUT_DATA
from gradalign.studies.sensitivity.results import Results


def analysed(found: Results, benchmark: Benchmark, metric: str, seed: int) -> dict[str, Any]:
    """What the document holds of tau with the trained accuracy.

    Returns:
        `settings`: by condition, what it is and what it costs; `rows`: one for each score and
        condition; `baselines`: scores that need no batch; `trial`: differences between the kinds
        of images.
    """
    evaluations = {score: evaluated(found, score, benchmark, metric, seed) for score in SCORES}
    return {
        "settings": {
            each.key: {
                "factor": each.factor,
                "level": each.level,
                **vars(each.setting),
                "data": each.setting.data.partition(":")[0],
                "seconds": found.seconds(each.key, "seconds"),
                "pass_seconds": found.seconds(each.key, "pass_seconds"),
            }
            for each in found.conditions
        },
        "rows": [
            row for score, own in evaluations.items() for row in _rows(found, score, own, seed)
        ],
        "baselines": [_baseline(evaluations[MAIN], name) for name in (*SIZES, WITHOUT_DATA)],
        "trial": [
            {"score": score, **pair.to_dict()}
            for score, own in evaluations.items()
            for pair in trial(found, own)
        ],
    }


def evaluated(
    found: Results, score: str, benchmark: Benchmark, metric: str, seed: int
) -> Evaluation:
    """Rank statistics of one score: each condition is a score of its own, named by its key.

    Sizes are those of the reference, so that all conditions are held against the same networks.
    """
    frame = pd.concat(
        [
            *(found.records(score, key, key) for key in found.keys),
            *(found.records(name, REFERENCE, name) for name in (*SIZES, WITHOUT_DATA)),
        ]
    )
    directions = dict.fromkeys(found.keys, PROXIES[score].better)
    return evaluate(frame, benchmark, metric, directions=directions, covariates=SIZES, seed=seed)


def trial(found: Results, evaluation: Evaluation) -> list[PairedDifference]:
    """The differences between digits, noise and natural images, with Holm's correction.

    Natural images count at 32x32, as in the trial that this repeats; digits and noise at 16x16.
    """
    natural = "images at 32x32: natural"
    third = natural if natural in found.keys else "images at 32x32: noise"
    keys = [REFERENCE, "images: noise", third]
    pairs = [(a, b) for k, a in enumerate(keys) for b in keys[k + 1 :]]
    return _corrected(evaluation, pairs)


def _corrected(evaluation: Evaluation, pairs: list[tuple[str, str]]) -> list[PairedDifference]:
    differences = [difference(evaluation, a, b) for a, b in pairs]
    return list(with_holm([each for each in differences if each is not None]))


def _rows(found: Results, score: str, evaluation: Evaluation, seed: int) -> list[dict[str, object]]:
    """A row for each condition, in their order."""
    others = [key for key in found.keys if key != REFERENCE]
    pairs = _corrected(evaluation, [(key, REFERENCE) for key in others])
    differences = {each.proxy_a: each for each in pairs}
    same = matched(found, score, REFERENCE, others, (), seed)
    rows = []
    for key in found.keys:
        row = evaluation.row(key)
        own = differences.get(key)
        order = same.row(key) if same is not None and key != REFERENCE else None
        rows.append(
            {
                "score": score,
                "condition": key,
                "n": row.n,
                "failed": row.failed,
                "reason": found.reason(score, key),
                "tau": row.kendall_tau,
                "tau_ci": row.kendall_tau_ci,
                "partial_tau": row.partial_tau,
                "partial_tau_ci": row.partial_tau_ci,
                "difference": own.difference if own else None,
                "difference_ci": own.difference_ci if own else None,
                "p": own.p if own else None,
                "p_holm": own.p_holm if own else None,
                "rho": order.spearman_rho if order else None,
                "rho_ci": order.spearman_rho_ci if order else None,
            }
        )
    return rows


def _baseline(evaluation: Evaluation, name: str) -> dict[str, object]:
    """A score that needs no batch: what the others have to be better than."""
    row, ahead = evaluation.row(name), difference(evaluation, REFERENCE, name)
    return {
        "score": name,
        "tau": row.kendall_tau,
        "tau_ci": row.kendall_tau_ci,
        "ahead": ahead.difference if ahead else None,
        "ahead_ci": ahead.difference_ci if ahead else None,
    }
