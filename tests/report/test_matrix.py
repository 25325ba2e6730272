"""A square of cosines as an image."""

import json
from itertools import pairwise

import pytest

from gradalign.report.matrix import Group, matrix_figure

VALUES = [[1.0, -0.123456, None], [-0.123456, 1.0, 0.5], [None, 0.5, 1.0]]
NAMES = ["0, class 1", "2, class 1", "1, class 7"]


def test_values_are_drawn_between_fixed_ends_with_few_decimals():
    figure = matrix_figure(VALUES, NAMES, "sample", said="cosine of the gradients")
    (trace,) = figure["data"]
    assert trace["z"] == [[1.0, -0.1235, None], [-0.1235, 1.0, 0.5], [None, 0.5, 1.0]]
    assert (trace["zmin"], trace["zmax"]) == (-1, 1)
    assert trace["x"] == trace["y"] == NAMES
    assert trace["colorbar"]["title"]["text"] == "cosine of the gradients"
    assert trace["hovertemplate"].startswith(
        "sample %{y}<br>sample %{x}<br>cosine of the gradients"
    )
    assert "texttemplate" not in trace
    json.dumps(figure, allow_nan=False)


def test_lines_stand_between_groups_and_labels_in_their_middle():
    groups = [Group("1", 2), Group("7", 1)]
    made = matrix_figure(VALUES, NAMES, "sample", axis="samples, by class", groups=groups)
    ends = [(s["x0"], s["x1"], s["y0"], s["y1"]) for s in made["layout"]["shapes"]]
    assert ends == [(1.5, 1.5, -0.5, 2.5), (-0.5, 2.5, 1.5, 1.5)]
    for name in ("xaxis", "yaxis"):
        axis = made["layout"][name]
        assert axis["ticktext"] == ["1", "7"]
        assert axis["tickvals"] == pytest.approx([0.5, 2.0], abs=0.05)
        assert not any(float(value).is_integer() for value in axis["tickvals"])
        assert axis["title"]["text"] == "samples, by class"


def test_without_groups_the_names_are_the_labels():
    made = matrix_figure(VALUES, ["a", "b", "c"], "class", numbers=True)
    assert made["layout"]["xaxis"]["ticktext"] == ["a", "b", "c"]
    assert made["layout"]["shapes"] == []
    assert made["layout"]["xaxis"]["title"]["text"] == "class"
    assert made["data"][0]["texttemplate"] == "%{z:.2f}"


def test_labels_without_room_are_left_out():
    names = [str(number) for number in range(100)]
    made = matrix_figure([[0.0] * 100] * 100, names, "sample")
    kept = [int(text) for text in made["layout"]["xaxis"]["ticktext"]]
    assert kept[0] == 0
    assert 15 <= len(kept) <= 23
    assert min(b - a for a, b in pairwise(kept)) >= 100 / 22
