import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradalign.aggregates import (
    AGGREGATES,
    Aggregate,
    parse_combination,
    pool_ranks,
    rank_sum_log,
)
from gradalign.errors import InputError, UnknownNameError
from gradalign.proxies import PROXIES

BETTER = {"a": "higher", "b": "lower"}
pools = st.lists(
    st.one_of(st.none(), st.integers(-3, 3).map(float), st.just(math.nan)), min_size=1, max_size=9
)


def naive_ranks(values, better):
    """Rank by counting the worse and the equal ones; failures are worse than all and equal."""

    def key(value):
        if value is None or math.isnan(value):
            return -math.inf
        return value if better == "higher" else -value

    keys = [key(value) for value in values]
    return [sum(k < own for k in keys) + (sum(k == own for k in keys) + 1) / 2 for own in keys]


def test_aggregate_by_hand():
    # a, higher is better, 3 > 2 > 1: ranks 3, 1, 2.
    # b, lower is better, 5 = 5 > 4: ranks 1.5, 1.5, 3.
    combined = Aggregate(name="ab", members=("a", "b")).aggregate(
        {"a": [3.0, 1.0, 2.0], "b": [5.0, 5.0, 4.0]}, BETTER
    )
    assert combined == pytest.approx(
        [
            math.log(3 / 3) + math.log(1.5 / 3),
            math.log(1 / 3) + math.log(1.5 / 3),
            math.log(2 / 3) + math.log(3 / 3),
        ]
    )


def test_a_network_that_every_member_failed_on_has_failed():
    pair = Aggregate(name="ab", members=("a", "b"))
    values = {"a": [3.0, None, math.nan, None], "b": [5.0, 4.0, None, math.inf]}
    everywhere = pair.aggregate(values, BETTER)
    assert pair.pool_values(values, BETTER) == [*everywhere[:2], None, None]


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_failed_networks_share_the_worst_ranks(better):
    # Two of four failed: (2 + 1) / 2 each; the others have ranks 3 and 4.
    ranks = pool_ranks([None, 1.0, math.nan, 2.0], better)
    assert ranks.tolist() == ([1.5, 3, 1.5, 4] if better == "higher" else [1.5, 4, 1.5, 3])


@given(pools, st.sampled_from(["higher", "lower"]))
def test_ranks_equal_naive_counts(values, better):
    assert pool_ranks(values, better).tolist() == naive_ranks(values, better)


@given(pools)
def test_ranks_sum_up_to_those_of_the_pool(values):
    count = len(values)
    assert pool_ranks(values, "higher").sum() == count * (count + 1) / 2


@given(st.permutations(range(5)))
def test_order_of_networks_does_not_matter(order):
    aggregate = Aggregate(name="ab", members=("a", "b"))
    values = {"a": [1.0, None, 3.0, 3.0, 0.0], "b": [2.0, 2.0, None, 1.0, 5.0]}
    moved = {name: [row[i] for i in order] for name, row in values.items()}
    straight = aggregate.aggregate(values, BETTER)
    assert aggregate.aggregate(moved, BETTER) == pytest.approx([straight[i] for i in order])


def test_one_member_keeps_its_order():
    values = [0.3, -2.0, 7.0, 1.0]
    combined = Aggregate(name="just_a", members=("a",)).aggregate({"a": values}, BETTER)
    assert np.argsort(combined).tolist() == np.argsort(values).tolist()
    assert max(combined) == 0


def test_other_rules_can_be_given():
    def rank_sum(ranks):
        return ranks.sum(axis=0)

    aggregate = Aggregate(name="ab", members=("a", "b"), rule=rank_sum)
    assert aggregate.aggregate({"a": [1.0, 2.0], "b": [1.0, 2.0]}, BETTER) == [3, 3]


def test_other_proxies_are_ignored():
    values = {"a": [1.0, 2.0], "c": [None, None]}
    combined = Aggregate(name="just_a", members=("a",)).aggregate(values, BETTER)
    assert combined == pytest.approx([math.log(0.5), 0])


def test_members_of_different_pools_are_refused():
    with pytest.raises(ValueError, match="different pools"):
        Aggregate(name="ab", members=("a", "b")).aggregate({"a": [1.0, 2.0], "b": [1.0]}, BETTER)


@pytest.mark.parametrize("aggregate", AGGREGATES.values(), ids=AGGREGATES)
def test_registered_aggregates_combine_registered_proxies(aggregate):
    assert AGGREGATES[aggregate.name] is aggregate
    assert aggregate.name not in PROXIES
    assert len(set(aggregate.members)) == len(aggregate.members) > 1
    assert aggregate.source
    assert aggregate.summary
    values = {name: [1.0, 2.0, None] for name in aggregate.members}
    better = {name: PROXIES[name].better for name in aggregate.members}
    assert len(aggregate.aggregate(values, better)) == 3


def test_unknown_aggregate_is_named():
    with pytest.raises(UnknownNameError, match="did you mean 'gradalign_rank_sum'"):
        AGGREGATES["gradalign_ranksum"]


@pytest.mark.parametrize(
    "text", ["mine=gradalign_i+naswot+macs", " mine = gradalign_i + naswot +macs "]
)
def test_combination_is_read(text):
    aggregate = parse_combination(text)
    assert aggregate.name == "mine"
    assert aggregate.members == ("gradalign_i", "naswot", "macs")
    assert aggregate.rule is rank_sum_log
    assert "mine" not in AGGREGATES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("naswot+macs", "write it as name=proxy"),
        ("mine=", "write it as name=proxy"),
        ("=naswot+macs", "write it as name=proxy"),
        ("", "write it as name=proxy"),
        ("mine=naswot+", "on both sides of every"),
        ("mine=naswot++macs", "on both sides of every"),
        ("mine=naswot+macs+naswot", "'naswot' occurs more than once"),
        ("mine=nasswot+macs", "unknown proxy 'nasswot': did you mean 'naswot'"),
        ("mine=a=b", "unknown proxy 'a=b'"),
        ("my own=naswot+macs", "letters, digits and _ only"),
        ("knas=naswot+macs", "'knas' is a proxy already"),
        ("gradalign_rank_sum=naswot+macs", "'gradalign_rank_sum' is an aggregate already"),
    ],
)
def test_malformed_combination_is_refused(text, message):
    with pytest.raises(InputError, match=message.replace("+", r"\+")) as raised:
        parse_combination(text)
    assert "\n" not in str(raised.value)
