"""Write a reference page for every score, space, benchmark and command, from the code itself.

python scripts/reference_pages.py          write the folders of docs that FOLDERS names
python scripts/reference_pages.py --check  exit code 1 if a page is out of date
"""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # also where this file is run by its path

from interface_pages import commands_page, python_page
from proxy_pages import aggregates_page, index_page, proxy_page

from gradalign.benchmarks import BENCHMARKS, Benchmark
from gradalign.benchmarks._published import PUBLISHED, Published
from gradalign.proxies import PROXIES
from gradalign.spaces import SPACES, Space

DOCS = Path(__file__).parent.parent / "docs"
FOLDERS = ("proxies", "spaces", "benchmarks", "reference")

CONTENTS = "```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
"""Tells the site that the other pages of a folder stand below its index."""


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    found = {DOCS / "spaces" / f"{name}.md": space_page(space) for name, space in SPACES.items()}
    found |= {
        DOCS / "benchmarks" / f"{name}.md": benchmark_page(each)
        for name, each in BENCHMARKS.items()
    }
    found |= {
        DOCS / "proxies" / f"{name}.md": proxy_page(proxy, _table)
        for name, proxy in PROXIES.items()
    }
    found[DOCS / "proxies" / "index.md"] = f"{index_page(_table)}\n{CONTENTS}"
    found[DOCS / "proxies" / "aggregates.md"] = aggregates_page(_table)
    found[DOCS / "spaces" / "index.md"] = _index("Search spaces", SPACES)
    found[DOCS / "benchmarks" / "index.md"] = _index("Benchmarks", BENCHMARKS)
    found[DOCS / "reference" / "commands.md"] = commands_page(_table)
    found[DOCS / "reference" / "python.md"] = python_page(_table)
    return found


def space_page(space: Space[Any]) -> str:
    """What a space is, how to use it, and where it is from."""
    size = "not counted" if space.size is None else f"{space.size:,}"
    tables = [name for name, each in BENCHMARKS.items() if each.space == space.name]
    parts = [
        f"# `{space.name}`",
        space.description[0].upper() + space.description[1:] + ".",
        inspect.cleandoc(type(space).__doc__ or ""),
        _table(
            ("", ""),
            [
                ("architectures", size),
                ("published FLOPs", space.flops_convention or "none"),
                ("tables of accuracies", ", ".join(_link(t, "benchmarks") for t in tables) or "-"),
                ("source", space.source),
                ("licence", space.licence),
            ],
        ),
        "## Use",
        "<!-- run: slow -->\n"
        f"```sh\ngradalign score {_shell(f'{space.name}:{space.example}')}\n```",
        f'```python\nimport gradalign as ga\n\nspace = ga.get_space("{space.name}")\n'
        "network = space.build(space.example)\n```",
        "## Tasks",
        _table(
            ("`--build task=`", "input", "classes"),
            [
                (f"`{t.name}`", "x".join(map(str, t.input_size)), str(t.num_classes))
                for t in space.tasks.values()
            ],
        ),
        "## Options",
        _table(("`--build`", "default"), [(f"`{k}=`", str(v)) for k, v in space.options.items()])
        if space.options
        else "None.",
    ]
    return "\n\n".join(parts) + "\n"


def benchmark_page(each: Benchmark) -> str:
    """What the accuracies of a table mean, and how to get it."""
    parts = [
        f"# `{each.name}`",
        each.description[0].upper() + each.description[1:] + ".",
        _table(
            ("", ""),
            [
                ("search space", _link(each.space, "spaces") if each.space else "none"),
                ("source", each.source),
                ("licence", each.licence),
            ],
        ),
        "## What is measured",
        _table(
            ("column", "what", "split", "epochs", "trainings"),
            [
                (
                    f"`{m.name}`",
                    m.description,
                    m.split or "not stated",
                    str(m.epochs or "not stated"),
                    m.seeds or "not stated",
                )
                for m in each.metrics.values()
            ],
        ),
        "## How to get it",
        *_how_to_get(each, [p for p in PUBLISHED.values() if each.name in p.benchmarks]),
    ]
    return "\n\n".join(parts) + "\n"


def _how_to_get(each: Benchmark, files: Sequence[Published]) -> list[str]:
    parts = ["The package holds it."] if each.embedded else []
    for file in files:
        parts.append(
            "<!-- not run: it downloads from the public host -->\n"
            f"```sh\ngradalign data fetch {file.name}\n"
            f"gradalign data import {file.name} FILE   # for a copy at hand\n```"
        )
        rows = [("file", f"{file.filename}, about {file.megabytes:g} MB")]
        rows += [("from", url) for url in file.urls]
        rows += [("SHA-256", file.sha256 or "none is published"), ("licence", file.licence)]
        parts.append(_table(("", ""), rows))
    return parts


def _shell(text: str) -> str:
    """`text` as one word of a command line, in whichever quotes it does not hold itself."""
    return f'"{text}"' if "'" in text and not set(text) & set('"$`\\!') else shlex.quote(text)


def _index(title: str, entries: Any) -> str:
    rows = [(f"[`{name}`]({name}.md)", each.description) for name, each in entries.items()]
    return f"# {title}\n\n{_table(('name', 'what'), rows)}\n\n{CONTENTS}"


def _link(name: str, folder: str) -> str:
    return f"[`{name}`](../{folder}/{name}.md)"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


def main(*, check: bool) -> int:
    """Write the pages, or say which are out of date."""
    wanted = pages()
    present = {p for folder in FOLDERS for p in (DOCS / folder).glob("*.md")}
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    surplus = present - set(wanted)
    if check:
        for path in sorted({*stale, *surplus}):
            sys.stdout.write(f"out of date: {path.relative_to(DOCS)}\n")
        return 1 if stale or surplus else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in surplus:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
