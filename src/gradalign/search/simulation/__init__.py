"""Search on tables: strategies whose trainings are looked up, and what they would have cost."""

from gradalign.search.simulation.course import Course, cost_ratio, mean_curve
from gradalign.search.simulation.run import simulate
from gradalign.search.simulation.strategy import Assistance, Strategy
from gradalign.search.simulation.table import Table

__all__ = ["Assistance", "Course", "Strategy", "Table", "cost_ratio", "mean_curve", "simulate"]
