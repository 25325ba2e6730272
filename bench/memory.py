"""Peak memory of a step or a pass: what a fresh process takes above what it had just before.

`python -m bench.memory NETWORK BATCH WHAT` is that process; WHAT is `step` or variant/norm.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STEP = "step"
_STATUS = Path("/proc/self/status")


def available() -> bool:
    """Whether this system tells a process its own peak (Linux)."""
    return _STATUS.exists() and "VmHWM" in _STATUS.read_text()


def peak_megabytes(network: str, batch: int, what: str) -> float:
    """The peak of `what`, measured in a child process."""
    child = subprocess.run(
        [sys.executable, "-m", "bench.memory", network, str(batch), what],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(child.stdout)


def _status(name: str) -> int:
    """A field of the process's status, in kB.

    VmHWM, the peak, belongs to this program alone; getrusage's ru_maxrss starts from the parent's.
    """
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def main(network: str, batch: str, what: str) -> None:
    """Warm up on two samples, so that libraries are loaded, then run once."""
    from bench.measure import one_thread, training_step
    from bench.networks import NETWORKS, draw
    from bench.ours import passes

    inputs, targets = draw(int(batch))
    model = NETWORKS[network].build()
    with one_thread():
        if what == STEP:
            warm_up = training_step(model, inputs[:2].clone(), targets[:2].clone())
            run = training_step(model, inputs, targets)
        else:
            variant, _, norm = what.partition("/")
            warm_up = passes(model, inputs[:2].clone(), targets[:2].clone())[variant, norm]
            run = passes(model, inputs, targets)[variant, norm]
        warm_up()
        before = _status("VmRSS")
        run()
    print((_status("VmHWM") - before) / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
