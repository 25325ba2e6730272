"""What happens to the disk under a sweep: one clear line each, and going on loses nothing."""

import subprocess
import sys
import time

import pandas as pd
import pytest
from tests.cli.commands import SMALL
from tests.store.records import make_read_only, small_disk

from gradalign.cli.sweep import sampled
from gradalign.spaces import SPACES
from gradalign.store import Store

COMMAND = [sys.executable, "-c", "from gradalign.cli import main; main()", "sweep", "nb201"]
MEASURED = ["model", "proxy", "protocol", "seed", "value", "stderr", "status", "canonical"]


def options(folder, networks: int, *more: str) -> list[str]:
    archs = folder / f"{networks}.txt"
    archs.write_text("\n".join(sampled(SPACES["nb201"], networks, seed=1)))
    plain = ("--proxies", "gradalign_i,gradalign_ii,params", "--workers", "1", "--quiet")
    return ["--archs", str(archs), *SMALL, *plain, *more]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)


def complaint(finished) -> str:
    """The one line of a command that could not go on."""
    lines = finished.stderr.splitlines()
    assert (finished.returncode, len(lines)) == (2, 1), finished.stderr
    return lines[0]


def records(path) -> pd.DataFrame:
    with Store.read(path) as store:
        return store.frame()[MEASURED]


@pytest.mark.slow
def test_a_full_disk(tmp_path):
    calm = tmp_path / "calm.db"
    assert run(options(tmp_path, 30, "--db", str(calm))).returncode in (0, 1)
    with small_disk(tmp_path / "small", "2m") as disk:
        path = disk / "sweep.db"
        arguments = options(tmp_path, 30, "--db", str(path), "--resume")
        assert run(options(tmp_path, 2, "--db", str(path))).returncode in (0, 1)
        before = records(path)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 1024)
            except OSError:
                pass
        said = complaint(run(arguments))
        assert str(path) in said
        assert "full" in said
        filler.unlink()
        kept = records(path)
        assert kept.merge(before).shape == before.shape
        assert run(arguments).returncode in (0, 1)
        assert records(path).equals(records(calm))


def test_a_folder_that_cannot_be_written_to(tmp_path):
    with small_disk(tmp_path / "small", "2m") as disk:
        make_read_only(disk)
        said = complaint(run(options(tmp_path, 2, "--db", str(disk / "sweep.db"))))
        assert str(disk) in said


@pytest.mark.slow
def test_a_store_that_is_deleted_meanwhile(tmp_path):
    path = tmp_path / "sweep.db"
    arguments = options(tmp_path, 400, "--db", str(path))
    running = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while running.poll() is None and not (path.exists() and len(records(path)) >= 30):
        time.sleep(0.05)
    for file in tmp_path.glob("sweep.db*"):
        file.unlink()
    _, err = running.communicate(timeout=60)
    assert running.returncode == 2
    assert len(err.splitlines()) == 1
    assert "deleted" in err
    (rescued,) = tmp_path.glob("sweep.db.rescued*")
    held = records(rescued)
    assert len(held) >= 30
    assert len(held) % 3 == 0
    assert not path.exists()
    rescued.rename(path)
    arguments = options(tmp_path, 40, "--db", str(path), "--resume")
    assert run(arguments).returncode in (0, 1)
    assert held.merge(records(path)).shape == held.shape
