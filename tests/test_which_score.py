"""Figures that pages quote from tables and studies stand in the page that is linked beside them."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SECTIONS = (
    ("which-score.md", "Cells of a CNN space", None),
    ("one-pass.md", "What it changes in practice", "What it costs"),
)
"""Pages, and the heads between which they quote; None: to the end."""
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)|\(`(README\.md)`\)")
"""A page, or the README, which is no page of the site."""
NUMBER = r"[+-]?\d+\.\d+"
FIGURE = re.compile(rf"{NUMBER} \[{NUMBER}, {NUMBER}\]|{NUMBER} ±{NUMBER}|{NUMBER}")
"""A figure with its interval, with its deviation, or alone."""


def source(path: Path) -> str:
    """A page as its reader has it: the texts of a notebook, brackets without their backslash."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        outputs = [out for cell in json.loads(text)["cells"] for out in cell.get("outputs", ())]
        lines = [out.get("text", []) + out.get("data", {}).get("text/plain", []) for out in outputs]
        text = unescape("\n".join("".join(each) for each in lines))
    text = re.sub(r"\\([\[\]_])", r"\1", text).replace("**", "")
    return re.sub(rf"\((\[{NUMBER}, {NUMBER}\])\)", r"\1", text)


def passages(page: str, first: str, last: str | None) -> list[str]:
    """Paragraphs, items and tables with figures; one without a link has the text before it."""
    found, before = [], ""
    text = (DOCS / page).read_text("utf-8").split(f"# {first}\n", 1)[1]
    text = text if last is None else text.split(f"# {last}\n", 1)[0]
    for block in re.split(r"\n(?=\* )|\n\n", text):
        if block.startswith("#"):
            before = ""
            continue
        words = " ".join(block.split())
        if not words.startswith(("*", "|")):
            before = words
        if FIGURE.search(LINK.sub("", words)):
            found.append(words if LINK.search(words) else f"{before} {words}")
    return found


PASSAGES = [each for section in SECTIONS for each in passages(*section)]


@pytest.mark.parametrize("passage", PASSAGES, ids=[text[:40] for text in PASSAGES])
def test_figures_stand_in_the_pages_linked_beside_them(passage):
    links = LINK.findall(passage)
    sources = [source(DOCS / page if page else DOCS.parent / readme) for page, readme in links]
    assert sources, "figures without a link to where they stand"
    quoted = re.findall(r"`([^`]+)`", LINK.sub("", passage))
    names = [name for name in quoted if "=" not in name]
    lines = [line for text in sources for line in text.splitlines()]
    known = "\n".join(line for line in lines if not names or any(name in line for name in names))
    for figure in FIGURE.findall(passage):
        assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", known), figure


def test_there_are_enough_figures_to_be_worth_the_check():
    assert sum(len(FIGURE.findall(passage)) for passage in PASSAGES) >= 60
