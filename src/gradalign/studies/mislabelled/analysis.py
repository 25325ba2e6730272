"""How well each figure finds the mislabelled samples, over networks and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.studies.mislabelled.figures import AGAINST, FIGURES, NAMED
from gradalign.studies.mislabelled.runs import STEPS

Run = Mapping[str, Any]
Runs = Sequence[Run]
Values = NDArray[np.float64]

RESAMPLES = 2000


def analysed(runs: Runs, seed: int = 0) -> dict[str, object]:
    """All that is said of these trainings, as it stands in the document.

    Args:
        runs: One of each network and seed, with `auc`, `learned` and `learned_wrong` by step.
        seed: Of the resamples.
    """
    return {
        "figures": [
            {"figure": name, "steps": step, **estimated(runs, reader(name, step), seed)}
            for name in FIGURES
            for step in STEPS
        ],
        "differences": [
            {
                "figure": NAMED,
                "against": other,
                "steps": step,
                **estimated(runs, _difference(other, step), seed),
            }
            for other in AGAINST
            for step in STEPS
        ],
        "by_network": [
            {
                "network": network,
                "figure": name,
                "steps": step,
                **estimated(own, reader(name, step), seed),
            }
            for network, own in _by_network(runs).items()
            for name in FIGURES
            for step in STEPS
        ],
        "learned": [
            {"labels": labels, "steps": step, **estimated(runs, _learned(labels, step), seed)}
            for labels in ("learned", "learned_wrong")
            for step in STEPS
        ],
    }


def reader(figure: str, step: int) -> Callable[[Run], float | None]:
    """What reads the AUC of a figure after so many steps; None where the training had ended."""

    def read(run: Run) -> float | None:
        value = run["auc"].get(str(step), {}).get(figure)
        return None if value is None else float(value)

    return read


def _difference(other: str, step: int) -> Callable[[Run], float | None]:
    own, theirs = reader(NAMED, step), reader(other, step)

    def read(run: Run) -> float | None:
        a, b = own(run), theirs(run)
        return None if a is None or b is None else a - b

    return read


def _learned(labels: str, step: int) -> Callable[[Run], float | None]:
    return lambda run: run[labels].get(str(step))


def estimated(
    runs: Runs, read: Callable[[Run], float | None], seed: int = 0
) -> dict[str, float | int | list[float] | None]:
    """Mean over trainings and its 95 % interval, networks and seeds resampled at once.

    Trainings of one network are alike, and so are those of one seed, which have images and wrong
    labels in common. So rows and columns of the table [networks, seeds] are drawn, each with
    replacement (the pigeonhole bootstrap of Owen, Annals of Applied Statistics 2007), which is
    rather too wide than too narrow. Of a single network, only seeds are drawn.

    Returns:
        `value`; `ci`, None where nothing varies that could be drawn; `n`, trainings with a value.
    """
    networks = list(dict.fromkeys(run["network"] for run in runs))
    seeds = list(dict.fromkeys(run["seed"] for run in runs))
    table = np.full((len(networks), len(seeds)), np.nan)
    for run in runs:
        value = read(run)
        if value is not None:
            table[networks.index(run["network"]), seeds.index(run["seed"])] = value
    present = ~np.isnan(table)
    n = int(present.sum())
    if not n:
        return {"value": None, "ci": None, "n": 0}
    generator = np.random.default_rng(seed)
    rows = _counts(generator, len(networks))
    columns = _counts(generator, len(seeds))
    total = np.einsum("ra,rb,ab->r", rows, columns, np.nan_to_num(table))
    weight = np.einsum("ra,rb,ab->r", rows, columns, present.astype(np.float64))
    drawn = total[weight > 0] / weight[weight > 0]
    ci = [float(each) for each in np.quantile(drawn, [0.025, 0.975])] if n > 1 else None
    return {"value": float(table[present].mean()), "ci": ci, "n": n}


def _counts(generator: np.random.Generator, size: int) -> Values:
    """[resamples, size]: how often each is drawn."""
    counts: Values = generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(
        np.float64
    )
    return counts


def _by_network(runs: Runs) -> dict[str, Runs]:
    names = dict.fromkeys(run["network"] for run in runs)
    return {name: [run for run in runs if run["network"] == name] for name in names}
