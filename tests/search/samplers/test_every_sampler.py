"""What holds for every sampler."""

import random
import statistics

import optuna
import pytest
from optuna.storages import InMemoryStorage, RDBStorage
from tests.search.samplers.problems import bits, conditional, go_on, study_of

from gradalign.errors import InputError, UnknownNameError
from gradalign.search.moves import SpaceMoves
from gradalign.search.samplers import SAMPLERS
from gradalign.spaces import SPACES, get_space
from gradalign.spaces.mlp import MLP

OURS = ("evolution", "local_search", "reinforce")


@pytest.fixture(params=sorted(SAMPLERS))
def name(request):
    return request.param


def test_each_says_what_it_is(name):
    kind = SAMPLERS[name]
    assert kind.name == name
    assert "\n" not in kind.summary
    assert kind.source


def test_an_unknown_one_is_offered_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown sampler 'evolutoin': did you mean"):
        SAMPLERS["evolutoin"]


def mlp(trial):
    arch = MLP.suggest(trial)
    return float(sum(arch.widths))


def test_a_study_that_was_killed_goes_on_as_if_it_had_not_been(name, tmp_path):
    undisturbed = go_on(study_of(name), conditional, 30)
    for part in (1, 16, 13):
        storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
        study = study_of(name, storage=storage, study_name="one")
        found = go_on(study, conditional, part)
        assert found == undisturbed[: len(found)]
    assert found == undisturbed


@pytest.mark.parametrize("killed_after", [1, 17, 33])
def test_so_does_one_in_a_space(name, killed_after):
    moves = SpaceMoves(MLP)
    undisturbed = go_on(study_of(name, moves=moves), mlp, 45)
    storage = InMemoryStorage()
    for part in (killed_after, 45 - killed_after):
        study = study_of(name, moves=moves, storage=storage, study_name="one")
        found = go_on(study, mlp, part)
    assert found == undisturbed


def test_the_seed_decides(name):
    first, again, other = (go_on(study_of(name, seed=seed), conditional, 20) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("space", sorted(SPACES))
def test_it_works_in_every_space(name, space):
    found = get_space(space)
    study = study_of(name, moves=SpaceMoves(found))
    for number in range(14):
        trial = study.ask()
        arch = found.suggest(trial)
        assert found.parse(found.format(arch)) == arch
        study.tell(trial, float(number % 5))


def test_running_trials_change_nothing(name):
    alone, watched = study_of(name), study_of(name)
    go_on(alone, conditional, 15)
    go_on(watched, conditional, 15)
    plain = alone.ask()
    conditional(plain)
    beside = watched.ask()
    third = watched.ask()
    conditional(third)
    conditional(beside)
    assert beside.params == plain.params


def test_a_space_of_one_architecture_does_not_hang(name):
    study = study_of(name)
    for _ in range(25):
        trial = study.ask()
        study.tell(trial, float(trial.suggest_categorical("only", [1])))
    assert len(study.trials) == 25


def test_everything_infeasible_does_not_hang(name):
    study = study_of(name)
    for _ in range(25):
        trial = study.ask()
        conditional(trial)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    assert len({str(trial.params) for trial in study.trials}) > 5


def best(name, seed, direction="maximize", budget=100):
    sign = 1 if direction == "maximize" else -1
    study = study_of(name, seed=seed, direction=direction)
    for _ in range(budget):
        trial = study.ask()
        study.tell(trial, sign * bits(trial))
    return sign * study.best_value


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("better", ["tpe", *OURS])
def test_it_beats_random_draws(better, direction):
    seeds = range(3)
    found = [best(better, seed, direction) for seed in seeds]
    drawn = [best("random", seed, direction) for seed in seeds]
    assert statistics.mean(found) > statistics.mean(drawn) + 1.0


@pytest.mark.parametrize("moving", ["evolution", "local_search", "reinforce", "tpe"])
def test_values_that_move_count_as_they_are_now(moving):
    def now(trials):
        return [[sum(value == "a" for value in trial.params.values())] for trial in trials]

    study = study_of(moving, values=now)
    for _ in range(100):
        trial = study.ask()
        told = bits(trial)
        study.tell(trial, -told)  # at odds with what counts
    newest = [sum(v == "a" for v in trial.params.values()) for trial in study.trials[-30:]]
    assert statistics.mean(newest) > 4.0  # 3 of 12 by chance


def test_a_value_that_is_no_number_counts_as_the_worst():
    def now(trials):
        return [[float("nan") if trial.number % 2 else 1.0] for trial in trials]

    for name in ("evolution", "local_search", "reinforce", "tpe"):
        go_on(study_of(name, values=now), conditional, 20)


def test_generations_need_values_that_stay():
    with pytest.raises(InputError, match="'nsga2' needs scores that stay"):
        study_of("nsga2", values=lambda trials: [trial.values for trial in trials])


def test_several_objectives(name):
    kind = SAMPLERS[name]
    study = study_of(name, directions=["maximize", "minimize"])

    def told(trials):
        for _ in range(trials):
            trial = study.ask()
            value = bits(trial)
            study.tell(trial, [value, 12.0 - value])

    if kind.several:
        told(60)
        assert max(trial.values[0] for trial in study.best_trials) >= 6
    else:
        with pytest.raises(ValueError, match="multi-objective"):
            told(1)


def test_other_generators_are_left_alone(name):
    random.seed(1)
    expected = random.random()
    random.seed(1)
    go_on(study_of(name), conditional, 15)
    assert random.random() == expected
