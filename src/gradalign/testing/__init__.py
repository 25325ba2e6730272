"""Conformance checks for proxies and search spaces of one's own: what all of those here pass.

Each check raises AssertionError with one line that says what was found. In a test:

    from gradalign.proxies import PROXIES
    from gradalign.testing import PROXY_CHECKS, SPACE_CHECKS

    @pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
    def test_my_proxy_conforms(check):
        check(PROXIES["my_proxy"])

    @pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
    def test_my_space_conforms(check):
        check(MY_SPACE)
"""

from gradalign.testing.proxies import PROXY_CHECKS
from gradalign.testing.spaces import SPACE_CHECKS, RandomTrial

__all__ = ["PROXY_CHECKS", "SPACE_CHECKS", "RandomTrial"]
