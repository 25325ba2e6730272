"""How much the scores agree with each other about the order of the networks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.pages.kinds import better_of
from gradalign.pages.networks import Networks
from gradalign.report import HeatMap

NETWORKS = 2000
"""Of more networks, as many are drawn: tau has then an error of less than .02."""


def agreement(networks: Networks) -> HeatMap | None:
    """Kendall's tau between all pairs of scores, each in its direction.

    Scores that agree stand beside each other. A score without a value, or with one value for all
    networks, is left out; None where fewer than two are left.
    """
    values = networks.values.loc[list(networks.drawn(NETWORKS))]
    signed = {
        str(name): column.to_numpy(np.float64) * (1 if better_of(str(name)) == "higher" else -1)
        for name, column in values.items()
        if column.nunique() > 1
    }
    if len(signed) < 2:
        return None
    names = list(signed)
    taus = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    for a, b in combinations(names, 2):
        tau = kendall_tau(signed[a], signed[b])
        taus.loc[a, b] = taus.loc[b, a] = np.nan if tau is None else tau
    order = _beside(taus.to_numpy())
    return HeatMap(
        names=[names[place] for place in order],
        values=[
            [None if np.isnan(tau) else float(tau) for tau in taus.to_numpy()[place][order]]
            for place in order
        ],
    )


def agreement_note(networks: Networks) -> str:
    """What the heat map shows, in a sentence or two."""
    drawn = len(networks.drawn(NETWORKS))
    of = "" if drawn == len(networks.models) else f" drawn of the {len(networks.models):,}"
    return (
        f"Kendall's tau between the orders in which two scores put the {drawn:,} networks{of}; "
        "where low values of a score promise the better network, its order is turned. Scores that "
        "agree stand beside each other."
    )


def _beside(taus: NDArray[np.float64]) -> list[int]:
    """An order in which neighbours are alike."""
    if len(taus) < 3:
        return list(range(len(taus)))
    distances = 1 - np.nan_to_num(taus)
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    order: list[int] = leaves_list(tree).tolist()
    return order
