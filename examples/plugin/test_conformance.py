"""What a package that adds to gradalign has to test."""

import gradalign_towers.gradient_balance
import pytest
from gradalign_towers.towers import Towers

from gradalign.proxies import PROXIES
from gradalign.testing import PROXY_CHECKS, SPACE_CHECKS


@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
def test_the_proxy_conforms(check):
    check(PROXIES["gradient_balance"])


@pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
def test_the_space_conforms(check):
    check(Towers())


def test_the_proxy_is_the_registered_one():
    assert (
        PROXIES["gradient_balance"].function is gradalign_towers.gradient_balance.gradient_balance
    )
