"""Reads a page as a browser would, as far as its elements go."""

from __future__ import annotations

import json
from html.parser import HTMLParser

VOID = {"meta", "link", "br"}

LINKS = ("src", "href", "srcset", "action", "data", "poster")


class Reader(HTMLParser):
    """Elements with their attributes, tables as texts, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
            return
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        """All text that is shown."""
        return " ".join(self.texts)

    @property
    def data(self) -> dict[str, object]:
        """What the script draws."""
        return json.loads(self.raw["script"][0])

    def table(self, first: str) -> dict[str, dict[str, str]]:
        """The first table whose first column has that name: rows by name, cells by column."""
        head, *rows = next(table for table in self.tables if table[0][0] == first)
        return {row[0].split(" ")[0]: dict(zip(head, row, strict=True)) for row in rows}

    def assert_loads_nothing(self) -> None:
        """No element asks for anything from outside."""
        for tag, attributes in self.elements:
            for name in LINKS:
                link = attributes.get(name) or "data:"
                assert link.startswith(("data:", "#")), (tag, attributes)
            assert tag not in {"iframe", "object", "embed", "img"}
