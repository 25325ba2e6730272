"""Differences of scores between a network and what a change makes of it."""

import json

import pytest
import torch
from scipy.stats import ttest_1samp
from tests.small import make_net
from torch import nn

from gradalign.batch import Batch
from gradalign.conditions import DrawnBatches, PassedBatch
from gradalign.data import open_source
from gradalign.explanation import explain
from gradalign.explanation.edits import Edit, drawn, edits_of
from gradalign.explanation.paired import Against, changes, difference, edited
from gradalign.models import as_candidate
from gradalign.probe import Probe
from gradalign.scorer import Scorer

PROXIES = ("gradalign_i_mean", "conflict_fraction", "params")
SHAPE = (3, 6, 6)


def scorers(repeats):
    common = Probe(batch_size=12, input_size=SHAPE)
    return [
        Scorer(DrawnBatches(open_source("digits")), proxies=PROXIES, common=common)
        for _ in range(repeats)
    ]


def candidate(make, name):
    return as_candidate(make, name=name, input_size=SHAPE)


def net(width=8):
    return make_net(width, classes=10)


BASE = candidate(net, "base")
WIDER = Edit("width: 8 -> 16", candidate(lambda: net(16), "wider"), "width")
NARROWER = Edit("width: 8 -> 4", candidate(lambda: net(4), "narrower"), "width")
SAME = Edit("nothing", candidate(net, "same"), "nothing")


def breaks():
    raise ValueError("no such network")


BROKEN = Edit("breaks", candidate(breaks, "broken"), "broken")


def test_differences_are_those_of_scores_under_the_same_seed():
    found = changes(BASE, [WIDER], scorers(3), by="conflict_fraction", seed=5)
    (wider,) = found
    for proxy in PROXIES:
        pairs = [
            [each.measure(network, 5 + repeat)[proxy].value for network in (BASE, WIDER.candidate)]
            for repeat, each in enumerate(scorers(3))
        ]
        differences = [after - before for before, after in pairs]
        own = wider.differences[proxy]
        assert own.mean == pytest.approx(sum(differences) / 3)
        assert own.before == pytest.approx(sum(before for before, _ in pairs) / 3)
        assert own.after == pytest.approx(sum(after for _, after in pairs) / 3)
        if proxy != "params":
            expected = ttest_1samp(differences, 0).confidence_interval(0.95)
            assert own.interval == pytest.approx((expected.low, expected.high))
    assert wider.model == "wider"
    assert wider.status == "ok"


def test_a_difference_that_does_not_vary_is_its_own_interval():
    (wider,) = changes(BASE, [WIDER], scorers(2), by="params")
    own = wider.differences["params"]
    assert own.interval == (own.mean, own.mean)
    assert wider.verdict == "better"  # the registry says so of sizes
    assert wider.told_apart is True


def test_the_best_change_comes_first_and_failures_last():
    found = changes(BASE, [BROKEN, NARROWER, SAME, WIDER], scorers(2), by="params")
    assert [change.name for change in found] == [
        "width: 8 -> 16",
        "nothing",
        "width: 8 -> 4",
        "breaks",
    ]
    assert [change.verdict for change in found] == ["better", "open", "worse", None]
    by_conflict = changes(BASE, [SAME, NARROWER, WIDER], scorers(2), by="conflict_fraction")
    means = [change.differences["conflict_fraction"].mean for change in by_conflict]
    assert means == sorted(means)  # less is better


def test_the_same_network_differs_in_nothing():
    (same,) = changes(BASE, [SAME], scorers(3), by="gradalign_i_mean")
    for own in same.differences.values():
        assert (own.mean, own.low, own.high) == (0.0, 0.0, 0.0)
    assert same.told_apart is False


def test_a_change_that_fails_is_a_row_with_its_reason():
    (broken,) = changes(BASE, [BROKEN], scorers(2), by="params")
    assert broken.status == "error"
    assert broken.reason == "building 'broken' raised ValueError: no such network"
    assert broken.told_apart is None
    row = broken.to_dict()
    assert row["differences"]["params"] == dict.fromkeys(("before", "after", "mean", "low", "high"))
    assert row["status"] == "error"
    assert row["told_apart"] is None


def test_one_repeat_gives_differences_without_intervals_and_no_verdict():
    (wider,) = changes(BASE, [WIDER], scorers(1), by="gradalign_i_mean")
    own = wider.differences["gradalign_i_mean"]
    assert own.mean is not None
    assert own.interval is None
    assert wider.told_apart is None


def test_repeats_without_a_value_are_left_out():
    nan = float("nan")
    found = difference(
        torch.tensor([1.0, 2.0, nan, 4.0]).numpy(), torch.tensor([2.0, nan, 3.0, 7.0]).numpy()
    )
    assert (found.before, found.after, found.mean) == (2.5, 4.5, 2.0)
    expected = ttest_1samp([1.0, 3.0], 0).confidence_interval(0.95)
    assert found.interval == pytest.approx((expected.low, expected.high))


def test_without_changes_there_is_nothing():
    assert changes(BASE, [], scorers(2), by="params") == ()


def test_a_passed_network_comes_back_untouched(batch):
    passed = make_net(8).train()
    before = {name: value.clone() for name, value in passed.state_dict().items()}
    own = as_candidate(passed)
    edits = drawn(edits_of(own, Batch(*batch)), 2)
    each = Scorer(PassedBatch(Batch(*batch)), proxies=PROXIES, redrawn=False)
    found = changes(own, edits, [each], by="gradalign_i_mean")
    assert {change.status for change in found} == {"ok"}
    assert all(change.differences["gradalign_i_mean"].mean != 0 for change in found)
    assert all(torch.equal(passed.state_dict()[name], value) for name, value in before.items())
    assert isinstance(passed[1], nn.BatchNorm2d)
    assert passed.training


def test_progress_counts_every_measurement():
    seen = []
    changes(BASE, [SAME], scorers(2), by="params", progress=lambda *counts: seen.append(counts))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_changes_do_is_said_with_how_many_there_are(batch):
    own = as_candidate(make_net(8))
    each = Scorer(PassedBatch(Batch(*batch)), proxies=PROXIES, redrawn=False)
    found = edited(own, Batch(*batch), [each], by="gradalign_i_mean", limit=2)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (document["by"], document["repeats"], document["known"]) == ("gradalign_i_mean", 1, 3)
    assert [row["name"] for row in document["changes"]] == [each.name for each in found.changes]
    assert len(found.changes) == 2
    assert set(document["changes"][0]["differences"]) == set(PROXIES)


def test_another_network_is_said_with_its_explanation():
    (change,) = changes(BASE, [WIDER], scorers(2), by="params")
    other = explain(WIDER.candidate, batch_size=12, input_size=SHAPE, proxies=PROXIES)
    document = Against(explanation=other, by="params", repeats=2, change=change).to_dict()
    document = json.loads(json.dumps(document, allow_nan=False))
    assert document["change"]["verdict"] == "better"
    assert document["explanation"]["model"] == "wider"
