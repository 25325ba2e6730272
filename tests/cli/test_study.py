"""`gradalign study`, and its place in `gradalign report`."""

import importlib
import json

import pytest
from tests.pages.records import PROTOCOLS, nb201, scored

from gradalign.record import Scores
from gradalign.store import Store
from gradalign.studies.convergence.networks import CHANGES

SMALL = ("--networks", "4", "--seeds", "2", "--workers", "1")


@pytest.fixture
def stacks(monkeypatch):
    """The study of convergence on stacks of linear layers alone: seconds, not minutes."""
    own = tuple(change for change in CHANGES if change.space == "mlp")
    run = importlib.import_module("gradalign.studies.convergence.run")
    interventions = importlib.import_module("gradalign.studies.convergence.interventions")
    monkeypatch.setattr(run, "CHANGES", own)
    monkeypatch.setattr(interventions, "CHANGES", own)
    monkeypatch.setattr(run, "OPTIONS", {"mlp": {}})


@pytest.mark.usefixtures("stacks")
def test_results_page_and_place_in_the_report(gradalign, tmp_path):
    folder = tmp_path / "out"
    done = gradalign("study", "convergence", "--out", str(folder), *SMALL)
    assert done.code == 0, done.err
    results = folder / "convergence.json"
    document = json.loads(results.read_text())
    assert document["study"] == "convergence"
    for finding in document["findings"]:
        assert " ".join(finding.split()) in " ".join(done.out.split())
    assert (folder / "convergence.html").read_text().startswith("<!DOCTYPE html>")

    lines = (folder / "convergence.jsonl").read_text()
    again = gradalign("study", "convergence", "--out", str(folder), *SMALL, "--format", "json")
    assert again.document == document
    assert (folder / "convergence.jsonl").read_text() == lines

    with Store.open(tmp_path / "a.db") as store:
        store.add(Scores(scored(nb201(4)), PROTOCOLS))
    done = gradalign("report", str(tmp_path / "a.db"), "--study", str(results))
    assert done.code == 0, done.err
    page = (tmp_path / "a.html").read_text()
    assert "Does gradient conflict slow convergence?" in page
    assert "Conflict during training" in page


def test_mislabelled_samples_of_one_network(gradalign, monkeypatch, tmp_path):
    run = importlib.import_module("gradalign.studies.mislabelled.run")
    monkeypatch.setattr(run, "NETWORKS", {"linear layers": run.NETWORKS["linear layers"]})
    options = ("--seeds", "2", "--workers", "1")
    done = gradalign("study", "mislabelled", "--out", str(tmp_path), *options)
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "mislabelled.json").read_text())
    assert {run["seed"] for run in document["runs"]} == {0, 1}
    for finding in document["findings"]:
        assert " ".join(finding.split()) in " ".join(done.out.split())
    assert (tmp_path / "mislabelled.html").read_text().startswith("<!DOCTYPE html>")


def test_a_study_is_no_csv(gradalign, tmp_path):
    done = gradalign("study", "convergence", "--out", str(tmp_path), "--format", "csv")
    assert done.code == 2
    assert done.complaint == "a study is no table: choose --format table or json"


def test_too_few_networks(gradalign, tmp_path):
    done = gradalign("study", "convergence", "--out", str(tmp_path), "--networks", "2")
    assert done.code == 2
    assert "take at least 4 and 2" in done.complaint


@pytest.mark.parametrize("content", ["{", "[]", '{"study": "weather"}', '{"study": []}'])
def test_a_file_of_something_else_is_no_study(gradalign, tmp_path, content):
    with Store.open(tmp_path / "a.db") as store:
        store.add(Scores(scored(nb201(4)), PROTOCOLS))
    (tmp_path / "s.json").write_text(content)
    done = gradalign("report", str(tmp_path / "a.db"), "--study", str(tmp_path / "s.json"))
    assert done.code == 2
    assert "study" in done.complaint
    assert not (tmp_path / "a.html").exists()
