"""An explanation is the scores, taken apart; what is planted is named first."""

from __future__ import annotations

import itertools
import json

import pytest
import torch
from tests.explanation.networks import CLASSES, SUBJECTS, images

import gradalign as ga
from gradalign.proxies import PROXIES

SUMS = [name for name, proxy in PROXIES.items() if proxy.block_terms or proxy.layer_terms]
OUTSIDE = {"params", "macs", "flops", "ntk_trace"}
"""Scores that count more than the weights of the rows: scales of normalisations, biases."""

each_network = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)


@each_network
@pytest.mark.parametrize("norm", ["batch_fixed", "sample"])
def test_contributions_of_layers_add_up_to_the_scores(subject, norm):
    network, batch = subject.network(), subject.batch()
    own = ga.explain(network, batch, proxies=SUMS, norm=norm)
    scores = ga.score(network, batch, proxies=SUMS, norm=norm)
    told = [name for name in SUMS if scores[name].status == "ok"]
    assert len(told) > len(SUMS) / 2
    for name in told:
        terms = [row.contributions[name] for row in own.layers if name in row.contributions]
        total = sum(terms) + own.rest[name]
        assert total == pytest.approx(scores[name].value, rel=1e-6, abs=1e-9), name
        assert name in OUTSIDE or own.rest[name] == pytest.approx(
            0, abs=1e-6 * max(1.0, abs(scores[name].value))
        ), name
        assert own.scores[name].value == pytest.approx(scores[name].value, rel=1e-6)


@each_network
def test_differences_of_samples_are_those_of_leaving_them_out(subject):
    """Held against the scores themselves where no statistics of the batch are in play."""
    network, (x, y) = subject.network(), subject.batch()
    wanted = "gradalign_ii,gradalign_ii_mean,conflict_fraction,gradient_effective_rank"
    own = ga.explain(network, (x, y), proxies=wanted, norm="frozen")
    for left in (0, 11):
        rest = [i for i in range(len(y)) if i != left]
        without = ga.score(network, (x[rest], y[rest]), proxies=wanted, norm="frozen")
        for name, value in own.samples[left].added.items():
            expected = own.scores[name].value - without[name].value
            assert value == pytest.approx(expected, rel=1e-4, abs=1e-5), name
    label = own.classes[2].label
    rest = (y != label).nonzero().flatten()
    without = ga.score(network, (x[rest], y[rest]), proxies=wanted, norm="frozen")
    for name, value in own.classes[2].added.items():
        expected = own.scores[name].value - without[name].value
        assert value == pytest.approx(expected, rel=1e-4, abs=1e-5), name


@each_network
def test_figures_are_those_of_single_gradients(subject):
    """Cosines, conflict and norms from one autograd call a sample, in float64."""
    network, (x, y) = subject.network().double(), subject.batch()
    x = x.double() if x.is_floating_point() else x
    own = ga.explain(network, (x, y), norm="frozen")
    network.eval()
    blocks = dict(network.named_parameters())
    names = [name for name in blocks if blocks[name].dim() > 1 and "words" not in name]
    rows = []
    for i in range(len(y)):
        loss = torch.nn.functional.cross_entropy(network(x[i : i + 1]), y[i : i + 1])
        found = torch.autograd.grad(loss, [blocks[name] for name in names], allow_unused=True)
        rows.append(
            {
                name: torch.zeros_like(blocks[name]) if g is None else g
                for name, g in zip(names, found, strict=True)
            }
        )
        assert own.samples[i].loss == pytest.approx(loss.item(), rel=1e-9)
    flat = torch.stack([torch.cat([g.flatten() for g in row.values()]) for row in rows])
    gram = flat @ flat.T
    norms = gram.diagonal().sqrt()
    cosines = gram / norms[:, None] / norms
    assert torch.allclose(torch.tensor(own.cosines, dtype=torch.float64), cosines, atol=2e-6)
    assert [s.gradient_norm for s in own.samples] == pytest.approx(norms.tolist(), rel=1e-9)
    i, j = own.opposed[0].samples
    assert cosines[i, j] == pytest.approx(float(cosines.min()))
    first = own.samples[0]
    assert first.conflict_fraction == pytest.approx(float((gram[0, 1:] < 0).double().mean()))
    mates = [k for k in range(1, len(y)) if y[k] == y[0]]
    assert first.own_class == pytest.approx(float(cosines[0, mates].mean()))
    row = next(row for row in own.layers if row.name == "head" or row.name == "classifier")
    single = torch.stack([each[f"{row.name}.weight"].flatten() for each in rows])
    opposed = [bool(a @ b < 0) for a, b in itertools.combinations(single, 2)]
    assert row.conflict_fraction == pytest.approx(sum(opposed) / len(opposed))
    assert own.layers[0].conflict_from_here == pytest.approx(own.scores["conflict_fraction"].value)


def test_rows_stand_in_forward_order():
    own = ga.explain(SUBJECTS["resnet"].network(), images())
    names = [row.name for row in own.layers]
    assert names[0] == "stem"
    assert names[-1] == "head"
    assert [row.position for row in own.layers] == list(range(1, len(names) + 1))
    own = ga.explain(SUBJECTS["lstm"].network(), SUBJECTS["lstm"].batch())
    assert [row.name for row in own.layers] == [
        "lstm.weight_ih_l0",
        "lstm.weight_hh_l0",
        "hidden",
        "head",
    ]


@each_network
def test_a_layer_whose_weights_are_zero_is_named_first(subject):
    network = subject.network()
    with torch.no_grad():
        network.get_submodule(subject.layer).weight.zero_()
    own = ga.explain(network, subject.batch())
    assert own.findings[0].kind == "zero_weights"
    assert own.findings[0].layers == (subject.layer,)


@each_network
def test_a_layer_behind_which_nothing_is_active_is_named_first(subject):
    """All that it puts out is thrown away, so neither it nor what feeds it alone can learn."""
    network = subject.network()
    module = network.get_submodule(subject.layer)
    module.register_forward_hook(lambda _module, _args, out: 0 * out)
    own = ga.explain(network, subject.batch(), backend="vmap")
    assert own.findings[0].kind == "dead_layer"
    assert own.findings[0].layers == (subject.layer,)
    dead = {row.name for row in own.layers if not row.live}
    assert subject.layer in dead


def test_a_dead_relu_is_named_before_what_it_starves():
    torch.manual_seed(0)
    layers = [torch.nn.Linear(6, 6) for _ in range(3)]
    with torch.no_grad():
        layers[1].bias.fill_(-1e6)
    relu = torch.nn.ReLU()
    network = torch.nn.Sequential(
        layers[0], relu, layers[1], relu, layers[2], relu, torch.nn.Linear(6, 2)
    )
    own = ga.explain(network, (torch.randn(8, 6), torch.arange(8) % 2))
    dead = [finding.layers[0] for finding in own.findings if finding.kind == "dead_layer"]
    assert dead == ["2", "0", "4"]
    assert [row.fault for row in own.layers if row.name in dead] == [
        "no gradient arrives at its output",
        "no gradient arrives at its output",
        "its input is zero",
    ]


def test_a_layer_that_is_never_used_is_named():
    network = SUBJECTS["resnet"].network()
    network.spare = torch.nn.Linear(4, 4)
    own = ga.explain(network, images())
    assert own.findings[0].layers == ("spare",)
    assert "does not reach the loss" in own.findings[0].text


@each_network
@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "batch"])
def test_the_same_input_under_two_labels_is_named_first(subject, norm):
    if subject is SUBJECTS["lstm"] and norm == "batch":
        pytest.skip("recurrent networks have no rules, which norm=batch needs")
    x, y = subject.batch()
    x[13] = x[4]
    y[13] = (y[4] + 1) % CLASSES
    own = ga.explain(subject.network(), (x, y), norm=norm)
    assert own.findings[0].kind == "contradiction"
    assert own.findings[0].samples == (4, 13)
    assert own.same_input[0].samples == (4, 13)


@each_network
def test_a_duplicated_sample_is_named_first(subject):
    x, y = subject.batch()
    x[17], y[17] = x[2], y[2]
    own = ga.explain(subject.network(), (x, y))
    assert own.findings[0].kind == "duplicate"
    assert own.findings[0].samples == (2, 17)
    assert own.alike[0].samples == (2, 17)
    assert own.alike[0].cosine == pytest.approx(1, abs=1e-5)


def test_nothing_is_planted_nothing_of_it_is_found():
    for subject in SUBJECTS.values():
        own = ga.explain(subject.network(), subject.batch())
        kinds = {finding.kind for finding in own.findings}
        assert not kinds & {"dead_layer", "zero_weights", "duplicate", "contradiction", "alike"}


def test_a_network_without_gradient_says_so():
    layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.AdaptiveAvgPool2d(1)]
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(4, CLASSES))
    own = ga.explain(network, images(), norm="sample")
    assert own.findings[0].kind == "no_gradient"
    assert ga.explain(network, images()).findings[0].kind != "no_gradient"


def test_targets_that_are_no_labels_leave_classes_out():
    x, _ = images()
    own = ga.explain(SUBJECTS["resnet"].network(), (x, torch.randn(len(x), CLASSES)))
    assert own.classes == []
    assert "no class labels" in own.silent["classes"]
    assert own.samples[0].label is None
    assert own.order == list(range(len(x)))


def test_a_network_that_fails_is_no_traceback():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(10, CLASSES))
    own = ga.explain(network, images())
    assert own.failure is not None
    assert "cannot be explained" in str(own)


def test_the_document_holds_all_numbers_and_is_json():
    own = ga.explain(SUBJECTS["vit"].network(), images())
    document = json.loads(json.dumps(own.to_dict(), allow_nan=False))
    assert [row["name"] for row in document["layers"]] == [row.name for row in own.layers]
    assert document["layers"][0]["size"] == own.layers[0].size
    assert len(document["cosines"]) == len(document["samples"]) == 20
    assert {each["proxy"] for each in document["scores"]} >= {"gradalign_plus"}
    assert document["pairs"]["opposed"][0]["cosine"] == own.opposed[0].cosine


def test_the_network_comes_back_as_it_was():
    network = SUBJECTS["resnet"].network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    ga.explain(network, images())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_summary_names_findings_and_layers():
    own = ga.explain(SUBJECTS["resnet"].network(), images())
    text = str(own)
    assert own.findings[0].text in text
    assert "blocks.5.conv2" in text
    assert "Pairs of samples" in text
