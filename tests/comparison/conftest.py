"""Comparisons that several tests look at."""

import pytest
from tests.comparison import build

from gradalign.comparison import compare

LACKING = "live_layers"


@pytest.fixture(scope="session")
def evaluations():
    """Two metrics of one benchmark, and one of another that lacks a score and has failures."""
    return [
        build.evaluation(),
        build.evaluation(metric="cifar_100"),
        build.evaluation("own/bench_2.csv", n=60, seed=5, failed=7, leave_out=(LACKING,)),
    ]


@pytest.fixture(scope="session")
def comparison(evaluations):
    return compare(evaluations, combined=["both"])
