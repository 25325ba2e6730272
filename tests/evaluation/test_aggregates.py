"""Rank aggregates as rows of the table, and what scores cost."""

import numpy as np
import pytest
from scipy.stats import rankdata
from tests.evaluation.samples import make_scores, make_seeds, make_truth, values_of

from gradalign.aggregates import Aggregate
from gradalign.errors import InputError
from gradalign.evaluation import evaluate
from gradalign.evaluation.pool import make_pool
from gradalign.evaluation.rank_statistics import kendall_tau

BOTH = Aggregate(name="both", members=("good", "bad"))


def by_hand(*members):
    """Sum of log(rank / N), failed networks last and tied."""
    keys = [np.where(np.isnan(values), -np.inf, values) for values in members]
    return np.sum([np.log(rankdata(key) / len(key)) for key in keys], axis=0)


def row_of(scores, truth, **options):
    return evaluate(scores, truth, "final", aggregates=[BOTH], resamples=20, **options).row("both")


def test_an_aggregate_is_a_row_over_the_matched_networks():
    truth = make_truth(60)
    scores = make_scores(truth)  # all were scored, 50 are in the table
    row = row_of(scores, truth[:50])
    expected = by_hand(*(values_of(scores, truth[:50], name) for name in BOTH.members))
    assert row.kendall_tau == pytest.approx(kendall_tau(expected, truth["final"][:50]))
    assert (row.n, row.better, row.coverage, row.failed) == (50, "higher", 1, 0)
    assert row.kendall_tau_ci[0] < row.kendall_tau < row.kendall_tau_ci[1]
    assert row.partial_tau is not None
    assert row.cost is None


def test_members_keep_their_directions():
    truth = make_truth(50)
    scores = make_scores(truth)
    turned = scores.assign(value=scores["value"].where(scores["proxy"] != "bad", -scores["value"]))
    assert (
        row_of(turned, truth, directions={"bad": "lower"}).kendall_tau
        == row_of(scores, truth).kendall_tau
    )


def test_a_network_fails_where_all_members_fail():
    truth = make_truth(40)
    scores = make_scores(truth).sort_values(["proxy", "model"], ignore_index=True)
    own = {name: scores.index[scores["proxy"] == name] for name in BOTH.members}
    scores.loc[own["good"][:6], "value"] = np.nan
    scores.loc[own["bad"][4:8], "value"] = np.nan
    row = row_of(scores, truth)
    assert (row.n, row.failed, row.coverage) == (40, 2, 38 / 40)
    values = by_hand(*(values_of(scores, truth, name) for name in BOTH.members))
    failed = np.isnan([values_of(scores, truth, name) for name in BOTH.members]).all(axis=0)
    values[failed] = -np.inf
    assert row.kendall_tau == pytest.approx(kendall_tau(values, truth["final"]))


def test_a_network_never_tried_with_a_member_is_outside_the_pool():
    truth = make_truth(40)
    scores = make_scores(truth)
    untried = (scores["proxy"] == "bad") & (scores["model"] < "nb201:|op2")
    tried = ~("nb201:" + truth["arch"] < "nb201:|op2")
    row = row_of(scores[~untried], truth)
    values = by_hand(*(values_of(scores, truth, name)[tried] for name in BOTH.members))
    assert (row.n, row.failed) == (tried.sum(), 0)
    assert row.kendall_tau == pytest.approx(kendall_tau(values, truth["final"][tried]))
    none = scores[(scores["proxy"] != "bad") | (scores["model"] < "nb201:|op2")]
    none = none[(none["proxy"] != "good") | (none["model"] >= "nb201:|op2")]
    assert (row_of(none, truth).n, row_of(none, truth).kendall_tau) == (0, None)


def test_seeds_are_averaged_before_they_are_ranked():
    truth = make_truth(50)
    scores = make_seeds(truth)
    row = row_of(scores, truth)
    mean = scores.groupby(["proxy", "model"], as_index=False)["value"].mean()
    values = by_hand(*(values_of(mean, truth, name) for name in BOTH.members))
    assert row.kendall_tau == pytest.approx(kendall_tau(values, truth["final"]))
    taus = []
    for seed in range(3):
        own = scores[scores["seed"] == seed]
        single = by_hand(*(values_of(own, truth, name) for name in BOTH.members))
        taus.append(kendall_tau(single, truth["final"]))
    assert row.seeds == 3
    assert row.tau_sd_over_seeds == pytest.approx(np.std(taus, ddof=1))


def test_seconds_are_passes_and_shares_and_a_shared_pass_counts_once():
    truth = make_truth(30)
    scores = make_seeds(truth)  # a pass takes 2 s, a share of it .25 s, three seeds
    columns = make_pool(scores, truth, "final", aggregates=[BOTH]).columns
    assert columns["good"].seconds == pytest.approx(3 * 2.25)
    assert columns["both"].seconds == pytest.approx(3 * 2.5)
    other = scores.assign(protocol=scores["protocol"].where(scores["proxy"] == "good", "b2"))
    columns = make_pool(other, truth, "final", aggregates=[BOTH]).columns
    assert columns["both"].seconds == pytest.approx(3 * 4.5)
    plain = scores.drop(columns="pass_seconds")
    assert make_pool(plain, truth, "final", aggregates=[BOTH]).columns["both"].seconds == 1.5
    unknown = plain.drop(columns="seconds")
    assert make_pool(unknown, truth, "final", aggregates=[BOTH]).columns["both"].seconds is None


@pytest.mark.parametrize(
    ("aggregate", "message"),
    [
        (Aggregate(name="x", members=("good", "zen")), r"'x' needs 'zen', .*: score it too"),
        (Aggregate(name="bad", members=("good", "bad")), r"'bad' is named like a score: rename"),
    ],
)
def test_bad_aggregates(aggregate, message):
    truth = make_truth(20)
    with pytest.raises(InputError, match=message) as raised:
        evaluate(make_scores(truth), truth, "final", aggregates=[aggregate])
    assert "\n" not in str(raised.value)
