"""What a sweep will take."""

import math

import numpy as np
import pytest
from scipy import stats
from tests.sweep.nets import DEAD, PLAN

from gradalign.errors import InputError
from gradalign.spaces import SPACES
from gradalign.store import Store
from gradalign.sweep import sweep
from gradalign.sweep.draw import drawn
from gradalign.sweep.forecast import Sample, forecast
from gradalign.sweep.rehearsal import NETWORKS, rehearse


def sample(seconds=(1.0, 2.0, 3.0), **changed) -> Sample:
    values = {
        "seconds": seconds,
        "start_seconds": 4.0,
        "owner_seconds": 0.001,
        "fixed_bytes": 1000.0,
        "network_bytes": 200.0,
        "records": 2,
        "failed": 0,
        "workers": 2,
    }
    return Sample(**{**values, **changed})


def test_the_model_by_hand():
    found = forecast(sample(), networks=100, workers=4, cores=8)
    assert found.seconds.value == 4 + 100 * 2 / 4
    margin = 4.302652729911275 * 1.0 * math.sqrt(100**2 / 3 + 100)  # t of two degrees
    assert found.seconds.high == pytest.approx(4 + (200 + margin) / 4)
    assert found.seconds.low == 4 + 100 * 0.001  # no less than what the owner does
    assert found.worker_hours.value == 54 * 4 / 3600
    assert found.store_bytes == 1000 + 100 * 200
    assert found.network_seconds.value == 2
    assert not found.owner_bound


def test_twins_are_in_the_store_and_take_no_time():
    with_twins, without = (
        forecast(sample(), networks=n, workers=1, cores=1, measured=60) for n in (100, 60)
    )
    assert with_twins.seconds == without.seconds
    assert with_twins.store_bytes == 1000 + 100 * 200


def test_more_workers_than_cores_only_cost_more():
    few, many = (forecast(sample(), networks=50, workers=w, cores=4) for w in (4, 16))
    assert many.seconds == few.seconds
    assert many.worker_hours.value == pytest.approx(4 * few.worker_hours.value)


def test_a_slow_owner_is_the_limit():
    found = forecast(sample(owner_seconds=1.0), networks=50, workers=4, cores=4)
    assert found.owner_bound
    assert found.seconds.value == 4 + 50


def test_the_interval_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        times = rng.normal(5, 1, 12)
        found = forecast(sample(tuple(times), start_seconds=0.0), networks=30, workers=1, cores=1)
        held += found.seconds.low <= rng.normal(5, 1, 30).sum() <= found.seconds.high
    low, high = stats.binom.ppf([0.001, 0.999], 400, 0.95)
    assert low <= held <= high


@pytest.mark.parametrize("name", ["networks", "workers", "cores"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(InputError, match=f"0 {name}"):
        forecast(sample(), **{"networks": 1, "workers": 1, "cores": 1, name: 0})


def test_a_rehearsal_measures_what_a_sweep_takes(tmp_path):
    found = rehearse(drawn(SPACES["nb201"], 40, seed=0), PLAN, workers=2)
    assert len(found.seconds) >= NETWORKS - 2  # twins are measured once
    assert all(seconds > 0 for seconds in found.seconds)
    assert found.start_seconds > 0
    assert found.owner_seconds > 0
    assert found.records == 3
    models = list(drawn(SPACES["nb201"], 200, seed=5))
    with Store.open(tmp_path / "real.db") as store:
        sweep(models, PLAN, store)
    size = (tmp_path / "real.db").stat().st_size
    assert found.fixed_bytes + 200 * found.network_bytes == pytest.approx(size, rel=0.15)


def test_too_few_networks_are_told():
    with pytest.raises(InputError, match="too few different networks"):
        rehearse([DEAD], PLAN, workers=1)
