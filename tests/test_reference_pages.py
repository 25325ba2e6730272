"""The generated pages are those of the code at hand."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "reference_pages.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def test_no_page_is_out_of_date(script, capsys):
    assert script["main"](check=True) == 0, capsys.readouterr().out


def test_a_changed_or_surplus_page_is_found_and_mended(script, tmp_path, capsys):
    main = script["main"]
    main.__globals__["DOCS"] = tmp_path
    assert main(check=True) == 1
    assert main(check=False) == 0
    assert main(check=True) == 0
    (tmp_path / "spaces" / "nb201.md").write_text("old")
    (tmp_path / "spaces" / "gone.md").write_text("old")
    capsys.readouterr()
    assert main(check=True) == 1
    found = capsys.readouterr().out.splitlines()
    assert found == ["out of date: spaces/gone.md", "out of date: spaces/nb201.md"]
    assert main(check=False) == 0
    assert main(check=True) == 0
