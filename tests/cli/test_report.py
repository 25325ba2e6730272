"""`gradalign report`."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest
from tests.cli.commands import SMALL
from tests.pages.records import PROTOCOLS, failed, mlps, nb201, score, scored
from tests.report.reader import Reader

from gradalign.record import Scores
from gradalign.store import Store
from gradalign.studies.mislabelled.analysis import analysed
from gradalign.studies.mislabelled.figures import FIGURES
from gradalign.studies.mislabelled.runs import STEPS

HEADER = "model,proxy,seed,value,status,reason,seconds"


@pytest.fixture
def store(tmp_path):
    """A function that makes a store of records, and says where it is."""

    def made(records, protocols=PROTOCOLS):
        path = tmp_path / "a.db"
        with Store.open(path) as opened:
            opened.add(Scores(records, protocols))
        return str(path)

    return made


def test_the_page_stands_beside_the_store_and_is_told(gradalign, store, tmp_path):
    done = gradalign("report", store(scored(nb201(8))))
    assert done.code == 0, done.err
    page = tmp_path / "a.html"
    assert f"Page: {page}" in done.out.replace("\n", "")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert "tau cifar10" in done.out
    assert any(line.startswith("naswot ") for line in done.out.splitlines())
    assert "Failures: Nothing" in done.out


def test_failures_are_told_and_are_no_failure_of_the_report(gradalign, store):
    models = nb201(5)
    done = gradalign("report", store([*scored(models[1:]), failed(models[0], "naswot")]))
    assert done.code == 0
    assert "1 of 29 records have no value" in done.out
    assert done.err == ""


def test_csv_is_one_row_a_record_in_order_and_nothing_else(gradalign, store, tmp_path):
    one, two = "my.net:make,really", "mlp:64:32:64"
    records = [
        score(two, "params", 3.0, seed=1, seconds=0.1),
        score(two, "params", 0.1 + 0.2, seconds=1 / 3),
        score(two, "naswot", 1e300),
        failed(one, "naswot", "timeout", 'took "long",\nreally'),
    ]
    done = gradalign("report", store(records), "--format", "csv")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == HEADER
    rows = [*csv.reader(io.StringIO(done.out))][1:]
    assert rows == [
        ["mlp:64:32:64", "naswot", "0", "1e+300", "ok", "", "0.0"],
        ["mlp:64:32:64", "params", "0", "0.30000000000000004", "ok", "", "0.3333333333333333"],
        ["mlp:64:32:64", "params", "1", "3.0", "ok", "", "0.1"],
        ["my.net:make,really", "naswot", "0", "", "timeout", 'took "long",\nreally', "0.0"],
    ]
    assert not (tmp_path / "a.html").exists()


def test_csv_shows_all_protocols_unless_one_is_asked_for(gradalign, store):
    own = dict(PROTOCOLS, bbbb={"batch_size": 8})
    model = mlps(1)[0]
    path = store([score(model, "naswot", 1.0), score(model, "naswot", 2.0, protocol="bbbb")], own)
    values = [
        line.split(",")[3] for line in gradalign("report", path, "--format", "csv").out.splitlines()
    ]
    assert values[1:] == ["1.0", "2.0"]
    done = gradalign("report", path, "--format", "csv", "--protocol", "bbbb")
    assert [line.split(",")[3] for line in done.out.splitlines()[1:]] == ["2.0"]


def test_json_is_the_document_of_score(gradalign, store):
    models = mlps(2)
    records = [score(models[0], "naswot", 1.5, stderr=0.5), failed(models[1], "naswot")]
    own = {**PROTOCOLS, "unused": {}}
    document = gradalign("report", store(records, own), "--format", "json").document
    expected = Scores(sorted(records, key=lambda record: record.model), PROTOCOLS)
    said = document.pop("findings")
    assert document == expected.to_dict()
    assert [each["about"] for each in said] == ["mlp, scores alone"]
    assert said[0]["sentences"][0].startswith("2 networks are too few")


@pytest.mark.parametrize(("name", "read"), [("x.csv", pd.read_csv), ("x.parquet", pd.read_parquet)])
def test_all_columns_can_be_exported(gradalign, store, tmp_path, name, read):
    path = store(scored(mlps(3)))
    done = gradalign("report", path, "--out", str(tmp_path / name))
    assert done.code == 0
    with Store.read(path) as opened:
        kept = opened.frame()
    found = read(tmp_path / name)
    assert list(found.columns) == list(kept.columns)
    assert found["value"].tolist() == kept["value"].tolist()
    assert "21 records: " in done.out
    assert not (tmp_path / "a.html").exists()


def test_a_page_can_go_elsewhere_while_records_go_to_stdout(gradalign, store, tmp_path):
    out = tmp_path / "b.html"
    done = gradalign("report", store(scored(mlps(3))), "--format", "csv", "--out", str(out))
    assert done.out.splitlines()[0] == HEADER
    assert out.stat().st_size > 1e6


def test_an_empty_store_has_a_header_and_no_page(gradalign, store):
    path = store([])
    assert gradalign("report", path, "--format", "csv").out == f"{HEADER}\n"
    done = gradalign("report", path)
    assert done.code == 2
    assert "holds no record" in done.complaint


def test_several_protocols_of_a_score_are_listed_with_what_differs(gradalign, store):
    own = dict(PROTOCOLS, bbbb={**PROTOCOLS["aaaa11112222"], "batch_size": 8})
    records = [
        *scored(mlps(3)),
        *(replace(r, protocol="bbbb") for r in scored(mlps(3), ["naswot"])),
    ]
    path = store(records, own)
    done = gradalign("report", path)
    assert done.code == 2
    for words in ("naswot", "--protocol", "aaaa11112222 (batch_size 16)", "bbbb (batch_size 8)"):
        assert words in done.complaint
    assert gradalign("report", path, "--protocol", "bbbb").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--out", "x.pdf"), "ends in none of .html"),
        (("--out", "no/such/folder/x.html"), "cannot write"),
        (("--out", "no/such/folder/x.csv"), "cannot write"),
        (("--protocol", "ffff"), "ffff"),
        (("--benchmark", "nb202"), "nb201"),
        (("--benchmark", "nb201"), "fewer than 3"),
        (("--metric", "cifar10"), "cifar10"),
    ],
)
def test_a_mistake_is_one_line(gradalign, store, options, words):
    done = gradalign("report", store(scored(mlps(3))), *options)
    assert done.code == 2
    assert words in done.complaint


def test_no_store_is_one_line(gradalign, tmp_path):
    done = gradalign("report", "absent.db")
    assert done.code == 2
    assert "absent.db" in done.complaint
    assert [*tmp_path.iterdir()] == []


def test_the_store_itself_is_never_overwritten(gradalign, store, tmp_path):
    path = tmp_path / "a.html"
    (tmp_path / store(scored(mlps(3)))).rename(path)
    done = gradalign("report", str(path))
    assert done.code == 2
    assert "is the store itself" in done.complaint
    with Store.read(path) as opened:
        assert len(opened) == 21


def in_one_line(text):
    return " ".join(text.split())


def test_findings_are_on_the_page_the_terminal_and_in_the_document(gradalign, store, tmp_path):
    path = store(scored(nb201(40)))
    shown = gradalign("report", path)
    said = gradalign("report", path, "--format", "json").document["findings"]
    assert [each["about"] for each in said] == [
        f"{name} of nb201" for name in ("cifar10", "cifar100", "imagenet16-120")
    ]
    page = Reader((tmp_path / "a.html").read_text())
    for sentence in said[0]["sentences"]:
        assert f"- {sentence}" in in_one_line(shown.out)
        assert sentence in in_one_line(page.text)
    assert "[" in said[0]["sentences"][0]
    assert [a["data-view"] for _, a in page.elements if "data-view" in a] == ["0 0", "0 1", "0 2"]


def test_records_that_cannot_be_compared_are_given_without_findings(gradalign, store):
    own = dict(PROTOCOLS, bbbb={"batch_size": 8})
    model = mlps(1)[0]
    path = store([score(model, "naswot", 1.0), score(model, "naswot", 2.0, protocol="bbbb")], own)
    document = gradalign("report", path, "--format", "json").document
    assert len(document["scores"]) == 2
    assert document["findings"] is None


def test_several_stores_are_one_pool(gradalign, tmp_path):
    models = nb201(24)
    whole = scored(models)
    changed = [replace(whole[0], value=99.0)]
    for name, records in (("a", whole[:80]), ("b", [*whole[80:], *changed]), ("c", whole)):
        with Store.open(tmp_path / f"{name}.db") as opened:
            opened.add(Scores(records, PROTOCOLS))
    together = gradalign("report", "a.db", "b.db", "--format", "json").document
    assert together == gradalign("report", "c.db", "--format", "json").document
    done = gradalign("report", "a.db", "b.db")
    assert done.code == 0
    assert "In a.db and b.db: 168 records" in (tmp_path / "a.html").read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "a.html", "b.db", "c.db"]


def test_one_of_several_stores_is_missing(gradalign, store):
    done = gradalign("report", store(scored(mlps(3))), "absent.db")
    assert done.code == 2
    assert "absent.db" in done.complaint


@pytest.fixture
def searched(gradalign):
    """The file of a small search."""
    options = ("--budget", "6", "--workers", "1", "--repeats", "2", "--quiet", "--db", "s.db")
    assert gradalign("search", "nb201", *SMALL, *options).code == 0
    return "s.db"


def test_a_search_and_a_study_stand_below_the_scores(gradalign, store, searched, tmp_path):
    folder = tmp_path / "studied"
    folder.mkdir()
    (folder / "mislabelled.json").write_text(json.dumps(mislabelled_results()))
    path = store(scored(nb201(12)))
    done = gradalign("report", path, "--search", searched, "--study", str(folder))
    assert done.code == 0, done.err
    page = Reader((tmp_path / "a.html").read_text())
    page.assert_loads_nothing()
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [a["href"] for tag, a in page.elements if tag == "a"]
    contents = ["#findings", "#scores", "#study-1", "#search-2"]
    assert links == [*contents, "#study-1", "#search-2"]
    assert {link[1:] for link in links} <= ids
    assert "Search in nb201, seed 0" in page.text
    assert "were measured with 2 seeds" in in_one_line(done.out)
    assert "Named beforehand" in in_one_line(done.out)
    said = gradalign("report", path, "--search", searched, "--format", "json").document["findings"]
    assert said[-1]["about"] == "Search in nb201, seed 0"


def mislabelled_results():
    runs = [
        {
            "network": network,
            "seed": seed,
            "auc": {str(step): dict.fromkeys(FIGURES, 0.6 + seed / 50) for step in STEPS},
            "learned": {str(step): 50.0 + seed for step in STEPS},
            "learned_wrong": {str(step): 5.0 + seed for step in STEPS},
            "diverged": False,
        }
        for network in ("one", "other")
        for seed in range(3)
    ]
    return {"study": "mislabelled", "conditions": {}, "runs": runs, **analysed(runs)}


def test_what_is_no_search_or_study_is_told(gradalign, store, searched, tmp_path):
    path = store(scored(mlps(3)))
    done = gradalign("report", path, "--search", path)
    assert done.code == 2
    assert "holds no search" in done.complaint
    done = gradalign("report", path, "--search", "absent.db")
    assert (done.code, "absent.db" in done.complaint) == (2, True)
    done = gradalign("report", path, "--study", searched)
    assert (done.code, "is no JSON" in done.complaint) == (2, True)
    (tmp_path / "empty").mkdir()
    done = gradalign("report", path, "--study", "empty")
    assert (done.code, "no results of a study" in done.complaint) == (2, True)
    (tmp_path / "s.json").write_text("{}")
    done = gradalign("report", "s.json")
    assert (done.code, "is no store" in done.complaint) == (2, True)
    assert not (tmp_path / "a.html").exists()


def test_a_search_given_as_a_store_is_shown_as_one_and_told(gradalign, searched):
    done = gradalign("report", searched)
    assert done.code == 0
    assert "s.db holds a search too: --search s.db shows it." in in_one_line(done.out)
    assert "holds a search" not in gradalign("report", searched, "--search", searched).out
