import math

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats
from tests.engine import oracles
from tests.proxies.build import build, random_measured

import gradalign as ga
from gradalign.batch import Batch
from gradalign.engine._conditions import Conditions
from gradalign.engine._gradient import Workspace
from gradalign.engine._prepare import prepared
from gradalign.engine.collectors.block_features import block_gains, block_spectra
from gradalign.errors import UndefinedScore
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.proxies.az_nas import az_expressivity, az_progressivity, az_trainability
from gradalign.statistics import Statistics

NAMES = ("az_expressivity", "az_progressivity", "az_trainability")


def statistics(spectra=None, gains=None):
    values = {}
    if spectra is not None:
        values["block_spectra"] = tuple(torch.tensor(s, dtype=torch.float64) for s in spectra)
    if gains is not None:
        values["block_gains"] = torch.tensor(gains, dtype=torch.float64)
    return Statistics(n=2, blocks=(), values=values)


def test_by_hand():
    # Entropies: 0, log 4 and log 2. Their sum is log 8, their differences log 4 and -log 2.
    stats = statistics(spectra=[[0, 3], [1, 1, 1, 1], [5, 5, 0]])
    assert az_expressivity(stats) == pytest.approx(math.log(8), abs=1e-6)
    assert az_progressivity(stats) == pytest.approx(-math.log(2), abs=1e-6)
    # -4 - 1/4 + 2 = -2.25 and -1/2 - 2 + 2 = -0.5
    assert az_trainability(statistics(gains=[4.0, 0.5])) == pytest.approx(-1.375, abs=1e-5)


def test_the_smallest_step_may_be_the_first():
    # Entropies: log 4, 0 and log 2: differences -log 4 and log 2.
    stats = statistics(spectra=[[1, 1, 1, 1], [0, 3], [5, 5, 0]])
    assert az_progressivity(stats) == pytest.approx(-math.log(4), abs=1e-6)


def test_a_block_that_lets_nothing_pass_has_the_authors_value():
    assert az_trainability(statistics(gains=[0.0])) == pytest.approx(2 - 1e6)


def test_against_scipy():
    stats = build(random_measured(6))
    entropies = [scipy_stats.entropy(s.clamp_min(0)) for s in stats.tensors("block_spectra")]
    assert az_expressivity(stats) == pytest.approx(sum(entropies), abs=1e-6)
    assert az_progressivity(stats) == pytest.approx(min(np.diff(entropies)), abs=1e-6)


def test_constant_features_and_identities_have_no_value():
    for function in (az_expressivity, az_progressivity):
        with pytest.raises(UndefinedScore, match="does not vary"):
            function(statistics(spectra=[[1, 1], [0, 0]]))
    with pytest.raises(UndefinedScore, match="unchanged") as raised:
        az_trainability(statistics(gains=[1.0, math.nan]))
    assert raised.value.status == "inf"


@pytest.mark.data
@pytest.mark.parametrize("suffix", ["", "_data"])
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_values(net, suffix):
    arrays = np.load(oracles.folder() / "inputs.npz")
    inputs = arrays["x16" if suffix else "noise_a"]
    saved = np.load(oracles.folder() / f"rademacher_{net}.npz")
    probe = Probe(norm="batch")
    with prepared(oracles.network(net), probe) as ready:
        batch = Batch(torch.from_numpy(inputs).double())
        conditions = Conditions(ready, batch, probe, None, Workspace(1 << 28))
        values = {
            "block_spectra": block_spectra(conditions),
            "block_gains": block_gains(
                conditions, lambda k, feature: torch.from_numpy(saved[f"g{k}"]).to(feature)
            ),
        }
    stats = Statistics(n=16, blocks=(), values=values)
    for name in NAMES:
        if f"{name}{suffix}" in oracles.expected()[net]:
            expected, tolerance = oracles.value(net, f"{name}{suffix}")
            assert PROXIES[name](stats=stats).value == pytest.approx(expected, rel=tolerance), name


def test_signs_depend_on_the_seed_and_on_nothing_else():
    arch = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    options = {"batch_size": 3, "build": {"channels": 2, "cells": 1}}

    def value(proxies, seed=0):
        found = ga.score(f"nb201:{arch}", proxies=proxies, seed=seed, **options)
        return found["az_trainability"].value

    alone = value("az_trainability")
    assert alone is not None
    assert value("az_trainability,grad_norm,zen,synflow") == alone
    assert value("az_trainability", seed=1) != alone
