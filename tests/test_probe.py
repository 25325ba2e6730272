import dataclasses
import os
import subprocess
import sys
from itertools import combinations
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradalign import probe as probe_module
from gradalign.errors import InputError
from gradalign.probe import NormMode, Objective, Probe, WeightState

CHANGED = {
    "data": "noise",
    "batch_size": 33,
    "part": 1,
    "input_size": (3, 32, 32),
    "objective": "logit_sum",
    "loss": "hinge",
    "weights": "absolute",
    "norm": "sample",
    "dtype": "float64",
    "params": "all",
    "build": (("stem_channels", "16"),),
    "num_classes": 100,
}

probes = st.builds(
    Probe,
    data=st.sampled_from(["digits", "noise", "npz:a.npz"]),
    batch_size=st.integers(1, 5),
    part=st.integers(0, 2),
    input_size=st.none() | st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    objective=st.sampled_from(get_args(Objective)),
    weights=st.sampled_from(get_args(WeightState)),
    norm=st.sampled_from(get_args(NormMode)),
    dtype=st.sampled_from([None, "float32", "float64"]),
    params=st.sampled_from(["default", "all"]),
)


def test_the_table_of_changes_names_every_condition():
    assert {*CHANGED} == {field.name for field in dataclasses.fields(Probe)}


@given(first=probes, second=probes)
def test_equal_conditions_and_only_they_have_equal_protocols(first, second):
    assert (first.protocol == second.protocol) == (first == second)
    assert dataclasses.replace(first).protocol == first.protocol


def test_every_condition_counts():
    protocols = {Probe().protocol: "nothing"}
    for field, value in CHANGED.items():
        changed = Probe().with_(**{field: value})
        assert getattr(changed, field) == value
        assert changed.protocol not in protocols, f"{field} like {protocols[changed.protocol]}"
        protocols[changed.protocol] = field
    for first, second in combinations(CHANGED, 2):
        both = Probe(**{first: CHANGED[first], second: CHANGED[second]})
        assert both.protocol not in protocols


def test_the_order_in_which_conditions_are_named_does_not_count():
    forward = Probe(**CHANGED)
    backward = Probe(**dict(reversed(CHANGED.items())))
    assert forward.protocol == backward.protocol
    assert forward == backward


def test_a_protocol_is_twelve_hexadecimal_digits():
    assert len(Probe().protocol) == 12
    assert Probe().protocol == f"{int(Probe().protocol, 16):012x}"


def test_other_definitions_are_another_protocol(monkeypatch):
    before = Probe().protocol
    monkeypatch.setattr(probe_module, "DEFINITIONS_VERSION", probe_module.DEFINITIONS_VERSION + 1)
    assert Probe().protocol != before
    assert Probe().to_dict()["definitions"] == probe_module.DEFINITIONS_VERSION


def test_a_protocol_is_the_same_in_every_process():
    code = f"from gradalign.probe import Probe; print(Probe(**{CHANGED!r}).protocol)"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    printed = {process.communicate(timeout=120)[0].strip() for process in running}
    assert printed == {Probe(**CHANGED).protocol}


def test_seed_and_device_are_no_conditions():
    assert not {"seed", "device", "repeats"} & {*Probe().to_dict()}


def test_to_dict_names_every_condition():
    assert Probe(**CHANGED).to_dict() == {
        **CHANGED,
        "definitions": probe_module.DEFINITIONS_VERSION,
    }


def test_a_probe_is_immutable():
    probe = Probe()
    with pytest.raises(dataclasses.FrozenInstanceError):
        probe.norm = "sample"
    changed = probe.with_(norm="sample", batch_size=8)
    assert (changed.norm, changed.batch_size) == ("sample", 8)
    assert probe == Probe()


def test_equal_probes_are_one_key():
    assert {Probe(**CHANGED): 1}[Probe(**CHANGED)] == 1


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"norm": "layer"}, "unknown norm 'layer': choose from batch_fixed, sample, batch"),
        ({"objective": "accuracy"}, "unknown objective 'accuracy': choose from loss, logit_sum"),
        ({"weights": "trained"}, "unknown weights 'trained': choose from given, absolute"),
        ({"dtype": "int8"}, "unknown dtype 'int8': choose from float32, float64"),
        ({"dtype": torch.float32}, "unknown dtype torch.float32"),
        ({"norm": None}, "unknown norm None"),
        ({"batch_size": 0}, "batch size 0: at least 1 sample"),
        ({"batch_size": -4}, "batch size -4: at least 1 sample"),
    ],
)
def test_impossible_conditions_are_refused(conditions, message):
    for make in (Probe, Probe().with_):
        with pytest.raises(InputError, match=message) as caught:
            make(**conditions)
        assert "\n" not in str(caught.value)


def test_a_condition_that_does_not_exist_is_a_programming_error():
    with pytest.raises(TypeError, match="speed"):
        Probe().with_(speed=1)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(None, None), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_the_type_is_known_to_torch(name, dtype):
    assert Probe(dtype=name).torch_dtype == dtype
