"""`gradalign search`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from tests.cli.commands import SMALL

from gradalign.cli._quantities import parse_count, parse_seconds
from gradalign.errors import InputError
from gradalign.search.samplers import SAMPLERS
from gradalign.store import Store

PLAIN = (*SMALL, "--workers", "1", "--quiet", "--repeats", "1", "--format", "json")

OWN_SPACE = """
import torch
from torch import nn

def build(trial):
    width = trial.suggest_categorical("width", (4, 8, 16))
    kind = trial.suggest_categorical("kind", ("cnn", "transformer"))
    if kind == "cnn":
        kernel = trial.suggest_categorical("kernel", (1, 3))
        return nn.Sequential(
            nn.Conv2d(3, width, kernel, padding=kernel // 2), nn.BatchNorm2d(width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10),
        )
    return Attending(width, trial.suggest_int("heads", 1, 2), trial.suggest_int("depth", 1, 2))

class Attending(nn.Module):
    def __init__(self, width, heads, depth):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 2 * width, batch_first=True)
            for _ in range(depth)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean(1))

def number(trial):
    return trial.suggest_int("width", 1, 9)
"""
OWN = ("--input-size", "8", "--batch-size", "4", "--quiet", "--format", "json")


def stable(document):
    """What does not depend on the clock."""
    return {key: value for key, value in document.items() if key != "seconds"}


def test_the_document_says_what_was_found_and_the_same_command_adds_nothing(gradalign, tmp_path):
    asked = ("search", "nb201", "--budget", "10", "--max-params", "4K", *PLAIN)
    done = gradalign(*asked)
    assert (done.code, done.err) == (0, "")
    best = done.document["best"]
    assert set(best) >= {"arch", "model", "score", "params", "macs", "gradalign_plus"}
    assert best["params"] <= 4000
    assert best["score"] == best["gradalign_plus"]
    assert done.document["evaluations"] == 10
    assert done.document["front"] == [best]
    alone = gradalign(
        "score", best["model"], *SMALL, "--proxies", "gradalign_plus,params", "--format", "json"
    )
    values = {own["proxy"]: own["value"] for own in alone.document["scores"]}
    assert values == {"gradalign_plus": best["score"], "params": best["params"]}
    assert stable(gradalign(*asked).document) == stable(done.document)


def test_table_and_csv(gradalign):
    asked = ("search", "mlp", "--budget", "6", "--input-size", "8", "--batch-size", "4", "--quiet")
    table = gradalign(*asked, "--workers", "1")
    assert table.code == 0
    assert table.out.splitlines()[0].split() == [
        "arch",
        "gradalign_plus",
        "params",
        "macs",
    ]
    assert "6 networks scored of" in table.out
    assert "measured with 3 seeds" in table.out
    csv = gradalign(*asked, "--workers", "1", "--format", "csv")
    assert len(csv.out.splitlines()) == 7


def test_records_and_study_are_in_one_file_that_other_commands_read(gradalign, tmp_path):
    path = tmp_path / "search.db"
    gradalign("search", "nb201", "--budget", "6", "--max-macs", "40K", *PLAIN)
    with Store.read(path) as store:
        frame = store.frame(proxies={"gradalign_plus"})
    assert len(frame) == 6
    (summary,) = optuna.get_all_study_summaries(f"sqlite:///{path}")
    assert summary.study_name.startswith("nb201 evolution seed 0 ")
    assert gradalign("report", "search.db", "--out", "report.html", "--quiet").code in (0, 1)
    assert "gradalign_plus" in (tmp_path / "report.html").read_text()


def test_two_objectives_give_a_front_and_a_page_with_it(gradalign, tmp_path):
    done = gradalign(
        "search", "nb201", "--budget", "16", "--objective", "gradalign_plus,params",
        "--sampler", "nsga2", "--out", "found", *PLAIN,
    )  # fmt: skip
    front = done.document["front"]
    assert len(front) > 1
    params = [own["params"] for own in front]
    scores = [own["gradalign_plus"] for own in front]
    assert params == sorted(params, reverse=True)
    assert scores == sorted(scores, reverse=True)
    page = (tmp_path / "found" / "search.html").read_text()
    assert "Pareto front" in page
    assert "http" not in page.split("plotly.js")[0].replace("http://www.w3.org", "")


def test_a_space_of_ones_own_with_a_limit_two_workers_and_an_export(gradalign, tmp_path):
    (tmp_path / "nets.py").write_text(OWN_SPACE)
    asked = ("search", "nets.py:build", "--budget", "8", "--max-params", "2500", *OWN)
    done = gradalign(*asked, "--out", "found", "--sampler", "random")
    assert done.code == 0, done.err
    best = done.document["best"]
    assert best["params"] <= 2500
    assert best["model"] == f"nets.py:build{best['arch']}"
    assert json.loads(best["arch"])["kind"] in ("cnn", "transformer")
    rebuilt = subprocess.run(
        [sys.executable, str(tmp_path / "found" / "best" / "rebuild.py")],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert rebuilt.returncode == 0, rebuilt.stderr


def test_finalists_are_trained_and_the_best_of_them_wins(gradalign, tmp_path):
    done = gradalign(
        "search", "mlp", "--budget", "6", "--finalists", "3", "--train", "epochs=2,lr=0.05",
        "--input-size", "8", "--batch-size", "8", "--workers", "1", "--quiet", "--format", "json",
    )  # fmt: skip
    assert done.code == 0, done.err
    finalists = done.document["finalists"]
    trained = [own for own in finalists["networks"] if own["status"] == "trained"]
    best = max(trained, key=lambda own: own["val_accuracy"])
    assert done.document["best"]["model"] == finalists["winner"] == best["model"]
    assert best["test_accuracy"] > 30
    assert (tmp_path / "search" / "best" / "weights.pt").is_file()
    names = [
        s.study_name for s in optuna.get_all_study_summaries(f"sqlite:///{tmp_path}/search.db")
    ]
    assert sum("finalists" in name for name in names) == 1


def test_published_accuracies_stand_in_for_training(gradalign):
    done = gradalign(
        "search", "nb201", "--among", "nb201", "--budget", "12", "--finalists", "5",
        "--train", "table:cifar100", *PLAIN,
    )  # fmt: skip
    finalists = done.document["finalists"]
    assert finalists["metric"] == "cifar100"
    assert finalists["epochs"] == 5 * 200
    best = max(finalists["networks"], key=lambda own: own["accuracy"])
    assert done.document["best"]["model"] == best["model"]


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_answer(tmp_path):
    """Started in a process of its own, and killed with all its children."""

    def command(db):
        return [
            Path(sys.executable).with_name("gradalign"), "search", "nb201", "--budget", "24",
            "--db", db, *SMALL, "--quiet", "--format", "json",
        ]  # fmt: skip

    def run(db):
        done = subprocess.run(command(db), cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode in (0, 1), done.stderr  # 1: some of the networks have no gradient
        return stable(json.loads(done.stdout))

    plain = run("plain.db")
    killed = subprocess.Popen(command("killed.db"), cwd=tmp_path, start_new_session=True)
    path = tmp_path / "killed.db"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
        if path.exists() and _scored(path) >= 10:
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert 10 <= _scored(path) < 24 * 4
    again = run("killed.db")
    assert again | {"db": "plain.db"} == plain


def _scored(path):
    try:
        with Store.read(path) as store:
            return len(store)
    except InputError:
        return 0


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (("nb2001",), "unknown space 'nb2001': did you mean"),
        (("nets.py:build",), "no file 'nets.py'"),
        (("own.py:number",), "own.py:number gave a int"),
        (("own.py:missing",), "has no 'missing'"),
        (("nb201", "--sampler", "evolve"), "unknown sampler 'evolve'"),
        (("nb201", "--max-params", "lots"), "number 'lots': write it as"),
        (("nb201", "--max-latency", "5 parsec"), "length of time '5 parsec'"),
        (("nb201", "--max-params", "0"), "a limit of 0 on params"),
        (("nb201", "--max-params", "10"), "params at most 10 excludes 200"),
        (("nb201", "--time", "soon"), "length of time 'soon'"),
        (("nb201", "--objective", "accuracy"), "unknown proxy 'accuracy'"),
        (("nb201", "--latency-table", "hw_nas_bench"), "names no column"),
        (("nb201", "--finalists", "2", "--train", "epochs=x"), "a whole number is needed"),
        (("nb201", "--train", "epochs=2"), "no finalists"),
        (("nb201", "--among", "nb101"), "is of the space 'nb101'"),
        (("nb201", "--address", "127.0.0.1:1"), "--executor ray"),
        (("nb201", "--build", "width=3"), "no option 'width'"),
    ],
)
def test_mistakes_are_one_line(gradalign, tmp_path, asked, complaint):
    (tmp_path / "own.py").write_text(OWN_SPACE)
    done = gradalign(
        "search",
        *asked,
        *SMALL[:4] * ("own.py" not in asked[0] and "nets.py" not in asked[0]),
        "--workers",
        "1",
        "--quiet",
    )
    assert done.code == 2
    assert complaint in done.complaint


def test_numbers_with_units():
    assert [parse_count(t) for t in ("800000", "0.8M", "2k", "1.5G")] == [8e5, 8e5, 2e3, 1.5e9]
    assert [parse_seconds(t) for t in ("5ms", "30", "2 min", "1h")] == pytest.approx(
        [0.005, 30, 120, 3600]
    )


def test_samplers_are_listed(gradalign):
    listed = gradalign("list", "samplers", "--format", "json").document["samplers"]
    assert [own["name"] for own in listed] == list(SAMPLERS)


def test_a_latency_table_with_official_indices(gradalign, tmp_path):
    frame = pd.DataFrame({"nb201_index": [0, 2], "edgegpu_latency": np.array([5.8, 6.5])})
    frame.to_parquet(tmp_path / "latency.parquet")
    done = gradalign(
        "search", "nb201", "--sampler", "random", "--budget", "1", "--max-latency", "6ms",
        "--latency-table", "latency.parquet:edgegpu_latency", *PLAIN,
    )  # fmt: skip
    assert done.code == 2  # two of 15,625: no draw is one of them
    assert "latency at most 0.006 excludes 200" in done.complaint
