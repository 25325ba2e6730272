"""Conditions: one set for each score, and in words."""

import pytest
from tests.pages.records import frame, mlps, score

from gradalign.errors import InputError
from gradalign.pages.protocols import check_protocols, differing, in_words
from gradalign.probe import Probe
from gradalign.scorer import protocol

SMALL = Probe(batch_size=16, input_size=(3, 16, 16), build=(("cells", "1"), ("channels", "4")))


def test_one_protocol_for_each_score_is_well():
    model = mlps(1)[0]
    check_protocols(
        frame([score(model, "naswot", 1.0, protocol="a"), score(model, "zico", 1.0, protocol="b")]),
        {},
    )


def test_several_protocols_of_a_score_are_refused_and_told_apart():
    one, other = SMALL, SMALL.with_(batch_size=32, norm="sample")
    first, second = mlps(2)
    records = [
        score(model, name, 1.0, protocol=probe.protocol)
        for model, probe in ((first, one), (second, other))
        for name in ("naswot", "params")
    ]
    protocols = {probe.protocol: probe.to_dict() for probe in (one, other)}
    with pytest.raises(InputError) as refused:
        check_protocols(frame(records), protocols)
    (line,) = str(refused.value).splitlines()
    assert line.startswith("naswot and 1 more measured under 2 protocols")
    assert "--protocol" in line
    assert f"{one.protocol} (batch_size 16, norm batch_fixed)" in line
    assert f"{other.protocol} (batch_size 32, norm sample)" in line


def test_conditions_of_several_probes_are_told_by_probe():
    hashes = {}
    for size in (8, 9):
        probes = {"first": SMALL, "second": SMALL.with_(part=1, batch_size=size)}
        name, conditions = protocol(probes)
        hashes[name] = conditions
    assert list(differing(hashes, hashes).values()) == [
        "second.batch_size 8",
        "second.batch_size 9",
    ]


def test_conditions_that_are_not_recorded_are_said_to_be_unknown():
    assert differing(["a", "b"], {}) == {"a": "conditions unknown", "b": "conditions unknown"}


@pytest.mark.parametrize(
    ("probe", "parts"),
    [
        (Probe(), ["one batch of 32 digits", "norm=batch_fixed", "definitions version 1"]),
        (SMALL, ["inputs of 3x16x16", "build cells=1, channels=4"]),
        (Probe(part=1), ["the second batch of 32 digits"]),
        (Probe(weights="gaussian", objective="logit_sum"), ["N(0, 1)", "objective logit_sum"]),
        (Probe(dtype="float64", num_classes=7), ["float64", "num_classes 7"]),
        (Probe(params="all", loss="mine"), ["params all", "loss mine"]),
    ],
)
def test_what_is_not_usual_is_said(probe, parts):
    said = in_words(probe.to_dict())
    assert all(part in said for part in parts), said
    usual = in_words(Probe().to_dict())
    assert "objective" not in usual
    assert "None" not in usual


def test_every_probe_of_a_proxy_is_said():
    _, conditions = protocol({"clean": Probe(), "noisy": Probe(data="noise")})
    assert in_words(conditions).startswith("clean: one batch of 32 digits")
    assert "; noisy: one batch of 32 noise" in in_words(conditions)
