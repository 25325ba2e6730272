"""Peak memory of a step or a pass: what a fresh process takes above what it had just before.

`python -m bench.memory NETWORK BATCH WHAT` is that process; WHAT is `step` or variant/norm.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from bench.measure import one_thread, training_step
from bench.networks import NETWORKS, draw
from bench.ours import Pass, passes

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


def _pass(what: str, model: nn.Module, inputs: Tensor, targets: Tensor) -> Pass:
    """The pass of ours that is called variant/norm."""
    found = passes(model, inputs, targets).items()
    return next(run for (variant, norm), run in found if f"{variant}/{norm}" == what)


def main(network: str, batch: str, what: str) -> None:
    """Warm up on two samples, so that libraries are loaded, then run once."""
    inputs, targets = draw(int(batch))
    model = NETWORKS[network].build()
    with one_thread():
        if what == STEP:
            make: Callable[..., Callable[[], object]] = training_step
        else:
            make = partial(_pass, what)
        make(model, inputs[:2].clone(), targets[:2].clone())()
        model.zero_grad(set_to_none=True)  # a step's gradients belong to the step
        run = make(model, inputs, targets)
        before = _status("VmRSS")
        run()
    print((_status("VmHWM") - before) / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
