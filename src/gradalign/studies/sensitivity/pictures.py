"""The pictures of the study, made from its document."""

from __future__ import annotations

from collections.abc import Sequence

from gradalign.report import Picture
from gradalign.report._figure import Figure, layout, title
from gradalign.studies._study import Document
from gradalign.studies.sensitivity.conditions import REFERENCE
from gradalign.studies.sensitivity.measuring import MAIN, SCORES, SHOWN
from gradalign.studies.sensitivity.reading import front, rows, seconds

GREY = 6
"""The place of grey in the page's palette."""

COLOURS = {score: k for k, score in enumerate(SCORES)}

_KEY = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}


def differences(document: Document, score: str) -> Picture:
    """The paired difference to the reference of every condition."""
    own = [row for row in rows(document, score) if row["difference_ci"] is not None]
    trace = {
        **_dots([row["difference"] for row in own], [row["difference_ci"] for row in own], "x"),
        "y": [row["condition"] for row in own],
        "meta": COLOURS[score],
        "hovertemplate": "%{y}<br>%{x:+.3f}<extra></extra>",
    }
    figure = _figure(
        [trace],
        90 + 17 * len(own),
        xaxis={"title": title("tau less that of the reference"), "zeroline": True},
        yaxis={"autorange": "reversed", "automargin": True, "dtick": 1, "tickfont": {"size": 10}},
    )
    return Picture(caption=f"{score}: change of tau, with 95 % intervals.", figure=figure)


def along(document: Document, factor: str, field: str, unit: str) -> Picture:
    """Tau of some scores along a number that is changed."""
    data = []
    for score in SHOWN:
        own = sorted(
            (document["settings"][row["condition"]][field], k, row)
            for k, row in enumerate(rows(document, score))
            if document["settings"][row["condition"]]["factor"] in {factor, REFERENCE}
            and row["tau_ci"] is not None
        )
        found = [row for *_, row in own]
        data.append(
            {
                **_dots([row["tau"] for row in found], [row["tau_ci"] for row in found], "y"),
                "x": [str(value) for value, *_ in own],
                "mode": "lines+markers",
                "name": score,
                "meta": COLOURS[score],
            }
        )
    figure = _figure(
        data,
        320,
        showlegend=True,
        legend=_KEY,
        xaxis={"title": title(unit), "type": "category"},
        yaxis={"title": title("tau with accuracy")},
    )
    return Picture(caption=f"Tau along the {factor}, with 95 % intervals.", figure=figure)


def costs(document: Document) -> Picture:
    """Seconds against tau, the best for their time joined."""
    best = {row["condition"]: row for row in front(document, MAIN)}
    others = [
        row
        for row in rows(document, MAIN)
        if row["tau"] is not None and row["condition"] not in best
    ]
    data = []
    for name, found, colour, mode in (
        ("other conditions", others, GREY, "markers"),
        ("none cheaper is as good", list(best.values()), COLOURS[MAIN], "lines+markers"),
    ):
        data.append(
            {
                "x": [seconds(document, row) for row in found],
                "y": [row["tau"] for row in found],
                "text": [row["condition"] for row in found],
                "type": "scatter",
                "mode": mode,
                "name": name,
                "meta": colour,
                "error_y": _bars([row["tau"] for row in found], [row["tau_ci"] for row in found]),
                "hovertemplate": "%{text}<br>%{x:.3f} s, tau %{y:.3f}<extra></extra>",
            }
        )
    figure = _figure(
        data,
        420,
        showlegend=True,
        legend=_KEY,
        xaxis={"title": title("seconds a network (log)"), "type": "log", "automargin": True},
        yaxis={"title": title("tau with accuracy")},
    )
    caption = f"What {MAIN} costs and what it is worth, with 95 % intervals of tau."
    return Picture(caption=caption, figure=figure, wide=True)


def values(document: Document, score: str) -> Picture:
    """The values under other images against those under digits."""
    own = document["values"][score]
    kept = [key for key in ("images: noise", "images: natural") if key in own]
    data = [
        {
            "x": own[REFERENCE],
            "y": own[key],
            "type": "scatter",
            "mode": "markers",
            "name": key.partition(": ")[2],
            "meta": k,
            "marker": {"size": 6, "symbol": ("circle", "diamond")[k]},
        }
        for k, key in enumerate(kept)
    ]
    figure = _figure(
        data,
        340,
        showlegend=True,
        legend=_KEY,
        xaxis={"title": title("value on digits")},
        yaxis={"title": title("value on other images")},
    )
    return Picture(caption=f"{score}: every point is a network.", figure=figure)


def shares(document: Document) -> Picture:
    """The share of the variance between networks, for every score."""
    data = []
    for k, over in enumerate(dict.fromkeys(each["over"] for each in document["shares"])):
        own = [
            each
            for each in document["shares"]
            if each["over"] == over and each["share_ci"] is not None
        ]
        data.append(
            {
                **_dots([each["share"] for each in own], [each["share_ci"] for each in own], "x"),
                "y": [each["score"] for each in own],
                "name": f"over {over}",
                "meta": k,
            }
        )
    figure = _figure(
        data,
        360,
        showlegend=True,
        legend=_KEY,
        scattermode="group",
        xaxis={"title": title("share of the variance of ranks between networks")},
        yaxis={"autorange": "reversed", "automargin": True},
    )
    caption = "How much of a score is the network's, and not the draw's; 95 % intervals."
    return Picture(caption=caption, figure=figure)


def _figure(data: list[dict[str, object]], height: int, **own: object) -> Figure:
    return {"data": data, "layout": layout(height, **own)}


def _dots(
    centres: Sequence[float], intervals: Sequence[Sequence[float]], axis: str
) -> dict[str, object]:
    """Points with intervals along one axis; the other coordinate is still to be given."""
    return {
        "type": "scatter",
        "mode": "markers",
        axis: list(centres),
        f"error_{axis}": _bars(centres, intervals),
        "marker": {"size": 6},
    }


def _bars(centres: Sequence[float], intervals: Sequence[Sequence[float]]) -> dict[str, object]:
    pairs = list(zip(centres, intervals, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - centre for centre, (_, high) in pairs],
        "arrayminus": [centre - low for centre, (low, _) in pairs],
        "thickness": 1,
        "width": 0,
    }
