"""Tasks of a study: done once, in any number of processes, whatever ends the program."""

import importlib
import json
import subprocess
import sys
import time

import psutil
import pytest

from gradalign.errors import GradalignError, InputError
from gradalign.studies import Ledger, Workshop

TASKS = [{"number": number} for number in range(5)]


def square(task):
    return {"square": task["number"] ** 2}


def refuse(task):
    raise AssertionError(f"{task} was done again")


def test_results_come_in_the_order_of_the_tasks(tmp_path):
    told = []
    workshop = Workshop(Ledger(tmp_path / "l"), progress=lambda *now: told.append(now))
    assert workshop.do("squares", square, TASKS) == [{"square": k * k} for k in range(5)]
    assert told == [("squares", done, 5) for done in range(6)]


def test_several_processes_find_the_same(tmp_path):
    found = Workshop(Ledger(tmp_path / "several"), workers=2).do("copies", dict, TASKS)
    assert [each["number"] for each in found] == [0, 1, 2, 3, 4]
    assert found == Workshop(Ledger(tmp_path / "one")).do("copies", dict, TASKS)


def test_a_process_that_is_killed_is_told(tmp_path, monkeypatch):
    (tmp_path / "leaving.py").write_text("import os\n\ndef leave(task):\n    os._exit(1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    leave = importlib.import_module("leaving").leave
    with pytest.raises(GradalignError, match="the same command goes on"):
        Workshop(Ledger(tmp_path / "l"), workers=2).do("ends", leave, TASKS)


def test_what_is_done_is_not_done_again(tmp_path):
    def stopped(task):
        if task["number"] == 3:
            raise KeyboardInterrupt
        return square(task)

    with pytest.raises(KeyboardInterrupt):
        Workshop(Ledger(tmp_path / "l")).do("squares", stopped, TASKS)
    again = []

    def noted(task):
        again.append(task["number"])
        return square(task)

    found = Workshop(Ledger(tmp_path / "l")).do("squares", noted, TASKS)
    assert again == [3, 4]
    assert found == [{"square": k * k} for k in range(5)]
    assert Workshop(Ledger(tmp_path / "l")).do("squares", refuse, TASKS) == found


def test_other_work_on_the_same_tasks_has_results_of_its_own(tmp_path):
    workshop = Workshop(Ledger(tmp_path / "l"))
    workshop.do("squares", square, TASKS)
    found = workshop.do("cubes", lambda task: {"cube": task["number"] ** 3}, TASKS[:2])
    assert found == [{"cube": 0}, {"cube": 1}]


def test_half_a_line_of_a_killed_program_is_cut_off(tmp_path):
    path = tmp_path / "l"
    Workshop(Ledger(path)).do("squares", square, TASKS[:2])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"task": "{\\"number')
    assert Workshop(Ledger(path)).do("squares", refuse, TASKS[:2]) == [{"square": 0}, {"square": 1}]
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b'{"task": "a"}\n', b"\xff\xfe\n"])
def test_another_file_is_refused(tmp_path, line):
    path = tmp_path / "l"
    path.write_bytes(line)
    with pytest.raises(InputError, match=r"line 1 of .* is no result of a study"):
        Ledger(path)


def test_a_result_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        Ledger(tmp_path / "l").put({"number": 1}, {"value": float("nan")})


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose another folder"):
        Ledger(tmp_path / "file" / "l")


def test_lines_are_json(tmp_path):
    Workshop(Ledger(tmp_path / "l")).do("squares", square, TASKS[:1])
    (line,) = (tmp_path / "l").read_text().splitlines()
    entry = json.loads(line)
    assert entry["result"] == {"square": 0}
    assert json.loads(entry["task"])["number"] == 0


SLEEPERS = """
import os, time
from pathlib import Path
from gradalign.studies import Ledger, Workshop

def sleep(task):
    Path(f"pid{task['number']}").write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    Workshop(Ledger(Path("l")), workers=2).do("sleeps", sleep, [{"number": 0}, {"number": 1}])
"""


def test_processes_end_with_an_owner_that_is_killed(tmp_path):
    (tmp_path / "sleepers.py").write_text(SLEEPERS)
    owner = subprocess.Popen([sys.executable, "sleepers.py"], cwd=tmp_path)
    files = [tmp_path / "pid0", tmp_path / "pid1"]
    wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    owner.kill()
    owner.wait()
    workers = [int(file.read_text()) for file in files]
    wait_until(lambda: not any(psutil.pid_exists(worker) for worker in workers))


def wait_until(holds):
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
