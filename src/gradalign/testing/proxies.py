"""What every proxy here passes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from typing import get_args

from torch import Tensor, nn

from gradalign.errors import GradalignError, MissingStatisticError, Status
from gradalign.probe import Probe
from gradalign.proxies import Estimate, Kind, Oracle, Proxy
from gradalign.statistics import Need
from gradalign.testing._require import require
from gradalign.testing.measure import NETWORKS, Convolutions, Fixed, Reason, measure, passes
from gradalign.testing.precision import check_precision

INVARIANCES = frozenset({"sample_order", "loss_scale"})
"""What `invariant_to` may name."""

SECTIONS = ("Args:", "Returns:", "Raises:", "Source:", "Example:")
"""Of a proxy's docstring, in this order; `Raises:` where it raises `UndefinedScore`."""

ROUNDING = 1e-6
"""Relative difference up to which two values in double precision are the same."""


def check_facts(proxy: Proxy) -> None:
    """A proxy says where it is from, which direction is better, and under which conditions."""
    require(proxy.name == proxy.function.__name__, f"{proxy.name}: another function's name")
    require(bool(proxy.source), f"{proxy.name}: no source")
    require(proxy.better in ("higher", "lower"), f"{proxy.name}: better is {proxy.better!r}")
    require(proxy.kind in get_args(Kind), f"{proxy.name}: kind is {proxy.kind!r}")
    require(proxy.oracle in get_args(Oracle), f"{proxy.name}: oracle is {proxy.oracle!r}")
    held = proxy.oracle != "nothing"
    require(proxy.deterministic or not held, f"{proxy.name}: no oracle can hold what is measured")
    sentence = not proxy.disagrees or proxy.disagrees.endswith(".")
    require(sentence, f"{proxy.name}: what disagrees is no sentence: {proxy.disagrees!r}")
    require(proxy.bounds[0] < proxy.bounds[1], f"{proxy.name}: bounds {proxy.bounds}")
    unknown = sorted(proxy.invariant_to - INVARIANCES)
    require(not unknown, f"{proxy.name}: invariant to {unknown}, which nothing checks")
    known = {field.name for field in fields(Probe)}
    for changes in (*proxy.probes.values(), proxy.official):
        require(set(changes) <= known, f"{proxy.name}: {dict(changes)} is no condition of a probe")
        try:
            Probe().with_(**changes)
        except GradalignError as error:
            raise AssertionError(f"{proxy.name}: {error}") from error


def check_docstring(proxy: Proxy) -> None:
    """The docstring has its sections in order, one line of summary, direction and an example."""
    text = inspect.getdoc(proxy.function) or ""
    found = [section for section in SECTIONS if f"\n{section}\n" in text]
    wanted = [s for s in SECTIONS if s != "Raises:" or "UndefinedScore" in text]
    require(found == wanted, f"{proxy.name}: the docstring has {found}, not {wanted}")
    places = [text.index(f"\n{section}\n") for section in found]
    require(places == sorted(places), f"{proxy.name}: the sections are not in order")
    require(proxy.summary.endswith("."), f"{proxy.name}: the summary does not end in a full stop")
    require(len(proxy.summary) <= 80, f"{proxy.name}: the summary is over 80 characters")
    direction = f"{proxy.better} is better"
    require(direction in text, f"{proxy.name}: the docstring does not say {direction!r}")
    called = f">>> {proxy.name}(" in text or f"({proxy.name}(" in text
    require(called, f"{proxy.name}: the example does not call it")


def check_values(proxy: Proxy) -> None:
    """Finite and inside the bounds on at least one small network, a reason on the others."""
    found = [
        _settled(proxy, partial(measure, proxy, make), name) for name, make in NETWORKS.items()
    ]
    reasons = "; ".join(each.text for each in found if isinstance(each, Reason))
    has_value = any(isinstance(each, Estimate) for each in found)
    require(has_value, f"{proxy.name}: no value on any network: {reasons}")


def check_degenerate(proxy: Proxy) -> None:
    """A value or a reason where there is no gradient, one sample, one class, or one input."""
    dead: Callable[[], nn.Module] = partial(Convolutions, alive=False)
    cases: dict[str, Callable[[], Estimate | Reason]] = {
        "a dead network": partial(measure, proxy, dead),
        "one class": partial(measure, proxy, Convolutions, Fixed(classes=1)),
        "equal samples": partial(measure, proxy, Convolutions, Fixed([0, 0, 0, 0], 1), samples=4),
    }
    for name, make in NETWORKS.items():
        cases[f"one sample of {name}"] = partial(measure, proxy, make, samples=1)
    for name, case in cases.items():
        _settled(proxy, case, name)


def check_repeatable(proxy: Proxy) -> None:
    """The same statistics give the same value, and are left as they were."""
    statistics = passes(proxy, _network(proxy))
    before = {name: _copied(each.values) for name, each in statistics.items()}
    first, again = proxy(**statistics), proxy(**statistics)
    require(first == again, f"{proxy.name}: {first} the first time, then {again}")
    for name, each in statistics.items():
        for field, tensors in _copied(each.values).items():
            same = all(map(_same, tensors, before[name][field]))
            require(same, f"{proxy.name}: it changes the statistic {field!r}")


def check_needs(proxy: Proxy) -> None:
    """What is declared is read, each of it."""
    statistics = passes(proxy, _network(proxy))
    for need in proxy.needs:
        others = [other for other in proxy.needs if other != need]
        deprived = [each.only(others) for each in statistics.values()]
        try:
            if len(proxy.probes) == 1:
                proxy.function(deprived[0])
            else:
                proxy.function(**dict(zip(proxy.probes, deprived, strict=True)))
        except MissingStatisticError:
            continue
        raise AssertionError(f"{proxy.name}: it does without {_name(need)!r}, which it declares")


def check_invariances(proxy: Proxy) -> None:
    """What is said not to change the value does not, where anything is measured twice alike."""
    if not proxy.deterministic:
        return
    network = _network(proxy)
    before = measure(proxy, network)
    changed = {
        "sample_order": measure(proxy, network, Fixed([4, 2, 5, 0, 1, 3])),
        "loss_scale": measure(proxy, network, scale=1e-3),
    }
    for name in sorted(proxy.invariant_to):
        after = changed[name]
        same = isinstance(before, Estimate) and isinstance(after, Estimate)
        if isinstance(before, Estimate) and isinstance(after, Estimate):
            same = math.isclose(before.value, after.value, rel_tol=ROUNDING, abs_tol=1e-12)
        require(same, f"{proxy.name}: {name} makes {after} of {before}")


PROXY_CHECKS: tuple[Callable[[Proxy], None], ...] = (
    check_facts,
    check_docstring,
    check_values,
    check_degenerate,
    check_repeatable,
    check_needs,
    check_invariances,
    check_precision,
)
"""All of them, each a function of a proxy."""


def _settled(
    proxy: Proxy, measured: Callable[[], Estimate | Reason], place: str
) -> Estimate | Reason:
    """The outcome, once it is a value inside the bounds or a reason in one line."""
    where = f"{proxy.name} on {place}"
    try:
        outcome = measured()
    except MissingStatisticError as error:
        raise AssertionError(f"{where}: {error}") from error
    except Exception as error:
        raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
    if isinstance(outcome, Reason):
        _check_reason(proxy, outcome, where)
    else:
        _check_estimate(proxy, outcome, where)
    return outcome


def _check_reason(proxy: Proxy, reason: Reason, where: str) -> None:
    known = reason.status in get_args(Status) and reason.status != "ok"
    require(known, f"{where}: status {reason.status!r}")
    in_a_line = bool(reason.text.strip()) and "\n" not in reason.text
    require(in_a_line, f"{where}: the reason {reason.text!r} is no line")
    said = not reason.own or "Raises:" in (proxy.function.__doc__ or "")
    require(said, f"{where}: it raises UndefinedScore, which its docstring does not say")


def _check_estimate(proxy: Proxy, estimate: Estimate, where: str) -> None:
    value, stderr = estimate.value, estimate.stderr
    require(math.isfinite(value), f"{where}: {value}: raise UndefinedScore in its place")
    slack = 1e-9 * max(1.0, abs(value))
    inside = proxy.bounds[0] - slack <= value <= proxy.bounds[1] + slack
    require(inside, f"{where}: {value} is outside the bounds {proxy.bounds}")
    sound = stderr is None or (math.isfinite(stderr) and stderr >= 0)
    require(sound, f"{where}: standard error {stderr}")


def _network(proxy: Proxy) -> Callable[[], nn.Module]:
    """The first network on which the proxy has a value."""
    for make in NETWORKS.values():
        if isinstance(measure(proxy, make), Estimate):
            return make
    raise AssertionError(f"{proxy.name}: no value on any network")


def _name(need: Need) -> str:
    return need if isinstance(need, str) else need.name


def _copied(values: object) -> dict[str, list[Tensor]]:
    """The tensors of each statistic, copied."""
    items = values.items() if hasattr(values, "items") else ()
    return {name: [tensor.clone() for tensor in _tensors(value)] for name, value in items}


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)


def _same(first: Tensor, second: Tensor) -> bool:
    return bool(((first == second) | ((first != first) & (second != second))).all())
