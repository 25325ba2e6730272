"""Charts as data."""

import pytest

from gradalign.report import Dot, Scatter
from gradalign.report.chart import ACCURACIES, dot_figure, finite


def scatter(values):
    return Scatter(name="s", unit="weights", better="higher", values=values, tau={}).figure


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


def test_accuracy_is_drawn_as_error_turned_round():
    axis = scatter([1.0, 2.0])["layout"]["yaxis"]
    assert axis["autorange"] == "reversed"
    assert [100 - tick for tick in axis["tickvals"]] == list(ACCURACIES)
    assert axis["ticktext"] == [str(accuracy) for accuracy in ACCURACIES]


def test_dots_stand_in_order_with_their_intervals():
    figure = dot_figure(
        [
            Dot(name="b", value=0.5, interval=(0.25, 1.0)),
            Dot(name="a", value=0.75),
            Dot(name="size", value=0.625, interval=(0.5, 0.75), reference=True),
        ],
        "tau",
    )
    assert figure["layout"]["yaxis"]["categoryarray"] == ["b", "size", "a"]  # the last is on top
    own, reference = figure["data"]
    assert own["y"] == ["b", "a"]
    assert own["error_x"]["array"] == [0.5, 0.0]
    assert own["error_x"]["arrayminus"] == [0.25, 0.0]
    assert reference["y"] == ["size"]
    assert reference["marker"]["symbol"] != own["marker"]["symbol"]  # not by colour alone


def test_what_is_no_number_is_none():
    assert finite([1, float("nan"), float("inf")]) == [1.0, None, None]
