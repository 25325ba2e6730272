"""`gradalign evaluate`."""

import io

import pandas as pd
import pytest

from gradalign.benchmarks import get_benchmark

ROWS = 40


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
    assert set(rows["perfect"]["selected_accuracy"]) == {"100", "1000"}


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
        ("scores.txt", "x", (), "neither .csv nor .parquet"),
        ("empty.csv", "", (), "cannot be read"),
        ("broken.parquet", "PAR1 no more", (), "cannot be read"),
        ("columns.csv", "a,b\n1,2\n", (), "found: a, b"),
        ("text.csv", "arch,score\nx,high\n", (), "no column of numbers"),
        ("strange.csv", "arch,p\nx,1\ny,2\nz,3\n", (), "no scored network"),
        ("wide.csv", None, ("--metric", "cifar11"), "no metric 'cifar11'"),
        ("wide.csv", None, ("--benchmark", "nb202"), "did you mean 'nb201'"),
        ("wide.csv", None, ("--benchmark", "absent.csv"), "no file 'absent.csv'"),
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
