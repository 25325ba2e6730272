"""Reference pages of scores and aggregates, from what they say of themselves."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from gradalign.aggregates import AGGREGATES
from gradalign.comparison.table import GROUPS
from gradalign.cost import cost
from gradalign.proxies import PROXIES, ProbeChanges, Proxy
from gradalign.statistics import FIELDS
from gradalign.testing.proxies import SECTIONS

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], str]

_WORDS: Mapping[tuple[str, object], str] = {
    ("data", "noise"): "standard normal noise for images",
    ("data", "perturbed_noise"): "the same noise plus 0.01 times another",
    ("data", "ones"): "inputs of ones",
    ("weights", "absolute"): "absolute values of the weights",
    ("weights", "gaussian"): "standard normal weights",
    ("weights", "kaiming_fan_in"): "Kaiming's normal weights (fan in)",
    ("objective", "logit_sum"): "the sum of the outputs in place of the loss",
    ("params", "all"): "all parameters, vectors too",
    ("params", "named_weight"): "every parameter that is called `weight`, vectors too",
    ("dtype", "float64"): "double precision",
}
_INVARIANCES = {
    "sample_order": "the order of the samples",
    "loss_scale": "a positive factor of the loss",
}
_ORACLES = {
    "published code": "the published code itself, on fixed networks in double precision",
    "independent code": "other code, written apart from this package, on fixed networks in double "
    "precision",
    "naive loop": "a naive loop or closed form in the tests",
    "nothing": "nothing: it is never twice the same",
}
_CONDITIONS = (
    "What differs from the conditions that are asked for; `norm=` is a "
    "[norm mode](../one-pass.md#normalisation)."
)


def proxy_page(proxy: Proxy, table: Table) -> str:
    """All that a score says of itself."""
    parts = dict(_sections(inspect.getdoc(proxy.function) or ""))
    namesakes = [p for p in _namesakes(proxy) if p is not proxy]
    text = [f"# `{proxy.name}`", *_prose(parts[""]), table(("", ""), _facts(proxy))]
    text += ["## Value", *_prose(parts["Returns:"])]
    if "Raises:" in parts:
        reason = re.sub(r"^UndefinedScore: (.)", lambda m: m[1].lower(), parts["Raises:"].strip())
        text.append(f"It has none {' '.join(reason.split())}")
    text += ["## Conditions", _CONDITIONS]
    text.append(table(("regime", "batch", "what differs"), _conditions(proxy)))
    text += ["## What it reads", table(("statistic", "shape", "what"), _needs(proxy))]
    source = proxy.source[0].upper() + proxy.source[1:] + "."
    text += ["## Source", *dict.fromkeys([source, *_prose(parts["Source:"])])]
    if namesakes or proxy.disagrees:
        text += ["## Under the same name", *filter(None, [proxy.disagrees])]
    if namesakes:
        text.append(f"Scores here that go by the name of {proxy.published_as} too:")
        text.append(table(("name", "what"), [(_link(p.name), p.summary) for p in namesakes]))
    example = textwrap.dedent(parts["Example:"])
    text += ["## Example", f"```pycon\n{example}\n```"]
    return "\n\n".join(text) + "\n"


def index_page(table: Table) -> str:
    """All scores, by kind."""
    ordered = sorted(PROXIES.values(), key=lambda p: (list(GROUPS).index(p.kind), p.name))
    text = [
        "# Scores",
        "How each stands on real accuracies says the [comparison](../comparison.md); scores that "
        "combine ranks of others are [aggregates](aggregates.md). The cost is that of the shared "
        "regime: all that the common pass gives costs one pass together.",
    ]
    for kind, own in groupby(ordered, key=lambda p: p.kind):
        rows = [(_link(p.name), p.better, p.summary, cost(p), p.oracle) for p in own]
        text += [
            f"## {GROUPS[kind]}",
            table(("name", "better", "what", "cost", "held against"), rows),
        ]
    text += ["Held against:", table(("", ""), list(_ORACLES.items()))]
    return "\n\n".join(text) + "\n"


def aggregates_page(table: Table) -> str:
    """All rank aggregates."""
    rows = [
        (f"`{name}`", each.summary, ", ".join(map(_link, each.members)), each.source)
        for name, each in AGGREGATES.items()
    ]
    return (
        "# Aggregates\n\nThey combine the ranks that several scores give the networks of a pool, "
        "so they have a value only within that pool.\n\n"
        f"{table(('name', 'what', 'members', 'source'), rows)}\n"
    )


def _facts(proxy: Proxy) -> list[tuple[str, str]]:
    low, high = proxy.bounds
    left, right = ("(" if low == -float("inf") else "["), (")" if high == float("inf") else "]")
    facts = [
        ("better", proxy.better),
        ("range", f"{left}{low:g}, {high:g}{right}"),
        ("unit", proxy.unit or "none"),
        ("cost", cost(proxy)),
        ("standard error over samples", "from the same pass" if proxy.has_stderr else "none"),
        (
            "unchanged by",
            ", ".join(map(_INVARIANCES.__getitem__, sorted(proxy.invariant_to))) or "-",
        ),
        ("without gradient", "no value" if proxy.needs_gradient else "has a value"),
        ("the same twice", "yes" if proxy.deterministic else "no: it is measured on the machine"),
        ("held against", _ORACLES[proxy.oracle]),
    ]
    if proxy.deterministic:
        as_double = "orders networks as double precision does"
        facts.append(("single precision", proxy.ill_conditioned or as_double))
    if proxy.ablation:
        facts.append(("has to beat", f"{_link(proxy.ablation)}, its ablation"))
    return facts


def _conditions(proxy: Proxy) -> Iterator[tuple[str, str, str]]:
    for regime, own in (("shared", {}), ("official", proxy.official)):
        found = [
            ("the batch", _words({**changes, **own}))
            if len(proxy.probes) == 1
            else (f"`{name}`", _words({**changes, **own}))
            for name, changes in proxy.probes.items()
        ]
        if len(found) > 4:
            first, last = (name for name, _ in (found[0], found[-1]))
            what = re.sub(r"batch 1(, )?", "", found[0][1])
            found = [(f"{first} to {last}", f"each another batch{what and f': {what}'}")]
        for name, what in found:
            yield regime, name, what or "nothing"


def _words(changes: ProbeChanges) -> str:
    """Conditions in words."""
    found = []
    for name, value in changes.items():
        if (name, value) in _WORDS:
            found.append(_WORDS[name, value])
        elif name == "batch_size":
            found.append(f"{value} samples" if value != 1 else "one sample")
        elif name == "part":
            found.append(f"batch {int(str(value)) + 1}")
        elif name == "input_size" and isinstance(value, tuple):
            found.append(f"inputs of {'x'.join(map(str, value))}")
        else:
            found.append(f"`{name}={value}`")
    return ", ".join(found)


def _needs(proxy: Proxy) -> Iterator[tuple[str, str, str]]:
    for need in proxy.needs:
        if isinstance(need, str):
            shape, _, what = FIELDS[need]
            yield f"`{need}`", shape, what
        else:
            moments = ", ".join(need.moments)
            yield (
                f"`{need.name}`",
                "[L]",
                f"sum over the weights of a block of a term in: {moments}",
            )
    if not proxy.needs:
        yield "-", "-", "the number and the shapes of the blocks"


def _namesakes(proxy: Proxy) -> list[Proxy]:
    if not proxy.published_as:
        return []
    return [p for p in PROXIES.values() if p.published_as == proxy.published_as]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Titles and texts of a docstring; the first part has none."""
    title = ""
    lines: list[str] = []
    for line in text.splitlines():
        if line in SECTIONS:
            yield title, "\n".join(lines).strip("\n")
            title, lines = line, []
        else:
            lines.append(line)
    yield title, "\n".join(lines).strip("\n")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; what is set off in them, as it stands."""
    for paragraph in re.split(r"\n\s*\n", textwrap.dedent(text)):
        if paragraph.startswith("    "):
            yield f"```text\n{textwrap.dedent(paragraph)}\n```"
        elif paragraph.strip():
            yield " ".join(paragraph.split())


def _link(name: str) -> str:
    return f"[`{name}`]({name}.md)"
