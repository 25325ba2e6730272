"""The small network and batch that the tests of scoring share."""

from torch import nn


def make_net(width=4, classes=3):
    return nn.Sequential(
        nn.Conv2d(3, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, width, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(width * 4, classes),
    )
