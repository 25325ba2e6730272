"""What is scored under a setting, and how its batch differs from the usual one."""

from dataclasses import replace

import pytest
import torch

import gradalign as ga
from gradalign.data import InputSpec, open_source
from gradalign.probe import Probe
from gradalign.studies.sensitivity.conditions import Setting, plain_stacks, varied
from gradalign.studies.sensitivity.measuring import (
    PROXIES_MEASURED,
    VariedBatches,
    measure,
    task_of,
)

OWN = Setting(batch_seed=0, init_seed=0, batch_size=8, build="channels=2,cells=1")
CELL = "nb201:|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
SPEC = InputSpec(num_classes=10, shape=(3, 16, 16))


def batch(setting, seed=0):
    probe = Probe(batch_size=setting.batch_size, input_size=(3, 16, 16))
    return VariedBatches(open_source("digits"), setting).batch(probe, seed, SPEC)


@pytest.mark.parametrize("norm", ["batch_fixed", "identity"])
def test_the_values_are_those_of_score(norm):
    found = measure(task_of(CELL, replace(OWN, norm=norm)))
    scores = ga.score(
        CELL,
        proxies=PROXIES_MEASURED,
        batch_size=8,
        input_size=(3, 16, 16),
        build={"channels": 2, "cells": 1},
        norm=norm,
        dtype="float32",
        device="cpu",
    )
    assert found["values"] == pytest.approx({each.proxy: each.value for each in scores})
    assert 0 < found["pass_seconds"] <= found["seconds"]
    assert found["reasons"] == {}


def test_batch_and_initialisation_have_seeds_of_their_own():
    def value(**changes):
        return measure(task_of(CELL, replace(OWN, **changes)))["values"]["gradalign_i_mean"]

    assert value() == value()
    assert len({value(), value(batch_seed=1), value(init_seed=1)}) == 3


def test_permuted_labels_are_the_same_ones_on_the_same_images():
    plain, mixed = batch(OWN), batch(replace(OWN, wrong_labels=1.0))
    assert torch.equal(plain.inputs, mixed.inputs)
    assert torch.equal(plain.targets.sort().values, mixed.targets.sort().values)
    assert not torch.equal(plain.targets, mixed.targets)
    half = batch(replace(OWN, wrong_labels=0.5))
    assert int((half.targets != plain.targets).sum()) <= 4


def test_samples_of_one_class_and_copies_of_one_image():
    single = batch(replace(OWN, selected="one class"))
    assert len(single) == 8
    assert len(single.targets.unique()) == 1
    copied = batch(replace(OWN, selected="one image"))
    assert torch.equal(copied.inputs, copied.inputs[:1].expand_as(copied.inputs))
    assert torch.equal(copied.targets, batch(OWN).targets)


@pytest.mark.parametrize("images", [None, "npz:images.npz"])
def test_every_condition_has_a_name_of_its_own(images):
    found = varied(0, {"channels": 16, "cells": 5}, images)
    keys = [each.key for each in found]
    assert len(set(keys)) == len(keys)
    assert keys[0] == "reference"
    assert len({each.setting for each in found}) == len(found)
    assert any("natural" in key for key in keys) == (images is not None)
    assert len({each.key for each in plain_stacks(0)}) == 5


def test_a_space_without_width_and_depth_has_no_copies():
    factors = {each.factor for each in varied(0, {}, None)}
    assert not factors & {"width", "depth"}
