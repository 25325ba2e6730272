"""What a package that adds to gradalign has to test."""

import gradalign_towers.gradient_balance
import pytest
import torch
from gradalign_towers.towers import Towers

from gradalign.proxies import PROXIES
from gradalign.statistics import Statistics
from gradalign.testing import PROXY_CHECKS, SPACE_CHECKS


@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
def test_the_proxy_conforms(check):
    check(PROXIES["gradient_balance"])


def test_the_proxy_equals_a_naive_loop():
    norms = torch.rand(4, 3, dtype=torch.float64)
    sums = [sum(float(norms[b, i]) for i in range(3)) for b in range(4)]
    found = PROXIES["gradient_balance"](
        stats=Statistics(n=3, blocks=(), values={"squared_norms": norms})
    )
    assert found.value == pytest.approx(1 - max(sums) / sum(sums))


@pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
def test_the_space_conforms(check):
    check(Towers())


def test_the_proxy_is_the_registered_one():
    assert (
        PROXIES["gradient_balance"].function is gradalign_towers.gradient_balance.gradient_balance
    )
