"""From records to evaluations."""

import numpy as np
import pytest
from tests.comparison import build

from gradalign.aggregates import AGGREGATES, parse_combination
from gradalign.benchmarks import get_benchmark
from gradalign.comparison import aggregates_of, evaluated, short_training
from gradalign.errors import UnknownNameError
from gradalign.evaluation.rank_statistics import kendall_tau


def nb201_scores(names, n=40):
    """Scores of real networks that are their accuracy, with noise."""
    table = get_benchmark("nb201").frame.head(n)
    frame = build.scores(table.rename(columns={"cifar10": "cifar_10"}))
    return frame[frame["proxy"].isin(names)], table


def test_registered_aggregates_stand_where_all_members_do():
    members = AGGREGATES["gradalign_rank_sum"].members
    frame = build.scores(build.truth())
    assert aggregates_of(frame) == ()
    missing = [name for name in members if name not in {*frame["proxy"]}]
    whole = frame.replace({"proxy": {"gradsign": missing[0]}})
    assert [each.name for each in aggregates_of(whole)] == ["gradalign_rank_sum"]
    asked = [AGGREGATES["gradalign_rank_sum"], parse_combination("mine=params+macs")]
    assert [each.name for each in aggregates_of(whole, asked)] == ["gradalign_rank_sum", "mine"]


def test_an_aggregate_that_is_a_score_already_stands_for_itself():
    frame = build.scores(build.truth())
    missing = {*AGGREGATES["gradalign_rank_sum"].members} - {*frame["proxy"]}
    renamed = {"gradsign": missing.pop(), "my_own|100%": "gradalign_rank_sum"}
    frame = frame.replace({"proxy": renamed})
    assert aggregates_of(frame, [AGGREGATES["gradalign_rank_sum"]]) == ()


def test_a_member_that_was_not_measured_is_refused():
    with pytest.raises(UnknownNameError, match="'mine' combines 'naswot', and there are no scores"):
        aggregates_of(build.scores(build.truth()), [parse_combination("mine=params+naswot")])


def test_directions_and_short_training_come_from_the_registries():
    frame, table = nb201_scores(["conflict_fraction", "params", "my_own|100%"])
    found = evaluated(frame, get_benchmark("nb201"), "cifar100")
    own = frame[frame["proxy"] == "conflict_fraction"]["value"]
    expected = kendall_tau(-np.asarray(own), table["cifar100"])
    assert found.row("conflict_fraction").kendall_tau == pytest.approx(expected)
    assert found.row("training, 12 epochs").cost == "12 of 200 epochs on CIFAR-10"
    expected = kendall_tau(table["cifar10_12epochs"], table["cifar100"])
    assert found.row("training, 12 epochs").kendall_tau == pytest.approx(expected)


def test_short_training_only_where_there_is_some():
    assert short_training(get_benchmark("nb201"), "cifar10_12epochs") == {}
    assert set(short_training(get_benchmark("nb201"), "cifar10")) == {"training, 12 epochs"}
