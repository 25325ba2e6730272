"""The whole study, small, on made-up scores, and what is said of its numbers."""

import copy
import json

import numpy as np
import pytest

from gradalign.benchmarks import BENCHMARKS
from gradalign.record import Score, Scores
from gradalign.report import render
from gradalign.store import Store
from gradalign.studies import Ledger, Workshop
from gradalign.studies.search import SEARCH, Options, run
from gradalign.studies.search.findings import end_of
from gradalign.studies.search.strategies import SAMPLERS, SCORE, SCORES, SIMPLER
from gradalign.studies.search.world import networks, plan, world

OPTIONS = Options(runs=3, budget=15.0)


def values(arch, accuracy):
    """The score knows the accuracy, what is left of it the contrary; size is the convolutions."""
    size = 10.0 + arch.count("nor_conv_3x3") * 9 + arch.count("nor_conv_1x1")
    return dict(zip(SCORES, (accuracy, -accuracy, size, 2 * size), strict=True))


def fill(path):
    """A store as a sweep leaves it; the first network has no score, the second nothing at all."""
    scorer = plan().scorer()
    table = BENCHMARKS["nb201"].frame
    records = []
    for place, (arch, accuracy) in enumerate(zip(table["arch"], table["cifar10"], strict=True)):
        for name, value in values(arch, accuracy).items():
            broken = place == 1 or (place == 0 and name == SCORE)
            records.append(
                Score(
                    model=f"nb201:{arch}",
                    proxy=name,
                    value=None if broken else value,
                    status="error" if broken else "ok",
                    reason="made up" if broken else None,
                    seed=0,
                    protocol=scorer.protocol_of[name],
                )
            )
    with Store.open(path) as store:
        store.add(Scores(records, scorer.protocols))


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    fill(folder / "search-scores.db")
    told = []
    workshop = Workshop(Ledger(folder / "l"), progress=lambda *each: told.append(each))
    found = run(workshop, folder, OPTIONS)
    assert told[-1] == ("search", 11, 11)
    again = run(Workshop(Ledger(folder / "l")), folder, OPTIONS)
    assert again == found
    assert len(world(folder / "search-scores.db", None).archs) == 4_999
    return json.loads(json.dumps(found, allow_nan=False))


def test_every_strategy_has_an_end_and_a_curve(document):
    names = [end["strategy"] for end in document["ends"]]
    assert names == [
        *SAMPLERS,
        *(f"{sampler} + {SCORE}" for sampler in SAMPLERS),
        *(f"evolution + {score}" for score in SIMPLER),
    ]
    assert set(document["curves"]) == set(names)
    for end in document["ends"]:
        assert end["runs"] == 3
        assert 0.5 < end["spent"] <= 1.0
        last = document["curves"][end["strategy"]]["mean"][-1]
        assert last == pytest.approx(end["accuracy"])


def test_a_score_that_knows_the_accuracy_saves_trainings(document):
    end = end_of(document, "evolution", SCORE)
    assert end["accuracy"] > end_of(document, "evolution")["accuracy"]
    assert end["ratio"] < 0.5
    assert [each["budget"] for each in end["by_budget"]] == [10.0]
    assert end["by_trainings"]["trainings"] >= 3
    contrary = end_of(document, "evolution", SIMPLER[0])
    assert contrary["accuracy"] < end["accuracy"]


def test_what_a_score_knows_of_the_table(document):
    own = {each["score"]: each for each in document["scores"]}
    assert own[SCORE]["tau"] == pytest.approx(1.0)
    assert own[SIMPLER[0]]["tau"] == pytest.approx(-1.0)
    assert own["macs"]["tau_with_cost"] == pytest.approx(1.0)
    assert own[SCORE]["without"] == 1
    best = np.sort(BENCHMARKS["nb201"].frame["cifar10"])[::-1][:50]
    assert own[SCORE]["top_accuracy"] == pytest.approx(best.mean(), abs=0.02)


def test_the_sentences_say_what_the_numbers_are(document):
    said = SEARCH.findings(document)
    end = end_of(document, "evolution", SCORE)
    assert f"{end['ratio']:.2f}" in said[1]
    turned = copy.deepcopy(document)
    for each in turned["ends"]:
        if each["score"] == SCORE:
            each["ratio"], each["ratio_ci"] = 0.45, [0.3, 0.6]
    assert "the interval reaches above 0.5" in SEARCH.findings(turned)[1]
    for each in turned["ends"]:
        if each["score"] == SCORE:
            each["ratio"], each["ratio_ci"] = None, [0.9, None]
    assert "never within the budget" in SEARCH.findings(turned)[1]
    assert "is not enough" in SEARCH.findings(turned)[1]


def test_the_page_shows_every_strategy(document):
    page = render(SEARCH.page(document))
    for end in document["ends"]:
        assert end["strategy"] in page


def test_a_part_of_the_table_is_spread_over_it():
    every = networks(None)
    assert len(every) == 5_000
    assert networks(50) == every[::100]
