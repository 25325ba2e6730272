"""Differences between scores."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.samples import make_scores, make_truth, values_of

from gradalign.errors import InputError
from gradalign.evaluation import PairedDifference, evaluate, paired_difference
from gradalign.evaluation import difference as module
from gradalign.evaluation.difference import with_holm
from gradalign.evaluation.rank_statistics import kendall_tau


def test_paired_difference():
    truth = make_truth()
    scores = make_scores(truth)
    scores.loc[(scores["proxy"] == "good") & (scores["model"] == "nb201:|op3~0|"), "value"] = np.nan
    found = paired_difference(scores, truth, "final", "good", "bad", resamples=300)
    whole = evaluate(scores, truth, "final", resamples=20)
    assert found.n == 120
    taus = [whole.row(name).kendall_tau for name in ("good", "bad")]
    assert found.difference == taus[0] - taus[1]
    assert 0 < found.difference_ci[0] < found.difference < found.difference_ci[1]
    back = paired_difference(scores, truth, "final", "bad", "good", resamples=300)
    assert back.difference == -found.difference
    assert back.difference_ci == pytest.approx([-x for x in found.difference_ci[::-1]])
    same = paired_difference(scores, truth, "final", "good", "good", resamples=20)
    assert same.to_dict()["difference_ci"] == [0, 0]
    early = {"12 epochs": ("early", "")}
    assert (
        paired_difference(
            scores, truth, "final", "12 epochs", "bad", early_stopped=early, resamples=20
        ).difference
        > 0
    )
    with pytest.raises(InputError, match=r"unknown proxy in the scores 'goood': .*'good'"):
        paired_difference(scores, truth, "final", "goood", "bad")


def test_paired_difference_is_over_networks_tried_with_both():
    truth = make_truth()
    scores = make_scores(truth)
    untried = (scores["proxy"] == "bad") & (scores["model"] < "nb201:|op4")
    both = ~("nb201:" + truth["arch"] < "nb201:|op4")
    found = paired_difference(scores[~untried], truth, "final", "good", "bad", resamples=20)
    good, bad = (
        kendall_tau(values_of(scores, truth, name)[both], truth["final"][both])
        for name in ("good", "bad")
    )
    assert found.n == both.sum() < 120
    assert found.difference == pytest.approx(good - bad)


def test_paired_difference_of_an_undefined_tau():
    truth = make_truth(20)
    scores = make_scores(truth)
    scores.loc[scores["proxy"] == "bad", "value"] = 1.0
    found = paired_difference(scores, truth, "final", "good", "bad", resamples=20)
    assert found.difference is found.difference_ci is None


def pair(p, name="b"):
    return PairedDifference(
        proxy_a="a",
        proxy_b=name,
        metric="m",
        n=9,
        difference=0.1,
        difference_ci=None,
        p=p,
        p_holm=None,
    )


def test_holm_by_hand():
    # sorted .005, .01, .03, .04, times 4, 3, 2, 1: .02, .03, .06, .04, and the last not below .06
    found = with_holm([pair(0.01), pair(None), pair(0.04), pair(0.03), pair(0.005)])
    assert found[1].p_holm is None
    corrected = [d.p_holm for d in found if d.p is not None]
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [d.p for d in found] == [0.01, None, 0.04, 0.03, 0.005]
    assert [d.p_holm for d in with_holm([pair(0.9), pair(0.6)])] == [1, 1]
    assert with_holm([]) == ()


def test_all_pairs_of_a_table():
    truth = make_truth()
    scores = make_scores(truth)
    found = evaluate(scores, truth, "final", resamples=200, seed=4)
    names = [row.proxy for row in found.rows]
    pairs = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    assert [(d.proxy_a, d.proxy_b) for d in found.differences] == pairs
    for d in found.differences:
        alone = paired_difference(
            scores, truth, "final", d.proxy_a, d.proxy_b, resamples=200, seed=4
        )
        assert vars(alone) == {**vars(d), "p_holm": None}
        assert d.difference == found.row(d.proxy_a).kendall_tau - found.row(d.proxy_b).kendall_tau
        assert d.p <= d.p_holm <= 1
    assert {d.p_holm for d in found.differences} == {d.p_holm for d in with_holm(found.differences)}
    strongest = min(found.differences, key=lambda d: d.p)
    assert strongest.p_holm == pytest.approx(strongest.p * len(pairs))


def test_pairs_are_compared_on_the_networks_that_both_were_tried_on():
    truth = make_truth()
    scores = make_scores(truth)
    for k, proxy in enumerate(("bad", "macs", "params")):
        untried = (scores["proxy"] == proxy) & (scores["model"] < f"nb201:|op{k + 2}")
        scores = scores[~untried]
    found = evaluate(scores, truth, "final", resamples=50)
    assert len({d.n for d in found.differences}) == 4
    for d in found.differences:
        alone = paired_difference(scores, truth, "final", d.proxy_a, d.proxy_b, resamples=50)
        assert vars(alone) == {**vars(d), "p_holm": None}


def test_of_many_rows_only_the_best_is_compared(monkeypatch):
    truth = make_truth(40)
    scores = make_scores(truth)
    whole = evaluate(scores, truth, "final", resamples=50)
    monkeypatch.setattr(module, "ALL_PAIRS", 4)
    found = evaluate(scores, truth, "final", resamples=50)
    assert found.rows == whole.rows
    best = [d for d in whole.differences if d.proxy_a == whole.rows[0].proxy]
    assert found.differences == with_holm(best)


def test_scores_of_one_order_do_not_differ():
    truth = make_truth(60)
    scores = make_scores(truth, proxies=("good", "bad"))
    twin = scores[scores["proxy"] == "good"].assign(proxy="twin")
    twin["value"] = np.exp(twin["value"] - 90)
    scores = pd.concat([scores, twin], ignore_index=True)
    found = paired_difference(scores, truth, "final", "good", "twin", resamples=50)
    assert (found.difference, found.difference_ci, found.p) == (0, (0, 0), 1)
    perfect = scores.assign(value=truth["final"].iloc[0])
    for proxy, sign in (("good", 1), ("bad", -1)):
        own = perfect["proxy"] == proxy
        quality = truth.set_index("arch")["final"]
        perfect.loc[own, "value"] = [sign * quality[m[6:]] for m in perfect.loc[own, "model"]]
    found = paired_difference(perfect, truth, "final", "good", "bad", resamples=50)
    assert (found.difference, found.p) == (2, None)  # no resample differs: there is no error
