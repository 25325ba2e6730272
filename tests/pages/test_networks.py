"""Networks by space, and their values."""

import numpy as np
import pytest
from tests.pages.records import PROTOCOLS, failed, frame, mlps, nb201, score, scored

from gradalign.aggregates import AGGREGATES
from gradalign.pages.networks import by_space
from gradalign.record import Scores


def test_networks_stand_by_space_the_most_first():
    records = [*scored(mlps(2)), *scored(nb201(3)), *scored(["timm:resnet18", "my.net:make"])]
    parts = by_space(frame(records))
    assert [(part.space, len(part.models)) for part in parts] == [
        ("nb201", 3),
        ("mlp", 2),
        (None, 2),
    ]
    assert sum(len(part.records) for part in parts) == len(records)
    assert parts[2].name == "no search space"


def test_a_value_is_the_mean_over_the_seeds_that_have_one():
    a, b, c = mlps(3)
    (part,) = by_space(
        frame(
            [
                score(a, "naswot", 1.0),
                score(a, "naswot", 4.0, seed=1),
                failed(a, "naswot", seed=2),
                score(b, "naswot", 3.0),
                failed(c, "naswot"),
                failed(c, "params"),
            ]
        )
    )
    np.testing.assert_array_equal(part.values["naswot"], [2.5, 3.0, np.nan])
    assert part.models == (a, b, c)
    assert part.values["params"].isna().all()


def test_aggregates_are_there_where_all_their_members_are():
    name, aggregate = next(iter(AGGREGATES.items()))
    models = mlps(5)
    records = scored(models, aggregate.members)
    (part,) = by_space(frame(records))
    expected = Scores(records, PROTOCOLS).with_aggregates([aggregate]).aggregates
    assert part.values[name].tolist() == pytest.approx([each.value for each in expected])
    (lacking,) = by_space(frame(scored(models, aggregate.members[1:])))
    assert name not in lacking.values


def test_a_draw_of_many_is_the_same_every_time_and_in_order():
    (part,) = by_space(frame(scored(mlps(30), ["naswot"])))
    drawn = part.drawn(10)
    assert len(set(drawn)) == 10
    assert drawn == part.drawn(10) == tuple(m for m in part.models if m in drawn)
    assert part.drawn(30) == part.models
