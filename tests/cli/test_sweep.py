"""`gradalign sweep`."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from tests.cli.commands import CELL, DEAD, OTHER, SMALL

from gradalign.cli._asked import Selection, sampled
from gradalign.cli._sweep import duration, parse_bytes
from gradalign.errors import InputError
from gradalign.spaces import SPACES
from gradalign.store import Store

PLAIN = (*SMALL, "--proxies", "gradalign_i,params", "--workers", "1", "--quiet")


def records(path) -> pd.DataFrame:
    with Store.read(path) as store:
        return store.frame()


def test_architectures_of_a_file_with_and_without_the_prefix(gradalign, tmp_path):
    (tmp_path / "archs.txt").write_text(f"# two cells\n{CELL}\n\nnb201:{OTHER}\n{DEAD}\n")
    done = gradalign("sweep", "nb201", "--archs", "archs.txt", *PLAIN, "--format", "json")
    assert (done.code, done.err) == (1, "")  # the dead one has no gradient
    assert done.document["measured"] == done.document["asked"] == 3
    assert done.document["failures"] == {"no_gradient": 1}
    frame = records(tmp_path / "sweep.db")
    assert sorted(set(frame["model"])) == sorted(f"nb201:{arch}" for arch in (CELL, OTHER, DEAD))
    assert len(frame) == 6
    dead = frame[frame["model"] == f"nb201:{DEAD}"].set_index("proxy")
    assert dead.loc["gradalign_i", "status"] == "no_gradient"
    assert dead.loc["params", "status"] == "ok"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_architectures_of_a_table_and_a_draw_of_them(gradalign, tmp_path, suffix):
    frame = pd.DataFrame({"arch": [CELL, OTHER, DEAD], "accuracy": [90.0, 80.0, 10.0]})
    path = tmp_path / f"table.{suffix}"
    _ = frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    done = gradalign("sweep", "nb201", "--archs", str(path), "--sample", "2", *PLAIN)
    assert done.code in (0, 1)
    models = set(records(tmp_path / "sweep.db")["model"])
    assert len(models) == 2
    assert models < {f"nb201:{arch}" for arch in (CELL, OTHER, DEAD)}


def test_factories_may_stand_among_architectures(gradalign, tmp_path):
    (tmp_path / "own.py").write_text(
        "import os\nfrom torch import nn\n"
        "def net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))\n"
        "def gone():\n    os._exit(5)\n"
    )
    (tmp_path / "archs.txt").write_text("own.py:net\n64-32\nown.py:gone\n")
    options = ("--input-size", "8", "--batch-size", "4", "--proxies", "params", "--quiet")
    done = gradalign("sweep", "mlp", "--archs", "archs.txt", *options, "--format", "json")
    assert done.code == 1
    frame = records(tmp_path / "sweep.db").set_index("model")
    assert list(frame.index) == ["mlp:64-32", "own.py:gone", "own.py:net"]
    assert frame.loc["own.py:net", "value"] == 1930
    assert "exited with code 5" in frame.loc["own.py:gone", "reason"]


def test_any_models_of_a_file(gradalign, tmp_path):
    (tmp_path / "models.txt").write_text(f"nb201:{CELL}\nmacro:00000000\n")
    options = ("--input-size", "8", "--batch-size", "4", "--proxies", "params,macs", "--quiet")
    done = gradalign("sweep", "--models", "models.txt", *options)
    assert done.code == 0
    assert len(records(tmp_path / "sweep.db")) == 4


def test_a_store_with_records_is_gone_on_with_only_on_demand(gradalign, tmp_path):
    sample = ("sweep", "nb201", "--sample", "3", "--db", "own.db", *PLAIN)
    assert gradalign(*sample, "--resume").code in (0, 1)  # there is none: it is started
    before = records(tmp_path / "own.db")
    refused = gradalign(*sample)
    assert refused.code == 2
    assert "'own.db' holds 6 records: --resume goes on with it" in refused.complaint
    again = gradalign(*sample, "--resume", "--format", "json")
    assert again.document["measured"] == 0
    assert again.document["already"] == 3
    assert records(tmp_path / "own.db").equals(before)


def test_repeats_are_seeds(gradalign, tmp_path):
    arguments = ("sweep", "nb201", "--sample", "2", "--seed", "5", "--repeats", "2", *PLAIN)
    gradalign(*arguments)
    frame = records(tmp_path / "sweep.db")
    assert set(frame["seed"]) == {5, 6}
    assert len(frame) == 8


def test_the_default_scores_come_with_their_ablations(gradalign, tmp_path):
    gradalign("sweep", "nb201", "--sample", "1", "--quiet", *SMALL)
    proxies = set(records(tmp_path / "sweep.db")["proxy"])
    assert {"gradalign_plus_ablation", "live_layers", "params", "gradalign_plus"} <= proxies


def test_the_table_says_where_the_records_are(gradalign):
    done = gradalign("sweep", "nb201", "--sample", "2", *PLAIN)
    assert "Store: sweep.db" in done.out
    assert "measured" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no search space is given"),
        (("nb102",), "did you mean"),
        (("nb201",), "--archs FILE, --sample N or --all"),
        (("nb201", "--all", "--sample", "3"), "--archs FILE, --sample N or --all"),
        (("nb201", "--all", "--archs", "a.txt"), "exclude each other"),
        (("nb201", "--sample", "15626"), "has 15,625"),
        (("nb201", "--archs", "a.txt", "--sample", "3"), "the file holds 1"),
        (("nb201", "--archs", "none.txt"), "cannot read the models file 'none.txt'"),
        (("nb201", "--archs", "bad.txt"), "entry 2 of 'bad.txt': malformed nb201 architecture"),
        (("nb201", "--models", "a.txt"), "leave out SPACE"),
        (("nb201", "--sample", "1", "--shard", "4/4"), "shard '4/4': write it as i/k"),
        (("nb201", "--sample", "1", "--shard", "x"), "shard 'x': write it as i/k"),
        (("nb201", "--sample", "1", "--max-memory", "much"), "memory 'much': write it as 512M"),
        (("nb201", "--sample", "1", "--proxies", "gradalign_iii"), "did you mean"),
        (("nb201", "--sample", "1", "--db", "nowhere/x.db"), "nowhere"),
        (("nb201", "--sample", "1", "--db", "a.txt"), "a.txt"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_store(gradalign, tmp_path, arguments, said):
    (tmp_path / "a.txt").write_text(f"{CELL}\n")
    (tmp_path / "bad.txt").write_text(f"{CELL}\n|oops|\n")
    done = gradalign("sweep", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    assert not (tmp_path / "sweep.db").exists()
    assert (tmp_path / "a.txt").read_text() == f"{CELL}\n"


def test_all_of_a_space():
    asked = Selection(all_=True).asked("nb201", seed=0)
    names = list(asked.models)
    assert len(set(names)) == len(names) == asked.total == 15_625
    assert all(name.startswith("nb201:|") for name in names)


def test_shards_are_merged_into_the_store_of_one_sweep(gradalign, tmp_path):
    arguments = ("sweep", "nb201", "--sample", "12", *PLAIN, "--format", "json")
    parts = [f"part{number}.db" for number in range(3)]
    asked = [
        gradalign(*arguments, "--shard", f"{number}/3", "--db", part).document["asked"]
        for number, part in enumerate(parts)
    ]
    assert sum(asked) == 12
    assert gradalign("merge", *parts, "--into", "merged.db").code == 0
    gradalign(*arguments, "--db", "whole.db")
    columns = ["model", "proxy", "protocol", "seed", "value", "stderr", "status", "canonical"]
    merged, whole = (records(tmp_path / name)[columns] for name in ("merged.db", "whole.db"))
    assert len(whole) == 24
    assert merged.equals(whole)


def test_a_draw_is_seeded_and_without_doubles():
    first, again, other = (sampled(SPACES["macro"], 3000, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert len(set(first)) == 3000
    assert len(set(sampled(SPACES["transnas_macro"], 3256, 0))) == 3256
    with pytest.raises(InputError, match="has 6,561"):
        sampled(SPACES["macro"], 6562, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512M", 512_000_000), ("2g", 2 * 10**9), ("2 GiB", 2 * 10**9), ("0", 0), ("1e9", 10**9)],
)
def test_bytes(text, expected):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "G", "-1G", "1.2.3M", "1e999", "nan"])
def test_what_is_no_number_of_bytes(text):
    with pytest.raises(InputError, match="write it as 512M or 2G"):
        parse_bytes(text)


def test_durations():
    assert [duration(s) for s in (0.2, 99, 100, 5900, 6001, 10**6)] == [
        "0 s",
        "99 s",
        "2 min",
        "98 min",
        "1 h 40 min",
        "11 d 13 h",
    ]


def test_ctrl_c_leaves_a_store_that_goes_on(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\nfrom torch import nn\n"
        "def net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))\n"
        "def slow():\n    time.sleep(600)\n"
    )
    (tmp_path / "models.txt").write_text("slow.py:net\nslow.py:slow\n")
    command = [sys.executable, "-c", "from gradalign.cli import main; main()", "sweep"]
    options = ["--models", "models.txt", "--proxies", "params", "--input-size", "8"]
    running = subprocess.Popen(
        [*command, *options, "--workers", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    path = tmp_path / "sweep.db"
    while running.poll() is None and not (path.exists() and len(records(path))):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "--resume goes on" in err
    assert "Traceback" not in err
    assert list(records(path)["model"]) == ["slow.py:net"]
    done = subprocess.run(
        [*command, *options, "--resume", "--timeout", "0.5", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"] == {"timeout": 1}
    assert list(records(path)["status"]) == ["ok", "timeout"]
