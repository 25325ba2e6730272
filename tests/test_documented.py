"""Everything public says what it is, in a first line that can stand alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"

LONGEST_LINE = 100

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """A module or class with its public classes, functions and methods, by dotted name."""
    yield name, node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    for child in node.body:
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(child, kinds) and not child.name.startswith("_"):
            yield from public(child, f"{name}.{child.name}")


def complaints(source: str, name: str) -> list[str]:
    """What the docstrings of a file lack."""
    found = []
    for own, node in public(ast.parse(source), name):
        first = (ast.get_docstring(node) or "").split("\n", 1)[0]
        if not first:
            found.append(f"{own} has no docstring")
        elif not first.endswith(".") or len(first) > LONGEST_LINE:
            found.append(f"{own}: {first!r}")
    return found


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_everything_public_is_documented(path):
    assert not complaints(path.read_text(encoding="utf-8"), path.stem)


def test_what_is_missing_is_found():
    source = '''"""A module."""
class Known:
    """Says it."""
    def method(self): ...
    def _private(self): ...
def unfinished():
    """No full stop"""
    def inside(): ...
'''
    assert complaints(source, "m") == [
        "m.Known.method has no docstring",
        "m.unfinished: 'No full stop'",
    ]
