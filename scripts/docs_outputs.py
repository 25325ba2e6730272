"""Run what the pages show, and keep the output that stands below it current.

python scripts/docs_outputs.py PAGE.md ...   run these pages, and rewrite what has changed
python scripts/docs_outputs.py --list        what is run only by the slow tests, and what never is

The blocks of a page are run in their order, in one empty folder: `python` in one namespace, `sh` by
bash. A `text` block that follows at once is what was printed. A block whose first line is a comment
with the name of a file, such as `# models.py`, is also written to that file. A comment on the line
before a block says how it is run:

    <!-- run: slow -->           by the slow tests only
    <!-- run: as a file -->      it is only written to its file: a later command runs it
    <!-- run: exit 2 -->         the command fails with this code; errors are shown as well
    <!-- run: varies REGEX -->   what matches differs from run to run: times, figures of a machine
    <!-- not run: REASON -->     never; commands are still parsed

Several are separated by semicolons.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent

_COMMENT = r"(?:^<!-- (?P<how>(?:not )?run: .+?) -->\n)?"
_FENCED = r"^```(?P<language>[\w-]+)\n(?P<code>.*?)^```$"
_SHOWN = r"(?:\n\n```text\n(?P<shown>.*?)^```$)?"
_BLOCK = re.compile(_COMMENT + _FENCED + _SHOWN, re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")

_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_TIME = re.compile(r"\b\d[\d.,]*(?= ?(?:s|ms|seconds?|minutes?|min|h|hours?)\b)")
TOLERANCE = 5e-3
"""Relative difference of numbers: kernels of other machines add up in another order."""

_PIP = """#!/bin/sh
command="$1"; shift
exec python -m pip --disable-pip-version-check "$command" --no-deps --target "$PYTHONPATH" "$@"
"""
"""What `pip install` on a page does: packages go beside the page, and this environment stays."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and what it shows.

    Args:
        language: `python`, `sh`, or another one, which is not run.
        code: What stands in it.
        how: What the comment before it says.
        shown: The output that stands below it; None: none does.
        span: Where in the text of the page that output is.
    """

    language: str
    code: str
    how: str = ""
    shown: str | None = None
    span: tuple[int, int] = (0, 0)

    @property
    def runs(self) -> bool:
        """Whether it is ever run."""
        left_out = self.how == "run: as a file" or self.how.startswith("not run: ")
        return self.language in ("python", "sh") and not left_out

    @property
    def slow(self) -> bool:
        """Whether only the slow tests run it."""
        return "slow" in self._options()

    @property
    def exit_code(self) -> int:
        """What its command ends with."""
        return next((int(each[5:]) for each in self._options() if each.startswith("exit ")), 0)

    @property
    def varies(self) -> list[re.Pattern[str]]:
        """What of its output is not compared."""
        options = self._options()
        return [re.compile(o.removeprefix("varies "), re.M) for o in options if "varies " in o]

    def _options(self) -> list[str]:
        return [] if not self.runs else self.how.removeprefix("run: ").split("; ")


def pages() -> list[Path]:
    """The pages that show something to run."""
    found = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    found += sorted((REPOSITORY / "docs").rglob("*.md"))
    found += sorted(REPOSITORY.glob("examples/*/*.md"))
    found.append(REPOSITORY / "src/gradalign/engine/README.md")
    return [path for path in found if "_build" not in path.parts]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, without those that show an output."""
    return [
        Block(m["language"], m["code"], m["how"] or "", m["shown"], m.span("shown"))
        for m in _BLOCK.finditer(text)
    ]


@dataclass
class Session:
    """Runs the blocks of one page.

    Args:
        folder: Where they run.
        names: What the Python so far has defined.
    """

    folder: Path
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, block: Block) -> str:
        """Run a block; what it prints.

        Raises:
            RuntimeError: If a command ends with another code than the page says.
        """
        name = _FILE.match(block.code)
        if name is not None:
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        if not block.runs:
            return ""
        return self._python(block) if block.language == "python" else self._shell(block)

    def _python(self, block: Block) -> str:
        printed = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(compile(block.code, "page", "exec"), self.names)
        return printed.getvalue()

    def _shell(self, block: Block) -> str:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block.code],
            cwd=self.folder,
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != block.exit_code:
            said = f"{block.code}{done.stdout}{done.stderr}"
            raise RuntimeError(f"exit code {done.returncode} of\n{said}")
        printed = done.stdout + (done.stderr if block.exit_code else "")
        return printed.replace(f"{self.folder}/", "")


def _environment(folder: Path) -> dict[str, str]:
    """What commands see: programs of this Python, no table at hand, packages of the page alone."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GRADALIGN_")}
    programs = [f"{folder}/.bin", str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return kept | {
        "PATH": os.pathsep.join(programs),
        "PYTHONPATH": f"{folder}/.packages",
        "GRADALIGN_CACHE": f"{folder}/.cache",
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
    }


@contextlib.contextmanager
def session() -> Iterator[Session]:
    """A session in a folder of its own, with the examples of the repository beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "examples").symlink_to(REPOSITORY / "examples")
        (folder / ".bin").mkdir()
        (folder / ".bin" / "pip").write_text(_PIP, encoding="utf-8")
        (folder / ".bin" / "pip").chmod(0o755)
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield Session(folder)
        finally:
            sys.path.remove(str(folder))
            for own, module in [*sys.modules.items()]:
                if str(folder) in str(getattr(module, "__file__", "")):
                    del sys.modules[own]


def differs(block: Block, printed: str) -> str:
    """In what an output is another one than the page shows; nothing, where it is the same."""
    shown, own = (_words(each, block.varies) for each in (block.shown or "", printed))
    for number, (expected, found) in enumerate(zip(shown, own, strict=False)):
        if not _same(expected, found):
            before = " ".join(own[max(0, number - 5) : number])
            return f"{expected!r} became {found!r} after {before!r}"
    return "" if len(shown) == len(own) else f"{len(shown)} words became {len(own)}"


def _words(text: str, varies: list[re.Pattern[str]]) -> list[str]:
    """What is compared: words, without rules and with times made equal."""
    text = _tidy(text)
    for pattern in (_TIME, *varies):
        text = pattern.sub("*", text)
    return [word for word in text.split() if set(word) - set("─━-=")]


def _same(expected: str, found: str) -> bool:
    """Whether two words are equal but for the last digits of their numbers."""
    if _NUMBER.sub("#", expected) != _NUMBER.sub("#", found):
        return False
    pairs = zip(_NUMBER.findall(expected), _NUMBER.findall(found), strict=True)
    return all(_close(a.replace(",", ""), b.replace(",", "")) for a, b in pairs)


def _close(expected: str, found: str) -> bool:
    """Whether two numbers agree, in units of the last digit that is shown too."""
    unit = 10.0 ** -len(expected.partition(".")[2]) if "." in expected else 0.0
    return math.isclose(float(expected), float(found), rel_tol=TOLERANCE, abs_tol=2 * unit)


def rewrite(path: Path) -> bool:
    """Run a page, and put in what its blocks print now; whether that changed it."""
    text = path.read_text("utf-8")
    parts, end = [], 0
    with session() as running:
        for block in blocks(text):
            printed = running.run(block)
            if block.runs and block.shown is not None and differs(block, printed):
                parts += [text[end : block.span[0]], f"{_tidy(printed)}\n"]
                end = block.span[1]
    path.write_text("".join([*parts, text[end:]]), encoding="utf-8")
    return bool(parts)


def _tidy(printed: str) -> str:
    return "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())


def listed() -> Iterator[str]:
    """What the ordinary tests do not run, page by page."""
    for path in pages():
        for block in blocks(path.read_text("utf-8")):
            if block.how.startswith("not run: ") or block.slow:
                first = block.code.splitlines()[0]
                yield f"{path.relative_to(REPOSITORY)}: {first}\n    {block.how}\n"


def main() -> int:
    """Run the pages that are named, or list what is not run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pages", type=Path, nargs="*", metavar="PAGE.md")
    parser.add_argument("--list", action="store_true", help="what the ordinary tests do not run")
    options = parser.parse_args()
    if options.list:
        sys.stdout.writelines(listed())
    for path in options.pages:
        sys.stdout.write(f"{path}: {'rewritten' if rewrite(path) else 'as it was'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
