"""Scores as points."""

import pytest

from gradalign.report import Scatter
from gradalign.report._figure import finite


def scatter(values, unit="weights"):
    return Scatter(name="s", unit=unit, better="higher", values=values, tau={}).figure


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 2.0, 40.0], "linear"),
        ([1.0, 2.0, 60.0], "log"),
        ([-1.0, 2.0, 600.0], "linear"),  # no logarithm
        ([1e-6, *[1.0] * 30, 2.0], "linear"),  # one outlier
        ([None, 1.0, 60.0], "log"),
        ([None], "linear"),
    ],
)
def test_an_axis_is_logarithmic_where_values_span_magnitudes(values, kind):
    axis = scatter(values)["layout"]["xaxis"]
    assert axis["type"] == kind
    assert axis["title"]["text"] == ("weights, log scale" if kind == "log" else "weights")


def test_a_score_without_a_unit_says_that_it_is_a_score():
    assert scatter([1.0, 2.0], unit="")["layout"]["xaxis"]["title"]["text"] == "score"


def test_what_is_no_number_is_none_and_digits_that_cannot_be_seen_are_cut():
    numbers = [1, None, float("nan"), float("inf"), 1234567.8, 0.123456789]
    assert finite(numbers) == [1.0, None, None, None, 1234570.0, 0.123457]
