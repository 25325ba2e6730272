"""Search end to end, in one process."""

import itertools
import json
import random

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from tests.search import own_space
from tests.search.small import CELLS, cells, small, told

import gradalign as ga
from gradalign.aggregates import parse_combination
from gradalign.errors import InputError
from gradalign.evaluation.pool import make_pool
from gradalign.models import identity
from gradalign.proxies import PROXIES
from gradalign.search.request import BATCH
from gradalign.search.samplers import SAMPLERS
from gradalign.spaces import SPACES
from gradalign.store import Store

SINGLE = tuple(SAMPLERS)


def frame_of(path) -> pd.DataFrame:
    with Store.read(path) as store:
        return store.frame()


def study_of(path) -> optuna.Study:
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    (summary,) = optuna.get_all_study_summaries(storage)
    return optuna.load_study(study_name=summary.study_name, storage=storage)


@pytest.mark.parametrize("sampler", SINGLE)
def test_every_sampler_finds_a_network_and_its_score_is_the_real_one(sampler):
    found = small(sampler=sampler)
    assert found.progress.evaluations == 12
    best = found.best
    space = ga.get_space("mlp")
    alone = ga.score(
        f"mlp:{best.arch}", input_size=(3, 8, 8), batch_size=4, proxies=["gradalign_plus", "params"]
    )
    assert space.format(space.parse(best.arch)) == best.arch
    assert best.values == (alone["gradalign_plus"].value,)
    assert best.measured["params"] == alone["params"].value
    assert best.values[0] == max(own.values[0] for own in found.ranked)


@pytest.mark.parametrize("sampler", SINGLE)
def test_the_same_search_gives_the_same_answer(sampler):
    assert told(small(sampler=sampler, seed=3)) == told(small(sampler=sampler, seed=3))
    assert told(small(sampler=sampler, seed=3)) != told(small(sampler=sampler, seed=4))


def test_several_processes_give_the_same_answer():
    here, there = cells(workers=1), cells(workers=2)
    assert [own.arch for own in here.ranked] == [own.arch for own in there.ranked]
    assert [o.values[0] for o in here.ranked] == pytest.approx([o.values[0] for o in there.ranked])


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("sampler", SINGLE)
@pytest.mark.parametrize("after", [1, BATCH - 2, BATCH, BATCH + 3])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(sampler, after, tmp_path, monkeypatch):
    undisturbed = small(sampler=sampler)
    path = tmp_path / "search.db"
    tell = optuna.Study.tell
    count = 0

    def failing(self, *args, **kwargs):
        nonlocal count
        count += 1
        if count > after:
            raise Interrupted
        return tell(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "tell", failing)
        with pytest.raises(Interrupted):
            small(sampler=sampler, db=path)
    assert told(small(sampler=sampler, db=path)) == told(undisturbed)


def test_a_space_of_ones_own_goes_on_within_its_limit(tmp_path, monkeypatch):
    asked = {"subject": own_space.build, "max_params": 6000, "sampler": "evolution"}
    undisturbed, path, tell = small(**asked), tmp_path / "search.db", optuna.Study.tell
    left = iter(range(10))

    def failing(self, *args, **kwargs):
        if next(left, None) is None:
            raise Interrupted
        return tell(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "tell", failing)
        with pytest.raises(Interrupted):
            small(**asked, db=path)
    again = small(**asked, db=path)
    assert told(again) == told(undisturbed)
    assert again.progress.excluded > 0
    assert all(own.measured["params"] <= 6000 for own in again.ranked)


def test_an_interruption_while_proposals_are_made_changes_nothing(tmp_path, monkeypatch):
    undisturbed = small(sampler="tpe")
    path = tmp_path / "search.db"
    suggest = optuna.Trial.suggest_categorical
    count = 0

    def failing(self, *args, **kwargs):
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt
        return suggest(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "suggest_categorical", failing)
        with pytest.raises(KeyboardInterrupt):
            small(sampler="tpe", db=path)
    assert told(small(sampler="tpe", db=path)) == told(undisturbed)


def test_a_finished_search_measures_nothing_again(tmp_path, monkeypatch):
    path = tmp_path / "search.db"
    first = small(db=path)
    records = frame_of(path)
    monkeypatch.setattr("gradalign.scorer.Scorer.measure", None)  # would raise
    again = small(db=path)
    assert told(again) == told(first)
    pd.testing.assert_frame_equal(frame_of(path), records)


def test_a_larger_budget_goes_on(tmp_path):
    path = tmp_path / "search.db"
    first, more = small(budget=8, db=path), small(budget=20, db=path)
    assert more.progress.evaluations == 20
    assert {own.arch for own in first.ranked} < {own.arch for own in more.ranked}
    assert told(more) == told(small(budget=20))


def test_a_search_may_end_by_the_clock():
    found = small(budget=None, seconds=0.5)
    assert found.progress.evaluations > 0
    assert found.progress.proposals % BATCH == 0  # batches are finished


def test_what_another_search_has_measured_is_not_measured_again(tmp_path, monkeypatch):
    path = tmp_path / "search.db"
    first = small(db=path)
    monkeypatch.setattr("gradalign.scorer.Scorer.measure", None)  # would raise
    again = small(db=path, max_params=1e12)  # another study, with the same proposals
    assert again.request.study_name != first.request.study_name
    assert [own.values for own in again.ranked] == [own.values for own in first.ranked]


def test_every_network_keeps_within_the_limits_and_no_other_is_scored(tmp_path):
    path = tmp_path / "search.db"
    found = cells(db=path, max_params=3000, max_macs=3e4, max_memory=6000, seed=2)
    assert found.progress.excluded > 0
    for own in found.ranked:
        assert own.measured["params"] <= 3000
        assert own.measured["macs"] <= 3e4
        assert own.measured["inference_memory"] <= 6000
    records = frame_of(path)
    scored = set(records.loc[records["proxy"] == "gradalign_plus", "model"])
    assert len(scored) == found.progress.evaluations
    study = study_of(path)
    pruned = [t for t in study.trials if t.state == optuna.trial.TrialState.PRUNED]
    assert len(pruned) == found.progress.excluded
    assert not scored & {t.user_attrs["model"] for t in pruned}
    for trial in pruned:
        assert max(trial.constraints.values()) > 0
        assert "above" in trial.user_attrs["reason"]


def test_no_network_within_the_limits_is_one_line_that_says_which_excludes_what():
    with pytest.raises(
        InputError, match=r"params at most 10 excludes 200 \(the least is \d+\)"
    ) as e:
        cells(max_params=10, max_macs=1e9)
    assert "macs" not in str(e.value)
    assert "\n" not in str(e.value)


def test_a_network_is_scored_once_however_it_is_spelled(tmp_path):
    path = tmp_path / "search.db"
    found = cells(db=path, budget=40, sampler="local_search", objective="params")
    assert found.progress.duplicates > 0
    keys = [identity(own.model).key for own in found.ranked]
    assert len(set(keys)) == len(keys)
    for trial in study_of(path).trials:
        if "same_as" in trial.user_attrs:
            original = study_of(path).trials[trial.user_attrs["same_as"]]
            assert (
                identity(trial.user_attrs["model"]).key
                == identity(original.user_attrs["model"]).key
            )
            assert trial.values == original.values


def test_a_space_that_runs_out_ends_the_search():
    found = small(own_space.four, budget=50)
    assert found.progress.evaluations == 4
    assert len(found.ranked) == 4


def test_what_breaks_is_a_record_with_its_reason_and_the_others_go_on(tmp_path):
    path = tmp_path / "search.db"
    found = small(own_space.breaks, sampler="random", db=path)
    assert found.progress.evaluations == 12
    assert found.progress.failures > 0
    failed = [t for t in study_of(path).trials if t.state == optuna.trial.TrialState.FAIL]
    assert {t.user_attrs["reason"] for t in failed} == {"RuntimeError: too wide for me"}


def test_a_network_without_a_score_is_a_failure_with_its_reason(tmp_path):
    path = tmp_path / "search.db"
    found = cells(
        db=path, sampler="random", budget=30, norm="sample", objective="gradalign_ii", seed=5
    )
    failed = [t for t in study_of(path).trials if t.state == optuna.trial.TrialState.FAIL]
    assert len(failed) == found.progress.failures > 0
    assert all("gradient" in t.user_attrs["reason"] for t in failed)
    assert found.progress.evaluations == 30 == len(found.ranked) + len(failed)


def test_a_function_may_refuse_its_own_proposals():
    found = small(own_space.refuses, sampler="random")
    assert found.progress.excluded > 0
    assert all(json.loads(own.arch)["width"] <= 8 for own in found.ranked)


def test_decisions_rebuild_the_network_of_a_function():
    found = small(own_space.build, max_params=5000)
    model = found.best.model
    assert model.startswith("tests.search.own_space:build{")
    again = ga.score(
        model, input_size=(3, 8, 8), batch_size=4, proxies=["gradalign_plus", "params"]
    )
    assert again["gradalign_plus"].value == found.best.values[0]
    assert again["params"].value == found.best.measured["params"] <= 5000


def test_a_space_without_suggestions_is_one_line(monkeypatch):
    class Mute(type(ga.get_space("mlp"))):
        name = "mute"

        def suggest(self, trial):
            raise NotImplementedError("not written yet")

    _ = len(SPACES)  # all of them are there
    monkeypatch.setitem(SPACES._entries, "mute", Mute())
    with pytest.raises(InputError, match="'mute' gives no `suggest`"):
        small("mute")


def test_a_function_that_no_module_holds_is_searched_in_this_process():
    found = small(lambda trial: own_space.four(trial), budget=4)
    assert found.best.model.startswith("<lambda>{")
    with pytest.raises(InputError, match="needs workers=1"):
        small(lambda trial: own_space.four(trial), workers=2)


def test_networks_are_scored_on_a_batch_of_the_users():
    x, y = torch.randn(6, 3, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    found = small(own_space.four, budget=4, batch=(x, y))
    again = ga.score(found.best.model, (x, y), proxies=["gradalign_plus"])
    assert again["gradalign_plus"].value == found.best.values[0]


def oriented(found, names):
    signs = [1 if PROXIES[name].better == "higher" else -1 for name in names]
    return np.array([own.values for own in found.ranked]) * signs


def test_the_front_is_what_no_other_network_beats():
    found = cells(objective="gradalign_plus,conflict_fraction", budget=24, sampler="nsga2")
    values = oriented(found, ["gradalign_plus", "conflict_fraction"])
    on_front = {own.arch for own in found.front}
    assert 1 < len(on_front) < len(values)
    for own, mine in zip(found.ranked, values, strict=True):
        beaten = any((v >= mine).all() and (v > mine).any() for v in values)
        assert (own.arch in on_front) == (not beaten)


def test_a_cost_is_wanted_low():
    found = cells(objective="params", budget=10)
    assert found.best.values[0] == min(own.values[0] for own in found.ranked)


RULE = "both=gradalign_i+feature_entropy"


@pytest.mark.parametrize("sampler", ["evolution", "tpe", "random", "local_search", "reinforce"])
def test_an_aggregate_ranks_the_final_pool_as_evaluate_does(sampler, tmp_path):
    path = tmp_path / "search.db"
    found = cells(db=path, objective=RULE, sampler=sampler, budget=20, max_params=6000)
    records = frame_of(path)
    records = records[records["proxy"].isin(["gradalign_i", "feature_entropy"])]
    models = records["model"].unique()
    truth = pd.DataFrame({"arch": models, "accuracy": np.arange(len(models), dtype=float)})
    directions = {name: PROXIES[name].better for name in PROXIES}
    pool = make_pool(
        records, truth, "accuracy", directions=directions, aggregates=[parse_combination(RULE)]
    )
    values = dict(zip(pool.models, pool.columns["both"].values, strict=True))  # bare spellings
    mine = {own.arch: own.values[0] for own in found.ranked}
    assert len(mine) >= 15
    assert mine == pytest.approx({model: values[model] for model in mine})
    assert list(mine.values()) == sorted(mine.values(), reverse=True)


def test_the_best_are_measured_again_and_the_winner_is_the_best_by_its_mean():
    found = cells(budget=16, repeats=4)
    assert len(found.check.entries) == 5
    assert found.best.model == found.check.entries[0].model
    again = ga.rank(
        [own.model for own in found.ranked[:5]],
        repeats=4,
        **{k: v for k, v in CELLS.items() if k != "repeats"},
    )
    assert again.entries[0].model == found.best.model
    assert found.to_dict()["best"]["rank_interval"] == list(again.entries[0].rank_interval)
    assert set(found.rivals) == {
        other for pair in again.inseparable if found.best.model in pair for other in pair
    } - {found.best.model}


def test_latencies_come_from_a_table(tmp_path):
    space = ga.get_space("nb201")
    archs = [space.format(arch) for _, arch in zip(range(400), space.enumerate(), strict=False)]
    table = pd.DataFrame({"arch": archs, "ms": np.arange(400.0)})
    table.to_csv(tmp_path / "latency.csv", index=False)
    found = cells(
        latency_table=f"{tmp_path}/latency.csv:ms", max_latency=0.2, budget=2, sampler="random"
    )
    for own in found.ranked:
        assert own.measured["latency"] == pytest.approx(1e-3 * archs.index(own.arch))
        assert own.measured["latency"] <= 0.2


def test_a_latency_that_is_looked_up_may_be_wanted(tmp_path):
    space = ga.get_space("nb201")
    archs = [space.format(arch) for arch in itertools.islice(space.enumerate(), 0, None, 2)]
    pd.DataFrame({"arch": archs, "ms": np.arange(len(archs))}).to_csv(
        tmp_path / "l.csv", index=False
    )
    found = cells(
        objective="gradalign_plus,latency", latency_table=f"{tmp_path}/l.csv:ms", max_latency=1e3,
        sampler="nsga2",
    )  # fmt: skip
    for own in found.ranked:
        assert own.values[1] == pytest.approx(1e-3 * archs.index(own.arch))


def test_only_the_networks_of_a_table_are_proposed(tmp_path):
    space = ga.get_space("nb201")
    archs = sorted({space.format(space.sample(random.Random(seed))) for seed in range(3000)})
    pd.DataFrame({"arch": archs, "acc": 1.0}).to_csv(tmp_path / "t.csv", index=False)
    found = cells(among=str(tmp_path / "t.csv"), budget=8)
    assert found.progress.excluded > 0
    assert {own.arch for own in found.ranked} <= set(archs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "nb2001"}, "unknown space 'nb2001'"),
        ({"subject": torch.nn.Linear(2, 2)}, "Linear cannot be searched"),
        ({"subject": own_space.nothing}, "gave a int"),
        ({"sampler": "evolutoin"}, "unknown sampler 'evolutoin': did you mean"),
        ({"objective": "gradalign_pluss"}, "unknown proxy 'gradalign_pluss'"),
        ({"objective": ""}, "no objective"),
        ({"objective": "params,params"}, "named twice"),
        ({"objective": "params,macs", "sampler": "local_search"}, "has one objective, not 2"),
        ({"max_params": 0}, "a limit of 0 on params"),
        ({"budget": 0}, "budget 0: at least 1"),
        ({"budget": None}, "without an end"),
        ({"latency_table": "x.csv"}, "names no column"),
        ({"latency_table": "x.csv:ms"}, "x.csv"),
        ({"subject": own_space.four, "latency_table": "x.csv:ms"}, "no search space"),
        ({"subject": own_space.four, "among": "nb201"}, "only a search space"),
        ({"subject": "nb201", "among": "nb101"}, "is of the space 'nb101'"),
        ({"build": {"chanels": 2}}, "no option 'chanels'"),
    ],
)
def test_mistakes_are_one_line(options, message):
    with pytest.raises(InputError, match=message) as caught:
        small(**options)
    assert "\n" not in str(caught.value)
