"""Write docs/studies from the results of studies: what came out, with pictures.

python scripts/study_pages.py RESULTS.json ...

The results are what `gradalign study NAME --out DIR` wrote. Pictures are taken by Chromium from the
page of the study itself, which is why this script needs `chromium` on the path.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from gradalign.report import Page, Picture, Section, SortableTable, render
from gradalign.studies import STUDIES, Document, Study, read_document

DOCS = Path(__file__).parent.parent / "docs" / "studies"

WIDTH = 640

SHOWN = {
    "linear-regions": (
        "Counts beside mere size",
        "Samples beside the exact count",
        "Stacks trained on digits",
        "Regions of small networks",
    ),
    "convergence": (
        "How fast they learn",
        "Conflict before training, and what came of it",
        "Conflict changed in one and the same architecture",
    ),
}
"""Sections whose pictures are taken; of a study that is not named here, all."""

NOT_RUN = (
    "<!-- not run: it trains networks for minutes; this page is made from its results, and "
    "tests/studies runs it smaller -->"
)

ALONE = """<style>
header, footer, h2, section > p, .notes { display: none }
main { padding: 0 } .pictures { margin: 0 } .card { border: 0; border-radius: 0 }
body { background: var(--raised) }
</style>"""
"""A page with one picture becomes that picture."""


def main() -> int:
    """Write a page for each file of results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="files that gradalign study wrote")
    DOCS.mkdir(exist_ok=True)
    for path in parser.parse_args().results:
        study, document = read_document(path, STUDIES)
        pictures = [take(study, number, each) for number, each in enumerate(shown(study, document))]
        (DOCS / f"{study.name}.md").write_text(page(study, document, pictures), encoding="utf-8")
    return 0


def shown(study: Study, document: Document) -> list[Picture]:
    """The pictures that the page has."""
    sections = study.sections(document)
    titles = SHOWN.get(study.name, tuple(section.title for section in sections))
    return [each for section in sections if section.title in titles for each in section.pictures]


def take(study: Study, number: int, picture: Picture) -> tuple[str, str]:
    """Take one picture: name of its file, and its caption."""
    name = f"{study.name}-{number}.png"
    height = 520 if isinstance(picture.figure, str) else picture.figure["layout"]["height"] + 60
    alone = Page(
        title=study.title, lead=(), sections=[Section(title="", pictures=[picture])], facts=()
    )
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "picture.html"
        html.write_text(render(alone).replace("</head>", f"{ALONE}</head>"), encoding="utf-8")
        subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--virtual-time-budget=5000", f"--window-size={WIDTH},{height}"),
                *(f"--screenshot={DOCS / name}", html.as_uri()),
            ],
            check=True,
            capture_output=True,
        )
    return name, picture.caption


def page(study: Study, document: Document, pictures: list[tuple[str, str]]) -> str:
    """The text of the page."""
    conditions = "\n".join(f"* {name}: {value}" for name, value in document["conditions"].items())
    found = "\n".join(f"* {finding}" for finding in study.findings(document))
    seen = "\n\n".join(f"**{caption}**\n\n![{caption}]({name})" for name, caption in pictures)
    tables = "\n\n".join(
        f"## {section.title}\n\n{markdown(section.table)}"
        for section in study.sections(document)
        if section.table is not None
    )
    return (
        f"# {study.title}\n\n{study.question}\n\n"
        f"{NOT_RUN}\n```sh\ngradalign study {study.name} --out DIR\n```\n\n"
        "Written by `scripts/study_pages.py` from the results of that command: text and pictures "
        "are made from the numbers, and change with them.\n\n"
        f"## What came out\n\n{found}\n\n## Pictures\n\n{seen}\n\n{tables}\n\n"
        f"## Conditions\n\n{conditions}\n"
    )


def markdown(table: SortableTable) -> str:
    """A table of a page in Markdown; what stands smaller in a cell follows in brackets."""
    rows = [
        [f"{cell.text} ({cell.detail})" if cell.detail else cell.text for cell in row]
        for row in table.rows
    ]
    rule = ["--:" if column.numeric else "---" for column in table.columns]
    lines = [[column.title for column in table.columns], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
