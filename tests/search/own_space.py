"""A search space as a user writes it: a function of a trial. Also imported by other processes."""

import optuna
from torch import nn


def build(trial):
    """A stack of linear layers on 3x8x8 images."""
    width = trial.suggest_categorical("width", (4, 8, 16, 32))
    depth = trial.suggest_int("depth", 1, 3)
    norm = trial.suggest_categorical("norm", (False, True))
    layers = [nn.Flatten()]
    c_in = 192
    for number in range(depth):
        c_out = width * trial.suggest_int(f"factor{number}", 1, 2)
        layers += [nn.Linear(c_in, c_out), *([nn.BatchNorm1d(c_out)] if norm else []), nn.ReLU()]
        c_in = c_out
    return nn.Sequential(*layers, nn.Linear(c_in, 10))


def breaks(trial):
    """The same, and wide ones cannot be made."""
    if trial.suggest_categorical("width", (4, 8, 16, 32)) > 8:
        raise RuntimeError("too wide for me")
    return build(trial)


def refuses(trial):
    """The same, and wide ones are not to be had."""
    if trial.suggest_categorical("width", (4, 8, 16, 32)) > 8:
        raise optuna.TrialPruned("no wide ones")
    return build(trial)


def four(trial):
    """Four networks and no more."""
    width = trial.suggest_categorical("width", (8, 16, 24, 32))
    return nn.Sequential(nn.Flatten(), nn.Linear(192, width), nn.ReLU(), nn.Linear(width, 10))


def nothing(trial):
    """No network."""
    return trial.suggest_int("width", 1, 2)
