"""Values with intervals."""

from gradalign.report import Dot
from gradalign.report.dots import dot_figure


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
