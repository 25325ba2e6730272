"""Under a pass nothing rounds float32, and afterwards the caller's flags are as they were."""

import subprocess
import sys

import pytest
import torch
from scipy.stats import spearmanr
from torch import backends, nn

from gradalign.batch import Batch
from gradalign.cli.sweep import sampled
from gradalign.engine import collect
from gradalign.probe import Probe
from gradalign.spaces import SPACES
from gradalign.sweep import Plan

NEEDS = ("gram", "logit_jacobian_gram", "macs")  # of the pass, and outside it


def legacy_flags() -> dict[str, object]:
    return {
        "matmul": torch.get_float32_matmul_precision(),
        "matmul_tf32": backends.cuda.matmul.allow_tf32,
        "cudnn_tf32": backends.cudnn.allow_tf32,
        "deterministic": backends.cudnn.deterministic,
        "benchmark": backends.cudnn.benchmark,
        "autocast": torch.is_autocast_enabled("cpu"),
    }


EXACT = {
    "matmul": "highest",
    "matmul_tf32": False,
    "cudnn_tf32": False,
    "deterministic": True,
    "benchmark": False,
    "autocast": False,
}


class Watching(nn.Module):
    """A linear layer that notes the flags under which it is called."""

    def __init__(self, *, fails: bool = False):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.fails = fails
        self.seen: list[dict[str, object]] = []

    def forward(self, inputs):
        self.seen.append(legacy_flags())
        with backends.cudnn.flags(enabled=False):  # reads and sets them again, as some networks do
            outputs = self.layer(inputs)
        if self.fails:
            raise RuntimeError("no output")
        return outputs


def measured(model: nn.Module) -> None:
    torch.manual_seed(0)
    batch = Batch(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]))
    collect(model, batch, Probe(), NEEDS)


@pytest.fixture(params=["highest", "high", "medium"])
def fast_flags(request):
    """What a user may have switched on for training."""
    before = (torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32)
    torch.set_float32_matmul_precision(request.param)
    backends.cudnn.allow_tf32 = True
    backends.cudnn.benchmark = True
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield legacy_flags()
    torch.set_float32_matmul_precision(before[0])
    backends.cudnn.allow_tf32 = before[1]
    backends.cudnn.benchmark = False


def test_a_pass_sees_exact_flags_and_leaves_the_callers(fast_flags):
    model = Watching()
    measured(model)
    assert model.seen
    assert all(seen == EXACT for seen in model.seen)
    assert legacy_flags() == fast_flags


def test_flags_are_restored_after_an_exception(fast_flags):
    model = Watching(fails=True)
    with pytest.raises(RuntimeError, match="no output"):
        measured(model)
    assert model.seen[0] == EXACT
    assert legacy_flags() == fast_flags


NEWER = """
import torch
from torch import backends, nn
from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.probe import Probe

OPERATIONS = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn,
              backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn]
flags = lambda: [operation.fp32_precision for operation in OPERATIONS]
class Watching(nn.Linear):
    def forward(self, inputs):
        seen.append(flags())
        return super().forward(inputs)
seen = []
backends.fp32_precision = "tf32"
backends.cudnn.conv.fp32_precision = "ieee"
before = flags()
collect(Watching(3, 2), Batch(torch.randn(4, 3), torch.tensor([0, 1, 0, 1])), Probe(), ["gram"])
assert seen and all(found == ["ieee"] * 6 for found in seen), seen
assert flags() == before != ["ieee"] * 6, before
"""


@pytest.mark.skipif(
    not hasattr(backends.cudnn, "conv"), reason="this torch has no flag for each operation"
)
def test_flags_set_by_the_newer_interface_are_held_and_restored_too():
    # in a process of its own: no way leads back to the older interface
    ended = subprocess.run([sys.executable, "-c", NEWER], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_ranks_as_the_cpu_does():
    plan = Plan(proxies=("gradalign_i", "gradalign_ii", "gradalign_plus", "zico_per_sample"))
    candidates = [plan.candidate(name) for name in sampled(SPACES["nb201"], 100, seed=0)]
    values: dict[str, dict[str, list[float]]] = {}
    for device in ("cpu", "cuda"):
        scorer = Plan(proxies=plan.proxies, device=device).scorer()
        for candidate in candidates:
            for record in scorer.measure(candidate):
                value = float("nan") if record.value is None else record.value
                values.setdefault(record.proxy, {}).setdefault(device, []).append(value)
    for proxy, found in values.items():
        rho = spearmanr(found["cpu"], found["cuda"], nan_policy="omit").statistic
        assert rho >= 0.999, (proxy, rho)
