"""Real, short training of classifiers: what a ranking before training is held against."""

from gradalign.training.checkpoint import load_checkpoint, save_checkpoint
from gradalign.training.evaluate import logits, loss_and_accuracy
from gradalign.training.recipe import Recipe
from gradalign.training.train import Trained, train
from gradalign.training.training import Training

__all__ = [
    "Recipe",
    "Trained",
    "Training",
    "load_checkpoint",
    "logits",
    "loss_and_accuracy",
    "save_checkpoint",
    "train",
]
