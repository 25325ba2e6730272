"""Small problems to sample from, and studies of them."""

import optuna
from optuna.trial import TrialState

from gradalign.search.moves import DecisionMoves
from gradalign.search.samplers import SAMPLERS, Setting

optuna.logging.set_verbosity(optuna.logging.WARNING)


def study_of(name, seed=0, moves=None, values=None, **options):
    """A study with one of our samplers, to maximise unless told."""
    setting = Setting(seed=seed, moves=moves or DecisionMoves(), values=values)
    sampler = SAMPLERS[name].make(setting)
    if not options.keys() & {"direction", "directions"}:
        options["direction"] = "maximize"
    return optuna.create_study(sampler=sampler, load_if_exists=True, **options)


def conditional(trial):
    """Decisions of every kind, some of which others hide."""
    kind = trial.suggest_categorical("kind", ["conv", "attention", None])
    depth = trial.suggest_int("depth", 1, 4)
    total = float(depth)
    if kind == "conv":
        total += trial.suggest_int("width", 16, 512, log=True) / 512
        total += trial.suggest_categorical("pool", (True, False))
    if kind == "attention":
        total += trial.suggest_float("ratio", 1.0, 4.0, step=0.5) / 2
        if depth > 2:
            total += 2 - abs(trial.suggest_float("lr", 1e-4, 1.0, log=True) - 0.1)
    return total


def bits(trial):
    """How many of twelve decisions of four choices are right: 12 at best."""
    return float(
        sum(trial.suggest_categorical(f"x{k}", "abcd") == "abcd"[k % 4] for k in range(12))
    )


def go_on(study, problem, trials):
    """More trials, one after the other; the decisions of all.

    Every seventh is infeasible, and the sixth breaks.
    """
    for _ in range(trials):
        trial = study.ask()
        value = problem(trial)
        if trial.number == 5:
            study.tell(trial, state=TrialState.FAIL)
        elif trial.number % 7 == 3:
            trial.set_constraint("params", 1.0)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return [trial.params for trial in study.get_trials(deepcopy=False)]
