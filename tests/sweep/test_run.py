"""Sweeps: what is measured, what is not measured again, and what the store holds after."""

from dataclasses import replace

import pytest
from tests.sweep.nets import CONV, DEAD, LARGER, OTHER, PLAN, SAME

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.store import Store
from gradalign.sweep import Limits, sweep


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "sweep.db") as opened:
        yield opened


def counts(summary) -> tuple[int, ...]:
    return (summary.asked, summary.already, summary.to_measure, summary.measured, summary.shared)


def test_records_are_those_of_scoring_each_network_here(store):
    models = [CONV, OTHER, DEAD]
    sweep(models, PLAN, store, seeds=(3, 4))
    here = [
        record
        for seed in (3, 4)
        for model in models
        for record in PLAN.scorer().measure(PLAN.candidate(model), seed)
    ]
    stored = Scores.from_frame(store.frame(), store.protocols)
    found = {(r.model, r.proxy, r.seed): r for r in stored}
    assert len(found) == len(here) == 18
    for record in here:
        own = found[record.model, record.proxy, record.seed]
        assert (own.value, own.status, own.protocol) == (
            record.value,
            record.status,
            record.protocol,
        )
        assert own.canonical == record.canonical
    assert store.protocols.keys() == PLAN.scorer().protocols.keys()


def test_isomorphic_networks_are_measured_once_and_each_has_its_records(store):
    summary = sweep([CONV, OTHER, SAME, CONV], PLAN, store)
    assert counts(summary) == (3, 0, 2, 2, 1)
    frame = store.frame().set_index(["model", "proxy"])
    for proxy in PLAN.proxies:
        assert frame.loc[(CONV, proxy), "value"] == frame.loc[(SAME, proxy), "value"]
    assert len(frame) == 9
    assert frame.loc[CONV, "canonical"].iloc[0] == frame.loc[SAME, "canonical"].iloc[0]


def test_isomorphic_architectures_with_other_weights_are_measured_apart(store):
    assert counts(sweep([CONV, LARGER], PLAN, store)) == (2, 0, 2, 2, 0)
    frame = store.frame().set_index(["model", "proxy"])
    assert frame.loc[CONV, "canonical"].iloc[0] == frame.loc[LARGER, "canonical"].iloc[0]
    assert frame.loc[(CONV, "params"), "value"] < frame.loc[(LARGER, "params"), "value"]


def test_a_twin_that_is_asked_for_later_is_not_measured(store):
    sweep([CONV, OTHER], PLAN, store)
    assert counts(sweep([CONV, SAME], PLAN, store)) == (2, 1, 0, 0, 1)
    frame = store.frame().set_index(["model", "proxy"])
    for proxy in PLAN.proxies:
        for column in ("value", "status", "seconds", "protocol"):
            assert frame.loc[(SAME, proxy), column] == frame.loc[(CONV, proxy), column]


def test_the_same_call_again_measures_nothing(store):
    sweep([CONV, OTHER], PLAN, store)
    before = store.frame()
    assert counts(sweep([CONV, OTHER], PLAN, store)) == (2, 2, 0, 0, 0)
    assert store.frame().equals(before)


def test_a_further_score_is_measured_alone(store):
    sweep([CONV, OTHER], PLAN, store)
    before = store.frame()
    more = replace(PLAN, proxies=("gradalign_i", "naswot"))
    assert counts(sweep([CONV, OTHER, DEAD], more, store)) == (3, 0, 3, 3, 0)
    after = store.frame()
    assert sorted(after[after["model"] == CONV]["proxy"]) == sorted([*PLAN.proxies, "naswot"])
    assert sorted(after[after["model"] == DEAD]["proxy"]) == ["gradalign_i", "naswot"]
    merged = after.merge(before, on=["model", "proxy", "seed"], suffixes=("", "_before"))
    assert len(merged) == len(before)
    assert (merged["seconds"] == merged["seconds_before"]).all()  # not measured again


def test_other_conditions_are_another_protocol(store):
    sweep([CONV], PLAN, store)
    assert counts(sweep([CONV], replace(PLAN, num_classes=7), store)) == (1, 0, 1, 1, 0)
    assert store.frame().groupby(["model", "proxy"])["protocol"].nunique().eq(2).all()


def test_what_failed_is_measured_again_only_on_demand(store, tmp_path):
    path = tmp_path / "nets.py"
    made = (
        "from pathlib import Path\n"
        "from torch import nn\n"
        "def net():\n"
        "    if not Path(__file__).with_name('there').exists():\n"
        "        raise RuntimeError('not yet')\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))\n"
    )
    path.write_text(made)
    models = [f"{path}:net"]
    plan = replace(PLAN, build=(), input_size=(3, 8, 8))
    first = sweep(models, plan, store, limits=Limits(timeout=60))
    assert (first.failed, dict(first.failures)) == (1, {"error": 1})
    reasons = set(store.frame()["reason"])
    assert len(reasons) == 1
    assert "RuntimeError: not yet" in reasons.pop()
    path.with_name("there").touch()
    assert counts(sweep(models, plan, store)) == (1, 1, 0, 0, 0)
    assert set(store.frame()["status"]) == {"error"}
    assert counts(sweep(models, plan, store, retry=True)) == (1, 0, 1, 1, 0)
    assert set(store.frame()["status"]) == {"ok"}
    assert counts(sweep(models, plan, store, retry=True)) == (1, 1, 0, 0, 0)


def test_a_malformed_architecture_is_told_before_anything_is_measured(store):
    with pytest.raises(InputError, match="malformed nb201 architecture"):
        sweep([CONV, "nb201:|oops|"], PLAN, store)
    assert len(store) == 0


def test_progress_is_told_after_each_network(store):
    seen = []
    sweep(
        [CONV, SAME, OTHER],
        PLAN,
        store,
        workers=1,
        progress=lambda now: seen.append((now.measured, now.to_measure, now.shared, len(store))),
    )
    assert seen == [(1, 2, 1, 6), (2, 2, 1, 9)]


def test_an_interrupted_sweep_goes_on_where_it_was(store):
    models = [CONV, OTHER, DEAD, LARGER]

    def interrupt(_summary):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(models, PLAN, store, workers=1, progress=interrupt)
    assert len(store) == 3
    kept = store.frame()
    assert counts(sweep(models, PLAN, store)) == (4, 1, 3, 3, 0)
    assert len(store) == 12
    after = store.frame()
    again = Scores.from_frame(after[after["model"] == CONV], {})
    assert again.records == Scores.from_frame(kept, {}).records
