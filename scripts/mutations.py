"""Mutations of the syntax tree of a file of scores."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from torch import Tensor

from gradalign.proxies import Estimate
from gradalign.statistics import FIELDS, Statistics

WHOLE = ("sign flipped", "factor of 2", "first layer or sample left out")
"""What is done to a whole score."""

OPPOSITES: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}


def scores(tree: ast.Module) -> list[str]:
    """Names of the functions under `@proxy`."""
    return [
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _is_score(node)
    ]


def _is_score(node: ast.FunctionDef) -> bool:
    called = (each for each in node.decorator_list if isinstance(each, ast.Call))
    return any(isinstance(each.func, ast.Name) and each.func.id == "proxy" for each in called)


def break_score(tree: ast.Module, name: str, kind: str) -> None:
    """Change one score as a whole."""
    bodies = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    (function,) = (node for node in bodies if node.name == name)
    if kind == WHOLE[2]:
        _shorten_arguments(function)
    else:
        factor = ast.Constant(-1.0 if kind == WHOLE[0] else 2.0)
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                node.value = ast.Call(ast.Name("_scaled", ast.Load()), [node.value, factor], [])
    helpers = "from mutations import scaled as _scaled, shortened as _shortened"
    tree.body.insert(1, ast.parse(helpers).body[0])  # after the docstring


def _shorten_arguments(function: ast.FunctionDef) -> None:
    """Every pass that the function is given, without its first layer."""
    given = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    lines = [f"{argument.arg} = _shortened({argument.arg})" for argument in given]
    if function.args.kwarg:
        name = function.args.kwarg.arg
        lines.append(f"{name} = {{k: _shortened(v) for k, v in {name}.items()}}")
    function.body[1:1] = ast.parse("\n".join(lines)).body  # after the docstring


def operators(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Function and text of each operator in the functions of a file, in order."""
    for function, node in _operators(tree):
        text = " ".join(ast.unparse(node).split()).replace("|", "/")
        yield function, f"`{text[:60]}`: {_words(node)}"


def swap_operator(tree: ast.Module, number: int) -> None:
    """Replace one operator by its opposite."""
    _, node = list(_operators(tree))[number]
    if isinstance(node, ast.BinOp):
        node.op = OPPOSITES[type(node.op)]()
    else:
        node.op = ast.UAdd()


def _words(node: ast.BinOp | ast.UnaryOp) -> str:
    if isinstance(node, ast.UnaryOp):
        return "minus left out"
    return f"{type(node.op).__name__} to {OPPOSITES[type(node.op)].__name__}"


def _operators(tree: ast.Module) -> Iterator[tuple[str, ast.BinOp | ast.UnaryOp]]:
    """Those in functions and lambdas; indices, texts and annotations are no formula."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            name, nodes = statement.name, statement.body
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Lambda)]
        else:
            continue
        for node in nodes:
            yield from ((name, found) for found in _in_formula(node))


def _in_formula(node: ast.AST) -> Iterator[ast.BinOp | ast.UnaryOp]:
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Slice, ast.AnnAssign)):
        return
    if isinstance(node, ast.BinOp) and type(node.op) in OPPOSITES:
        yield node
    if _is_minus(node):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_formula(child)


def _is_minus(node: ast.AST) -> TypeGuard[ast.UnaryOp]:
    """Whether it is the minus of a term; that of a constant, such as an axis, is none."""
    minus = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    return minus and not isinstance(node.operand, ast.Constant)


def scaled(result: Any, factor: float) -> Any:
    """What a score returns, times a factor."""
    if isinstance(result, Estimate):
        return replace(result, value=factor * result.value)
    return factor * result


def shortened(stats: Statistics) -> Statistics:
    """A pass without its first block and layer; statistics of samples lose the first sample."""
    by_sample = any(_shape(name).startswith("[n") for name in stats.values)
    values = {name: _without_first(name, value, stats.n) for name, value in stats.values.items()}
    blocks = stats.blocks[1:]
    return replace(stats, values=values, blocks=blocks, n=stats.n - 1 if by_sample else stats.n)


def _shape(name: str) -> str:
    return FIELDS[name][0] if name in FIELDS else ""


def _without_first(name: str, value: Any, n: int) -> Any:
    """One statistic without its first layer, sample or unit."""
    if isinstance(value, Mapping):
        return {key: each[1:] for key, each in value.items()}
    if isinstance(value, tuple):
        return value[1:]
    if not isinstance(value, Tensor) or value.dim() == 0:
        return value - 1
    shape = _shape(name)
    if shape == "[n C, n C]":
        kept = [k for k in range(len(value)) if k % n]
        return value[kept][:, kept]
    if shape == "[n, n]":
        return value[1:, 1:]
    if shape == "[G, n, n]":
        return value[:, 1:, 1:]
    return value[1:]
