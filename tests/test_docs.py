"""What pages show is run, their links lead somewhere, and the site loads nothing from outside."""

from __future__ import annotations

import importlib.util
import re
import runpy
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer.main

from gradalign.cli import app

REPOSITORY = Path(__file__).parent.parent
OUTPUTS = runpy.run_path(str(REPOSITORY / "scripts" / "docs_outputs.py"))
PAGES = {path.relative_to(REPOSITORY).as_posix(): path for path in OUTPUTS["pages"]()}
BLOCKS = {name: OUTPUTS["blocks"](path.read_text("utf-8")) for name, path in PAGES.items()}
RUN = {name: [block for block in found if block.runs] for name, found in BLOCKS.items()}
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))


def shown_as_printed(name: str, *, slow: bool) -> None:
    """Run the blocks of a page in their order, and compare what they print."""
    with OUTPUTS["session"]() as session:
        for block in BLOCKS[name]:
            if slow or not block.slow:
                printed = session.run(block)
                if block.runs and block.shown is not None:
                    assert not OUTPUTS["differs"](block, printed), block.code


@pytest.mark.parametrize("name", [n for n in RUN if any(not b.slow for b in RUN[n])])
def test_a_page_shows_what_its_blocks_print(name):
    shown_as_printed(name, slow=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [n for n in RUN if any(b.slow for b in RUN[n])])
def test_a_page_with_long_commands_shows_what_its_blocks_print(name):
    shown_as_printed(name, slow=True)


def test_every_block_is_run_or_says_why_not():
    unknown = {
        f"{name}: {block.language}"
        for name, found in BLOCKS.items()
        for block in found
        if block.language not in ("python", "sh", "pycon", "text", "toml", "bash")
        and not block.code.startswith(":")
    }
    assert not unknown


def test_reasons_for_not_running_are_listed(capsys):
    sys.stdout.writelines(OUTPUTS["listed"]())
    listed = capsys.readouterr().out
    left_out = [b for found in BLOCKS.values() for b in found if b.how.startswith("not run: ")]
    assert left_out
    assert listed.count("not run: ") == len(left_out)


def commands(name: str) -> list[list[str]]:
    """The command lines of a page, in words; comments, redirections and what is piped left out."""
    found = []
    for block in BLOCKS[name]:
        if block.language == "sh":
            code = re.sub(r"<<'(\w+)'.*?^\1$|\\\n", " ", block.code, flags=re.S | re.M)
            for line in code.splitlines():
                words = shlex.split(line, comments=True)
                ends = [words.index(sign) for sign in (">", ">>", "|", "<", "&&") if sign in words]
                if words:
                    found.append(words[: min(ends, default=None)])
    return found


@pytest.mark.parametrize("name", PAGES)
def test_commands_are_such(name):
    group = typer.main.get_command(app)
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for words in commands(name):
        if words[0].removeprefix(".venv/bin/") == "gradalign":
            with group.make_context("gradalign", words[1:]) as context:
                own, command, rest = group.resolve_command(
                    context, [*getattr(context, "_protected_args", []), *context.args]
                )
                command.make_context(own, rest, parent=context)
        elif words[0] == "make":
            for target in (word for word in words[1:] if "=" not in word):
                assert re.search(rf"^{target}:", makefile, re.M), words


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    prose = re.sub(r"^```.*?^```$", "", PAGES[name].read_text("utf-8"), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if not target.startswith("http"):
            assert (PAGES[name].parent / target).exists(), target


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_run(path, capsys):
    runpy.run_path(str(path))["main"]()
    assert capsys.readouterr().out


class TestTheMechanism:
    PAGE = (
        "# A page\n\n```python\n# nets/wide.py\nwidth = 3\nprint(width, 0.25)\n```\n\n"
        "```text\n3  0.25\n```\n\n"
        "<!-- run: exit 3 -->\n```sh\nls nets; echo sorry >&2; exit 3\n```\n\n```text\nold\n```\n\n"
        "<!-- not run: it needs the moon -->\n```sh\nfetch moon\n```\n"
    )

    def test_a_page_is_rewritten_where_it_differs(self, tmp_path):
        path = tmp_path / "page.md"
        path.write_text(self.PAGE)
        assert OUTPUTS["rewrite"](path)
        assert path.read_text() == self.PAGE.replace("\nold\n", "\nwide.py\nsorry\n")
        assert not OUTPUTS["rewrite"](path)

    def test_another_exit_code_is_an_error(self, tmp_path):
        path = tmp_path / "page.md"
        path.write_text(self.PAGE.replace("exit 3 -->", "exit 2 -->"))
        with pytest.raises(RuntimeError, match="exit code 3"):
            OUTPUTS["rewrite"](path)

    @pytest.mark.parametrize(
        ("shown", "printed", "same"),
        [
            ("tau 0.51 in 3 s", "tau   0.51  in 4.2 s", True),
            ("tau 0.51", "tau 0.52", True),  # the last digit that is shown
            ("tau 0.51", "tau 0.55", False),
            ("1,204,000", "1,205,000", True),
            ("1,204,000", "1,304,000", False),
            ("12 networks", "13 networks", False),
            ("a ──── b", "a ────── b", True),
            ("a b", "a b c", False),
            ("gradalign_i", "gradalign_ii", False),
            ("x -", "x 3", False),
        ],
    )
    def test_what_is_the_same(self, shown, printed, same):
        (block,) = OUTPUTS["blocks"](f"```sh\nx\n```\n\n```text\n{shown}\n```\n")
        assert (OUTPUTS["differs"](block, printed) == "") is same

    def test_what_varies_is_not_compared(self):
        text = "<!-- run: slow; varies \\d+ MB -->\n```sh\nx\n```\n\n```text\n3 MB\n```\n"
        (block,) = OUTPUTS["blocks"](text)
        assert block.slow
        assert not OUTPUTS["differs"](block, "44 MB")


LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Loaded(HTMLParser):
    """Collects what a page loads by itself, not what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        passive = tag == "link" and own.get("rel") not in ("stylesheet", "preload", "icon")
        if tag in LOADS and not passive:
            self.found.append(own.get(LOADS[tag]) or "")
        self.found += re.findall(r"url\(([^)]*)\)", own.get("style") or "")


def outside(folder: Path) -> list[str]:
    """What the pages and style sheets of a site would load from elsewhere."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        parser = Loaded()
        parser.feed(path.read_text("utf-8"))
        found += [f"{path.name}: {target}" for target in parser.found]
    for path in sorted(folder.rglob("*.css")):
        targets = re.findall(r"""(?:url\(|@import )\s*['"]?([^'")]+)""", path.read_text("utf-8"))
        found += [f"{path.name}: {target}" for target in targets]
    return [each for each in found if re.search(r": (https?:)?//", each)]


def test_what_would_be_loaded_from_outside_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<script src="https://x.org/a.js"></script><img src="own.png"><a href="https://x.org">x</a>'
        '<link rel="stylesheet" href="//x.org/a.css"><link rel="canonical" href="https://x.org">'
    )
    (tmp_path / "a.css").write_text("@import 'https://x.org/b.css'; a { background: url(b.png) }")
    assert outside(tmp_path) == [
        "a.html: https://x.org/a.js",
        "a.html: //x.org/a.css",
        "a.css: https://x.org/b.css",
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None, reason="Sphinx is not installed: make docs does it"
)
def test_the_site_builds_without_a_warning_and_loads_nothing_from_outside(tmp_path):
    options = ("-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "doctrees"))
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "index.html").exists()
    assert not outside(tmp_path / "html")
    assert "<math" in (tmp_path / "html" / "one-pass.html").read_text("utf-8")
