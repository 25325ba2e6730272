"""Values with intervals in rows with long names."""

import json

from gradalign.report.rows import LONGEST, rows_figure

LONG = "a name that is so long that it has no room on any narrow page"
KINDS = {"better": 0, "worse": 1, "open": 6}


def made():
    return rows_figure(
        ["wider", "<b>", LONG],
        [2.0, 0.0, -1.0],
        [(1.0, 3.0), None, (-2.0, 0.5)],
        ["better", "open", "open"],
        KINDS,
        "difference",
    )


def test_rows_stand_in_the_order_given_each_kind_in_its_colour():
    better, still_open = made()["data"]
    assert (better["name"], better["x"], better["y"]) == ("better", [2.0], [0])
    assert (still_open["name"], still_open["x"], still_open["y"]) == ("open", [0.0, -1.0], [1, 2])
    assert [trace["meta"] for trace in (better, still_open)] == [0, 6]
    assert better["marker"]["symbol"] != still_open["marker"]["symbol"]
    low, high = made()["layout"]["yaxis"]["range"]
    assert low > 2 > 0 > high  # the first on top
    assert made()["layout"]["xaxis"]["zeroline"]


def test_intervals_are_drawn_where_there_are_some():
    better, still_open = made()["data"]
    assert (better["error_x"]["array"], better["error_x"]["arrayminus"]) == ([1.0], [1.0])
    assert (still_open["error_x"]["array"], still_open["error_x"]["arrayminus"]) == (
        [0.0, 1.5],
        [0.0, 1.0],
    )


def test_names_stand_above_their_rows_cut_and_harmless():
    names = made()["layout"]["annotations"]
    assert [each["y"] for each in names] == [0, 1, 2]
    assert [each["text"] for each in names][:2] == ["wider", "&lt;b>"]
    assert len(names[2]["text"]) == LONGEST
    assert names[2]["text"].endswith("…")
    assert made()["data"][1]["text"][1] == LONG  # all of it under the pointer
    json.dumps(made(), allow_nan=False)
