"""What a sweep will take, from a small one of the same space made here.

The model is small, and every part of it is measured by the small sweep:

    seconds = start + M x max(t / min(W, cores), o)

M networks to measure, W workers, `start` until every worker has given its first answer, t the mean
time of a worker for a network while the others work too, o the processor time of the owner for a
network. The interval is that of a sum of M further networks, normal with the mean and the spread of
those measured. Of N networks that are asked for, M are no twins of others; all N are in the store.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from gradalign.errors import InputError

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a small sweep took.

    Args:
        seconds: Of a worker for each network, those left out at which it warmed up.
        start_seconds: Until every worker had given its first answer.
        owner_seconds: Processor time of the owner for a network.
        fixed_bytes: Of a store without networks.
        network_bytes: Of the records of a network in the store.
        records: Of a network.
        failed: Networks that failed in at least one score.
        workers: How many measured at the same time.
    """

    seconds: tuple[float, ...]
    start_seconds: float
    owner_seconds: float
    fixed_bytes: float
    network_bytes: float
    records: int
    failed: int
    workers: int


class Estimate(NamedTuple):
    """A prediction, and the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float

    def __mul__(self, factor: object) -> Estimate:
        """In another unit."""
        if not isinstance(factor, int | float):
            return NotImplemented
        return Estimate(*(each * factor for each in self))


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a sweep will take.

    Args:
        networks: How many are asked for.
        measured: How many of them are measured, the others being twins.
        workers: How many measure.
        cores: Of the machine or machines; more workers than cores do not go faster.
        seconds: Wall time.
        worker_hours: What is paid for where workers are: wall time of all of them.
        store_bytes: Size of the store.
        network_seconds: Mean time of a worker for a network.
        sample: What it is concluded from.
    """

    networks: int
    measured: int
    workers: int
    cores: int
    seconds: Estimate
    worker_hours: Estimate
    store_bytes: float
    network_seconds: Estimate
    sample: Sample

    @property
    def owner_bound(self) -> bool:
        """Whether the owner is the one who is waited for."""
        each = self.network_seconds.value / min(self.workers, self.cores)
        return self.sample.owner_seconds > each

    def to_dict(self) -> dict[str, object]:
        """The JSON document `plan`."""
        predicted = ("seconds", "worker_hours", "network_seconds")
        sample = asdict(self.sample)
        sample["networks"] = len(sample.pop("seconds"))
        return {
            "networks": self.networks,
            "to_measure": self.measured,
            "workers": self.workers,
            "cores": self.cores,
            "effective_workers": min(self.workers, self.cores),
            **{name: getattr(self, name)._asdict() for name in predicted},
            "store_bytes": round(self.store_bytes),
            "sample": sample,
        }


def forecast(
    sample: Sample, *, networks: int, workers: int, cores: int, measured: int | None = None
) -> Forecast:
    """What so many networks take with so many workers on so many cores.

    Args:
        sample: What a small sweep took.
        networks: How many are asked for.
        workers: How many measure.
        cores: Of all machines.
        measured: How many of the networks are measured; None: all.

    Raises:
        InputError: A number below 1.
    """
    for name, number in (("networks", networks), ("workers", workers), ("cores", cores)):
        if number < 1:
            raise InputError(f"{number} {name}: at least 1 is needed")
    many = networks if measured is None else measured
    each = np.asarray(sample.seconds)
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(each) - 1))
    mean, spread = float(each.mean()), quantile * float(each.std(ddof=1))

    def wall(work: float) -> float:
        """Seconds for work of so many worker seconds."""
        return sample.start_seconds + max(work / min(workers, cores), many * sample.owner_seconds)

    margin = spread * math.sqrt(many**2 / len(each) + many)  # of the sum of so many new ones
    total = many * mean
    seconds = Estimate(wall(total), wall(max(0.0, total - margin)), wall(total + margin))
    half = spread / math.sqrt(len(each))
    return Forecast(
        networks=networks,
        measured=many,
        workers=workers,
        cores=cores,
        seconds=seconds,
        worker_hours=seconds * (workers / 3600),
        store_bytes=sample.fixed_bytes + networks * sample.network_bytes,
        network_seconds=Estimate(mean, max(0.0, mean - half), mean + half),
        sample=sample,
    )
