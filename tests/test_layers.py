"""The shape of the source: who may import whom, and how long a file and a function may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.proxies import PROXIES
from gradalign.statistics import FIELDS

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "src" / "gradalign"
ROOT = "gradalign"

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(layer.split())
    for layer in (
        "errors",
        "_registry linalg failure decisions",
        "batch probe statistics device",
        "data",
        "engine proxies spaces regions training",
        "aggregates candidate benchmarks",
        "libraries conditions record separation",
        "cost models ranking scorer",
        "score",
        "rank evaluation store",
        "sweep comparison",
        "explanation",
        "search",
        ROOT,
        "report testing",
        "pages",
        "demonstration studies",
        "cli",
    )
)
"""A module or package imports from lower rows only: none of its own row, none of a higher one."""

NARROW: dict[str, frozenset[str]] = {
    name: frozenset(allowed.split())
    for name, allowed in {
        "linalg": "",
        "statistics": "errors",
        "probe": "errors",
        "data": "_registry batch errors",
        "engine": "_registry batch errors linalg probe statistics",
        "proxies": "_registry errors linalg statistics",
        "spaces": "_registry errors",
        "regions": "errors",
        "training": "batch errors",
        "aggregates": "_registry errors proxies",
        "separation": "",
        "evaluation": "aggregates errors proxies",
        "report": "",
        "store": "errors record",
        "testing": "batch candidate conditions data engine errors probe proxies spaces statistics",
    }.items()
}
"""All that those may import which must know little, whatever stands below them."""

LEAF_PACKAGES = (
    *("proxies", "aggregates", "data", "spaces", "benchmarks", "engine/rules"),
    "search/samplers",
)
"""One item a file: a public module takes from its own package only what begins with `_`."""

LEAF_EXCEPTIONS = {
    ("engine/rules/convolution.py", "linear"),  # a 1x1 kernel at one position is a linear layer
}

LONGEST_FILE = 400
LONGEST_FUNCTION = 50

LONG_FILES = {
    "tests/nets.py",  # a collection of small networks, one after the other
    "tests/reference.py",  # slow definitions that stand apart from what they are held against
}

NAME_PLACES: dict[str, str] = {
    "scorer.py": "DEFAULT_PROXIES",
    "rank.py": "what `rank` orders by unless told",
    "cli/rank.py": "the same at the command line",
    "cli/explain.py": "what edits are ordered by unless told",
    "search/objective.py": "what `search` wants unless told",
    "explanation/_layers.py": "a figure of one layer, by the same definition",
    "demonstration/run.py": "rows of the demo's table",
    "demonstration/page.py": "what the demo's page says of them",
    "demonstration/findings.py": "what the demo concludes",
    "studies/convergence/measures.py": "what the study is about",
    "studies/linear_regions/counting.py": "the counts that the study is about",
    "studies/linear_regions/findings.py": "what sentences call them",
    "studies/search/strategies.py": "the score that assists, and its ablation",
    "studies/sensitivity/measuring.py": "the scores that the study is about",
}
"""Where a score may be named, beside the files that define it."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def package_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def unit(path: Path) -> str:
    """Top-level module or package that a file is part of."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return ROOT if first == "__init__" else first


UNITS = {unit(path) for path in package_files()}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything of this package that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} is a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == ROOT:
                yield node.lineno, name


def imported_unit(name: str) -> str:
    """`gradalign.engine.naive` to `engine`; what is no module is of the package itself."""
    second = name.removeprefix(f"{ROOT}.").split(".")[0]
    return second if second in UNITS else ROOT


def row(name: str) -> int:
    return next(k for k, layer in enumerate(LAYERS) if name in layer)


def test_every_module_has_one_place_in_the_table():
    places = [name for layer in LAYERS for name in layer]
    assert sorted(places) == sorted(UNITS)
    assert set(NARROW) <= UNITS


@pytest.mark.parametrize("path", package_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = unit(path)
    wrong = [
        f"line {line}: {own} imports {name}"
        for line, name in imported(path)
        if (other := imported_unit(name)) != own
        and (row(other) >= row(own) or (own in NARROW and other not in NARROW[own]))
    ]
    assert not wrong


def test_the_narrow_table_allows_nothing_that_is_not_used():
    used: dict[str, set[str]] = {name: set() for name in NARROW}
    for path in package_files():
        if (own := unit(path)) in NARROW:
            used[own] |= {imported_unit(name) for _, name in imported(path)} - {own}
    assert used == {name: set(allowed) for name, allowed in NARROW.items()}


@pytest.mark.parametrize("package", LEAF_PACKAGES)
def test_items_of_a_package_do_not_know_each_other(package):
    dotted = f"{ROOT}.{package.replace('/', '.')}."
    wrong = []
    for path in sorted((PACKAGE / package).glob("[!_]*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for line, name in imported(path):
            if not name.startswith(dotted):
                continue
            sibling = name.removeprefix(dotted).split(".")[0]
            is_item = (PACKAGE / package / f"{sibling}.py").exists() and sibling[0] != "_"
            if is_item and (place, sibling) not in LEAF_EXCEPTIONS:
                wrong.append(f"{place}:{line} imports {name}")
    assert not wrong


def python_files() -> list[Path]:
    folders = ("src", "tests", "bench", "scripts", "examples")
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))


def test_no_file_is_long():
    lengths = {
        path.relative_to(REPOSITORY).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files()
    }
    long = {name for name, length in lengths.items() if length > LONGEST_FILE}
    assert long == LONG_FILES


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_function_is_long():
    long = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and body_length(node) > LONGEST_FUNCTION
    ]
    assert not long


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of every string in a file that is no docstring, pieces of f-strings too."""
    bare = {
        id(node.value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.lineno, node.value


def named_scores(path: Path) -> list[str]:
    """Names of proxies and aggregates in the strings of a file, each with its line.

    `params`, `macs`, `flops`, `layers` and the like are left out: they are words, and statistics
    or columns of published tables too. `plain` is a word.
    """
    names = (set(PROXIES) | set(AGGREGATES)) - set(FIELDS) - {"flops", "plain"}
    return [
        f"line {line}: {name}"
        for line, text in texts(path)
        for name in sorted(names & set(re.findall(r"\w+", text)))
    ]


def test_scores_are_named_in_few_places():
    found = {
        path.relative_to(PACKAGE).as_posix(): names
        for path in package_files()
        if unit(path) not in ("proxies", "aggregates") and (names := named_scores(path))
    }
    assert {place: found[place] for place in found if place not in NAME_PLACES} == {}
    assert set(NAME_PLACES) <= set(found), "an allowance that nothing uses"
