"""The main job on embedded data, from the draw of networks to the page."""

from gradalign.demonstration.findings import measured, not_shown, paired, pass_time
from gradalign.demonstration.page import page
from gradalign.demonstration.run import METRICS, PLAN, Demo, run

__all__ = [
    "METRICS",
    "PLAN",
    "Demo",
    "measured",
    "not_shown",
    "page",
    "paired",
    "pass_time",
    "run",
]
