import math

import numpy as np
import pytest
import torch
from tests.engine import oracles

from gradalign.errors import UndefinedScore
from gradalign.proxies.jacob_cov import jacob_cov
from gradalign.statistics import Statistics


def of(rows):
    gradient = torch.as_tensor(rows, dtype=torch.float64)
    return jacob_cov(Statistics(n=len(gradient), blocks=(), values={"input_gradient": gradient}))


def term(v):
    return math.log(v + 1e-5) + 1 / (v + 1e-5)


def test_by_hand():
    # Centred rows (1, -1, 0) and (0, 1, -1): correlation -1/2, eigenvalues 1/2 and 3/2.
    assert of([[2, 0, 1], [5, 6, 4]]) == pytest.approx(-term(0.5) - term(1.5))


@pytest.mark.parametrize(("n", "size"), [(2, 3), (5, 40), (9, 6)])
def test_equals_the_definition_by_numpy(n, size):
    rows = np.random.default_rng(n).normal(size=(n, size)) + 3
    values = np.linalg.eigvalsh(np.corrcoef(rows))
    # Fewer entries than samples: eigenvalues of 0, whose rounding 1 / (v + 1e-5) shows.
    assert of(rows) == pytest.approx(-sum(term(max(v, 0)) for v in values), rel=1e-8)


def test_equal_samples_have_a_value():
    # All correlations 1: eigenvalues 0, 0 and 3.
    assert of([[1, 2, 4]] * 3) == pytest.approx(-2 * term(0) - term(3), rel=1e-8)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([[1, 2, 3]], "one sample"),
        ([[1, 2, 3], [4, 4, 4], [0, 0, 0]], "2 of 3 samples does not vary"),
        ([[1, 2, 3], [0.1, 0.1 + 1e-17, 0.1]], "1 of 2 samples does not vary"),
    ],
)
def test_no_value_without_correlations(rows, reason):
    with pytest.raises(UndefinedScore, match=reason):
        of(rows)


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "count"), [("jacob_cov", 64), ("jacob_cov_16", 16), ("jacob_cov_naslib", 64)]
)
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_values(net, entry, count):
    oracles.agrees(net, entry, "jacob_cov", oracles.images(count))
