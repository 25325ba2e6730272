"""Whether two conditions give the same order of networks, whatever the order is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gradalign.comparison.draw import FEWEST
from gradalign.evaluation import Evaluation, evaluate
from gradalign.studies.sensitivity.conditions import REFERENCE
from gradalign.studies.sensitivity.measuring import SCORES, SIZES, WITHOUT_DATA
from gradalign.studies.sensitivity.results import Results

PAIRS = (
    (REFERENCE, "batch draw: 2nd"),
    (REFERENCE, "labels: all permuted"),
    (REFERENCE, "images: noise"),
    (REFERENCE, "images: natural"),
    ("input size: 32", "images at 32x32: noise"),
    (REFERENCE, "images: digits of one class"),
    (REFERENCE, "images: one digit, 32 times"),
    ("norm: identity", "norm identity: noise"),
    ("batch size: 2", "batch size 2: noise"),
    ("cheap: small copy, 8 at 8x8", "cheap: small copy, 8 of noise at 8x8"),
)
"""Conditions that differ in their samples only."""

_HELD = (*SIZES, WITHOUT_DATA)
"""What is held constant to ask whether two orders agree in more than size."""


def agreements(found: Results, space: str, seed: int) -> list[dict[str, object]]:
    """How alike the orders are under the conditions of `PAIRS` that were measured.

    Returns:
        Rows with `rho`, Spearman's, and `beyond_size`, Kendall's tau-b with params, macs, layers
        and the main score's data-free part held constant; both with 95 % intervals, None where
        they are not defined.
    """
    pairs = [(a, b) for a, b in PAIRS if {a, b} <= set(found.keys)]
    rows: list[dict[str, object]] = []
    for score in SCORES:
        orders = {
            first: matched(found, score, first, [b for a, b in pairs if a == first], _HELD, seed)
            for first in dict.fromkeys(a for a, _ in pairs)
        }
        rows += [
            {"space": space, "score": score, "a": a, "b": b, **_alike(orders[a], b)}
            for a, b in pairs
        ]
    return rows


def _alike(order: Evaluation | None, key: str) -> dict[str, object]:
    if order is None:
        names = ("rho", "rho_ci", "beyond_size", "beyond_size_ci")
        return {"n": 0, **dict.fromkeys(names)}
    row = order.row(key)
    return {
        "n": row.n,
        "rho": row.spearman_rho,
        "rho_ci": row.spearman_rho_ci,
        "beyond_size": row.partial_tau,
        "beyond_size_ci": row.partial_tau_ci,
    }


def matched(
    found: Results, score: str, truth: str, keys: Sequence[str], held: Sequence[str], seed: int
) -> Evaluation | None:
    """A score under `keys` held against the same score under `truth`, in place of an accuracy.

    Args:
        found: What was measured.
        score: The score.
        truth: The condition whose values are to be met; networks without one are left out.
        keys: The others.
        held: Scores to hold constant, as measured in the reference.
        seed: Of the resamples.

    Returns:
        Rank statistics; None: fewer than three networks have a value under `truth`.
    """
    frame = pd.concat(
        [
            *(found.records(score, key, key) for key in keys),
            *(found.records(name, REFERENCE, name) for name in held),
        ]
    )
    values = np.array(found.values(score, truth), dtype=np.float64)
    table = pd.DataFrame({"arch": found.models, "value": values})
    if np.isfinite(values).sum() < FEWEST:
        return None
    return evaluate(frame, table, "value", name=truth, covariates=held, seed=seed)
