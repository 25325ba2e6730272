"""The README's first example, and its table of scores."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from gradalign.proxies import PROXIES

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
OUTPUTS = runpy.run_path(str(REPOSITORY / "scripts" / "docs_outputs.py"))


def test_four_lines_rank_ones_own_modules():
    models, four = [b for b in OUTPUTS["blocks"](README) if b.language == "python"][:2]
    assert models.code.startswith("# nets.py\n")
    assert len([line for line in four.code.splitlines() if line]) == 4
    assert four.shown.startswith("rank")


def test_both_findings_have_a_picture_and_an_interval():
    text = README.split("## Two findings", 1)[1].split("\n## ", 1)[0]
    for finding in text.split("\n**")[1:]:
        assert re.search(r"\d \[-?\d", finding)
        assert re.search(r"!\[[^\]]+\]\(docs/studies/[\w-]+\.png\)", finding)


def test_figures_of_the_findings_stand_in_the_studies():
    studies = "".join(
        (REPOSITORY / "docs" / "studies" / f"{name}.md").read_text("utf-8")
        for name in ("convergence", "linear-regions")
    )
    text = " ".join(README.split("## Two findings", 1)[1].split("\n## ", 1)[0].split())
    quoted = re.findall(r"(-?\d+\.\d+) \[(-?\d+\.\d+), (-?\d+\.\d+)\]", text)
    assert len(quoted) >= 8
    for value, low, high in quoted:
        lost = (f"-{value}", f"-{high}", f"-{low}")  # "74.6 points less" is -74.6
        assert any("{} [{}, {}]".format(*each) in studies for each in ((value, low, high), lost))


def test_scores_in_the_table_exist_and_point_where_it_says():
    text = README.split("## The scores", 1)[1].split("\n## ", 1)[0]
    shown = set()
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or not cells[0].startswith("`"):
            continue
        stem = ""
        for name in re.findall(r"`(\w+)`", cells[0]):
            full = name if not name.startswith("_") else next(iter(_with(stem, name)))
            stem = stem if name.startswith("_") else name
            assert PROXIES[full].better == cells[2], full
            shown.add(full)
    assert {"gradalign_i_layer", "gradalign_plus", "params"} <= shown


def _with(stem: str, suffix: str) -> list[str]:
    """`gradalign_i_filter` and `_layer` to `gradalign_i_layer`."""
    return [
        f"{stem[:cut]}{suffix}"
        for cut in range(len(stem), 0, -1)
        if f"{stem[:cut]}{suffix}" in PROXIES
    ]
