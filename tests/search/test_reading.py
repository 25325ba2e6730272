"""Searches read off their file."""

import json

import pytest
from tests.pages.records import PROTOCOLS, mlps, scored

import gradalign as ga
from gradalign.errors import InputError
from gradalign.pages.search import search_findings
from gradalign.record import Scores
from gradalign.search.reading import holds_search, read_searches
from gradalign.store import Store

SMALL = {"build": {"channels": 2, "cells": 1}, "input_size": (3, 8, 8), "batch_size": 4}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A file of two searches, and their results."""
    path = tmp_path_factory.mktemp("searched") / "s.db"
    asked = (
        {"objective": "gradalign_plus", "max_params": 4000},
        {"objective": "both=naswot+gradalign_i", "seed": 3, "sampler": "random"},
    )
    return path, [ga.search("nb201", budget=8, db=path, repeats=2, **own, **SMALL) for own in asked]


def test_all_that_was_found_is_read(searched):
    path, results = searched
    before = path.read_bytes()
    read = [each.result for each in read_searches(path)]
    assert path.read_bytes() == before
    for own, result in zip(read, results, strict=True):
        ours, theirs = (json.loads(json.dumps(each.to_dict())) for each in (own, result))
        for document in (ours, theirs):
            del document["seconds"]
        assert ours == theirs
        assert own.notes() == result.notes()


def test_reading_makes_no_search_where_there_is_none(tmp_path):
    path = tmp_path / "a.db"
    with Store.open(path) as store:
        store.add(Scores(scored(mlps(3)), PROTOCOLS))
    assert not holds_search(path)
    with pytest.raises(InputError, match="holds no search"):
        read_searches(path)
    assert not holds_search(path)


def test_several_objectives_have_a_front_and_no_check(tmp_path):
    path = tmp_path / "s.db"
    asked = {"objective": "naswot,params", "sampler": "nsga2", "budget": 6}
    result = ga.search("nb201", db=path, **asked, **SMALL)
    (recorded,) = read_searches(path)
    read = recorded.result
    assert recorded.finalists == 0
    assert [own.arch for own in read.front] == [own.arch for own in result.front]
    assert read.check is None


def test_the_best_of_trained_finalists_is_known(tmp_path):
    path = tmp_path / "s.db"
    result = ga.search(
        "nb201", budget=4, db=path, finalists=2, train="epochs=1", out=tmp_path / "out", **SMALL
    )
    (read,) = read_searches(path)
    winner = result.finalists.winner
    assert read.finalists == 2
    assert read.winner == (winner.candidate.name, winner.accuracies[-1], winner.test_accuracy)
    (said,) = [each for each in search_findings(read) if "finalists" in each]
    assert f"{winner.test_accuracy:.1f} % of the test samples" in said


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"absent\.db"):
        read_searches(tmp_path / "absent.db")
