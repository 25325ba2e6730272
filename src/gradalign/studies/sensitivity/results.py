"""What was measured: a value for each network, condition and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gradalign.studies.sensitivity.conditions import Condition


@dataclass(frozen=True)
class Results:
    """The results of `measure` for all networks under all conditions.

    Args:
        models: n networks.
        conditions: c conditions.
        found: [c][n], the results.
    """

    models: tuple[str, ...]
    conditions: tuple[Condition, ...]
    found: Sequence[Sequence[Mapping[str, Any]]]

    @property
    def keys(self) -> list[str]:
        """The names of the conditions."""
        return [each.key for each in self.conditions]

    def keys_of(self, factor: str) -> list[str]:
        """The reference, and the conditions in which `factor` is changed."""
        return [self.keys[0], *(each.key for each in self.conditions if each.factor == factor)]

    def values(self, score: str, key: str) -> list[float | None]:
        """A value a network under one condition; None: it has none."""
        return [each["values"][score] for each in self._under(key)]

    def numbers(self, score: str, keys: Sequence[str]) -> NDArray[np.float64]:
        """[n, conditions], NaN where there is no value."""
        columns = [self.values(score, key) for key in keys]
        return np.array(columns, dtype=np.float64).T

    def records(self, score: str, key: str, name: str) -> pd.DataFrame:
        """The values of a score under one condition as `evaluate` reads them, called `name`."""
        values = self.values(score, key)
        return pd.DataFrame(
            {
                "model": self.models,
                "proxy": name,
                "value": np.array(values, dtype=np.float64),
                "status": ["error" if value is None else "ok" for value in values],
            }
        )

    def seconds(self, key: str, part: str) -> float:
        """Median over the networks; `part` is `seconds` or `pass_seconds`."""
        return float(median(each[part] for each in self._under(key)))

    def reason(self, score: str, key: str) -> str | None:
        """Why the first network without a value has none; None: all have one."""
        found = (each["reasons"].get(score) for each in self._under(key))
        return next((reason for reason in found if reason is not None), None)

    def _under(self, key: str) -> Sequence[Mapping[str, Any]]:
        return self.found[self.keys.index(key)]
