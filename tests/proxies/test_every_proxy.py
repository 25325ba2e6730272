"""What holds for all proxies: one look at the registry tests them all."""

import importlib
import inspect
import itertools
import math
import pkgutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.proxies.build import Measured, build, random_measured

import gradalign.proxies
from gradalign.errors import UndefinedScore
from gradalign.proxies import PROXIES, Estimate, Proxy
from gradalign.testing import PROXY_CHECKS
from gradalign.testing.proxies import INVARIANCES

every_proxy = pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES)


@every_proxy
@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
def test_conformance(proxy, check):
    check(proxy)


@every_proxy
def test_an_ablation_is_another_proxy(proxy):
    if proxy.ablation is not None:
        assert PROXIES[proxy.ablation].kind in ("size", "ablation")
        assert PROXIES[proxy.ablation].ablation is None
        assert proxy.kind == "gradalign"


def measure(proxy: Proxy, *passes: Measured) -> Estimate:
    """The score; where there are more probes than passes, the others get the last one."""
    padded = itertools.chain(passes, itertools.repeat(passes[-1]))
    return proxy(**{name: build(p) for name, p in zip(proxy.probes, padded, strict=False)})


def measure_or_reason(proxy: Proxy, *passes: Measured) -> Estimate | UndefinedScore:
    """The score, or why there is none; any other exception is a bug."""
    try:
        return measure(proxy, *passes)
    except UndefinedScore as undefined:
        return undefined


def batches(proxy: Proxy, n: int) -> list[Measured]:
    """A batch for each probe, all on one network."""
    first, *others = (random_measured(n, seed=k + 1) for k in range(len(proxy.probes)))
    if any(changes.get("weights") == "absolute" for changes in proxy.probes.values()):
        first = first.absolute()
    return [first, *(replace(other, weights=first.weights) for other in others)]


def zero_gradients(measured: Measured) -> Measured:
    return measured.scaled(0.0)


def check_range(proxy: Proxy, estimate: Estimate) -> None:
    """Finite, inside the bounds but for rounding, with a standard error or none."""
    low, high = proxy.bounds
    slack = 1e-12
    assert math.isfinite(estimate.value)
    assert low - slack <= estimate.value <= high + slack
    if estimate.stderr is not None:
        assert math.isfinite(estimate.stderr)
        assert estimate.stderr >= 0


@every_proxy
@pytest.mark.parametrize("n", [2, 3, 8])
def test_random_gradients_give_a_value_inside_the_bounds(proxy, n):
    check_range(proxy, measure(proxy, *batches(proxy, n)))


@every_proxy
@pytest.mark.parametrize(
    "measured",
    [
        pytest.param(zero_gradients(random_measured(5)), id="dead"),
        pytest.param(random_measured(1), id="one sample"),
        pytest.param(random_measured(5).take([3, 3, 3, 3]), id="identical samples"),
        pytest.param(random_measured(5).take([0, 3, 3, 1]), id="repeated sample"),
        pytest.param(replace(random_measured(5), codes=torch.zeros(5, 0)), id="no relu"),
        pytest.param(replace(random_measured(5), inputs=(), outputs=()), id="no layer"),
    ],
)
def test_degenerate_networks_give_a_value_or_none(proxy, measured):
    result = measure_or_reason(proxy, measured)
    if isinstance(result, Estimate):
        check_range(proxy, result)
    else:
        assert result.status in {"nan", "inf", "no_gradient", "unsupported"}
        assert "\n" not in str(result)


@every_proxy
def test_one_sample_has_no_standard_error(proxy):
    result = measure_or_reason(proxy, *batches(proxy, 1))
    assert isinstance(result, UndefinedScore) or result.stderr is None


def value_after(proxy: Proxy, change: str) -> float:
    passes = batches(proxy, 6)
    if change == "sample_order":
        orders = itertools.cycle([[4, 2, 5, 0, 1, 3], [5, 4, 3, 2, 1, 0]])
        return measure(proxy, *map(Measured.take, passes, orders)).value
    # Small enough for the constant in a denominator to show.
    return measure(proxy, *(each.scaled(1e-3) for each in passes)).value


@every_proxy
@pytest.mark.parametrize("change", sorted(INVARIANCES))
def test_declared_invariances_hold_and_no_others(proxy, change):
    before = measure(proxy, *batches(proxy, 6)).value
    after = value_after(proxy, change)
    same = after == pytest.approx(before, rel=1e-9)
    assert same == (change in proxy.invariant_to)


@every_proxy
def test_name_is_that_of_function_and_of_family_file(proxy):
    module = inspect.getmodule(proxy.function)
    assert proxy.name == proxy.function.__name__
    assert getattr(module, proxy.name) is proxy.function  # so that its example runs as a test


def test_every_family_has_its_test_file():
    modules = [m.name for m in pkgutil.iter_modules(gradalign.proxies.__path__)]
    for name in modules:
        if not name.startswith("_"):
            importlib.import_module(f"gradalign.proxies.{name}")
            assert (Path(__file__).parent / f"test_{name}.py").exists(), name


@every_proxy
def test_what_needs_no_gradient_has_a_value_without_one(proxy):
    if not proxy.needs_gradient:
        check_range(proxy, measure(proxy, *map(zero_gradients, batches(proxy, 5))))
