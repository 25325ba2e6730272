"""The page of a ranking."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import t as student
from torch import nn

import gradalign as ga
from gradalign.pages import ranking_page
from gradalign.report import render


def mlp(width):
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(768, width), nn.ReLU(), nn.Linear(width, 4)
    )


def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(24, 3, 16, 16, generator=generator), torch.arange(24) % 4


@pytest.fixture(scope="module")
def ranking():
    models = {"narrow": mlp(4), "wide": mlp(32), "broken": lambda: nn.Linear(3, 4)}
    return ga.rank(models, batch(), repeats=3)


def test_it_says_what_the_terminal_says(ranking):
    page = ranking_page(ranking)
    assert page.lead == ranking.notes()
    assert [row[3].text for row in page.sections[0].table.rows] == [
        entry.model for entry in ranking.entries
    ]


def test_intervals_are_students(ranking):
    trace = ranking_page(ranking).sections[0].pictures[0].figure["data"][0]
    found = ranking.entries[0].scores[ranking.by]
    assert trace["x"][0] == found.value
    reach = student.ppf(0.975, ranking.repeats - 1) * found.stderr
    assert trace["error_x"]["array"][0] == pytest.approx(reach)


def test_a_network_that_failed_is_in_the_table_and_not_in_the_picture(ranking):
    page = ranking_page(ranking)
    drawn = [
        text for trace in page.sections[0].pictures[0].figure["data"] for text in trace["text"]
    ]
    assert set(drawn) == {"narrow", "wide"}
    assert page.sections[0].table.rows[-1][-1].text != "ok"


def test_the_order_stands_beside_size(ranking):
    captions = [picture.caption for picture in ranking_page(ranking).sections[1].pictures]
    assert len(captions) == len(ranking.tau_with)
    assert all("Kendall's tau" in caption for caption in captions)


def test_it_renders(ranking):
    assert "wide" in render(ranking_page(ranking))


def test_one_repeat_has_no_interval():
    ranking = ga.rank({"a": mlp(4), "b": mlp(8)}, batch(), repeats=1)
    trace = ranking_page(ranking).sections[0].pictures[0].figure["data"][0]
    assert trace["error_x"]["array"] == [0.0, 0.0]
