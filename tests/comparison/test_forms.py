"""Markdown and LaTeX say what the tables say, whatever signs are in names."""

import re

import pytest

from gradalign.comparison import Cell, Grid, grids, latex, markdown
from gradalign.comparison.grid import Group
from gradalign.comparison.latex import escaped as latex_escaped
from gradalign.comparison.markdown import escaped as markdown_escaped

AWKWARD = r"a_b|c 5% & $x$ {y} #1 ~2 ^3 \n <d> *e* `f` [g]"

GRID = Grid(
    title=f"Title {AWKWARD}",
    columns=(f"column {AWKWARD}", "plain"),
    groups=(
        Group(
            title="Group_1",
            rows=(
                (f"row {AWKWARD}", (Cell(value="-0.100", spread="[-0.2, 0.1]", best=True), Cell())),
                ("[other]", (Cell(value="9.50", spread="±0.10"), Cell(value="100%"))),
            ),
        ),
    ),
    notes=(f"Note {AWKWARD}.",),
)


def markdown_tables(text):
    """Cells of every table, as a reader of Markdown has them."""
    tables = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            tables[-1].append([plain_markdown(cell.strip()) for cell in cells])
        elif not tables or tables[-1]:
            tables.append([])
    return [table for table in tables if table]


def plain_markdown(text):
    """Without emphasis, as `*` after a bold cell, and without escapes."""
    marked = text.startswith("**")
    text = re.sub(r"(?<!\\)\*", "", text)
    return re.sub(r"\\(.)", r"\1", text) + "*" * marked


LATEX_SIGNS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\textquotedbl{}": '"',
    r"$\pm$": "±",
    "$-$": "-",
}


def latex_tables(text):
    """Cells of every tabular, read as LaTeX reads them; the syntax is checked on the way."""
    body = re.sub(r"(?m)^%.*\n", "", text)
    check_latex(body)
    tables = []
    for columns, inside in re.findall(
        r"\\begin\{tabular\}\{(l[r]+)\}\n(.*?)\\end\{tabular\}", body, re.DOTALL
    ):
        rows = []
        for line in inside.splitlines():
            if line in {r"\toprule", r"\midrule", r"\bottomrule"}:
                continue
            assert line.endswith(r" \\"), line
            assert line[0] not in "[*", "an argument of the end of the line above"
            cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
            if spanned := re.fullmatch(r"\\multicolumn\{(\d+)\}\{l\}\{(.*)\}", cells[0].strip()):
                assert int(spanned[1]) == len(columns)
                cells = [spanned[2], *[""] * (len(columns) - 1)]
            assert len(cells) == len(columns), line
            rows.append([plain_latex(cell.strip()) for cell in cells])
        tables.append(rows)
    return tables


def check_latex(body):
    """Environments and braces are closed, and no special sign is loose."""
    depth, environments = 0, []
    for sign in re.finditer(r"\\begin\{(\w+)\}|\\end\{(\w+)\}|\\[\\{}&%$#_]|[{}]", body):
        if sign[1]:
            environments.append(sign[1])
        elif sign[2]:
            assert environments.pop() == sign[2]
        elif sign[0] in "{}":
            depth += 1 if sign[0] == "{" else -1
            assert depth >= 0
    assert (depth, environments) == (0, [])
    loose = re.sub(r"\\[&%$#_{}\\]|\$-\$|\$\\pm\$", "", body)
    assert not re.search(r"[%$#_^~<>|\"±]", loose)


def plain_latex(text):
    marked = r"\textbf" in text
    text = re.sub(r"\{\\scriptsize (.*)\}$", r"\1", text)
    text = re.sub(r"^\\(textbf|emph)\{(.*?)\}(?= |$)", r"\2", text)
    text = text.removeprefix("{}")
    for written, sign in LATEX_SIGNS.items():
        text = text.replace(written, sign)
    return re.sub(r"\\([&%$#_{}])", r"\1", text) + "*" * marked


FORMS = {"markdown": (markdown, markdown_tables), "latex": (latex, latex_tables)}


def expected(grid):
    blank = [""] * len(grid.columns)
    lines = [[name, *(map_cells(cells) if cells else blank)] for name, cells in grid.lines()]
    return [["", *grid.columns], *lines]


def map_cells(cells):
    return [f"{cell.value} {cell.spread}".strip() + "*" * cell.best for cell in cells]


@pytest.mark.parametrize("form", FORMS)
def test_every_cell_can_be_read_back(form, comparison):
    write, read = FORMS[form]
    tables = [*grids(comparison), GRID]
    found = read(write(tables))
    assert len(found) == len(tables) == 6
    for rows, grid in zip(found, tables, strict=True):
        if form == "markdown":
            rule = rows.pop(1)
            assert rule == ["---", *["---:"] * len(grid.columns)]
        assert rows == expected(grid)


@pytest.mark.parametrize("form", FORMS)
def test_titles_and_notes_are_there(form, comparison):
    write, _ = FORMS[form]
    escaped = {"markdown": markdown_escaped, "latex": latex_escaped}[form]
    text = write(grids(comparison))
    for grid in grids(comparison):
        assert escaped(grid.title) in text
        assert all(escaped(note) in text for note in grid.notes)


@pytest.mark.parametrize(
    ("text", "in_markdown", "in_latex"),
    [
        ("zico_per_sample", r"zico\_per\_sample", r"zico\_per\_sample"),
        ("|a~0|", r"\|a\~0\|", r"\textbar{}a\textasciitilde{}0\textbar{}"),
        ("5 %", "5 %", r"5 \%"),
        ("a & b", "a & b", r"a \& b"),
        ("back\\slash", r"back\\slash", r"back\textbackslash{}slash"),
        ("two\nlines", "two lines", "two lines"),
    ],
)
def test_escapes(text, in_markdown, in_latex):
    assert (markdown_escaped(text), latex_escaped(text)) == (in_markdown, in_latex)
