"""The self-contained page."""

import json
import re
from html.parser import HTMLParser

import pytest

from gradalign.report import (
    Cell,
    Column,
    Dot,
    Highlight,
    Page,
    Scatter,
    SortableTable,
    render,
)

VOID = {"meta", "link", "br"}
HOSTILE = '</script><b>"&'


class Reader(HTMLParser):
    """Elements with their attributes, and the text of each script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data


@pytest.fixture(scope="module")
def text():
    return render(
        Page(
            title=f"A title {HOSTILE}",
            lead=("What was measured.", HOSTILE),
            highlights=[Highlight(value="0.75", label="plus", detail="tau")],
            dots=[Dot(name="plus", value=0.7, interval=(0.6, 0.8)), Dot(name="macs", value=0.5)],
            dots_label="tau",
            table=SortableTable(
                columns=(Column(title="score", numeric=False), Column(title="tau", meaning="t")),
                rows=[
                    (Cell(text="plus", key="plus"), Cell(text="0.7", key=0.7, detail="0.6 to 0.8")),
                    (Cell(text=HOSTILE, key=HOSTILE), Cell(text="-", key=None)),
                ],
            ),
            table_notes=("A note.",),
            scatters=[
                Scatter(
                    name="plus",
                    unit="no unit",
                    better="higher",
                    values=[1.0, None, 3.0],
                    tau={"CIFAR-10": 0.7},
                )
            ],
            accuracies={"CIFAR-10": [90.0, 91.0, None]},
            networks=["a", HOSTILE, "c"],
            colour=([1.0, 2.0, 3.0], "its size"),
            facts=[("seed", "0"), ("torch", HOSTILE)],
        )
    )


@pytest.fixture(scope="module")
def page(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_loads_nothing_from_outside(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert tag not in {"iframe", "object", "embed", "img"}
    (style,) = page.raw["style"]
    assert "url(" not in style
    assert "@import" not in style
    own = page.raw["script"][-1]
    assert not re.search(r"https?:|fetch\(|import\(", own)


def test_holds_plotly_once_and_three_scripts(page):
    data, plotly, own = page.raw["script"]
    assert "plotly.js v" in plotly[:500]
    assert len(data) + len(own) < 20_000


def test_no_text_can_break_out(text, page):
    assert "<b>&quot;" not in text
    assert text.count("</script>") == 3 + page.raw["script"][1].count("</script>")
    data = json.loads(page.raw["script"][0])
    assert data["networks"][1] == HOSTILE
    assert data["accuracies"]["CIFAR-10"] == [90.0, 91.0, None]
    assert data["scatters"][0]["figure"]["data"][0]["x"] == [1.0, None, 3.0]


def test_the_table_can_be_sorted_and_read_aloud(page):
    buttons = [tag for tag, _ in page.elements if tag == "button"]
    assert len(buttons) == 2
    keys = [attributes["data-key"] for _, attributes in page.elements if "data-key" in attributes]
    assert keys == ["plus", "0.7", HOSTILE, ""]
    scopes = [attributes.get("scope") for tag, attributes in page.elements if tag == "th"]
    assert scopes == ["col", "col", "row", "row"]


def test_follows_the_readers_theme_and_width(page):
    (style,) = page.raw["style"]
    assert "prefers-color-scheme: dark" in style
    assert "max-width: 600px" in style
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in [
        *page.elements
    ]
