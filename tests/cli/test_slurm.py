"""The example of an array job, each task run here as SLURM would."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.commands import SMALL

from gradalign.store import Store

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm_sweep.sh"
MEASURED = ["model", "proxy", "protocol", "seed", "value", "status", "canonical"]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def started(folder: Path, number: int, *arguments: str) -> subprocess.Popen[str]:
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "gradalign"
    command.write_text(
        f"#!{sys.executable}\nfrom gradalign.cli import main\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "SLURM_ARRAY_TASK_ID": str(number),
        "SLURM_ARRAY_TASK_COUNT": "2",
        "TMPDIR": str(folder),
    }
    return subprocess.Popen(
        ["bash", str(SCRIPT), *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def records(path: Path):
    with Store.read(path) as store:
        return store.frame()[MEASURED]


def test_the_stores_of_all_tasks_come_to_one_sweep(gradalign, tmp_path):
    arguments = ("nb201", "--sample", "10", *SMALL, "--proxies", "params")
    tasks = [started(tmp_path, number, *arguments) for number in range(2)]
    for task in tasks:
        _, err = task.communicate()
        assert task.returncode == 0, err
    assert gradalign("merge", "part-0.db", "part-1.db", "--into", "merged.db").code == 0
    assert gradalign("sweep", *arguments, "--db", "whole.db", "--quiet").code == 0
    assert len(records(tmp_path / "merged.db")) == 10
    assert records(tmp_path / "merged.db").equals(records(tmp_path / "whole.db"))
    assert not list(tmp_path.glob("tmp.*"))


@pytest.mark.slow
def test_a_task_whose_time_is_up_takes_home_what_it_has(tmp_path):
    (tmp_path / "nets.py").write_text(
        "import time\nfrom torch import nn\n"
        "def net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))\n"
        "def slow():\n    open('begun', 'w').close()\n    time.sleep(600)\n"
    )
    # both may be in one shard or in two: one of the tasks has the slow one
    (tmp_path / "models.txt").write_text("nets.py:net\nnets.py:slow\n")
    arguments = ("--models", "models.txt", "--proxies", "params", "--input-size", "8")
    tasks = [started(tmp_path, number, *arguments) for number in range(2)]
    while not (tmp_path / "begun").exists():
        assert any(task.poll() is None for task in tasks)
        time.sleep(0.1)
    while all(task.poll() is None for task in tasks):
        time.sleep(0.1)
    for task in tasks:
        task.send_signal(signal.SIGTERM)
        task.communicate()
    found = [len(records(tmp_path / f"part-{number}.db")) for number in range(2)]
    assert sum(found) == 1
