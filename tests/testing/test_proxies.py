"""The conformance checks pass a right proxy and find every planted mistake."""

import functools
import itertools
from dataclasses import replace

import pytest
import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies import PROXIES, Estimate
from gradalign.testing import PROXY_CHECKS
from gradalign.testing import proxies as checks

RIGHT = ("gradsign", "knas", "zico", "synflow", "layers")


@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_proxy_conforms(name, check):
    check(PROXIES[name])


def changed(registered="gradsign", **facts):
    """A registered proxy with a mistake among its facts."""
    return replace(PROXIES[registered], **facts)


def instead(function, registered="gradsign", **facts):
    """A registered proxy whose function is another, under its name and docstring."""
    wrapped = functools.wraps(PROXIES[registered].function)(function)
    return changed(registered, function=wrapped, **facts)


def documented(edit):
    """A registered proxy whose docstring is edited; it raises for a dead network."""
    original = PROXIES["zico_per_sample"].function

    def copy(stats, /):
        return original(stats)

    copy.__name__, copy.__doc__ = original.__name__, edit(original.__doc__)
    return changed("zico_per_sample", function=copy)


def without(section):
    return lambda text: text.replace(f"    {section}:\n", "", 1)


def norms(stats):
    return stats.squared_norms.sum(1)


def largest_share(stats):
    """NaN where no gradient is, without a word."""
    return float(norms(stats).max() / norms(stats).sum())


def over_pairs(stats):
    """Fails where there is one sample."""
    gram = stats.gram.sum(0)
    return float(gram.sum()) / (stats.n - 1)


def raising(reason, status="nan"):
    def function(stats):
        if not norms(stats).any() or stats.n == 1:
            raise UndefinedScore(reason, status)
        return float(norms(stats).sum())

    return function


def always(reason):
    def function(stats):
        raise UndefinedScore(f"{reason}: {stats.n}")

    return function


def doubles_in_place(stats):
    stats.gram.mul_(2)
    return Estimate(float(stats.gram.sum()))


def counter():
    calls = itertools.count()
    return lambda stats: float(norms(stats).sum()) + next(calls)


def cancelling(stats):
    """Rounding is all that is left in single precision."""
    return float(1e9 * norms(stats).sum() % 1)


def double_only(stats):
    if torch.equal(stats.gram, stats.gram.float().double()):
        raise UndefinedScore("too coarse")
    return float(stats.gram.sum())


def first_sample(stats):
    return float(stats.gram.sum(0)[0, 0])


NORMS = {"needs": ("squared_norms",), "invariant_to": frozenset(), "needs_gradient": False}
GRAM = {"needs": ("gram",), "invariant_to": frozenset(), "needs_gradient": False}

MISTAKES = {
    "no source": (changed(source=""), checks.check_facts),
    "no direction": (changed(better="up"), checks.check_facts),
    "reversed bounds": (changed(bounds=(1.0, 0.0)), checks.check_facts),
    "unknown kind": (changed(kind="mine"), checks.check_facts),
    "unknown oracle": (changed(oracle="a friend"), checks.check_facts),
    "oracle of a clock": (changed("latency", oracle="naive loop"), checks.check_facts),
    "no sentence": (changed(disagrees="the port in AZ-NAS"), checks.check_facts),
    "unknown invariance": (changed(invariant_to=frozenset({"rotation"})), checks.check_facts),
    "no field of a probe": (changed(official={"batch": 3}), checks.check_facts),
    "no value of a probe": (changed(official={"norm": "train"}), checks.check_facts),
    "another name": (changed(name="grad_sign"), checks.check_facts),
    "no source section": (documented(without("Source")), checks.check_docstring),
    "no example": (documented(without("Example")), checks.check_docstring),
    "raises in silence": (documented(without("Raises")), checks.check_docstring),
    "long summary": (documented(lambda text: "A " + "very " * 20 + text), checks.check_docstring),
    "other direction": (changed(better="lower"), checks.check_docstring),
    "outside its bounds": (changed(bounds=(0.0, 1.0)), checks.check_values),
    "never a value": (instead(always("not here"), **NORMS), checks.check_values),
    "reads what it does not declare": (changed(needs=("gram",)), checks.check_values),
    "negative error": (
        instead(lambda stats: Estimate(float(norms(stats).sum()), -1.0), **NORMS),
        checks.check_values,
    ),
    "not a number": (instead(largest_share, **NORMS), checks.check_degenerate),
    "division by zero": (instead(over_pairs, **GRAM), checks.check_degenerate),
    "reason of two lines": (
        instead(raising("dead\nas a nail"), "zico_per_sample", **NORMS),
        checks.check_degenerate,
    ),
    "no reason": (instead(raising(" "), "zico_per_sample", **NORMS), checks.check_degenerate),
    "unknown status": (
        instead(raising("dead", "broken"), "zico_per_sample", **NORMS),
        checks.check_degenerate,
    ),
    "undocumented reason": (instead(raising("dead"), **NORMS), checks.check_degenerate),
    "other each time": (instead(counter(), **NORMS), checks.check_repeatable),
    "changes the statistics": (instead(doubles_in_place, **GRAM), checks.check_repeatable),
    "declares too much": (changed(needs=(*PROXIES["gradsign"].needs, "gram")), checks.check_needs),
    "cancels": (instead(cancelling, **NORMS), checks.check_precision),
    "needs double precision": (instead(double_only, **GRAM), checks.check_precision),
    "depends on the order": (
        instead(first_sample, **{**GRAM, "invariant_to": frozenset({"sample_order"})}),
        checks.check_invariances,
    ),
    "depends on the scale": (
        changed("knas", invariant_to=frozenset({"loss_scale"})),
        checks.check_invariances,
    ),
}


@pytest.mark.parametrize(("proxy", "check"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(proxy, check):
    with pytest.raises(AssertionError) as found:
        check(proxy)
    assert str(found.value).startswith(proxy.name)
    assert torch.is_grad_enabled()
