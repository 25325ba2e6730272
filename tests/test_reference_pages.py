"""The generated pages are those of the code at hand."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.proxies import PROXIES

SCRIPT = Path(__file__).parent.parent / "scripts" / "reference_pages.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def page(script):
    """The page of a registered score, or of one of which some facts are changed."""

    def page(name, **facts):
        return script["proxy_page"](replace(PROXIES[name], **facts), script["_table"])

    return page


def test_no_page_is_out_of_date(script, capsys):
    assert script["main"](check=True) == 0, capsys.readouterr().out


def test_a_changed_or_surplus_page_is_found_and_mended(script, tmp_path, capsys):
    main = script["main"]
    docs = main.__globals__["DOCS"]
    main.__globals__["DOCS"] = tmp_path
    try:
        assert main(check=True) == 1
        assert main(check=False) == 0
        assert main(check=True) == 0
        (tmp_path / "spaces" / "nb201.md").write_text("old")
        (tmp_path / "proxies" / "gone.md").write_text("old")
        capsys.readouterr()
        assert main(check=True) == 1
        found = capsys.readouterr().out.splitlines()
        assert found == ["out of date: proxies/gone.md", "out of date: spaces/nb201.md"]
        assert main(check=False) == 0
        assert main(check=True) == 0
    finally:
        main.__globals__["DOCS"] = docs


def test_every_score_has_a_page_and_is_listed_once(script):
    pages = script["pages"]()
    folder = script["DOCS"] / "proxies"
    assert {folder / f"{name}.md" for name in PROXIES} <= set(pages)
    listed = re.findall(r"^\| \[`(\w+)`\]\(\1\.md\)", pages[folder / "index.md"], re.MULTILINE)
    assert sorted(listed) == sorted(PROXIES)
    combined = re.findall(r"^\| `(\w+)`", pages[folder / "aggregates.md"], re.MULTILINE)
    assert sorted(combined) == sorted(AGGREGATES)


def test_a_page_gives_formula_conditions_and_example(page):
    text = page("zen")
    formula = text.index("```text\nlog( mean over samples of sum | f(x) - f(x + 0.01 e) | )\n    +")
    conditions = "| official | `clean` | standard normal noise for images, 16 samples, standard"
    assert formula < text.index("| better | higher |") < text.index(conditions)
    assert "| standard error over samples | none |" in text
    assert "\n```pycon\n>>> import torch\n" in text
    assert text.endswith("0.693147\n```\n")


def test_a_page_says_what_holds_the_value_and_what_does_not(page):
    assert "| held against | the published code itself" in page("zen")
    assert "| held against | nothing: it is never twice the same |" in page("latency")
    assert "single precision" not in page("latency")
    assert "| single precision | orders networks as double" in page("zen")
    assert "| single precision | rho 0.8 |" in page("zen", ill_conditioned="rho 0.8")


def test_a_page_says_what_else_goes_by_the_name(page):
    heading = "## Under the same name"
    assert heading not in page("zen")
    assert f"{heading}\n\nA port halves it.\n" in page("zen", disagrees="A port halves it.")
    text = page("gradsign", disagrees="")
    assert f"{heading}\n\nScores here" in text
    assert "| [`gradsign_mean`](gradsign_mean.md) | " in text


def test_many_probes_are_one_line(page):
    line = "| official | `part_0` to `part_49` | each another batch: all parameters, vectors too,"
    assert line in page("knas_official")
    assert "`part_1`" not in page("knas_official")
