"""What paired differences say of the rows."""

import itertools

import pytest

from gradalign.comparison import difference, gains, inseparable
from gradalign.proxies import PROXIES


def test_a_difference_in_either_order(evaluations):
    found = evaluations[0]
    for a, b in itertools.permutations([row.proxy for row in found.rows], 2):
        pair = difference(found, a, b)
        assert (pair.proxy_a, pair.proxy_b) == (a, b)
        expected = found.row(a).kendall_tau - found.row(b).kendall_tau
        assert pair.difference == pytest.approx(expected)
        low, high = pair.difference_ci
        assert low < high
        back = difference(found, b, a)
        assert (back.difference, back.difference_ci) == (-pair.difference, (-high, -low))
        assert back.p_holm == pair.p_holm
    assert difference(found, "gradsign", "absent") is None


def test_what_cannot_be_told_apart_from_the_best(evaluations):
    for found in evaluations:
        names = [row.proxy for row in found.rows if row.cost is None]
        best = names[0]  # rows stand by falling tau
        near = {n for n in names[1:] if difference(found, best, n).p_holm >= 0.05}
        assert inseparable(found) == {best, *near}
        assert "training, 12 epochs" not in inseparable(found)
    assert "live_layers" not in inseparable(evaluations[0])  # hardly better than chance


def test_gains_over_ablations(evaluations):
    pairs = {pair.proxy_a: pair for pair in gains(evaluations[0])}
    assert {name: pair.proxy_b for name, pair in pairs.items()} == {
        "gradalign_plus": "gradalign_plus_ablation",
        "gradalign_ii": "live_layers",
    }
    assert pairs["gradalign_plus"].difference_ci[0] > 0
    assert PROXIES["gradalign_ii"].ablation == "live_layers"
    assert [pair.proxy_a for pair in gains(evaluations[2])] == ["gradalign_plus"]
