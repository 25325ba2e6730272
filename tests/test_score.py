"""Scores of one network or many, by the real engine."""

import math
from dataclasses import replace

import pytest
import torch
from tests.small import make_net
from torch import nn

import gradalign as ga
from gradalign.batch import Batch
from gradalign.candidate import Candidate
from gradalign.models import as_candidate
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.record import Scores
from gradalign.score import samples_from, score_many
from gradalign.scorer import DEFAULT_PROXIES, Scorer, named_proxies

FAMILY = ("gradalign_i", "gradalign_ii", "gradsign", "conflict_fraction")


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
    with pytest.raises(ga.InputError, match="is of type int: give an nn"):
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


def test_a_selection_leaves_a_proxy_its_own_blocks(net, batch):
    def heads(name, parameter):
        return name.startswith("6.")

    names = ("ntk_trace", "gram_trace")  # the first by every parameter named weight
    plain = ga.score(net, batch, proxies=names)
    part = ga.score(net, batch, proxies=names, params=heads)
    assert part["ntk_trace"].value == plain["ntk_trace"].value
    assert part["ntk_trace"].protocol == plain["ntk_trace"].protocol
    assert part["gram_trace"].value < plain["gram_trace"].value


def test_a_device_is_used_and_left(net, batch):
    record = ga.score(net, batch, proxies="gradsign", device="cpu")["gradsign"]
    assert record.device == "cpu"
    if torch.cuda.is_available():
        record = ga.score(net, batch, proxies="gradsign", device="cuda")["gradsign"]
        assert record.device == "cuda:0"
        assert record.peak_bytes > 0
        assert next(net.parameters()).device.type == "cpu"


def test_candidates_may_be_passed_as_they_are(net, batch):
    candidate = as_candidate(net, name="mine")
    assert isinstance(candidate, Candidate)
    assert ga.score(candidate, batch, proxies="layers")["layers"].model == "mine"
