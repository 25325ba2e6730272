"""`gradalign evaluate`."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import get_benchmark
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.record import Score, Scores
from gradalign.store import Store

DATA = os.environ.get("GRADALIGN_DATA")

ROWS = 40

TWICE = "model,proxy,seed,value\nnb201:a,p,0,1\nnb201:a,p,0,2\n"


@pytest.fixture
def table():
    return get_benchmark("nb201").frame.head(ROWS)


@pytest.fixture
def wide(table, tmp_path):
    """Scores in the wide form: one that is the accuracy itself, and one turned round."""
    frame = pd.DataFrame({"arch": table["arch"], "perfect": table["cifar10"]})
    frame["conflict_fraction"] = -table["cifar10"]
    frame.to_csv(tmp_path / "wide.csv", index=False)
    return frame


def test_json_has_the_documented_keys_and_right_values(gradalign, wide):
    done = gradalign("evaluate", "wide.csv", "--benchmark", "nb201", "--format", "json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert (document["benchmark"], document["metric"], document["n"]) == ("nb201", "cifar10", ROWS)
    rows = {row["proxy"]: row for row in document["rows"]}
    keys = {
        "proxy",
        "kendall_tau",
        "kendall_tau_ci",
        "spearman_rho",
        "top10_tau",
        "partial_tau",
        "selected_accuracy",
        "coverage",
        "seconds",
    }
    assert all(keys <= set(row) for row in rows.values())
    assert rows["perfect"]["kendall_tau"] == pytest.approx(1)
    assert rows["conflict_fraction"]["kendall_tau"] == pytest.approx(1)  # lower is better
    assert 0 < rows["training, 12 epochs"]["kendall_tau"] < 1
    assert set(rows["perfect"]["selected_accuracy"]) == {"10", "100", "1000"}


def test_long_parquet_and_another_metric(gradalign, table, tmp_path):
    long = pd.DataFrame(
        {"model": "nb201:" + table["arch"], "proxy": "p", "value": table["cifar100"]}
    )
    long.to_parquet(tmp_path / "long.parquet")
    options = ("--benchmark", "nb201", "--metric", "cifar100", "--format", "csv")
    frame = pd.read_csv(io.StringIO(gradalign("evaluate", "long.parquet", *options).out))
    assert frame.set_index("proxy").loc["p", "kendall_tau"] == pytest.approx(1)


def test_a_table_of_ones_own(gradalign, wide, tmp_path):
    own = wide[["arch"]].assign(error=range(ROWS))
    own.to_csv(tmp_path / "truth.csv", index=False)
    done = gradalign("evaluate", "wide.csv", "--benchmark", "truth.csv", "--format", "json")
    assert (done.document["metric"], done.document["n"]) == ("error", ROWS)


def test_the_table_explains_itself(gradalign, wide):
    done = gradalign("evaluate", "wide.csv", "--benchmark", "nb201")
    assert done.code == 0
    assert "training, 12 epochs: costs 12 of 200 epochs" in done.out
    assert "Kendall's tau-b" in done.out


def test_what_score_writes_can_be_evaluated(gradalign, table, tmp_path):
    models = ["nb201:" + arch for arch in table["arch"].head(4)]
    small = ("--build", "channels=2", "--build", "cells=1", "--input-size", "8")
    options = ("--proxies", "params,macs,layers", "--format", "csv", "--batch-size", "2")
    (tmp_path / "scores.csv").write_text(gradalign("score", *models, *small, *options).out)
    done = gradalign("evaluate", "scores.csv", "--benchmark", "nb201", "--format", "json")
    assert {row["proxy"] for row in done.document["rows"]} >= {"params", "macs", "layers"}


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("absent.csv", None, (), "no file"),
        ("scores.txt", "x", (), "neither a store nor .csv nor .parquet"),
        ("absent.db", None, (), "absent.db"),
        ("broken.db", "no store", (), "broken.db"),
        ("empty.csv", "", (), "cannot be read"),
        ("broken.parquet", "PAR1 no more", (), "cannot be read"),
        ("columns.csv", "a,b\n1,2\n", (), "found: a, b"),
        ("text.csv", "arch,score\nx,high\n", (), "no column of numbers"),
        ("strange.csv", "arch,p\nx,1\ny,2\nz,3\n", (), "no scored network"),
        ("wide.csv", None, ("--metric", "cifar11"), "no metric 'cifar11'"),
        ("wide.csv", None, ("--benchmark", "nb202"), "did you mean 'nb201'"),
        ("wide.csv", None, ("--benchmark", "absent.csv"), "no file 'absent.csv'"),
        ("wide.csv", None, ("--space", "macro"), "of the space 'nb201', not 'macro'"),
        ("wide.csv", None, ("--protocol", "p0"), "no column 'protocol': leave out --protocol"),
        ("wide.csv", None, ("--combine", "both=params+macs"), "'both' combines 'params'"),
        ("wide.csv", None, ("--combine", "both:params"), "unknown aggregate"),
        ("other.csv", "model,proxy,value\nmacro:00000000,p,1\n", (), "of the space 'nb201'"),
        ("twice.csv", TWICE, (), "has 'p' of 'nb201:a' twice for seed 0"),
    ],
)
def test_bad_input_is_one_line(gradalign, wide, tmp_path, name, content, options, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    done = gradalign("evaluate", name, "--benchmark", "nb201", *options)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint


def test_low_values_wanted_are_refused(gradalign, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path))
    scores = tmp_path / "scores.csv"
    scores.write_text("arch,mine\na,1\nb,2\nc,3\n")
    run = gradalign("evaluate", str(scores), "--benchmark", "hw_nas_bench")
    assert run.code == 2
    assert "low values of 'edgegpu_latency' in 'hw_nas_bench' are wanted" in run.err


@pytest.fixture
def store(table, tmp_path):
    """Scores that are the accuracy with noise, for two seeds; one network failed."""
    generator = np.random.default_rng(0)
    records = []
    for proxy, noise in zip(PROXIES, range(1, 1 + len(PROXIES)), strict=True):
        for seed in (0, 1):
            values = table["cifar10"] + noise * generator.normal(size=ROWS)
            records += [
                Score(model=f"nb201:{arch}", proxy=proxy, value=value, seed=seed, protocol="p0")
                for arch, value in zip(table["arch"], values, strict=True)
            ]
    gone = {"value": None, "status": "timeout", "reason": "too slow"}
    records[:1] = [Score(**{**vars(records[0]), **gone})]
    path = tmp_path / "scores.store"  # a store by its content
    with Store.open(path) as opened:
        opened.add(Scores(records, {"p0": {"norm": "batch_fixed"}}))
    return path


PROXIES = (
    *AGGREGATES["gradalign_rank_sum"].members,
    "gradalign_plus_ablation",
    "live_layers",
    "params",
    "macs",
    "layers",
)


def test_a_store(gradalign, store):
    options = ("--benchmark", "nb201", "--combine", "both=params+macs")
    document = gradalign("evaluate", str(store), *options, "--format", "json").document
    rows = {row["proxy"]: row for row in document["rows"]}
    assert {*rows} == {*PROXIES, "gradalign_rank_sum", "both", "training, 12 epochs"}
    assert {row["seeds"] for name, row in rows.items() if name in PROXIES} == {2}
    assert rows["params"]["tau_sd_over_seeds"] > 0
    new = {"weighted_tau", "ndcg10", "precision5", "partial_tau_ci"}
    assert all(row[name] is not None for row in rows.values() for name in new)
    assert document["baselines"]["oracle"]["10"] > document["baselines"]["random"]["10"]
    assert len(document["differences"]) == len(rows) * (len(rows) - 1) // 2


def test_what_the_table_shows_is_in_the_document(gradalign, store):
    options = ("--benchmark", "nb201", "--combine", "both=params+macs")
    document = gradalign("evaluate", str(store), *options, "--format", "json").document
    out = gradalign("evaluate", str(store), *options).out
    parts = {part.split()[0]: part for part in out.split("\n\n") if part.strip()}
    cells = {
        name: {line.split("  ")[0].strip(): line for line in parts[name].splitlines()}
        for name in ("proxy", "selection", "gain")
    }
    for row in document["rows"]:
        line = cells["proxy"][row["proxy"]]
        for key in ("kendall_tau", "spearman_rho", "weighted_tau", "ndcg10", "partial_tau"):
            assert f"{row[key]:.3f}" in line
        assert "{:.3f} to {:.3f}".format(*row["kendall_tau_ci"]) in line
        assert "{:.3f} to {:.3f}".format(*row["partial_tau_ci"]) in line
        line = cells["selection"][row["proxy"]]
        assert "{:.2f} ±{:.2f}".format(*row["selected_accuracy"]["10"]) in line
        assert line.split()[-2:] == [f"{row['picked']:.2f}", f"{row['regret']:.2f}"]
    for title, name in (("random choice", "random"), ("oracle", "oracle")):
        expected = "{:.2f} ±{:.2f}".format(*document["baselines"][name]["10"])
        assert expected in cells["selection"][title]
    assert "best of 100" not in out  # the pool has 40 networks


def test_ties_with_the_best_and_gains_over_ablations(gradalign, store):
    document = gradalign(
        "evaluate", str(store), "--benchmark", "nb201", "--format", "json"
    ).document
    out = gradalign("evaluate", str(store), "--benchmark", "nb201").out
    pairs = {frozenset((p["proxy_a"], p["proxy_b"])): p for p in document["differences"]}
    scores = [row["proxy"] for row in document["rows"] if row["cost"] is None]
    for row in document["rows"]:
        line = next(line for line in out.splitlines() if line.startswith(row["proxy"] + " "))
        pair = pairs.get(frozenset((scores[0], row["proxy"])))
        near = row["proxy"] == scores[0] or pair["p_holm"] >= 0.05
        assert ("*" in line) == (near and row["proxy"] in scores)
    pair = pairs[frozenset(("gradalign_plus", "gradalign_plus_ablation"))]
    sign = 1 if pair["proxy_a"] == "gradalign_plus" else -1
    gain = out[out.index("gain of") :]
    line = next(x for x in gain.splitlines() if x.startswith("gradalign_plus "))
    assert f"{sign * pair['difference']:.3f}" in line


def test_several_protocols_are_told_apart(gradalign, store, table):
    records = [
        Score(model=f"nb201:{arch}", proxy="params", value=float(k), seed=0, protocol="p1")
        for k, arch in enumerate(table["arch"])
    ]
    with Store.open(store) as opened:
        opened.add(Scores(records, {"p1": {"norm": "sample"}}))
    done = gradalign("evaluate", str(store), "--benchmark", "nb201")
    assert done.code == 2
    assert "p0, p1" in done.complaint
    assert "--protocol" in done.complaint
    options = ("--benchmark", "nb201", "--protocol", "p1", "--format", "json")
    document = gradalign("evaluate", str(store), *options).document
    (row,) = [row for row in document["rows"] if row["cost"] is None]
    assert row["kendall_tau"] == pytest.approx(kendall_tau(range(ROWS), table["cifar10"]))


def test_scores_of_other_spaces_are_left_out(gradalign, store):
    others = [
        Score(model=f"macro:0000000{k}", proxy="params", value=1.0, seed=0, protocol="p1")
        for k in range(3)
    ]
    with Store.open(store) as opened:
        opened.add(Scores(others, {"p1": {"norm": "sample"}}))
    done = gradalign("evaluate", str(store), "--benchmark", "nb201", "--format", "json")
    assert done.code == 0
    assert done.document["n"] == ROWS


def test_what_report_prints_can_be_evaluated(gradalign, store, tmp_path):
    (tmp_path / "report.csv").write_text(
        gradalign("report", str(store), "--format", "csv", "--quiet").out
    )
    options = ("--benchmark", "nb201", "--format", "json")
    ours, theirs = (
        gradalign("evaluate", name, *options).document for name in ("report.csv", str(store))
    )
    for own, other in zip(ours["rows"], theirs["rows"], strict=True):
        assert {**own, "seconds": 0} == {**other, "seconds": 0}


def test_an_architecture_of_digits_keeps_its_zeros(gradalign, tmp_path):
    archs = ["00000001", "00000010", "00000100"]
    pd.DataFrame({"arch": archs, "mine": [1, 2, 3]}).to_csv(tmp_path / "mine.csv", index=False)
    pd.DataFrame({"arch": archs, "acc": [3, 2, 1]}).to_csv(tmp_path / "truth.csv", index=False)
    for space in ((), ("--space", "macro")):
        options = ("--benchmark", "truth.csv", *space, "--format", "json")
        document = gradalign("evaluate", "mine.csv", *options).document
        assert (document["n"], document["rows"][0]["kendall_tau"]) == (3, -1)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_a_real_table_with_several_trainings(gradalign, tmp_path):
    source = Path(DATA or "") / "nb_macro_dev.parquet"
    truth = pd.read_parquet(source).head(200)
    scores = pd.DataFrame(
        {"model": "macro:" + truth["arch"], "proxy": "params", "value": truth["params"]}
    )
    scores.to_csv(tmp_path / "scores.csv", index=False)
    options = ("--benchmark", str(source), "--space", "macro")
    document = gradalign("evaluate", "scores.csv", *options, "--format", "json").document
    assert (document["metric"], document["n"]) == ("mean_acc", 200)
    expected = kendall_tau(truth["params"], truth["mean_acc"])
    assert document["rows"][0]["kendall_tau"] == pytest.approx(expected)
    ceiling = document["noise_ceiling"]
    assert ceiling["trainings"] == 3
    assert expected < ceiling["between"] < ceiling["of_mean"] < 1
    assert f"reach {ceiling['of_mean']:.3f}" in gradalign("evaluate", "scores.csv", *options).out
