"""What holds for all proxies: one look at the registry tests them all."""

import importlib
import inspect
import math
import pkgutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from tests.proxies.build import Measured, build, random_measured

import gradalign.proxies
from gradalign.errors import MissingStatisticError, UndefinedScore
from gradalign.probe import Probe
from gradalign.proxies import PROXIES, Estimate, Proxy
from gradalign.statistics import Statistics

SECTIONS = ("Args:", "Returns:", "Raises:", "Source:", "Example:")
VOCABULARY = {"sample_order", "loss_scale"}

every_proxy = pytest.mark.parametrize("proxy", PROXIES.values(), ids=PROXIES)


@every_proxy
def test_an_ablation_is_another_proxy(proxy):
    if proxy.ablation is not None:
        assert PROXIES[proxy.ablation].kind in ("size", "ablation")
        assert PROXIES[proxy.ablation].ablation is None
        assert proxy.kind == "gradalign"


def measure(proxy: Proxy, first: Measured, second: Measured | None = None) -> Estimate:
    """The score; a proxy with two probes gets `second` for the other one."""
    passes = (first, second or first)
    return proxy(**{name: build(p) for name, p in zip(proxy.probes, passes, strict=False)})


def measure_or_reason(
    proxy: Proxy, first: Measured, second: Measured | None = None
) -> Estimate | UndefinedScore:
    """The score, or why there is none; any other exception is a bug."""
    try:
        return measure(proxy, first, second)
    except UndefinedScore as undefined:
        return undefined


def two_batches(n: int) -> tuple[Measured, Measured]:
    """Two batches on one network."""
    first, second = random_measured(n, seed=1), random_measured(n, seed=2)
    return first, replace(second, weights=first.weights)


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
    check_range(proxy, measure(proxy, *two_batches(n)))


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
    result = measure_or_reason(proxy, *two_batches(1))
    assert isinstance(result, UndefinedScore) or result.stderr is None


def value_after(proxy: Proxy, change: str) -> float:
    first, second = two_batches(6)
    if change == "sample_order":
        return measure(proxy, first.take([4, 2, 5, 0, 1, 3]), second.take([5, 4, 3, 2, 1, 0])).value
    # Small enough for the constant in a denominator to show.
    return measure(proxy, first.scaled(1e-3), second.scaled(1e-3)).value


@every_proxy
@pytest.mark.parametrize("change", sorted(VOCABULARY))
def test_declared_invariances_hold_and_no_others(proxy, change):
    before = measure(proxy, *two_batches(6)).value
    after = value_after(proxy, change)
    same = after == pytest.approx(before, rel=1e-9)
    assert same == (change in proxy.invariant_to)


@every_proxy
def test_invariances_are_in_the_vocabulary(proxy):
    assert proxy.invariant_to <= VOCABULARY


@every_proxy
def test_repeated_measurement_is_bitwise_equal(proxy):
    first, second = two_batches(6)
    assert measure(proxy, first, second) == measure(proxy, first, second)


@every_proxy
def test_statistics_are_left_alone(proxy):
    measured = random_measured(4)
    first, second = build(measured), build(random_measured(4, seed=9))
    proxy(**dict(zip(proxy.probes, (first, second), strict=False)))
    before = build(measured).values
    for name, value in first.values.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, before[name]), name


@every_proxy
def test_each_declared_need_is_read(proxy):
    statistics = [build(m) for m in two_batches(6)]
    for need in proxy.needs:
        others = [other for other in proxy.needs if other != need]
        deprived = [s.only(others) for s in statistics]
        with pytest.raises(MissingStatisticError):
            call(proxy, deprived)


def call(proxy: Proxy, statistics: list[Statistics]) -> object:
    """The function itself, not cut down to the declared needs."""
    if len(proxy.probes) == 1:
        return proxy.function(statistics[0])
    return proxy.function(**dict(zip(proxy.probes, statistics, strict=True)))


@every_proxy
def test_name_is_that_of_function_and_of_family_file(proxy):
    module = inspect.getmodule(proxy.function)
    assert proxy.name == proxy.function.__name__
    assert getattr(module, proxy.name) is proxy.function  # so that its example runs as a test


@every_proxy
def test_docstring_has_its_sections_in_order(proxy):
    text = inspect.getdoc(proxy.function)
    found = [section for section in SECTIONS if f"\n{section}\n" in text]
    wanted = [s for s in SECTIONS if s != "Raises:" or "UndefinedScore" in text]
    assert found == wanted
    assert [text.index(section) for section in found] == sorted(map(text.index, found))
    assert proxy.summary.endswith(".")
    assert len(proxy.summary) <= 80
    assert f"{proxy.better} is better" in text
    assert f">>> {proxy.name}(" in text or f"({proxy.name}(" in text


@every_proxy
def test_raising_is_documented(proxy):
    text = inspect.getdoc(proxy.function)
    for degenerate in (random_measured(1), zero_gradients(random_measured(5))):
        if isinstance(measure_or_reason(proxy, degenerate), UndefinedScore):
            assert "\nRaises:\n" in text


@every_proxy
def test_probes_and_official_settings_are_conditions_of_a_probe(proxy):
    conditions = {field.name for field in fields(Probe)}
    for changes in (*proxy.probes.values(), proxy.official):
        assert set(changes) <= conditions
        Probe().with_(**changes)  # checks the values


@every_proxy
def test_source_and_direction_are_given(proxy):
    assert proxy.source
    assert proxy.better in ("higher", "lower")
    assert proxy.bounds[0] < proxy.bounds[1]


def test_every_family_has_its_test_file():
    modules = [m.name for m in pkgutil.iter_modules(gradalign.proxies.__path__)]
    for name in modules:
        if not name.startswith("_"):
            importlib.import_module(f"gradalign.proxies.{name}")
            assert (Path(__file__).parent / f"test_{name}.py").exists(), name


@every_proxy
def test_what_needs_no_gradient_has_a_value_without_one(proxy):
    if not proxy.needs_gradient:
        check_range(proxy, measure(proxy, zero_gradients(random_measured(5))))
