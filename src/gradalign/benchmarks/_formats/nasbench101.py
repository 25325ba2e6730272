"""The records of NAS-Bench-101: one training of one module each, a JSON list in a TFRecord.

    [module hash, epochs, adjacency row by row as 0s and 1s, operations between commas, metrics]

The metrics are the base64 text of a protobuf message. Source: google-research/nasbench, `api.py`
and `lib/model_metrics.proto`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from array import array
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.benchmarks._formats.files import damaged
from gradalign.benchmarks._formats.plain_json import parse_json
from gradalign.benchmarks._formats.protobuf import WireError, double, fields, integer, submessage
from gradalign.benchmarks._formats.tfrecord import read_records

EVALUATION, PARAMETERS = 1, 2
"""Fields of a ModelMetrics."""

SECONDS, VALIDATION, TEST = 2, 4, 5
"""Fields of an EvaluationData; others are left unread."""

LONGEST_TRAINING = 10_000


class _Training(NamedTuple):
    """One record; accuracies are fractions."""

    form: str
    epochs: int
    adjacency: str
    operations: str
    params: int
    test: float
    validation: float
    seconds: float


def read_nasbench101(path: Path) -> pd.DataFrame:
    """One row a module, in the order of the file, which is read record by record.

    Returns:
        Columns `hash`, `arch` (JSON of matrix and ops), `params`, and for each budget of E epochs
        `test_accuracy_E` and `validation_accuracy_E` (percent), `training_seconds_E`, means over
        the `repeats_E` trainings, all at their end; `test_accuracy` and `validation_accuracy`
        repeat those of the largest budget.

    Raises:
        InputError: A damaged file, or one of other records.
    """
    modules: dict[str, int] = {}  # row of each hash
    archs: list[str] = []
    params, rows, epochs, values = array("q"), array("q"), array("q"), array("d")
    for number, record in enumerate(read_records(path), start=1):
        training = _training(record, number, path)
        row = modules.setdefault(training.form, len(modules))
        if row == len(archs):
            archs.append(_arch(training, number, path))
            params.append(training.params)
        elif training.params != params[row]:
            raise damaged(path, f"gives module {training.form} two numbers of parameters")
        rows.append(row)
        epochs.append(training.epochs)
        values.extend((100 * training.test, 100 * training.validation, training.seconds))
    fixed = pd.DataFrame({"hash": list(modules), "arch": archs, "params": np.array(params)})
    return fixed.join(_means(np.array(rows), np.array(epochs), np.array(values).reshape(-1, 3)))


def module_json(adjacency: str, operations: str) -> str:
    """A module as the published API takes it: JSON of `matrix` and `ops`, without spaces.

    Args:
        adjacency: The square matrix row by row, 0s and 1s.
        operations: Names between commas, one a vertex.

    Raises:
        ValueError: Not so.

    Example:
        >>> module_json("0100", "input,output")
        '{"matrix":[[0,1],[0,0]],"ops":["input","output"]}'
    """
    ops = operations.split(",")
    size = len(ops)
    if len(adjacency) != size * size or not set(adjacency) <= {"0", "1"}:
        raise ValueError(f"no {size} x {size} matrix of 0s and 1s")
    bits = [int(bit) for bit in adjacency]
    matrix = [bits[start : start + size] for start in range(0, size * size, size)]
    return json.dumps({"matrix": matrix, "ops": ops}, separators=(",", ":"))


def _means(
    rows: NDArray[np.int64], epochs: NDArray[np.int64], values: NDArray[np.float64]
) -> pd.DataFrame:
    """Means over the repeats of each row at each budget.

    Args:
        rows: Row of each training in the result, [trainings].
        epochs: Its budget, [trainings].
        values: What was measured, [trainings, 3].
    """
    names = ["test_accuracy", "validation_accuracy", "training_seconds"]
    groups = pd.DataFrame(values, columns=names).groupby([rows, epochs])
    means = groups.mean().assign(repeats=groups.size()).unstack()
    budgets = sorted(set(epochs.tolist()))
    columns = {
        f"{name}_{budget}": means[name, budget]
        for budget in budgets
        for name in (*names, "repeats")
    }
    largest = {name: means[name, budgets[-1]] for name in names[:2]}
    return pd.DataFrame({**largest, **columns})


def _training(record: bytes, number: int, path: Path) -> _Training:
    """What one record says.

    Raises:
        InputError: It is no record of NAS-Bench-101.
    """
    content = parse_json(record, path)
    match content:
        case [str(form), int(epochs), str(adjacency), str(operations), str(metrics)] if (
            0 < epochs <= LONGEST_TRAINING
        ):
            pass
        case _:
            raise damaged(path, f"holds no module of NAS-Bench-101 in record {number}")
    try:
        params, last = _metrics(base64.b64decode(metrics.replace("\n", ""), validate=True))
    except (ValueError, binascii.Error) as fault:
        raise damaged(path, f"is damaged in record {number} ({fault})") from None
    accuracies = last[TEST], last[VALIDATION]
    return _Training(form, epochs, adjacency, operations, params, *accuracies, last[SECONDS])


def _arch(training: _Training, number: int, path: Path) -> str:
    try:
        return module_json(training.adjacency, training.operations)
    except ValueError as fault:
        raise damaged(path, f"holds {fault} in record {number}") from None


def _metrics(message: bytes) -> tuple[int, dict[int, float]]:
    """Trainable parameters, and the last evaluation's fields by number."""
    params, last = 0, b""
    for number, wire, value in fields(message):
        if number == EVALUATION:
            last = submessage(value, wire)
        elif number == PARAMETERS:
            params = integer(value, wire)
    found = {
        number: double(value, wire)
        for number, wire, value in fields(last)
        if number in (SECONDS, VALIDATION, TEST)
    }
    for number in (VALIDATION, TEST):
        if not 0 <= found.get(number, math.nan) <= 1:
            raise WireError("an evaluation has no accuracy between 0 and 1")
    if not 0 <= found.get(SECONDS, math.nan) < math.inf:
        raise WireError("an evaluation has no training time")
    return params, found
