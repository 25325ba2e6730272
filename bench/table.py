"""The tables that a run prints."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench.case import Memory, Row
from bench.limits import Verdict
from bench.memory import STEP


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width; all but the first and the last to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < k < len(widths) - 1 else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def time_table(title: str, rows: Sequence[Row]) -> str:
    """Rows: tools. Columns: ratio to a step (median), lowest and highest, difference, note."""
    steps = [seconds for row in rows for seconds in row.step_seconds]
    head = f"{title}, batch {rows[0].batch}: a training step takes {statistics.median(steps):.3f} s"
    lines = [["", "ratio", "lowest", "highest", "off ours", "note"]]
    for row in rows:
        numbers = ["-"] * 3
        if row.ratios:
            values = (row.median, min(row.ratios), max(row.ratios))
            numbers = [f"{value:.2f}" for value in values]
        off = "" if row.difference is None else f"{row.difference:.0e}"
        lines.append([row.label, *numbers, off, row.note])
    return f"{head}\n{_aligned(lines)}\n"


def memory_table(memory: Sequence[Memory]) -> str:
    """Peak memory of one network's step and passes."""
    step = next(m.megabytes for m in memory if m.what == STEP)
    lines = [["peak memory", "MB", "of a step", ""]]
    lines += [[m.what, f"{m.megabytes:.0f}", f"{m.megabytes / step:.2f}", ""] for m in memory]
    return f"{_aligned(lines)}\n"


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Every limit with what was measured."""
    lines = [["limit", "measured", "at most", ""]]
    lines += [
        [v.what, f"{v.measured:.2f}", f"{v.limit:.2f}", "kept" if v.kept else "MISSED"]
        for v in verdicts
    ]
    return f"{_aligned(lines)}\n"
