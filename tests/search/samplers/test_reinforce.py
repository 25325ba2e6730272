"""REINFORCE against its definition written out."""

import math

import numpy as np
import pytest
from tests.search.samplers.problems import study_of

from gradalign.search.samplers.reinforce import DECAY, RATE


def learnt(chosen, values):
    """Probabilities of three choices after these trials, by the textbook."""
    logits, baseline = np.zeros(3), 0.5
    for k, (choice, value) in enumerate(zip(chosen, values, strict=True)):
        before = values[:k]
        worse = sum(other < value for other in before) + 0.5 * sum(o == value for o in before)
        reward = worse / k if k else 0.5
        policy = np.exp(logits) / np.exp(logits).sum()
        logits = logits + RATE * (reward - baseline) * (np.eye(3)[choice] - policy)
        baseline = DECAY * baseline + (1 - DECAY) * reward
    return np.exp(logits) / np.exp(logits).sum()


CHOSEN = [0, 2, 1, 1, 0, 2, 2, 0, 1, 2]
VALUES = [1.0, 5.0, 2.0, 2.0, 0.5, 7.0, 5.0, 1.0, 3.0, 6.0]


def study_with(scale):
    study = study_of("reinforce")
    for choice, value in zip(CHOSEN, VALUES, strict=True):
        study.enqueue_trial({"x": choice})
        trial = study.ask()
        trial.suggest_categorical("x", [0, 1, 2])
        study.tell(trial, scale(value))
    return study


@pytest.mark.parametrize("scale", [lambda v: v, lambda v: 1e6 * v - 3, math.exp])
def test_the_policy_is_that_of_the_textbook_on_any_scale(scale):
    study = study_with(scale)
    drawn = [study.ask().suggest_categorical("x", [0, 1, 2]) for _ in range(4000)]
    found = np.bincount(drawn, minlength=3) / len(drawn)
    np.testing.assert_allclose(found, learnt(CHOSEN, VALUES), atol=0.03)


def test_the_policy_of_a_decision_learns_from_the_trials_that_made_it():
    study = study_of("reinforce")
    for k in range(60):
        trial = study.ask()
        kind = trial.suggest_categorical("kind", ["a", "b"])
        right = trial.suggest_categorical(f"of {kind}", [0, 1]) == (kind == "a")
        study.tell(trial, float(right) + 0.001 * k)
    ends = [study.ask() for _ in range(200)]
    right = [t.suggest_categorical("of a", [0, 1]) == 1 for t in ends]
    wrong = [t.suggest_categorical("of b", [0, 1]) == 1 for t in ends]
    assert np.mean(right) > 0.7
    assert np.mean(wrong) < 0.3
