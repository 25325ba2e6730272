"""Records to store, and the writing rule on a plain dict."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from gradalign.record import Score, Scores

CONDITIONS = {"norm": "batch_fixed", "build": ["channels", 2]}
REPOSITORY = Path(__file__).parents[2]


def record(model="m", proxy="p", value=1.5, **more):
    return Score(
        **{"model": model, "proxy": proxy, "value": value, "seed": 0} | {"protocol": "h"} | more
    )


def failure(model="m", proxy="p", status="error", reason="it broke", **more):
    return record(model, proxy, None, status=status, reason=reason, **more)


def scores(*records, conditions=None):
    """Records, with conditions for every protocol among them."""
    return Scores(records, conditions or {r.protocol: CONDITIONS for r in records})


def many(count, start=0):
    return scores(*(record(f"model {k}", value=k / 7) for k in range(start, start + count)))


def key(score):
    return score.model, score.proxy, score.protocol, score.seed


def kept(records):
    """What a store that was given these records in turn must hold."""
    found = {}
    for score in records:
        if key(score) not in found or found[key(score)].status != "ok":
            found[key(score)] = score
    return [found[own] for own in sorted(found)]


def check_holds(store, records):
    """The frame is the one of these records, bit for bit."""
    expected = Scores(records, {}).to_frame()
    frame = store.frame()
    pd.testing.assert_frame_equal(frame, expected, check_exact=True)
    for name in ("value", "stderr", "seconds", "pass_seconds"):
        ours, theirs = frame[name].dropna(), expected[name].dropna()
        assert ours.to_numpy(float).tobytes() == theirs.to_numpy(float).tobytes()
    assert list(frame) == [field.name for field in fields(Score)]
    assert len(store) == len(records)


def snapshot(folder):
    """Names and contents of everything in a folder; -shm is memory and not content."""
    return {
        path.name: path.read_bytes() if path.is_file() and path.suffix != ".db-shm" else None
        for path in sorted(folder.iterdir())
    }


def spawn(code, *arguments):
    """A Python process of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def small_disk(folder, size):
    """A file system of so many bytes; skips where it cannot be made."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def make_read_only(folder):
    """Let nobody write on the file system that is mounted at `folder`."""
    _mount("-o", "remount,ro", str(folder))


def _mount(*arguments):
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {getattr(error, 'stderr', error)}")
