"""What measuring a proxy takes, read off its probes and needs: in the shared regime."""

from __future__ import annotations

from gradalign.engine import wants_pass
from gradalign.engine.collectors import COLLECTORS, looks_on
from gradalign.proxies import Proxy

_WORDS = {2: "two", 4: "four", 8: "eight"}


def shares_the_pass(proxy: Proxy) -> bool:
    """Whether the one pass on the common probe gives it: what takes another one costs extra."""
    others = (need for need in proxy.needs if isinstance(need, str) and need in COLLECTORS)
    return not own_probes(proxy) and all(
        looks_on(need) or not COLLECTORS[need].cost for need in others
    )


def own_probes(proxy: Proxy) -> int:
    """Number of its probes that differ from the common one."""
    return sum(bool(set(own.items()) - {("part", 0)}) for own in proxy.probes.values())


def cost(proxy: Proxy) -> str:
    """What it takes, in words: passes, then what has to be collected beside each."""
    parts = [_passes(proxy)] if wants_pass(proxy.needs) or own_probes(proxy) else []
    collected = dict.fromkeys(
        COLLECTORS[need].cost
        for need in proxy.needs
        if isinstance(need, str) and need in COLLECTORS
    )
    return "; ".join(filter(None, [*parts, *collected])) or "nothing but counting"


def _passes(proxy: Proxy) -> str:
    own = own_probes(proxy)
    what = "pass" if wants_pass(proxy.needs) else "batch"
    if own == 0:
        return "the common pass"
    number = "a" if own == 1 else _WORDS.get(own, str(own))
    text = f"{number} {what}{'' if own == 1 else 'es'} of its own"
    return text if own == len(proxy.probes) else f"the common {what} and {text}"
