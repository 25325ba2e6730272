"""Architectures that are named through a table."""

import pandas as pd
import pytest
from tests.benchmarks.samples import stored

import gradalign as ga
from gradalign.benchmarks import BENCHMARKS, look_up
from gradalign.models import resolve
from gradalign.spaces import get_space

HASH = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path))
    for name in ("nb101", "suite_zero_nb101"):  # a benchmark keeps what it has read
        for kept in ("_table", "_rows"):
            monkeypatch.delitem(BENCHMARKS[name].__dict__, kept, raising=False)


def table():
    space = get_space("nb101")
    arch = space.parse(space.example)
    row = {"hash": space.canonical(arch), "arch": space.example, "test_accuracy": 90.0}
    return pd.DataFrame([row])


def test_a_hash_is_the_module_that_the_table_holds():
    frame = table()
    stored("nb101", "nb101", frame)
    name = frame["hash"][0]
    assert look_up("nb101", name) == frame["arch"][0]
    candidate = resolve(f"nb101: {name} ", build={"stem_channels": 4})
    assert candidate.name == f"nb101: {name}"
    assert candidate.arch == frame["arch"][0]
    parameters = [p.shape for p in candidate.build(0).parameters()]
    by_matrix = resolve(f"nb101:{frame['arch'][0]}", build={"stem_channels": 4})
    assert [p.shape for p in by_matrix.build(0).parameters()] == parameters


def test_a_hash_that_no_table_holds():
    stored("nb101", "nb101", table())
    with pytest.raises(ga.InputError, match=f"nb101:{HASH} is not in the table 'nb101'"):
        resolve(f"nb101:{HASH}")


def test_without_the_table_the_mend_is_named():
    with pytest.raises(ga.InputError, match="not at hand: gradalign data fetch nb101, or give"):
        resolve(f"nb101:{HASH}")
