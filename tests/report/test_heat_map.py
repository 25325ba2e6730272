"""The square of agreements."""

import re

import pytest

from gradalign.report import HeatMap
from gradalign.report.heat_map import short


def test_every_pair_has_a_cell_with_its_value_and_its_colour():
    html = HeatMap(
        names=("a", "b", "<c>"), values=[[1, 0.834, None], [0.834, 1, -0.25], [None, -0.25, 1]]
    ).to_html()
    cells = re.findall(
        r'<td class="(\w+)"(?: style="--share:(\d+)%")? title="([^"]*)">(.*?)</td>', html
    )
    assert cells == [
        ("none", "", "a, a", ""),
        ("alike", "83", "a, b", ".83"),
        ("none", "", "a, &lt;c&gt;", "-"),
        ("alike", "83", "b, a", ".83"),
        ("none", "", "b, b", ""),
        ("against", "25", "b, &lt;c&gt;", "-.25"),
        ("none", "", "&lt;c&gt;, a", "-"),
        ("against", "25", "&lt;c&gt;, b", "-.25"),
        ("none", "", "&lt;c&gt;, &lt;c&gt;", ""),
    ]
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["a", "b", "&lt;c&gt;"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (-1.0, "-1"), (0.996, "1"), (0.0, "0"), (-0.004, "0"), (-0.1, "-.10")],
)
def test_values_are_short(value, text):
    assert short(value) == text
