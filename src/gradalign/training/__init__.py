"""Real, short training of classifiers: what a ranking before training is held against."""

from gradalign.training.recipe import Recipe
from gradalign.training.train import Trained, train

__all__ = ["Recipe", "Trained", "train"]
