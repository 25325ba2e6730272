import itertools

import pytest
from optuna.trial import TrialState
from tests.search.samplers.problems import study_of


class Line:
    """Whole numbers from -5 to 5, each beside the next."""

    def mutate(self, trial, rng):
        raise AssertionError("local search asks for neighbourhoods")

    def neighbours(self, trial):
        x = trial.params["x"]
        return [{"x": other} for other in (x - 1, x + 1) if -5 <= other <= 5]


def step(study, height, infeasible=()):
    trial = study.ask()
    x = trial.suggest_int("x", -5, 5)
    if x in infeasible:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, height(x))
    return x


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("seed", range(5))
def test_it_climbs_by_neighbours_and_starts_again_at_the_top(seed, direction):
    sign = 1 if direction == "maximize" else -1
    study = study_of("local_search", seed=seed, moves=Line(), direction=direction)
    here = step(study, lambda x: -sign * abs(x - 2))
    tried = {here}
    while True:
        left = [x for x in (here - 1, here + 1) if -5 <= x <= 5 and x not in tried]
        if not left:
            break
        x = step(study, lambda x: -sign * abs(x - 2))
        assert x in left
        tried.add(x)
        here = x if abs(x - 2) < abs(here - 2) else here
    assert here == 2
    starts = {step(study, lambda x: -sign * abs(x - 2)) for _ in range(12)}
    assert len(starts - {1, 2, 3}) > 1  # far from the top: new starts


def test_an_infeasible_neighbour_counts_as_tried():
    study = study_of("local_search", seed=1, moves=Line())
    here = step(study, float)
    seen = [step(study, lambda x: 0.0 - (x != here), infeasible=(here + 1,)) for _ in range(2)]
    assert sorted(seen) == [here - 1, here + 1]


class Branch:
    """A change that hides one decision and uncovers another, which it does not say."""

    def mutate(self, trial, rng):
        raise AssertionError

    def neighbours(self, trial):
        other = {"a": "b", "b": "a"}[trial.params["kind"]]
        return [{**trial.params, "kind": other}]


def test_what_a_change_uncovers_does_not_keep_it_from_being_tried():
    study = study_of("local_search", seed=0, moves=Branch())
    kinds = []
    for _ in range(40):
        trial = study.ask()
        kind = trial.suggest_categorical("kind", ["a", "b"])
        value = trial.suggest_float(f"of {kind}", 0.0, 1.0)
        study.tell(trial, value if kind == "a" else -1.0)
        kinds.append(kind)
    climbs = [pair for pair in itertools.pairwise(kinds) if pair == ("b", "a")]
    assert climbs  # from below it moves up
    # at the top, its only neighbour tried once, it starts again: both kinds come up
    assert kinds.count("a") > 10
    assert kinds.count("b") > 10
