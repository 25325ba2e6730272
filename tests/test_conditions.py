"""Which probes a proxy is measured under, and which batches they get."""

import pytest
import torch
from tests.small import make_net
from torch import nn

import gradalign as ga
from gradalign.batch import Batch
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.score import samples_from
from gradalign.scorer import Scorer

SMALL = {"channels": 2, "cells": 1}
ARCH = "nb201:|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


class Tokens(nn.Module):
    """Takes token ids under the name that Hugging Face models have for them."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, input_ids):
        return self.head(self.table(input_ids).mean(1))


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
    wider = (torch.randn(2, 3, 7, 7), torch.zeros(2, dtype=torch.int64))
    pooled = nn.Sequential(nn.Conv2d(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    protocols = {
        ga.score(pooled, own, proxies="synflow")["synflow"].protocol for own in (batch, wider)
    }
    assert len(protocols) == 2
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


def test_a_network_that_works_in_place_on_its_input_leaves_the_batch_alone(batch):
    inputs = batch[0].clone()
    model = nn.Sequential(nn.ReLU(inplace=True), make_net())
    ga.score(model, batch, proxies=("gradsign", "macs"), regime="official")
    assert torch.equal(batch[0], inputs)


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


def test_data_too_few_for_all_parts_of_one_proxy_leave_the_others_their_value():
    arguments = {"batch_size": 50, "build": SMALL, "input_size": (3, 8, 8)}
    result = ga.score(ARCH, data="digits", proxies=("knas_official", "gradsign"), **arguments)
    assert result["knas_official"].status == "unsupported"
    assert "not enough for" in result["knas_official"].reason
    assert result["gradsign"].status == "ok"


def test_token_ids_are_drawn_for_a_model_that_takes_input_ids():
    record = ga.score(Tokens, data="noise", num_classes=3, proxies="gradsign", batch_size=4)
    assert record["gradsign"].status == "ok"
    with pytest.raises(ga.InputError, match="the model takes token ids: use noise"):
        ga.score(Tokens, data="digits", proxies="gradsign")


@pytest.mark.parametrize("data", [None, "batch"])
def test_a_passed_module_keeps_its_weights_also_where_authors_draw_their_own(net, batch, data):
    """Zen draws N(0, 1) weights in its authors' code; its noise remains."""
    passed = batch if data else None
    size = None if data else tuple(batch[0].shape[1:])
    own = ga.score(net, passed, proxies="zen", regime="official", input_size=size)
    again = ga.score(net, passed, proxies="zen", regime="official", input_size=size)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.5)
    scaled = ga.score(net, passed, proxies="zen", regime="official", input_size=size)
    assert own["zen"].status == scaled["zen"].status == "ok"
    assert own["zen"].value == again["zen"].value != scaled["zen"].value
    (conditions,) = own.protocols.values()
    assert {probe["weights"] for probe in conditions["probes"].values()} == {"given"}


def test_a_network_that_we_make_is_initialised_as_the_authors_do(batch):
    made = ga.score(lambda: make_net(), batch, proxies="zen", regime="official")
    (conditions,) = made.protocols.values()
    assert {probe["weights"] for probe in conditions["probes"].values()} == {"gaussian"}
