"""How much the scores agree."""

import numpy as np
import pytest
from scipy.stats import kendalltau
from tests.pages.records import failed, frame, mlps, score, scored

from gradalign.pages.agreement import NETWORKS, agreement, agreement_note
from gradalign.pages.networks import by_space


def test_every_pair_has_the_tau_of_scipy_in_the_direction_of_its_scores():
    models = mlps(40)
    names = ("naswot", "conflict_fraction", "params", "macs", "gradsign")
    records = scored(models, names)
    records[3] = failed(records[3].model, records[3].proxy)
    (part,) = by_space(frame(records))
    found = agreement(part)
    assert sorted(found.names) == sorted(names)
    sign = {name: -1 if name == "conflict_fraction" else 1 for name in names}
    for a, row in zip(found.names, found.values, strict=True):
        for b, tau in zip(found.names, row, strict=True):
            both = part.values[[a, b]].dropna().to_numpy()
            expected = kendalltau(both[:, 0], both[:, -1]).statistic * sign[a] * sign[b]
            assert tau == pytest.approx(expected)


def test_scores_that_agree_stand_side_by_side():
    models = mlps(30)
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(2, len(models)))
    records = [
        score(model, name, float(ends[k % 2, place] + 0.01 * rng.normal()))
        for place, model in enumerate(models)
        for k, name in enumerate(("naswot", "params", "gradsign", "macs"))
    ]
    (part,) = by_space(frame(records))
    names = agreement(part).names
    assert {frozenset(names[:2]), frozenset(names[2:])} == {
        frozenset({"naswot", "gradsign"}),
        frozenset({"params", "macs"}),
    }


def test_scores_that_order_nothing_are_left_out():
    models = mlps(4)
    records = [
        *scored(models, ["naswot", "params"]),
        *(failed(model, "gradsign") for model in models),
        *(score(model, "macs", 7.0) for model in models),
    ]
    (part,) = by_space(frame(records))
    assert sorted(agreement(part).names) == ["naswot", "params"]
    (alone,) = by_space(frame(scored(models, ["naswot"])))
    assert agreement(alone) is None


def test_of_many_networks_a_draw_is_taken_and_said():
    models = [f"mlp:{k}" for k in range(NETWORKS + 1)]
    (part,) = by_space(frame(scored(models, ["naswot", "params"])))
    assert "the 2,000 networks drawn of the 2,001;" in agreement_note(part)
    (few,) = by_space(frame(scored(models[:5], ["naswot", "params"])))
    assert "the 5 networks;" in agreement_note(few)
