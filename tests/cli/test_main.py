"""The console script itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.commands import CELL

import gradalign as package
from gradalign.cli import _main

COMMAND = [sys.executable, "-c", "from gradalign.cli import main; main()"]


def test_help_version_and_no_command(gradalign):
    for arguments in ((), ("--help",)):
        done = gradalign(*arguments)
        assert done.code == 0
        assert all(name in done.out for name in ("demo", "list", "score", "rank", "evaluate"))
    assert gradalign("--version").out.strip() == f"gradalign {package.__version__}"


@pytest.mark.parametrize("name", ["demo", "list", "score", "rank", "evaluate"])
def test_every_command_shows_results_in_three_formats(gradalign, name):
    shown = gradalign(name, "--help").out
    assert "table|json|csv" in shown
    assert "--quiet" in shown


def test_an_unexpected_error_is_one_line_too(gradalign, monkeypatch):
    def broken(**_options):
        raise ZeroDivisionError("no\nsuch luck")

    monkeypatch.setattr(_main, "app", broken)
    done = gradalign("score")
    assert done.code == 2
    assert done.complaint == "ZeroDivisionError: no such luck (--debug shows where)"


def test_a_reader_that_stops_early_is_no_error():
    process = subprocess.Popen(
        [*COMMAND, "list", "proxies", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert error == ""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the processes from /proc")
def test_ctrl_c_ends_the_workers_with_one_line(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "demo", "--networks", "200", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches every process, as from a terminal
        preexec_fn=_heed_interrupts,
    )
    deadline = time.monotonic() + 90
    while len(_session(process.pid)) < 5 and time.monotonic() < deadline:  # server, tracker, two
        time.sleep(0.2)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "gradalign: interrupted\n"
    assert out == ""
    while _session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _session(process.pid) == []


def _heed_interrupts() -> None:
    """Ctrl-C ends the run, though a shell lets what it runs in the background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _session(leader: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_a_score_from_the_console_script(tmp_path):
    small = ["--build", "channels=2", "--build", "cells=1", "--input-size", "8"]
    done = subprocess.run(
        [*COMMAND, "score", f"nb201:{CELL}", *small, "--proxies", "params"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"nb201:{CELL}" in done.stdout
