"""Small files in the formats that benchmarks are published in, by encoders of their own."""

from __future__ import annotations

import base64
import json
import pickle
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO

import pandas as pd

from gradalign.benchmarks import Benchmark, _cache, get_benchmark
from gradalign.benchmarks._published import PUBLISHED

MODULES = {
    "28cfc7874f6d200472e1a9dcd8650aa0": ("011001000", "input,conv3x3-bn-relu,output"),
    "28cfc7874f6d200472e1a9dcd8650aa1": (
        "0110001100010000",
        "input,conv1x1-bn-relu,maxpool3x3,output",
    ),
}
"""Adjacency and operations by a hash, which is made up."""

BUDGETS = (4, 108)
REPEATS = 3

CELLS = (
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|skip_connect~2|",
)

GENOTYPES = tuple(
    "Genotype("
    f"normal=[('{op}', 0), ('skip_connect', 1), ('{op}', 0), ('none', 2), ('max_pool_3x3', 1), "
    "('dil_conv_3x3', 0), ('sep_conv_3x3', 4), ('skip_connect', 0)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('none', 0), ('dil_conv_5x5', 0), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('dil_conv_5x5', 2), ('sep_conv_5x5', 3), ('skip_connect', 4)], "
    "reduce_concat=[2, 3, 4, 5])"
    for op in ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3")
)


def crc32c(data: bytes) -> int:
    """Bit by bit, as the definition has it."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32)


def tfrecord(records: Iterable[bytes]) -> bytes:
    frames = []
    for record in records:
        length = struct.pack("<Q", len(record))
        frames += [length, masked(length), record, masked(record)]
    return b"".join(frames)


def varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def field(number: int, value: float | int | bytes) -> bytes:
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def evaluation(epoch: float, seconds: float, train: float, validation: float, test: float) -> bytes:
    doubles = (epoch, seconds, train, validation, test)
    known = b"".join(field(number, value) for number, value in enumerate(doubles, start=1))
    return known + field(6, b"model.ckpt-7") + field(9, b"2022-05-29") + field(7, 1.5)


def metrics(test: float, epochs: int, params: int) -> bytes:
    """Evaluations at the start, half-way and at the end; validation is 0.01 above test."""
    evaluations = [
        evaluation(epochs * part, 10.0 * epochs * part, 0.9, part * (test + 0.01), part * test)
        for part in (0.0, 0.5, 1.0)
    ]
    return b"".join(field(1, each) for each in evaluations) + field(2, params) + field(3, 99.0)


def nb101_record(form: str, epochs: int, adjacency: str, operations: str, message: bytes) -> bytes:
    encoded = base64.encodebytes(message).decode()
    return json.dumps([form, epochs, adjacency, operations, encoded]).encode()


def nb101_test(module: int, budget: int, repeat: int) -> float:
    """Test accuracy of a training in `nb101`, a fraction."""
    return 0.5 + 0.1 * module + budget / 1000 + repeat / 100


def nb101_records() -> list[bytes]:
    return [
        nb101_record(
            form,
            budget,
            adjacency,
            operations,
            metrics(nb101_test(module, budget, repeat), budget, 1000 + module),
        )
        for module, (form, (adjacency, operations)) in enumerate(MODULES.items())
        for budget in BUDGETS
        for repeat in range(REPEATS)
    ]


def nb101() -> bytes:
    return tfrecord(nb101_records())


def nats_bench() -> bytes:
    header = (
        "CIFAR10TestAccuracy200Epochs,CIFAR100TestAccuracy200Epochs,ImageNetTestAccuracy200Epochs,"
        "ArchitectureString,UniqueString"
    )
    rows = [f"{80.1234567 + k},{50.5 + k},{30.25 + k},{cell},text" for k, cell in enumerate(CELLS)]
    return "\n".join([header, *rows, ""]).encode()


def darts1000() -> bytes:
    rows = (f'"{genotype}",{85 + k / 4}' for k, genotype in enumerate(GENOTYPES))
    return "\n".join([*rows, ""]).encode()


def nb_macro_record(accuracy: float) -> dict[str, object]:
    runs = [accuracy - 1, accuracy, accuracy + 1]
    return {"test_acc": runs, "mean_acc": accuracy, "std": 1.0, "params": 387882, "flops": 7713280}


def nb_macro() -> bytes:
    archs = ("00000000", "02012100", "22222222")
    return json.dumps({a: nb_macro_record(45.5 + k) for k, a in enumerate(archs)}).encode()


def cell_net(op: str, depth: int = 8, *, aux: bool = True) -> dict[str, object]:
    edges = [[op, 0], ["skip_connect", 1], [op, 0], ["max_pool_3x3", 2]]
    genotype = {"normal": edges, "normal_concat": [2, 3], "reduce": edges, "reduce_concat": [2, 3]}
    return {"genotype": genotype, "width": 16, "depth": depth, "aux": aux, "drop_prob": 0.1}


def any_net(depth: int) -> dict[str, object]:
    return {
        "block_type": "res_bottleneck_block",
        "ds": [1, depth, 2],
        "ws": [32, 64, 256],
        "ss": [1, 2, 2],
        "bot_muls": [1.0, 0.5, 0.25],
        "num_gs": [1, 2, 4],
    }


def nds_model(net: dict[str, object], error: float, rate: float = 0.1) -> dict[str, object]:
    return {
        "net": net,
        "optim": {"base_lr": rate, "wd": 5e-4, "max_ep": 2},
        "rng_seed": 1,
        "test_ep_top1": [90.0, error],
        "train_ep_top1": [91.0, error / 2],
        "params": 1e6 + error,
        "flops": 2e6,
    }


def nds_cells() -> list[dict[str, object]]:
    """Two networks, the first of which was trained twice."""
    first = cell_net("sep_conv_3x3")
    return [
        nds_model(first, 8.0),
        nds_model(cell_net("sep_conv_5x5"), 7.0),
        nds_model(first, 6.0, rate=0.2),
    ]


def nds_stages() -> dict[str, list[dict[str, object]]]:
    return {"top": [nds_model(any_net(2), 6.5)], "mid": [nds_model(any_net(4), 9.5)]}


def nds(path: Path | IO[bytes]) -> None:
    """The archive at `path`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("nds_data/README.txt", "not a table")
        archive.writestr("nds_data/DARTS.json", json.dumps(nds_cells()))
        archive.writestr("nds_data/DARTS_lr-wd.json", json.dumps(nds_cells()))
        archive.writestr("nds_data/ResNeXt-A_in.json", json.dumps(nds_stages()))


def suite_zero_record(accuracy: float, **scores: float) -> dict[str, object]:
    found = {name: {"score": score, "time": 0.5} for name, score in scores.items()}
    return {"id": 7, **found, "val_accuracy": accuracy}


def suite_zero_nb201() -> bytes:
    document = {
        "cifar10": {
            "(4, 3, 3, 0, 0, 0)": suite_zero_record(81.5, first=1.5, second=-2.0),
            "(1, 1, 1, 1, 2, 0)": suite_zero_record(10.0, first=0.5),
        },
        "ImageNet16-120": {"(4, 3, 3, 0, 0, 0)": suite_zero_record(26.0, first=3.5)},
    }
    return json.dumps(document).encode()


def hw_nas_bench() -> bytes:
    """Latencies by official index; 0 and 2 are among the embedded cells."""
    return b"nb201_index,edgegpu_latency,fpga_energy\n0,5.8,18.01\n2,6.5,37.0\n"


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.mark,)


def pickled(mark: Path) -> bytes:
    return pickle.dumps(Runs(mark))


def stored(name: str, published: str, table: pd.DataFrame) -> Benchmark:
    """The benchmark after its table was put into the cache, which a test must have moved away."""
    origin = _cache.Origin(place="a test", sha256="0" * 64)
    _cache.store_tables(PUBLISHED[published], {name: table}, origin)
    return replace(get_benchmark(name))  # anew, for a benchmark keeps the table it has read
