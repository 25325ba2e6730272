"""The order of candidates, and what is said about it."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from torch import nn

import gradalign as ga
from gradalign.batch import Batch
from gradalign.models import resolve
from gradalign.rank import divided

SMALL = {"channels": 2, "cells": 1}
CELLS = [
    f"nb201:|{first}~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    for first in ("nor_conv_3x3", "nor_conv_1x1")
]
FAST = ("gradalign_i", "layers")


def net(width, depth=1):
    def make():
        layers = [nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU()]
        for _ in range(depth - 1):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 3))

    return make


def broken():
    raise ValueError("no such network")


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(2)
    return torch.randn(42, 3, 5, 5, generator=generator), torch.arange(42) % 3


@pytest.fixture(scope="module")
def large_batch():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(120, 3, 5, 5, generator=generator), torch.arange(120) % 3


# The batches


def test_folds_are_disjoint_balanced_and_of_one_size(batch):
    inputs = torch.arange(42)[:, None].float()
    folds = divided(Batch(inputs, batch[1]), 5, seed=1)
    found = torch.cat([fold.inputs for fold in folds]).flatten()
    assert [len(fold) for fold in folds] == [8] * 5
    assert len(found.unique()) == 40
    for fold in folds:
        counts = fold.targets.bincount(minlength=3)
        assert counts.max() - counts.min() <= 1
        assert torch.equal(fold.targets, batch[1][fold.inputs.flatten().long()])
    again = divided(Batch(inputs, batch[1]), 5, seed=2)
    assert not torch.equal(folds[0].inputs, again[0].inputs)


@pytest.mark.parametrize("targets", [torch.rand(16, 2), {"a": torch.arange(16)}])
def test_other_targets_are_divided_at_random(targets):
    inputs = torch.arange(16)[:, None].float()
    folds = divided(Batch(inputs, targets), 2, seed=0)
    found = torch.cat([fold.inputs for fold in folds]).flatten()
    assert sorted(found.tolist()) == list(range(16))
    assert found.tolist() != list(range(16))


def test_a_batch_too_small_for_its_repeats_is_refused_with_the_mend(batch):
    with pytest.raises(ga.InputError, match=r"42 samples: 6 repeats need 8 each, 48 in all.*=5"):
        ga.rank({"a": net(2)}, batch, repeats=6)
    with pytest.raises(ga.InputError, match="0 repeats"):
        ga.rank({"a": net(2)}, batch, repeats=0)


# The ranking


@pytest.fixture(scope="module")
def table(large_batch):
    candidates = {
        "narrow": net(3, depth=2),
        "broken": broken,
        "wide": net(12, depth=2),
        "narrow again": net(3, depth=2),
        "deep": net(12, depth=4),
    }
    return ga.rank(candidates, large_batch, proxies=FAST)


def test_the_order_is_that_of_the_means_and_failures_come_last(table):
    assert [entry.model for entry in table.entries] == [
        "deep",
        "wide",
        "narrow",
        "narrow again",
        "broken",
    ]
    assert [entry.rank for entry in table.entries] == [1, 2, 3, 4, 5]
    means = [entry.scores["gradalign_plus"].value for entry in table.entries[:4]]
    assert means == sorted(means, reverse=True)
    last = table.entries[-1].scores["gradalign_plus"]
    assert (last.value, last.status) == (None, "error")
    assert last.reason == "building 'broken' raised ValueError: no such network"


def test_the_same_factory_twice_is_inseparable(table):
    twins = [e for e in table.entries if e.model.startswith("narrow")]
    assert twins[0].scores["gradalign_plus"] == twins[1].scores["gradalign_plus"]
    assert ("narrow", "narrow again") in table.inseparable
    assert [entry.rank_interval for entry in twins] == [(3, 4), (3, 4)]


def test_a_wider_copy_is_told_apart(table):
    assert not any({"wide", "narrow"} == set(pair) for pair in table.inseparable)


def test_intervals_and_pairs_agree(table):
    names = [entry.model for entry in table.entries]
    together = {frozenset(pair) for pair in table.inseparable}
    for k, entry in enumerate(table.entries):
        better = sum(frozenset((entry.model, other)) not in together for other in names[:k])
        worse = sum(frozenset((entry.model, other)) not in together for other in names[k + 1 :])
        assert entry.rank_interval == (1 + better, len(names) - worse)


def test_the_mean_and_its_error_are_over_the_repeats(batch):
    found = ga.rank({"a": net(3)}, batch, proxies=FAST, seed=4).entries[0].scores
    values = []
    for repeat, fold in enumerate(divided(Batch(*batch), 5, seed=4)):
        values.append(ga.score(net(3), fold, proxies="gradalign_i", seed=4 + repeat))
    values = np.array([result["gradalign_i"].value for result in values])
    assert found["gradalign_i"].value == pytest.approx(values.mean(), rel=1e-12)
    assert found["gradalign_i"].stderr == pytest.approx(values.std(ddof=1) / 5**0.5, rel=1e-9)


def test_modules_keep_their_weights_and_factories_are_drawn_again(batch):
    whole = Batch(*batch)
    module = net(3)()
    before = [p.clone() for p in module.parameters()]
    kept = ga.rank({"a": module}, whole, proxies="synflow", repeats=2).entries[0]
    drawn = ga.rank({"a": net(3)}, whole, proxies="synflow", repeats=2).entries[0]
    assert kept.scores["synflow"].stderr == 0  # synflow does not see the batch
    assert drawn.scores["synflow"].stderr > 0
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_tau_is_that_of_the_order_with_each_size(table):
    scored = [entry.scores for entry in table.entries if entry.model != "broken"]
    order = [scores["gradalign_plus"].value for scores in scored]
    layers = [scores["layers"].value for scores in scored]
    assert table.tau_with["layers"] == pytest.approx(kendalltau(order, layers).statistic)
    params = [
        sum(p.numel() for p in net(*args)().parameters())
        for args in ((12, 4), (12, 2), (3, 2), (3, 2))
    ]
    assert table.tau_with["params"] == pytest.approx(kendalltau(order, params).statistic)


def test_tau_is_null_where_a_size_is_constant(batch):
    table = ga.rank({"a": net(2), "b": net(4)}, batch, proxies=FAST)
    assert table.tau_with == {"params": 1.0, "macs": 1.0, "layers": None}
    lone = ga.rank({"a": net(2)}, batch, proxies=FAST)
    assert set(lone.tau_with.values()) == {None}
    assert "nothing to compare" in str(lone)


def test_lower_is_better_for_scores_that_say_so(large_batch):
    # Inputs of both signs: half of all pairs conflict. Positive ones: all pairs of other classes.
    linear = nn.Sequential(nn.Flatten(), nn.Linear(75, 3))
    positive = nn.Sequential(nn.Flatten(), nn.Sigmoid(), nn.Linear(75, 3))
    candidates = {"positive": positive, "deep": net(4, depth=2), "linear": linear}
    table = ga.rank(candidates, large_batch, by="conflict_fraction")
    assert table.better == "lower"
    means = [entry.scores["conflict_fraction"].value for entry in table.entries]
    assert means == sorted(means)
    assert table.apart.any()
    for entry in table.entries:
        assert entry.rank_interval[0] <= entry.rank <= entry.rank_interval[1]
    order = [-mean for mean in means]
    params = [entry.scores["params"].value for entry in table.entries]
    assert table.tau_with["params"] == pytest.approx(kendalltau(order, params).statistic)


def test_combinations_and_aggregates_order_too(batch):
    candidates = {"a": net(2), "b": net(4), "broken": broken}
    table = ga.rank(candidates, batch, proxies=FAST, combine=["sum=gradsign+knas"], by="sum")
    assert set(table.entries[0].scores) == {"gradalign_i", "layers", "sum"}
    assert table.entries[-1].model == "broken"
    assert table.entries[-1].scores["sum"].status == "error"
    table = ga.rank(candidates, batch, proxies="layers", by="gradalign_rank_sum")
    assert [entry.model for entry in table.entries] == ["b", "a", "broken"]
    assert -3 * np.log(3) < table.entries[1].scores["gradalign_rank_sum"].value < 0


def test_one_repeat_takes_the_batch_whole_and_tells_nothing_apart(batch):
    table = ga.rank({"a": net(2), "b": net(8)}, (batch[0][:6], batch[1][:6]), repeats=1)
    assert [entry.rank_interval for entry in table.entries] == [(1, 2), (1, 2)]
    assert {frozenset(pair) for pair in table.inseparable} == {frozenset("ab")}
    assert table.entries[0].scores["gradalign_plus"].stderr is None
    assert "One repeat cannot tell models apart" in str(table)


def test_architectures_are_ranked_on_drawn_data():
    calls = []
    table = ga.rank(
        CELLS,
        repeats=3,
        batch_size=8,
        build=SMALL,
        input_size=(3, 8, 8),
        proxies=FAST,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert sorted(entry.model for entry in table.entries) == sorted(CELLS)
    assert table.entries[0].model == CELLS[0]
    assert calls == [(k, 6) for k in range(1, 7)]
    (conditions,) = table.protocols.values()  # one protocol, three draws
    assert (conditions["data"], conditions["batch_size"]) == ("digits", 8)


def test_a_name_given_twice_is_ranked_twice():
    cell = resolve(CELLS[1], build=SMALL, input_size=(3, 8, 8))
    table = ga.rank([cell, cell], repeats=2, batch_size=8, proxies=FAST)
    assert table.inseparable == [(CELLS[1], CELLS[1])]


def test_mistakes_raise(batch):
    with pytest.raises(ga.UnknownNameError, match="did you mean 'gradalign_plus'"):
        ga.rank({"a": net(2)}, batch, by="gradalign_pluss")
    with pytest.raises(ga.InputError, match="no candidate"):
        ga.rank({}, batch)
    with pytest.raises(ga.InputError, match="give a list of models"):
        ga.rank(CELLS[0], batch)
    with pytest.raises(ga.InputError, match="write it as name="):
        ga.rank({"a": net(2)}, batch, combine=["gradsign"])


def test_the_document_has_the_documented_keys(table):
    document = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert {"protocols", "by", "ranking", "inseparable", "tau_with"} <= set(document)
    assert document["by"] == "gradalign_plus"
    for entry in document["ranking"]:
        assert {"model", "rank", "rank_interval", "scores"} <= set(entry)
        assert set(entry["scores"]) == {"gradalign_plus", *FAST}
        assert {"value", "stderr", "status"} <= set(entry["scores"]["gradalign_plus"])
    assert ["narrow", "narrow again"] in document["inseparable"]
    assert set(document["tau_with"]) == {"params", "macs", "layers"}


def test_the_frame_has_one_row_a_candidate(table):
    frame = table.to_frame()
    assert list(frame["rank"]) == [1, 2, 3, 4, 5]
    assert list(frame["status"]) == ["ok"] * 4 + ["error"]
    assert frame["gradalign_plus_stderr"].notna().sum() == 4


def test_the_table_says_what_the_order_is_worth(table):
    text = str(table)
    lines = text.splitlines()
    assert lines[0].split() == ["rank", "can", "be", "group", "model", "gradalign_plus", "note"]
    assert lines[3].split()[:4] == ["3", "3-4", "a", "narrow"]
    assert "error: building 'broken' raised ValueError: no such network" in lines[5]
    assert "5 of 6 pairs can be told apart" in text
    assert "it is exactly the order by" in text or "it mostly repeats the order by" in text


def test_the_table_says_when_nothing_can_be_told_apart(batch):
    table = ga.rank({"a": net(3), "b": net(3), "c": net(3)}, batch)
    assert len(table.inseparable) == 3
    assert "this order is no reason to prefer one" in str(table)
    assert {entry.rank_interval for entry in table.entries} == {(1, 3)}


def test_the_table_says_when_there_is_no_order(batch):
    table = ga.rank({"a": broken, "b": broken}, batch, proxies=FAST)
    assert "there is no order" in str(table)
    assert [entry.rank_interval for entry in table.entries] == [(1, 2), (1, 2)]
