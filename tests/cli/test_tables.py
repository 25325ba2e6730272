"""`gradalign tables`."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cli.commands import SMALL

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import get_benchmark
from gradalign.comparison import drawn
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.proxies import PROXIES
from gradalign.record import Score, Scores
from gradalign.store import Store

METRICS = ("cifar10", "cifar100", "imagenet16-120")
CONDITIONS = {"norm": "batch_fixed"}


def record(model, proxy, value, *, seed=0, protocol="p0", status="ok"):
    return Score(
        model=model,
        proxy=proxy,
        value=value,
        seed=seed,
        protocol=protocol,
        status=status,
        reason=None if status == "ok" else "why",
        seconds=0.25,
        pass_seconds=1.0,
    )


def scored(n=60, *, protocol="p0", seed=0, proxies=("gradsign", "params", "macs", "layers")):
    """Records of real networks whose scores are their accuracy with noise, one of them failed."""
    generator = np.random.default_rng(seed)
    table = get_benchmark("nb201").frame.head(n)
    found = []
    for proxy in proxies:
        noisy = table["cifar10"] + 5 * generator.normal(size=n)
        found += [
            record(f"nb201:{arch}", proxy, value, protocol=protocol)
            for arch, value in zip(table["arch"], noisy, strict=True)
        ]
    model = found[0].model
    found[0] = record(model, proxies[0], None, protocol=protocol, status="no_gradient")
    return found


def stored(path, records):
    with Store.open(path) as store:
        store.add(Scores(records, {each.protocol: CONDITIONS for each in records}))
    return path


@pytest.fixture
def db(tmp_path):
    return stored(tmp_path / "tables.db", scored())


def test_a_store_becomes_tables(gradalign, db):
    done = gradalign("tables", "--format", "json")
    assert (done.code, done.err) == (0, "")
    document = done.document
    assert document["protocols"] == {"p0": CONDITIONS}
    assert [each["metric"] for each in document["evaluations"]] == list(METRICS)
    assert {each["benchmark"] for each in document["evaluations"]} == {"nb201"}
    kinds = {row["name"]: row["kind"] for row in document["rows"]}
    assert kinds == {
        "gradsign": "method",
        "params": "size",
        "macs": "size",
        "layers": "size",
        "training, 12 epochs": "training",
    }
    rows = {row["proxy"]: row for row in document["evaluations"][1]["rows"]}
    frame = pd.DataFrame([vars(each) for each in scored() if each.proxy == "macs"])
    accuracy = get_benchmark("nb201").frame["cifar100"].head(60)
    assert rows["macs"]["kendall_tau"] == pytest.approx(kendall_tau(frame["value"], accuracy))
    assert (rows["gradsign"]["failed"], rows["gradsign"]["coverage"]) == (1, 59 / 60)
    assert rows["macs"]["seconds"] == pytest.approx(1.25)


FORMATS = ("table", "markdown", "latex")


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_the_numbers_of_the_json(gradalign, db, form):
    document = gradalign("tables", "--format", "json").document
    text = gradalign("tables", "--format", form).out
    sign = "$-$" if form == "latex" else "-"
    brackets = (r"\[", r"\]") if form == "markdown" else ("[", "]")
    for found in document["evaluations"]:
        for row in found["rows"]:
            name = row["proxy"].replace("_", r"\_") if form != "table" else row["proxy"]
            line = next(line for line in text.splitlines() if name in line)
            for value in (row["kendall_tau"], *row["kendall_tau_ci"]):
                assert f"{value:.3f}".replace("-", sign) in line
            assert all(bracket in line for bracket in brackets)
    for title in ("Kendall's tau-b", "selects", "Run time", "Size alone", "Short training"):
        assert title in text


def test_csv_has_one_row_a_score_and_metric(gradalign, db):
    document = gradalign("tables", "--format", "json").document
    frame = pd.read_csv(io.StringIO(gradalign("tables", "--format", "csv").out))
    assert len(frame) == 3 * 5
    for found in document["evaluations"]:
        own = frame[frame["metric"] == found["metric"]].set_index("proxy")
        for row in found["rows"]:
            assert own.loc[row["proxy"], "kendall_tau"] == row["kendall_tau"]
            assert own.loc[row["proxy"], "kendall_tau_low"] == row["kendall_tau_ci"][0]


def test_a_file_takes_the_result(gradalign, db, tmp_path):
    shown = gradalign("tables", "--format", "latex").out
    done = gradalign("tables", "--format", "latex", "--out", "t.tex")
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "t.tex").read_text() == shown


def test_a_benchmark_of_ones_own_and_one_that_lacks_a_score(gradalign, db, tmp_path):
    table = get_benchmark("nb201").frame.head(40)[["arch", "cifar10"]]
    table.rename(columns={"cifar10": "own"}).to_csv(tmp_path / "mine_too.csv", index=False)
    named = ("nb201", "mine_too.csv", "--metric", "own,cifar10")
    done = gradalign("tables", *named, "--combine", "both=params+macs")
    assert done.code == 0
    header = next(line for line in done.out.splitlines() if "nb201 cifar10" in line)
    assert header.split() == ["nb201", "cifar10", "mine_too", "own", "mean"]
    lines = {line.split("  ")[1]: line for line in done.out.splitlines() if line.startswith("  ")}
    assert "both" in lines
    training = next(line for line in done.out.splitlines() if "training, 12 epochs" in line)
    assert training.split()[-1] == training.split()[-2] == "-"  # not in the file, so no mean


def test_proxies_choose_rows_and_what_they_have_to_beat_stays(gradalign, tmp_path):
    names = ("gradsign", "gradalign_ii", "live_layers", "params", "macs", "layers", "naswot")
    stored(tmp_path / "tables.db", scored(proxies=names))
    rows = gradalign("tables", "--proxies", "gradalign_ii", "--format", "json").document["rows"]
    assert {row["name"] for row in rows if row["kind"] != "training"} == {
        "gradalign_ii",
        "live_layers",
        "params",
        "macs",
        "layers",
    }


def test_registered_aggregates_come_by_themselves(gradalign, tmp_path):
    names = (*AGGREGATES["gradalign_rank_sum"].members, "params", "macs", "layers")
    stored(tmp_path / "tables.db", scored(proxies=names))
    rows = gradalign("tables", "--format", "json").document["rows"]
    assert {row["name"] for row in rows if row["kind"] == "aggregate"} == {"gradalign_rank_sum"}


def test_protocols_are_not_mixed(gradalign, tmp_path):
    stored(tmp_path / "tables.db", [*scored(), *scored(protocol="p1", seed=1)])
    done = gradalign("tables")
    assert done.code == 2
    assert "p0, p1" in done.complaint
    assert "--protocol" in done.complaint
    only = gradalign("tables", "--protocol", "p1", "--format", "json").document
    assert [*only["protocols"]] == ["p1"]


SAMPLED = ("tables", "nb201", "--sample", "5", *SMALL, "--db", "own.db")
FEW = ("--proxies", "gradalign_ii,conflict_fraction", "--combine", "both=gradsign+naswot")


def test_what_lacks_is_measured_once(gradalign, tmp_path):
    first = gradalign(*SAMPLED, *FEW, "--format", "json", "--quiet")
    assert (first.code, first.err) == (0, "")
    names = {row["name"] for row in first.document["rows"]}
    assert names == {
        "gradalign_ii",
        "live_layers",
        "conflict_fraction",
        "gradsign",
        "naswot",
        "both",
        "params",
        "macs",
        "layers",
        "training, 12 epochs",
    }
    archs = drawn(get_benchmark("nb201"), METRICS, 5, seed=0)
    with Store.read(tmp_path / "own.db") as store:
        before = store.frame()
    assert {*before["model"]} == {*archs}
    again = gradalign(*SAMPLED, *FEW, "--format", "json", "--quiet")
    assert again.document == first.document
    with Store.read(tmp_path / "own.db") as store:
        pd.testing.assert_frame_equal(store.frame(), before)


def test_only_what_this_call_asks_for_is_evaluated(gradalign, tmp_path):
    """Other networks, seeds and conditions may be in the store."""
    archs = drawn(get_benchmark("nb201"), METRICS, 5, seed=0)
    others = [each for each in scored(80) if each.model not in archs]
    stored(tmp_path / "own.db", [*others, *(record(a, "params", 1.0, seed=9) for a in archs)])
    document = gradalign(*SAMPLED, *FEW, "--format", "json", "--quiet").document
    assert "p0" not in document["protocols"]
    for found in document["evaluations"]:
        assert found["n"] == 5
        rows = {row["proxy"]: row for row in found["rows"]}
        assert {row["seeds"] for row in rows.values()} <= {0, 1}
    networks = get_benchmark("nb201").values(archs, "cifar10")
    with Store.read(tmp_path / "own.db") as store:
        frame = store.frame(proxies=["macs"])
    macs = frame.set_index("model")["value"]
    expected = kendall_tau([macs[arch] for arch in archs], networks)
    rows = {row["proxy"]: row for row in document["evaluations"][0]["rows"]}
    assert rows["macs"]["kendall_tau"] == pytest.approx(expected)


def test_a_file_with_a_space_is_sampled(gradalign, tmp_path):
    table = get_benchmark("nb201").frame.head(8)[["arch", "cifar100"]]
    table.rename(columns={"arch": "cell"}).to_parquet(tmp_path / "own.parquet")
    options = ("--sample", "4", *SMALL, "--proxies", "params", "--quiet", "--format", "json")
    done = gradalign("tables", "own.parquet", "--space", "nb201", *options)
    (found,) = done.document["evaluations"]
    assert (found["benchmark"], found["metric"], found["n"]) == ("own.parquet", "cifar100", 4)
    assert (tmp_path / "tables.db").is_file()


def test_by_default_all_of_one_pass_is_measured(gradalign):
    done = gradalign(*SAMPLED, "--format", "json", "--quiet")
    measured = {row["name"] for row in done.document["rows"]}
    left_out = {*PROXIES} - measured
    assert {"grasp", "synflow", "zico"} <= left_out  # another backward, probe or batch each
    assert {"gradalign_plus", "gradsign", "naswot", "knas", "live_layers", "macs"} <= measured
    assert "gradalign_rank_sum" in measured


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--db", "absent.db"), "absent.db"),
        (("nb202",), "did you mean 'nb201'"),
        (("absent.csv",), "no file 'absent.csv'"),
        (("--metric", "cifar11"), "no metric 'cifar11'"),
        (("--proxies", "gradsgn"), "did you mean 'gradsign'"),
        (("--combine", "both=params+naswot"), "'both' combines 'naswot'"),
        (("--protocol", "p9"), "no record of 'tables.db' has the protocol 'p9': it has p0"),
        (("--batch-size", "8"), "without --sample nothing is measured"),
        (("--sample", "3", "--protocol", "p0"), "--protocol is of no use with --sample"),
        (("--sample", "9999"), "9,999 networks of 'nb201': choose 3 to 5,000"),
        (("texts.csv", "--sample", "3"), "the search space of 'texts.csv' is not known: name it"),
        (("nb201", "--space", "macro"), "'nb201' is of the space 'nb201', not 'macro'"),
        (("--out", "absent/t.tex"), "no folder for 'absent/t.tex'"),
    ],
)
def test_bad_input_is_one_line(gradalign, db, tmp_path, arguments, said):
    (tmp_path / "texts.csv").write_text("arch,acc\na,1\nb,2\nc,3\nd,4\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    done = gradalign("tables", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_store_without_a_benchmark(gradalign, tmp_path):
    stored(tmp_path / "tables.db", [record(f"mine:net{k}", "params", float(k)) for k in range(5)])
    done = gradalign("tables")
    assert done.code == 2
    assert "no benchmark at hand holds 3 of the networks of 'tables.db'" in done.complaint


def test_an_empty_store(gradalign, tmp_path):
    Store.open(tmp_path / "tables.db").close()
    assert "holds no such scores: measure some by --sample N" in gradalign("tables").complaint


def test_what_could_not_be_measured_is_counted(gradalign, tmp_path):
    records = scored()
    records[:2] = [
        record(records[k].model, records[k].proxy, None, status="timeout") for k in (0, 1)
    ]
    stored(tmp_path / "tables.db", records)
    done = gradalign("tables")
    assert done.code == 1
    assert done.complaint == "2 of 240 scores failed: 2 timeout"


def test_a_piped_table_cuts_no_name(gradalign, db, tmp_path):
    name = "a_score_with_" + "a_very_" * 20 + "long_name"
    with Store.open(db) as store:
        models = [each.model for each in scored() if each.proxy == "macs"]
        records = [record(model, name, float(k)) for k, model in enumerate(models)]
        store.add(Scores(records, {"p0": CONDITIONS}))
    for form in FORMATS:
        shown = name.replace("_", r"\_") if form != "table" else name
        assert shown in gradalign("tables", "--format", form).out


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
@pytest.mark.parametrize("width", [60, 200])
def test_on_a_terminal_the_table_fits(db, width):
    lines = _on_a_terminal(["tables"], width, db.parent)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for metric in METRICS:
        assert metric in text
    heads = [line for line in lines if "nb201" in line and "cifar10" in line]
    assert ("cifar100" in heads[0]) == (width == 200)  # in parts below each other where narrow
    assert any(re.search(r"gradsign +-?\d\.\d{3}", line) for line in lines)


def _on_a_terminal(arguments, width, folder: Path) -> list[str]:
    """Lines of a command whose stdout is a terminal of some width."""
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    command = [sys.executable, "-c", "from gradalign.cli import main; main()", *arguments]
    environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    with subprocess.Popen(
        command, stdout=theirs, cwd=folder, env=environment | {"TERM": "xterm"}
    ) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    assert process.returncode == 0
    text = b"".join(parts).decode().replace("\r\n", "\n")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines()
