"""Records, and what is made of them."""

import json
import math

import pytest

import gradalign as ga
from gradalign.aggregates import AGGREGATES, parse_combination
from gradalign.record import Score, Scores


def record(model, proxy, value):
    status = "ok" if value is not None else "error"
    return Score(model=model, proxy=proxy, value=value, status=status, seed=0, protocol="p")


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
