"""The counts of one architecture, and what samples see of the exact one."""

import numpy as np
import torch

import gradalign as ga
from gradalign.regions import regions_on_line
from gradalign.studies.linear_regions import counting, sampling
from gradalign.studies.linear_regions.counting import MEANINGS, SIZES, counted
from gradalign.studies.linear_regions.networks import (
    THIN_SHAPE,
    codes,
    digits,
    distinct,
    thin,
    thinnest,
)

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
TASK = {"space": "nb201", "arch": CELL, "build": {"channels": 4, "cells": 1}, "seed": 0}


def test_all_counts_of_an_architecture():
    found = counted({**TASK, "counts": [*MEANINGS]})
    assert set(found["values"]) == {*MEANINGS, *SIZES}
    assert found["reasons"] == {}
    assert found["values"]["linear_regions"] <= counting.BATCH
    assert 1 < found["values"]["tenas_regions"] <= 3000
    assert found["values"]["line_regions"] > 1
    again = counted({**TASK, "counts": ["swap"]})
    assert set(again["values"]) == {"swap", *SIZES}
    assert again["values"]["swap"] == found["values"]["swap"]


def test_what_cannot_be_counted_has_a_reason(monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(counting, "_OWN", {"line_regions": fails})
    found = counted({**TASK, "counts": ["line_regions"]})
    assert "line_regions" not in found["values"]
    assert found["reasons"]["line_regions"].startswith("out_of_memory")


def test_codes_of_a_batch_are_those_of_the_score():
    torch.manual_seed(0)
    model = thin("nb201", CELL, 0)
    batch = digits(64, 1, THIN_SHAPE)
    score = ga.score(
        model,
        batch=(batch.inputs, batch.targets),
        proxies=["linear_regions", "swap"],
        norm="frozen",
        device="cpu",
    )
    own = codes(model, batch.inputs)
    assert distinct(own) == score["linear_regions"].value
    assert distinct(own.T) == score["swap"].value


def test_the_probe_of_te_nas():
    model, inputs = thinnest("nb201", CELL, 3)
    assert inputs.shape == (3000, 1, 3, 3)
    assert model.training
    own = codes(model, inputs)
    assert own.shape[0] == 3000
    assert 1 < distinct(own) <= 3000
    _, wide = thinnest("macro", "00000000", 3)
    assert wide.shape == (3000, 3, 3, 3)


def test_only_units_on_maps_count_where_there_are_any():
    model = torch.nn.Sequential(
        *(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten()),
        *(torch.nn.Linear(2, 5), torch.nn.ReLU()),
    )
    assert codes(model, torch.randn(7, 1, 3, 3)).shape == (7, 2)
    assert codes(model[3:], torch.randn(7, 2)).shape == (7, 5)
    assert distinct(codes(model[2:3], torch.randn(7, 2))) == 1


def test_a_thin_network_is_normalised_by_its_images():
    model = thin("nb201", CELL, 0)
    inputs = digits(16, 0, THIN_SHAPE).inputs
    means = model.stem(inputs).mean((0, 2, 3))
    torch.testing.assert_close(means, torch.zeros(4), rtol=0, atol=1e-4)
    assert not model.training


def test_samples_meet_at_most_the_regions_that_are_there():
    found = sampling.sampled({"arch": "8", "seed": 0})
    for kind in ("line", "plane"):
        seen = found[kind]["codes"]
        assert seen == sorted(seen)
        assert seen[-1] <= found[kind]["exact"]
    assert found["line"]["codes"][-1] == found["line"]["exact"]
    for n, own in zip(sampling.BATCHES, found["batch"]["codes"], strict=True):
        assert own <= n
    assert max(found["batch"]["patterns"]) <= found["units"] == 8


def test_mean_over_lines():
    model = thin("mlp", "16", 0)
    images = digits(4, 0, THIN_SHAPE).inputs
    found = counting.along_lines(model, images, 0.5)
    assert len(found) == 2
    second = regions_on_line(model, images[2], (images[2] + images[3]) / 2)
    assert found[1].activation_regions == second.activation_regions
    expected = np.mean([each.activation_regions for each in found])
    assert counting.mean_regions(found) == expected
