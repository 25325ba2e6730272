"""Lines over the number of networks."""

from gradalign.report import Curve
from gradalign.report.curves import DASHES, curve_figure


def test_lines_of_each_role_are_dashed_in_their_own_way():
    curves = [Curve(name=role, role=role, x=[1, 10], y=[90.0, 91.123456789]) for role in DASHES]
    figure = curve_figure(curves, "CIFAR-10 (%)")
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["yaxis"]["title"]["text"] == "CIFAR-10 (%)"
    assert [trace["name"] for trace in figure["data"]] == [*DASHES]
    assert len({trace["line"]["dash"] for trace in figure["data"]}) == len(DASHES)
    assert figure["data"][0]["y"] == [90.0, 91.1235]
