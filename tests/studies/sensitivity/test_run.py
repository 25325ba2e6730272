"""The whole study, small, and what is said of its numbers."""

import copy
import importlib
import json
from dataclasses import replace

import pytest

from gradalign.benchmarks import BENCHMARKS
from gradalign.report import render
from gradalign.studies import Ledger, Workshop
from gradalign.studies.sensitivity import SENSITIVITY, run
from gradalign.studies.sensitivity.conditions import varied
from gradalign.studies.sensitivity.reading import cheapest, front, row_of, rows, told_apart

module = importlib.import_module("gradalign.studies.sensitivity.run")

KEPT = ("reference", "images: noise", "labels: all permuted", "batch size: 2", "norm: identity")


def few(seed, options, images):
    """Some of the conditions, on small copies."""
    own = [each for each in varied(seed, options, images) if each.key in KEPT]
    kinds = [each for each in varied(seed, options, images) if each.factor == "images at 32x32"]
    return [
        replace(each, setting=replace(each.setting, build="channels=2,cells=1", side=8))
        for each in (*own, *kinds)
    ]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensitivity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "varied", few)
        workshop = Workshop(Ledger(folder / "l"))
        found = run(workshop, BENCHMARKS["nb201"], "cifar10", networks=6)

        def refuse(task):
            raise AssertionError(f"{task} was done again")

        patch.setattr(module, "measure", refuse)
        again = run(Workshop(Ledger(folder / "l")), BENCHMARKS["nb201"], "cifar10", networks=6)
    assert again == found
    return json.loads(json.dumps(found, allow_nan=False))


def test_every_condition_has_a_row_of_every_score(document):
    assert set(document["settings"]) >= set(KEPT)
    per_score = {row["score"]: 0 for row in document["rows"]}
    for row in document["rows"]:
        per_score[row["score"]] += 1
        assert row["n"] == 6
        if row["condition"] == "reference":
            assert row["difference"] is None
    assert set(per_score.values()) == {len(document["settings"])}


def test_the_page_shows_every_condition(document):
    page = render(SENSITIVITY.page(document))
    for key in document["settings"]:
        assert key.split(": ")[-1] in page


def test_the_text_changes_with_the_data(document):
    before = SENSITIVITY.findings(document)
    other = copy.deepcopy(document)
    score = other["rows"][0]["score"]
    changed = row_of(other, score, "images: noise")
    changed |= {"difference": -0.9, "difference_ci": [-0.99, -0.8], "tau": -0.5, "p_holm": 0.001}
    after = SENSITIVITY.findings(other)
    assert told_apart(changed)
    assert "images: noise" in " ".join(a for a, b in zip(after, before, strict=True) if a != b)


def test_the_cheapest_and_the_front(document):
    made = copy.deepcopy(document)
    score = made["rows"][0]["score"]
    own = rows(made, score)
    for place, row in enumerate(own):
        made["settings"][row["condition"]]["seconds"] = float(len(own) - place)
        row |= {"tau": 0.1 * place, "difference_ci": [-0.3 + 0.05 * place, 0.2]}
    own[0]["difference_ci"] = None
    own[-1]["difference_ci"] = [-0.5, -0.1]
    assert cheapest(made, score) is own[-2]
    assert cheapest(made, score, -10.0) is own[-1]
    assert cheapest(made, score, 10.0) is None
    assert front(made, score) == [own[-1]]
