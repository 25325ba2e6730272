"""Parts of a sweep that are made apart."""

import pytest
from tests.sweep.instant import Instant
from tests.sweep.nets import CONV, PLAN, SAME

from gradalign.errors import InputError
from gradalign.spaces import SPACES
from gradalign.store import Store
from gradalign.sweep import Shard, sweep
from gradalign.sweep.draw import drawn
from gradalign.sweep.named import Named, named

MEASURED = ["model", "proxy", "protocol", "seed", "value", "status", "canonical"]


def test_each_network_is_in_one_part_and_twins_are_in_the_same():
    models = [*drawn(SPACES["nb201"], 400, seed=1), CONV, SAME]
    parts = [[own.model for own in named(models, Shard(i, 3))] for i in range(3)]
    assert sorted(model for part in parts for model in part) == sorted(models)
    assert all(90 < len(part) < 180 for part in parts)  # binomial: 134 with a deviation of 9
    assert [CONV in part for part in parts] == [SAME in part for part in parts]
    assert list(named(models, None)) == [Named.of(model) for model in models]


def test_a_part_is_the_same_in_every_process_and_version():
    assert [k for k in range(12) if Shard(0, 4).holds(str(k))] == [2, 5, 6, 10]
    assert Shard(0, 1).holds("anything \udcff")


def test_the_merged_stores_of_all_parts_are_the_store_of_one_sweep(tmp_path):
    models = [*drawn(SPACES["nb201"], 60, seed=2), CONV, SAME]
    with Store.open(tmp_path / "merged.db") as merged:
        asked = 0
        for number in range(4):
            path = tmp_path / f"part{number}.db"
            with Store.open(path) as store:
                done = sweep(
                    iter(models),
                    PLAN,
                    store,
                    shard=Shard(number, 4),
                    total=62,
                    executor=Instant(PLAN),
                )
                assert done.total == 15
                asked += done.asked
            merged.merge(path)
        with Store.open(tmp_path / "whole.db") as whole:
            sweep(models, PLAN, whole, executor=Instant(PLAN))
            assert asked == 62
            assert merged.frame()[MEASURED].equals(whole.frame()[MEASURED])
            assert merged.protocols == whole.protocols


@pytest.mark.parametrize("text", ["4/4", "x", "", "1", "-1/4", "0/0", "1/2/3", "0.5/2", "1/0"])
def test_what_names_no_part_is_told(text):
    with pytest.raises(InputError, match="write it as i/k"):
        Shard.parse(text)
