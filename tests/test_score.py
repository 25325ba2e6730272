"""Scores of one network or many, by the real engine."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.aggregates import AGGREGATES, parse_combination
from gradalign.batch import Batch
from gradalign.candidate import Candidate
from gradalign.models import as_candidate
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.record import Score, Scores
from gradalign.score import samples_from, score_many
from gradalign.scorer import DEFAULT_PROXIES, Scorer, named_proxies

FAMILY = ("gradalign_i", "gradalign_ii", "gradsign", "conflict_fraction")
SMALL = {"channels": 2, "cells": 1}
ARCH = "nb201:|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


def make_net(width=4, classes=3):
    return nn.Sequential(
        nn.Conv2d(3, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * 4, classes),
    )


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return make_net()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(9, 3, 6, 6, generator=generator), torch.arange(9) % 3


class Counting(nn.Module):
    """Counts its forward passes."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        return self.inner(x)


class Raising(nn.Module):
    """Raises what it is given."""

    def __init__(self, error):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.error = error

    def forward(self, x):
        raise self.error


class Tokens(nn.Module):
    """Takes token ids under the name that Hugging Face models have for them."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, input_ids):
        return self.head(self.table(input_ids).mean(1))


class OnceDifferentiable(torch.autograd.Function):
    """Identity that refuses to be differentiated twice."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        if torch.is_grad_enabled():
            raise RuntimeError("no second derivative")
        return grad.clone()


def test_values_are_the_proxies_of_the_engines_statistics(net, batch):
    result = ga.score(net, batch, proxies=FAMILY)
    for name in FAMILY:
        proxy = PROXIES[name]
        stats = ga.collect(net, Batch(*batch), Probe(), proxy.needs)
        expected = proxy(stats=stats)
        assert result[name].value == pytest.approx(expected.value, rel=1e-6)
        assert result[name].stderr == (
            None if expected.stderr is None else pytest.approx(expected.stderr, rel=1e-5)
        )
        assert (result[name].status, result[name].reason) == ("ok", None)


def test_proxies_of_one_probe_share_one_pass(net, batch):
    counts = []
    for proxies in (FAMILY[:1], FAMILY):
        counting = Counting(net)
        ga.score(counting, batch, proxies=proxies, backend="hooks", check="never")
        counts.append(counting.passes)
    assert counts == [1, 1]


def test_a_pass_is_timed_once_and_the_share_of_a_proxy_apart(net, batch):
    result = ga.score(net, batch, proxies=FAMILY)
    assert len({record.pass_seconds for record in result}) == 1
    assert all(record.pass_seconds > record.seconds > 0 for record in result)
    assert {record.backend for record in result} == {"hooks"}
    assert {record.device for record in result} == {"cpu"}


def test_defaults_are_the_documented_ones(net, batch):
    result = ga.score(net, batch)
    assert tuple(record.proxy for record in result) == DEFAULT_PROXIES
    assert all(record.status == "ok" for record in result)
    assert result["params"].value == sum(p.numel() for p in net.parameters())
    assert result["layers"].value == 3
    # 3x3 kernels: 3 -> 4 channels on 4x4 positions, 4 -> 4 on 2x2; then 16 -> 3.
    assert result["macs"].value == 16 * 4 * 27 + 4 * 4 * 36 + 48


def test_all_names_every_proxy(net, batch):
    assert [record.proxy for record in ga.score(net, batch, proxies="all")] == list(PROXIES)


def test_names_may_stand_in_one_text_and_count_once():
    assert [p.name for p in named_proxies("gradsign, layers,gradsign")] == ["gradsign", "layers"]
    with pytest.raises(ga.InputError, match="no proxy is named"):
        named_proxies(())
    with pytest.raises(ga.UnknownNameError, match="did you mean 'gradsign'"):
        named_proxies("gradsing")


def test_the_model_and_the_generators_are_as_before(net, batch):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    ga.score(net, batch, proxies="all", regime="official")
    assert torch.equal(torch.get_rng_state(), state)
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())


def test_a_network_that_works_in_place_on_its_input_leaves_the_batch_alone(batch):
    inputs = batch[0].clone()
    model = nn.Sequential(nn.ReLU(inplace=True), make_net())
    ga.score(model, batch, proxies=("gradsign", "macs"), regime="official")
    assert torch.equal(batch[0], inputs)


def test_scores_repeat_bitwise_and_seeds_matter_for_what_is_made(batch):
    first, again, other = (
        [record.value for record in ga.score(make_net, batch, proxies=FAMILY, seed=seed)]
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_a_passed_network_is_never_initialised_anew(net, batch):
    values = [ga.score(net, batch, proxies="gradsign", seed=s)["gradsign"].value for s in (0, 1)]
    assert values[0] == values[1]


def test_the_official_regime_changes_norm_but_not_a_passed_batch(net, batch):
    result = ga.score(net, batch, proxies=("gradsign", "naswot"), regime="official")
    conditions = result.protocols[result["gradsign"].protocol]
    assert (conditions["norm"], conditions["batch_size"]) == ("sample", 9)
    assert conditions["data"] == f"batch:{Batch(*batch).content}"
    conditions = result.protocols[result["naswot"].protocol]
    assert (conditions["norm"], conditions["batch_size"]) == ("batch", 9)
    shared = ga.score(net, batch, proxies="gradsign", norm="sample")
    assert result["gradsign"].value == shared["gradsign"].value
    assert result["gradsign"].protocol == shared["gradsign"].protocol


def test_the_official_regime_holds_in_full_for_drawn_data():
    samples = samples_from(None, "digits")
    scorer = Scorer(samples, proxies="naswot", regime="official")
    (conditions,) = scorer.protocols.values()
    official = PROXIES["naswot"].official
    assert {name: conditions[name] for name in official} == dict(official)


def test_synflow_sees_ones_in_the_shape_of_the_batch(net, batch):
    result = ga.score(net, batch, proxies="synflow")["synflow"]
    changes = PROXIES["synflow"].probes["stats"]
    probe = Probe(**changes)
    ones = Batch(torch.ones(1, 3, 6, 6))
    stats = ga.collect(net, ones, probe, PROXIES["synflow"].needs)
    assert result.value == PROXIES["synflow"](stats=stats).value
    other = (torch.randn(4, 3, 6, 6), torch.zeros(4, dtype=torch.int64))
    again = ga.score(net, other, proxies="synflow")["synflow"]
    assert (again.value, again.protocol) == (result.value, result.protocol)


def test_synflow_cannot_feed_ones_to_a_model_of_tokens():
    batch = ({"input_ids": torch.randint(11, (4, 5))}, torch.arange(4) % 3)
    result = ga.score(Tokens(), batch, proxies=("synflow", "gradsign"))
    assert result["synflow"].status == "unsupported"
    assert "token ids" in result["synflow"].reason
    assert result["gradsign"].status == "ok"


def test_two_batches_are_the_halves_of_the_passed_one(net, batch):
    result = ga.score(net, batch, proxies=("zico", "gradsign"))
    proxy = PROXIES["zico"]
    halves = {
        name: ga.collect(net, Batch(*batch)[part], Probe(batch_size=4), proxy.needs)
        for name, part in (("first", slice(0, 4)), ("second", slice(4, 8)))
    }
    assert result["zico"].value == proxy(**halves).value
    conditions = result.protocols[result["zico"].protocol]["probes"]
    assert [conditions[name]["part"] for name in ("first", "second")] == [0, 1]
    assert result.protocols[result["gradsign"].protocol]["batch_size"] == 9


def test_too_few_samples_for_two_batches_is_a_record(net, batch):
    result = ga.score(net, (batch[0][:1], batch[1][:1]), proxies=("zico", "layers"))
    assert result["zico"].status == "unsupported"
    assert "2 batches" in result["zico"].reason
    assert result["layers"].status == "ok"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("two\nlines"), "error", "ValueError: two lines"),
        (RuntimeError(), "error", "RuntimeError"),
        (MemoryError("all gone"), "out_of_memory", "all gone"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "out_of_memory", "CUDA out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "out_of_memory",
            "DefaultCPUAllocator: can't allocate memory: you tried",
        ),
        (ga.UnsupportedError("not this"), "unsupported", "not this"),
    ],
)
def test_what_a_network_raises_is_a_record(error, status, reason):
    batch = (torch.randn(4, 4), torch.zeros(4, dtype=torch.int64))
    for record in ga.score(Raising(error), batch, proxies=("gradsign", "gradalign_ii")):
        assert (record.status, record.value, record.stderr) == (status, None, None)
        assert record.reason.endswith(reason)
        assert "\n" not in record.reason


def test_an_interrupt_passes():
    batch = (torch.randn(4, 4), torch.zeros(4, dtype=torch.int64))
    candidate = as_candidate(Raising(KeyboardInterrupt()))
    scorer = Scorer(samples_from(batch, ""), proxies="gradsign")
    with pytest.raises(KeyboardInterrupt):
        scorer.attempt(candidate)


def test_no_gradient_names_the_way_out():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    batch = (torch.randn(6, 3, 6, 6), torch.arange(6) % 3)
    result = ga.score(model, batch, proxies=("gradalign_i", "feature_entropy"), norm="sample")
    assert (result["gradalign_i"].status, result["gradalign_i"].value) == ("no_gradient", None)
    assert "norm='batch_fixed'" in result["gradalign_i"].reason
    assert ga.score(model, batch, proxies="gradalign_i")["gradalign_i"].status == "ok"


def test_what_has_no_value_is_null_and_says_why(net, batch):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))  # no ReLU, hence no activation codes
    record = ga.score(plain, batch, proxies="naswot")["naswot"]
    assert (record.status, record.value) == ("unsupported", None)
    assert record.reason
    one = (batch[0][:1], batch[1][:1])
    record = ga.score(net, one, proxies="conflict_fraction")["conflict_fraction"]
    assert (record.status, record.value) == ("nan", None)
    assert "2 samples" in record.reason


@pytest.mark.parametrize(("value", "status"), [(math.nan, "nan"), (-math.inf, "inf")])
def test_a_value_that_is_no_number_is_a_status(value, status, net, batch, monkeypatch):
    def strange(stats):
        return value

    proxy = replace(PROXIES["layers"], name="strange", function=strange)
    monkeypatch.setitem(PROXIES._entries, "strange", proxy)
    record = ga.score(net, batch, proxies="strange")["strange"]
    assert (record.status, record.value, record.stderr) == (status, None, None)


def test_what_one_proxy_cannot_have_does_not_take_the_others_along(batch):
    class Blocked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(108, 3)

        def forward(self, x):
            return OnceDifferentiable.apply(self.layer(x.flatten(1)))

    result = ga.score(Blocked(), batch, proxies=("grasp", "gradsign"), backend="hooks")
    assert (result["grasp"].status, result["grasp"].value) == ("error", None)
    assert result["grasp"].reason == "RuntimeError: no second derivative"
    assert result["gradsign"].status == "ok"


def test_mistakes_in_the_arguments_raise(net, batch):
    inputs, labels = batch
    cases = [
        ({"batch": (inputs, labels + 7)}, "label 9 is out of range"),
        ({"device": "tpu9"}, "the device 'tpu9' cannot be used"),
        ({"device": "meta"}, "the device 'meta' cannot be used"),
        ({"regime": "mixed"}, "unknown regime 'mixed'"),
        ({"norm": "layer"}, "unknown norm 'layer'"),
        ({"backend": "fast"}, "unknown backend 'fast'"),
        ({"loss_fn": nn.CrossEntropyLoss()}, "a scalar"),
        ({"proxies": "gradsing"}, "did you mean"),
        ({"batch": inputs}, "a batch is a pair"),
        ({"batch": (inputs * math.nan, labels)}, "NaN"),
        ({"batch": None, "data": "digit"}, "did you mean 'digits'"),
    ]
    for arguments, message in cases:
        with pytest.raises(ga.InputError, match=message):
            ga.score(net, **{"batch": batch, **arguments})


def test_a_factory_that_fails_is_named(batch):
    def broken():
        raise OSError("no such\nfile")

    with pytest.raises(ga.InputError, match="building 'broken' raised OSError: no such file"):
        ga.score(broken, batch)
    with pytest.raises(ga.InputError, match="gave a int: a factory must return"):
        ga.score(lambda: 3, batch)
    with pytest.raises(ga.InputError, match="is of type int: give an nn.Module"):
        ga.score(3, batch)


def test_one_failing_candidate_does_not_stop_the_others(net, batch):
    candidates = [
        as_candidate(lambda: 1 / 0, name="broken"),
        as_candidate(nn.Sequential(nn.Flatten(), nn.Linear(108, 2)), name="too few outputs"),
        as_candidate(net, name="fine"),
    ]
    scorer = Scorer(samples_from(batch, ""), proxies=("gradsign", "layers"))
    result = Scores.joined(score_many(candidates, scorer, seed=2))
    assert [record.model for record in result] == [
        name for name in ("broken", "too few outputs", "fine") for _ in range(2)
    ]
    statuses = [record.status for record in result]
    assert statuses == ["error"] * 4 + ["ok"] * 2
    assert result.records[0].reason == (
        "building 'broken' raised ZeroDivisionError: division by zero"
    )
    assert "label 2 is out of range" in result.records[2].reason
    assert {record.seed for record in result} == {2}
    assert {record.protocol for record in result} <= set(result.protocols)


def test_the_order_of_scoring_does_not_matter(batch):
    candidates = [
        as_candidate(lambda width=width: make_net(width), name=str(width)) for width in (3, 4, 5)
    ]
    scorer = Scorer(samples_from(batch, ""), proxies=FAMILY)
    forth = {r.model: r.value for s in score_many(candidates, scorer) for r in s}
    back = {r.model: r.value for s in score_many(candidates[::-1], scorer) for r in s}
    assert forth == back


def test_losses_and_selections_are_part_of_the_protocol(net, batch):
    def own_loss(output, targets):
        return nn.functional.cross_entropy(output, targets, reduction="none")

    def heads(name, parameter):
        return name.startswith("6.")

    plain = ga.score(net, batch, proxies="gradsign")
    own = ga.score(net, batch, proxies="gradsign", loss_fn=own_loss)
    part = ga.score(net, batch, proxies=("gradsign", "layers"), params=heads)
    assert own["gradsign"].value == plain["gradsign"].value
    assert "own_loss" in own.protocols[own["gradsign"].protocol]["loss"]
    assert own["gradsign"].protocol != plain["gradsign"].protocol
    assert part["layers"].value < 3
    assert part["gradsign"].value < plain["gradsign"].value


def test_an_architecture_is_scored_on_drawn_data():
    result = ga.score(
        ARCH, data="digits", batch_size=8, build=SMALL, input_size=(3, 8, 8), proxies="gradalign_i"
    )
    (record,) = result
    assert (record.model, record.status) == (ARCH, "ok")
    conditions = result.protocols[record.protocol]
    assert conditions["data"] == "digits"
    assert conditions["batch_size"] == 8
    assert conditions["build"] == (("cells", "1"), ("channels", "2"))
    assert conditions["input_size"] == (3, 8, 8)


def test_drawn_data_serve_ones_and_several_batches():
    arguments = {"batch_size": 6, "build": SMALL, "input_size": (3, 8, 8)}
    result = ga.score(ARCH, data="noise", proxies=("synflow", "zico"), **arguments)
    assert [record.status for record in result] == ["ok", "ok"]


def test_token_ids_are_drawn_for_a_model_that_takes_input_ids():
    record = ga.score(Tokens, data="noise", num_classes=3, proxies="gradsign", batch_size=4)
    assert record["gradsign"].status == "ok"
    with pytest.raises(ga.InputError, match="the model takes token ids: use noise"):
        ga.score(Tokens, data="digits", proxies="gradsign")


def test_a_device_is_used_and_left(net, batch):
    record = ga.score(net, batch, proxies="gradsign", device="cpu")["gradsign"]
    assert record.device == "cpu"
    if torch.cuda.is_available():
        record = ga.score(net, batch, proxies="gradsign", device="cuda")["gradsign"]
        assert record.device == "cuda:0"
        assert record.peak_bytes > 0
        assert next(net.parameters()).device.type == "cpu"


def test_the_document_is_json_with_the_documented_keys(net, batch):
    result = ga.score(net, batch, proxies=("gradsign", "zico", "grasp"))
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(document) == {"protocols", "scores"}
    keys = {"model", "proxy", "value", "stderr", "status", "reason", "seconds", "seed", "protocol"}
    for record in document["scores"]:
        assert keys <= set(record)
        assert record["protocol"] in document["protocols"]
    frame = result.to_frame()
    assert list(frame["proxy"]) == ["gradsign", "zico", "grasp"]
    assert frame["value"].dtype == "float64"
    assert "gradsign" in repr(result)


def record(model, proxy, value):
    status = "ok" if value is not None else "error"
    return Score(model=model, proxy=proxy, value=value, status=status, seed=0, protocol="p")


def test_aggregates_are_over_the_pool_and_only_where_asked_for():
    scores = Scores(
        [
            record("a", "gradsign", 1.0),
            record("a", "conflict_fraction", 0.1),  # lower is better
            record("b", "gradsign", 2.0),
            record("b", "conflict_fraction", 0.2),
            record("c", "gradsign", None),
            record("c", "conflict_fraction", None),
        ],
        {"p": {}},
    )
    assert "aggregates" not in scores.to_dict()
    both = scores.with_aggregates([parse_combination("both=gradsign+conflict_fraction")])
    found = {value.model: value.value for value in both.aggregates}
    # Ranks of three: (2, 3) for a, (3, 2) for b; c failed.
    assert found["a"] == pytest.approx(math.log(2 / 3))
    assert found["b"] == pytest.approx(math.log(2 / 3))
    assert found["c"] is None
    assert both.to_dict()["aggregates"][0]["aggregate"] == "both"
    with pytest.raises(ga.UnknownNameError, match="measured were gradsign"):
        scores.with_aggregates([AGGREGATES["gradalign_rank_sum"]])


def test_looking_up_by_proxy_asks_for_one_model():
    scores = Scores([record("a", "gradsign", 1.0), record("b", "gradsign", 2.0)], {"p": {}})
    with pytest.raises(ga.InputError, match="scores of several models"):
        scores["gradsign"]
    with pytest.raises(ga.UnknownNameError, match="no score 'macs' here"):
        scores["macs"]
    assert len(scores) == 2


def test_candidates_may_be_passed_as_they_are(net, batch):
    candidate = as_candidate(net, name="mine")
    assert isinstance(candidate, Candidate)
    assert ga.score(candidate, batch, proxies="layers")["layers"].model == "mine"
