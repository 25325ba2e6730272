"""Reference pages of the commands and of what `import gradalign` gives, from the code itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import typer.main

import gradalign
from gradalign.cli import app

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], str]


def commands_page(table: Table) -> str:
    """Every command with its arguments and options, in the order of `gradalign --help`."""
    group = typer.main.get_command(app)
    found = dict(_commands("gradalign", group))
    text = [
        "# Commands",
        f"{group.help} `gradalign COMMAND --help` prints what stands here.",
        table(
            ("command", "what it does"),
            [
                (f"[`{name}`](#{name.replace(' ', '-')})", each.help.split("\n\n")[0])
                for name, each in found.items()
            ],
        ),
        "Exit codes: 0 done; 1 done, but some items failed; 2 bad usage or bad input, with one "
        "line that says what and the mend; 130 stopped by Ctrl-C. Results go to standard output, "
        "progress to standard error.",
    ]
    for name, each in found.items():
        arguments = [p for p in each.params if not p.opts[0].startswith("-")]
        options = [p for p in each.params if p.opts[0].startswith("-")]
        words = [_placeholder(p) for p in arguments]
        text += [f"## {name}", each.help, f"```text\n{' '.join([name, *words, '[OPTIONS]'])}\n```"]
        rows = [(f"`{_placeholder(p)}`", p.help or "", _default(p)) for p in arguments]
        rows += [(_option(p), p.help or "", _default(p)) for p in options]
        text.append(table(("", "", "default"), rows))
    return "\n\n".join(text) + "\n"


def python_page(table: Table) -> str:
    """Every public name by kind; the site puts its docstring there."""
    kinds: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in gradalign.__all__:
        each = getattr(gradalign, name)
        if inspect.isclass(each):
            kinds["Errors" if issubclass(each, Exception) else "Classes"].append(name)
        elif callable(each):
            kinds["Functions"].append(name)
    text = ["# Python", "What `import gradalign as ga` gives."]
    for kind, names in kinds.items():
        rows = [(f"`ga.{name}`", _first_line(getattr(gradalign, name))) for name in names]
        text += [f"## {kind}", table(("name", "what"), rows), *map(_directive, names)]
    return "\n\n".join(text) + "\n"


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Commands by their full name, those of groups one by one."""
    for own, each in command.commands.items():
        full = f"{name} {own}"
        if hasattr(each, "commands"):
            yield from _commands(full, each)
        else:
            yield full, each


def _placeholder(argument: Any) -> str:
    word = argument.metavar or argument.name.upper()
    return word if argument.required else f"[{word}]"


def _option(option: Any) -> str:
    names = " ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return f"{names} {option.metavar}" if option.metavar else names


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default = getattr(parameter.default, "value", parameter.default)
    if default is None or default is False or default in ("", []):
        return "-"
    return f"`{str(default).replace(',', ', ')}`"


def _first_line(each: object) -> str:
    return (inspect.getdoc(each) or "").split("\n", 1)[0]


def _directive(name: str) -> str:
    """What autodoc fills in; docstrings are reStructuredText to it."""
    each = getattr(gradalign, name)
    kind = "function" if not inspect.isclass(each) else "class"
    members = "" if kind == "function" or issubclass(each, Exception) else "\n   :members:"
    return f"```{{eval-rst}}\n.. auto{kind}:: gradalign.{name}{members}\n```"
