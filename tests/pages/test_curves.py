"""What a search would find."""

from itertools import combinations

import numpy as np
import pytest

from gradalign.pages.curves import expected, steps


def test_expected_accuracy_is_the_mean_over_all_draws():
    rng = np.random.default_rng(0)
    score, accuracy = rng.permutation(7), rng.normal(90, 3, 7)
    found = expected(score, accuracy, range(1, 8))
    for draw, value in enumerate(found, start=1):
        picks = [accuracy[max(own, key=lambda k: score[k])] for own in combinations(range(7), draw)]
        assert value == pytest.approx(np.mean(picks))
    assert found[0] == pytest.approx(accuracy.mean())
    assert found[-1] == pytest.approx(accuracy[score.argmax()])


@pytest.mark.parametrize("networks", [1, 2, 3, 60, 15625])
def test_steps_run_from_one_to_all(networks):
    found = steps(networks)
    assert found[0] == 1
    assert found[-1] == networks
    assert found == sorted(set(found))
    assert len(found) <= 40
