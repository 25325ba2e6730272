"""What the figures of a view say, in a few sentences, none without its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gradalign.comparison import difference, gains
from gradalign.comparison.pairs import LEVEL
from gradalign.evaluation import Evaluation, Row
from gradalign.evaluation.bootstrap import Bootstrap
from gradalign.evaluation.method import choose_method
from gradalign.evaluation.pairs import dense_ranks
from gradalign.pages.agreement import NETWORKS
from gradalign.pages.compared import Compared
from gradalign.pages.kinds import better_of, is_reference, is_size, kind_of
from gradalign.pages.networks import Networks, valued
from gradalign.pages.rows import short
from gradalign.rank import SIZES

FEWEST = 10
"""Networks below which nothing is said: an interval of so few is not to be trusted."""

RESAMPLES = 1000

NAMED = 3
"""Scores that are named at either end of a list."""

Interval = tuple[float, float]
Values = NDArray[np.float64]


def compared_findings(compared: Compared, seed: int = 0) -> tuple[str, ...]:
    """What holds of scores beside an accuracy: at most six sentences.

    Args:
        compared: The accuracy.
        seed: Of the resamples of the best tenth.
    """
    found = compared.evaluation
    if found.n < FEWEST:
        return (_too_few(found.n),)
    scores = [row for row in found.rows if _is_score(row) and row.kendall_tau_ci is not None]
    if not scores:
        return tuple(_failures(found))
    best = scores[0]
    return (
        _best(compared, best, len(scores)),
        *_beside_size(found, best),
        *_partial(best),
        *_best_tenth(compared, best, seed),
        *_ablations(found),
        *_failures(found),
    )


def _is_score(row: Row) -> bool:
    return not is_reference(row.proxy, trained=row.cost is not None)


def _too_few(networks: int) -> str:
    return (
        f"{networks} network{'s are' if networks != 1 else ' is'} too few to say anything by: "
        f"findings need {FEWEST}."
    )


def _best(compared: Compared, best: Row, scores: int) -> str:
    tau = _number(best.kendall_tau, best.kendall_tau_ci)
    orders = f"{best.proxy} orders these {best.n:,} networks by {compared.title} with tau {tau}"
    if scores == 1:
        return f"{orders}{_around_zero(best.kendall_tau_ci)}."
    return (
        f"Of {scores} scores, {orders}{_around_zero(best.kendall_tau_ci)}, the highest of all. It "
        "was chosen as the best of them on these very networks, which flatters it; its interval "
        "does not know of that."
    )


def _beside_size(found: Evaluation, best: Row) -> Iterator[str]:
    size = next((r for r in found.rows if is_size(r.proxy) and r.kendall_tau is not None), None)
    pair = None if size is None else difference(found, best.proxy, size.proxy)
    if size is None or pair is None or pair.difference_ci is None:
        return
    told = f"difference of tau {_number(pair.difference, pair.difference_ci, '+')}"
    against = f"{size.proxy}, the best plain size"
    low, high = pair.difference_ci
    if low <= 0 <= high:
        yield f"{best.proxy} cannot be told from {against}: {told}."
    elif pair.p_holm is None or pair.p_holm >= LEVEL:
        yield (
            f"{best.proxy} cannot be told from {against}, once it is counted how many pairs are "
            f"compared (Holm's correction): {told}, which is of this pair alone."
        )
    else:
        yield f"{best.proxy} is {'ahead of' if low > 0 else 'behind'} {against}: {told}."


def _partial(best: Row) -> Iterator[str]:
    if best.partial_tau_ci is None:
        return
    tau = _number(best.partial_tau, best.partial_tau_ci)
    yield (
        f"With {', '.join(SIZES[:-1])} and {SIZES[-1]} held constant {best.proxy} has partial tau "
        f"{tau}{_around_zero(best.partial_tau_ci)}."
    )


def _best_tenth(compared: Compared, best: Row, seed: int) -> Iterator[str]:
    """The best score among the networks that matter most, as `Row.top10_tau` has them."""
    column, pool = compared.pool.columns[best.proxy], compared.pool
    score, accuracy = column.ranking[column.recorded], pool.accuracy[column.recorded]
    threshold = np.sort(accuracy)[-((len(accuracy) + 9) // 10)]
    inside = accuracy >= threshold
    count = int(inside.sum())
    if count < FEWEST or best.top10_tau is None:
        return
    over = Bootstrap(count, RESAMPLES, seed)
    values, resampled = over.tau(dense_ranks([score[inside]]), dense_ranks([accuracy[inside]]))
    ci = over.interval(float(values[0, 0]), resampled[0, 0])
    if ci is not None:
        yield (
            f"Inside the best tenth by {compared.label}, {count} networks, {best.proxy} has tau "
            f"{_number(best.top10_tau, ci)}{_around_zero(ci)}."
        )


def _ablations(found: Evaluation) -> Iterator[str]:
    """Every score with its idea taken out."""
    pairs = [pair for pair in gains(found) if pair.difference_ci is not None]
    if not pairs:
        return
    told = []
    for pair in pairs:
        low, high = pair.difference_ci or (0.0, 0.0)
        verdict = "not to be told from it" if low <= 0 <= high else "ahead" if low > 0 else "behind"
        told.append(f"{pair.proxy_a} {_number(pair.difference, (low, high), '+')}, {verdict}")
    yield f"Against what is left of a score when its idea is taken out: {'; '.join(told)}."


def _failures(found: Evaluation) -> Iterator[str]:
    failed = [(row.proxy, row.failed) for row in found.rows if row.failed]
    if not failed:
        return
    failed.sort(key=lambda each: -each[1])
    named = ", ".join(f"{name} of {count:,}" for name, count in failed[:NAMED])
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    yield f"No value, and so ranked last: {named}{more}, of {found.n:,} networks."


def plain_findings(networks: Networks) -> tuple[str, ...]:
    """What can be said without accuracies: nothing of how good a score is."""
    said: list[str] = []
    if len(networks.models) < FEWEST:
        said.append(_too_few(len(networks.models)))
    else:
        orders = _orders(networks)
        said += [*_like_size(orders), *_alike(orders)]
    records = networks.records
    failed = int((~valued(records)).sum())
    if failed:
        said.append(f"{failed:,} of {len(records):,} records have no value.")
    said.append("Without accuracies nothing here says how good a score is.")
    return tuple(said)


def _orders(networks: Networks) -> dict[str, Values]:
    """The order by each score, better ones higher; networks without a value are last."""
    values = networks.values.loc[list(networks.drawn(NETWORKS))]
    found: dict[str, Values] = {}
    for name, column in values.items():
        sign = 1.0 if better_of(str(name)) == "higher" else -1.0
        if column.nunique() > 1:
            numbers = sign * column.to_numpy(np.float64)
            found[str(name)] = np.where(np.isnan(numbers), -np.inf, numbers)
    return found


def _like_size(orders: dict[str, Values]) -> Iterator[str]:
    """How far each score repeats the plain size that it is most like."""
    sizes = [name for name in SIZES if name in orders]
    scores = _scores(orders)
    if not sizes or not scores:
        return
    n = len(orders[sizes[0]])
    over = choose_method([(len(scores) * len(sizes), n)], RESAMPLES, 0).over(n)
    taus, replicates = over.tau(
        dense_ranks([orders[name] for name in scores]), dense_ranks([orders[s] for s in sizes])
    )
    found: list[tuple[float, str]] = []
    for k, name in enumerate(scores):
        place = int(np.argmax(np.abs(taus[k])))
        tau = float(taus[k, place])
        ci = over.interval(tau, replicates[k, place])
        if ci is not None:
            found.append((tau, f"{name} with {sizes[place]} {_number(tau, ci)}"))
    found.sort(key=lambda each: -abs(each[0]))
    texts = [text for _, text in found]
    if len(texts) > 2 * NAMED:
        said = f"most {'; '.join(texts[:NAMED])}; least {'; '.join(texts[-NAMED:])}"
    else:
        said = "; ".join(texts)
    if said:
        yield f"Tau of the order by each score with the plain size that it is most like: {said}."


def _alike(orders: dict[str, Values]) -> Iterator[str]:
    """How much the scores agree on the order."""
    scores = _scores(orders)
    if len(scores) < 2:
        return
    n = len(orders[scores[0]])
    over = choose_method([(len(scores) ** 2, n)], RESAMPLES, 0).over(n)
    ranks = dense_ranks([orders[name] for name in scores])
    taus, replicates = over.tau(ranks, ranks)
    a, b = np.triu_indices(len(scores), 1)
    mean = float(taus[a, b].mean())
    ci = over.difference_interval(mean, replicates[a, b].mean(0))
    nearest = int(np.argmax(taus[a, b]))
    own = float(taus[a, b][nearest])
    near = over.interval(own, replicates[a, b][nearest])
    if ci is None or near is None:
        return
    both = f"{scores[a[nearest]]} and {scores[b[nearest]]}"
    if len(a) == 1:
        yield f"{both} order the networks with tau {_number(own, near)} to each other."
        return
    yield (
        f"Any two of the {len(scores)} scores agree on the order with tau {_number(mean, ci)} in "
        f"the mean; most alike are {both}, {_number(own, near)}."
    )


def _scores(orders: dict[str, Values]) -> list[str]:
    """Those that are no reference, nor made of the others."""
    return [n for n in orders if not is_reference(n) and kind_of(n) != "aggregate"]


def _around_zero(ci: Interval | None) -> str:
    return ", not to be told from 0" if ci is not None and ci[0] <= 0 <= ci[1] else ""


def _number(value: float | None, ci: Sequence[float] | None, sign: str = "") -> str:
    """A value with its interval; a difference with its sign."""
    texts = [
        f"+{short(each)}" if sign and each is not None and each > 0 and short(each) != "0.00"
        else short(each)
        for each in (value, *(ci or ()))
    ]  # fmt: skip
    return f"{texts[0]} [{', '.join(texts[1:])}]" if ci else texts[0]
