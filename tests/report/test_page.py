"""The self-contained page."""

import re
from dataclasses import replace

import pytest
from tests.report.reader import Reader

from gradalign.report import (
    AccuracyAxis,
    Cell,
    Column,
    Curve,
    Dot,
    Findings,
    HeatMap,
    Highlight,
    Page,
    Part,
    Scatter,
    Section,
    SortableTable,
    View,
    render,
)

HOSTILE = '</script><b>"&'


def table(*rows):
    return SortableTable(
        columns=(Column(title="score", numeric=False), Column(title="tau", meaning="t")), rows=rows
    )


COMPARED = View(
    name=f"CIFAR-10 {HOSTILE}",
    highlights=[Highlight(value="0.75", label="plus", detail="tau")],
    table=table(
        (Cell(text="plus", key="plus"), Cell(text="0.7", key=0.7, detail="0.6 to 0.8")),
        (Cell(text=HOSTILE, key=HOSTILE), Cell(text="-", key=None)),
    ),
    notes=("A note.", HOSTILE),
    dots=[Dot(name="plus", value=0.7, interval=(0.6, 0.8)), Dot(name=HOSTILE, value=0.5)],
    dots_label="tau",
    curves=[Curve(name=HOSTILE, role="score", x=[1, 2], y=[90.0, 91.0])],
    accuracies=AccuracyAxis(label="CIFAR-10", values=[90.0, 91.0, None], percent=True),
)
ALONE = View(
    name="scores alone",
    highlights=[],
    table=table((Cell(text="other", key="other"), Cell(text="1", key=1.0))),
    notes=(),
)


def part(name, *views):
    return Part(
        name=name,
        views=views,
        networks=["a", HOSTILE, "c"],
        points="Three of many.",
        colour=([1.0, 2.0, 3.0], "its size"),
        scatters=[
            Scatter(
                name="plus",
                unit="",
                better="higher",
                values=[1.0, None, 3.0],
                tau={COMPARED.name: 0.7},
            )
        ],
        agreement=HeatMap(names=("plus", HOSTILE), values=[[1, 0.5], [0.5, 1]]),
        agreement_note="Who agrees.",
        failures=table((Cell(text=HOSTILE, key=HOSTILE), Cell(text="2", key=2.0))),
        failures_note="Two failed.",
        facts=[("seed", "0"), (HOSTILE, HOSTILE)],
    )


@pytest.fixture(scope="module")
def text():
    return render(
        Page(
            title=f"A title {HOSTILE}",
            lead=("What was measured.", HOSTILE),
            parts=[part("first", COMPARED, COMPARED), part(HOSTILE, ALONE)],
            facts=[("torch", HOSTILE)],
        )
    )


@pytest.fixture(scope="module")
def page(text):
    return Reader(text)


def test_loads_nothing_from_outside(page):
    page.assert_loads_nothing()
    (style,) = page.raw["style"]
    assert "url(" not in style
    assert "@import" not in style
    own = page.raw["script"][-1]
    assert not re.search(r"https?:|fetch\(|import\(", own)


def test_holds_plotly_once_and_three_scripts(page):
    data, plotly, own = page.raw["script"]
    assert "plotly.js v" in plotly[:500]
    assert len(data) + len(own) < 30_000


def test_no_text_can_break_out(text, page):
    assert "<b>&quot;" not in text
    assert text.count("</script>") == 3 + page.raw["script"][1].count("</script>")
    first, second = page.data["parts"]
    assert first["networks"][1] == HOSTILE
    assert first["views"][0]["curves"]["data"][0]["name"] == HOSTILE
    assert first["views"][0]["accuracies"] == [90.0, 91.0, None]
    assert first["scatters"][0]["figure"]["data"][0]["x"] == [1.0, None, 3.0]
    assert first["scatters"][0]["tau"] == [0.7, 0.7]
    assert second["scatters"][0]["tau"] == [None]
    assert second["views"][0]["accuracies"] is None


def test_every_view_of_every_part_can_be_chosen(page):
    values = [attributes["value"] for tag, attributes in page.elements if tag == "option"]
    assert values == ["0 0", "0 1", "1 0"]
    groups = [attributes["label"] for tag, attributes in page.elements if tag == "optgroup"]
    assert groups == ["first", HOSTILE]
    classes = [attributes.get("class") for _, attributes in page.elements]
    assert (classes.count("part"), classes.count("view")) == (2, 3)


def test_there_is_no_choice_of_one():
    only = Reader(render(Page(title="t", lead=(), parts=[part("p", ALONE)], facts=[])))
    (chooser,) = [own for tag, own in only.elements if own.get("class") == "chooser"]
    assert "hidden" in chooser


def test_what_is_not_there_has_no_section():
    bare = Part(
        name="p",
        views=[ALONE],
        networks=[],
        points="",
        colour=None,
        scatters=[],
        agreement=None,
        agreement_note="",
        failures=None,
        failures_note="Nothing.",
        facts=[],
    )
    only = Reader(render(Page(title="t", lead=(), parts=[bare], facts=[])))
    classes = {attributes.get("class") for _, attributes in only.elements}
    assert not classes & {"chart dots", "chart curves", "cards", "heat"}
    assert "Nothing." in only.text


def test_the_table_can_be_sorted_and_read_aloud(page):
    keys = [own["data-key"] for _, own in page.elements if "data-key" in own]
    assert keys[:4] == ["plus", "0.7", HOSTILE, ""]
    scopes = [own.get("scope") for tag, own in page.elements if tag == "th"]
    assert scopes[:4] == ["col", "col", "row", "row"]
    assert page.table("score")["plus"]["tau"] == "0.7 0.6 to 0.8"


def test_follows_the_readers_theme_and_width(page):
    (style,) = page.raw["style"]
    assert "prefers-color-scheme: dark" in style
    assert "max-width: 600px" in style
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in [
        *page.elements
    ]


def test_contents_lead_to_sections_with_an_anchor_and_findings_stand_above_them():
    said = Findings(about=HOSTILE, sentences=["One `code`.", "Two.", "Three.", "Four."], anchor="s")
    page = Page(
        title="t",
        lead=(),
        parts=[part("p", replace(COMPARED, findings=["Of this view."]), ALONE)],
        sections=[
            Section(title=HOSTILE, anchor="s"),
            Section(title="below", level=3),
        ],
        findings=[said],
        facts=(),
    )
    shown = Reader(render(page))
    shown.assert_loads_nothing()
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert links == ["#findings", "#scores", "#s", "#s"]
    ids = [attributes.get("id") for _, attributes in shown.elements]
    assert ids.index("findings") < ids.index("scores") < ids.index("s")
    assert [a["data-view"] for _, a in shown.elements if "data-view" in a] == ["0 0"]
    assert "1 more about it" in shown.texts
    tags = [tag for tag, _ in shown.elements]
    assert tags.count("details") == tags.count("nav") == tags.count("code") == 1


def test_a_page_of_one_thing_has_no_contents_and_no_empty_findings():
    shown = Reader(render(Page(title="t", lead=(), sections=[Section(title="one")], facts=())))
    tags = [tag for tag, _ in shown.elements]
    assert "nav" not in tags
    assert "What the numbers say" not in shown.text
