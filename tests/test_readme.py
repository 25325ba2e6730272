"""What the README and the other pages show is run: Python whole, commands up to their start."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer.main

import gradalign as ga
from gradalign.cli import app
from gradalign.proxies import PROXIES

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    REPOSITORY / "src/gradalign/engine/README.md",
]
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))


def title(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text("utf-8"), re.S | re.M)


def commands(path: Path) -> list[list[str]]:
    """The command lines of a page, in words; comments and redirections left out."""
    found = []
    for line in "".join(blocks(path, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words:
            found.append(words[: words.index(">")] if ">" in words else words)
    return found


@pytest.fixture(scope="module")
def after_readme():
    """Everything that the README's Python, block after block, has defined."""
    names: dict[str, object] = {}
    for number, code in enumerate(blocks(README, "python"), start=1):
        exec(compile(code, f"README.md, block {number}", "exec"), names)
    return names


def test_four_lines_rank_ones_own_modules(after_readme):
    four = [line for line in blocks(README, "python")[1].splitlines() if line]
    assert len(four) == 4
    ranking = after_readme["ranking"]
    assert isinstance(ranking, ga.Ranking)
    assert len(ranking.entries) == 3


def test_the_shown_ranking_is_the_one_it_gives(after_readme):
    shown = blocks(README, "text")[0].splitlines()
    ours = str(after_readme["ranking"]).splitlines()
    assert shown[0].split() == ours[0].split()
    models = [entry.model for entry in after_readme["ranking"].entries]
    assert [line.split()[-4] for line in shown[1:4]] == models
    assert shown[5] == ours[5]


@pytest.mark.parametrize("page", PAGES[1:], ids=title)
def test_python_of_the_other_pages_runs(page):
    names: dict[str, object] = {}
    for code in blocks(page, "python"):
        exec(compile(code, title(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_commands_are_such(page):
    group = typer.main.get_command(app)
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for words in commands(page):
        if words[0].removeprefix(".venv/bin/") == "gradalign":
            with group.make_context("gradalign", words[1:]) as context:
                name, command, rest = group.resolve_command(
                    context, [*getattr(context, "_protected_args", []), *context.args]
                )
                command.make_context(name, rest, parent=context)
        elif words[0] == "make":
            for target in (word for word in words[1:] if "=" not in word):
                assert re.search(rf"^{target}:", makefile, re.M), words


def test_scores_in_the_table_exist_and_point_where_it_says():
    text = README.read_text("utf-8").split("## The scores", 1)[1].split("\n## ", 1)[0]
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


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("path", EXAMPLES, ids=title)
def test_examples_run(path, capsys):
    runpy.run_path(str(path))["main"]()
    assert capsys.readouterr().out
