"""What `import gradalign` gives."""

import subprocess
import sys
from importlib.metadata import version
from types import ModuleType

import torch
from torch import nn

import gradalign as ga


def test_all_is_what_can_be_used():
    public = {
        name
        for name, value in vars(ga).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(ga.__all__) == public | {"__version__"}
    assert ga.__all__ == sorted(ga.__all__)


def test_the_version_is_that_of_the_distribution():
    assert ga.__version__ == version("gradalign")


def test_extras_are_not_imported():
    heavy = ("transformers", "timm", "torchvision", "plotly", "sklearn")
    code = f"import sys, gradalign; print([m for m in {heavy!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_four_lines_rank_ones_own_modules():
    x, y = torch.randn(40, 3, 8, 8), torch.arange(40) % 10
    models = {
        name: lambda width=width: nn.Sequential(
            nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 10)
        )
        for name, width in (("narrow", 2), ("wide", 8))
    }
    table = ga.rank(models, (x, y))
    assert "wide" in str(table)
    assert table.entries[0].model == "wide"
