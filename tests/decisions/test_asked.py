"""What a function of a trial asks for."""

from optuna.distributions import CategoricalDistribution, IntDistribution

from gradalign.decisions.asked import asked

WIDTHS = [16, 32, 64]


def stack(trial):
    depth = trial.suggest_int("depth", 1, 4)
    widths = [trial.suggest_categorical(f"width{k}", WIDTHS) for k in range(depth)]
    return widths, trial.suggest_float("slope", 0.0, 1.0)


def test_what_is_decided_is_answered_so():
    decided = {"depth": 2, "width0": 64, "width1": 16, "slope": 0.25}
    found = asked(stack, decided)
    assert found.decisions == decided
    assert list(found.decisions) == ["depth", "width0", "width1", "slope"]
    assert found.distributions["depth"] == IntDistribution(1, 4)
    assert found.distributions["width1"] == CategoricalDistribution(WIDTHS)


def test_what_a_decision_uncovers_is_like_the_one_before_and_what_it_hides_is_left_out():
    decided = {"depth": 4, "width0": 64, "width1": 16, "slope": 0.25}
    more = asked(stack, decided).decisions
    assert more == {**decided, "width2": 16, "width3": 16}
    assert asked(stack, {**decided, "depth": 1}).decisions == {
        "depth": 1,
        "width0": 64,
        "slope": 0.25,
    }


def test_what_is_like_nothing_before_is_drawn_always_the_same():
    first, again = (asked(stack, {"depth": 1}).decisions for _ in range(2))
    assert first == again
    assert first["width0"] in WIDTHS
    assert 0 <= first["slope"] <= 1
