"""Measure proxies on networks: proxies that share a probe share one pass.

The only module that knows both engine and proxies.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

import torch
from torch import nn

from gradalign.batch import Batch
from gradalign.candidate import Candidate, input_spec, seeded
from gradalign.conditions import Regime, Samples
from gradalign.data import InputSpec
from gradalign.device import placed, usable_device
from gradalign.engine import (
    OF_THE_PASS,
    Backend,
    Check,
    LossFunction,
    Selection,
    collect,
    wants_pass,
)
from gradalign.errors import InputError
from gradalign.failure import Failure
from gradalign.probe import REDRAWN, NormMode, Probe
from gradalign.proxies import PROXIES, Estimate, Proxy
from gradalign.record import Score, Scores
from gradalign.statistics import Need, Statistics

DEFAULT_PROXIES = (
    "gradalign_i",
    "gradalign_ii",
    "gradalign_plus",
    "gradalign_i_mean",
    "conflict_fraction",
    "gradient_effective_rank",
    "params",
    "macs",
    "layers",
)

Outcome = Statistics | Failure
Needs = tuple[Need, ...]


@dataclass(frozen=True)
class Reading:
    """A proxy's value, and what it was read from.

    Args:
        proxy: The proxy.
        estimate: Its value, or why it has none.
        passes: What was measured for each of its probes, by name; empty where a pass failed.
        seconds: Its own share of the time.
    """

    proxy: Proxy
    estimate: Estimate | Failure
    passes: Mapping[str, Statistics] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Observation:
    """The scores of one network, and what was measured for them.

    Args:
        scores: One record a proxy.
        readings: Values and statistics by proxy.
        common: What else was asked for under the common probe.
    """

    scores: Scores
    readings: Mapping[str, Reading]
    common: Outcome


class Scorer:
    """Proxies and their conditions, settled once for any number of networks.

    Args:
        samples: Where the batches come from.
        proxies: Names, or `all`.
        common: The probe that all share, apart from its data, loss and blocks.
        regime: `shared` or `official`.
        loss_fn: The user's loss.
        device: `auto`, or a device by name.
        params: Which weights form the blocks.
        backend: Backend of the engine.
        check: When the engine checks its rules.
        redrawn: Whether the networks are initialised by us. One that was passed keeps its weights,
            also where a proxy's authors draw their own.

    Raises:
        InputError: An unknown proxy, regime or device.
    """

    def __init__(
        self,
        samples: Samples,
        *,
        proxies: str | Iterable[str] = DEFAULT_PROXIES,
        common: Probe | None = None,
        regime: Regime = "shared",
        loss_fn: LossFunction | None = None,
        device: str = "auto",
        params: str | Selection = "default",
        backend: Backend = "auto",
        check: Check = "auto",
        redrawn: bool = True,
    ) -> None:
        if regime not in get_args(Regime):
            raise InputError(f"unknown regime {regime!r}: choose shared or official")
        self.proxies = named_proxies(proxies)
        self._samples = samples
        self._device = None if device == "auto" else usable_device(device)
        self._engine = partial(
            collect,
            loss_fn=loss_fn,
            backend=backend,
            check=check,
            lenient=True,
        )
        self._selection = params if callable(params) else None
        common = (common or Probe()).with_(
            loss="default" if loss_fn is None else _name_of(loss_fn),
            params=_name_of(params) if callable(params) else params,
        )
        self._probes = {
            p.name: {
                name: probe if redrawn else _with_given_weights(probe)
                for name, probe in samples.probes(p, common, regime).items()
            }
            for p in self.proxies
        }
        common = samples.settled(common)
        self._common = common if redrawn else _with_given_weights(common)
        self._protocols = {name: protocol(probes) for name, probes in self._probes.items()}

    @property
    def common(self) -> Probe:
        """The probe that all proxies share, apart from what one has of its own."""
        return self._common

    def batch(self, candidate: Candidate, seed: int = 0) -> Batch:
        """The samples that a network gets under the common probe.

        Raises:
            InputError: The network cannot be made, or the data do not fit it.
        """
        spec = input_spec(candidate.build(seed), candidate.spec)
        return self._samples.batch(self._common, seed, spec)

    def measure(self, candidate: Candidate, seed: int = 0) -> Scores:
        """The scores of one network.

        Raises:
            InputError: It cannot be made, or the batch does not fit it.
        """
        return self.observe(candidate, seed).scores

    def observe(self, candidate: Candidate, seed: int = 0, also: Needs = ()) -> Observation:
        """The scores of one network, and what was measured for them.

        Args:
            candidate: The network.
            seed: Of initialisation and batch.
            also: Statistics that are wanted under the common probe, in the same pass.

        Raises:
            InputError: It cannot be made, or the batch does not fit it.
        """
        model = candidate.build(seed)
        with placed(model, self._device, stays=not candidate.redrawn) as device:
            spec = input_spec(model, candidate.spec)
            outcomes = self._outcomes(model, spec, seed, device, also)
            records, readings = [], {}
            for proxy in self.proxies:
                reading = self._reading(proxy, outcomes)
                records.append(self._record(candidate, proxy, reading, seed, device))
                readings[proxy.name] = reading
        common = outcomes.get((self._common, also), Failure("error", "nothing was asked for"))
        return Observation(Scores(records, self.protocols), readings, common)

    def attempt(self, candidate: Candidate, seed: int = 0) -> Scores:
        """The scores of one network; where that raises, a record of the failure for each proxy."""
        try:
            return self.measure(candidate, seed)
        except Exception as error:  # noqa: BLE001 - one network must not stop the others
            return self.failed(candidate, Failure.of(error), seed)

    def failed(self, candidate: Candidate, failure: Failure, seed: int = 0) -> Scores:
        """A record of `failure` for each proxy."""
        device = str(self._device or "auto")
        records = [self._failed(candidate, p, failure, seed, device) for p in self.proxies]
        return Scores(records, self.protocols)

    @property
    def protocol_of(self) -> dict[str, str]:
        """The protocol hash under which each proxy is measured."""
        return {name: own for name, (own, _) in self._protocols.items()}

    @property
    def protocols(self) -> dict[str, Mapping[str, object]]:
        """The conditions behind each protocol hash."""
        return dict(self._protocols.values())

    def _outcomes(
        self, model: nn.Module, spec: InputSpec, seed: int, device: torch.device, also: Needs
    ) -> dict[tuple[Probe, Needs], Outcome]:
        """What was measured for each probe and each proxy's needs: one pass a probe.

        Where that pass fails, each proxy that needs it takes its own: what another one asks of it
        may be what the network cannot give.
        """
        groups: dict[Probe, dict[Needs, None]] = {self._common: {also: None}} if also else {}
        for proxy in self.proxies:
            for probe in self._probes[proxy.name].values():
                groups.setdefault(probe, {})[proxy.needs] = None
        outcomes: dict[tuple[Probe, Needs], Outcome] = {}
        for probe, wanted in groups.items():
            union = tuple(dict.fromkeys(itertools.chain(*wanted)))
            shared = self._pass(model, spec, seed, device, probe, union)
            for needs in wanted:
                again = len(wanted) > 1 and _pass_failed(shared, needs)
                outcomes[probe, needs] = (
                    self._pass(model, spec, seed, device, probe, needs) if again else shared
                )
        return outcomes

    def _pass(
        self,
        model: nn.Module,
        spec: InputSpec,
        seed: int,
        device: torch.device,
        probe: Probe,
        needs: Needs,
    ) -> Outcome:
        try:
            batch = self._samples.batch(probe, seed, spec).to(device)
            with seeded(seed):
                return self._engine(model, batch, probe, needs, params=self._selected(probe))
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a user's network raises is a record
            return Failure.of(error)

    def _selected(self, probe: Probe) -> Selection | None:
        """The user's selection of blocks, where the proxy has none of its own."""
        chosen = self._selection
        return chosen if chosen is not None and probe.params == _name_of(chosen) else None

    def _reading(self, proxy: Proxy, outcomes: Mapping[tuple[Probe, Needs], Outcome]) -> Reading:
        """A proxy's value and what it was read from."""
        probes = self._probes[proxy.name]
        found = {name: outcomes[probe, proxy.needs] for name, probe in probes.items()}
        failures = [outcome for outcome in found.values() if isinstance(outcome, Failure)]
        passes = {name: s for name, s in found.items() if isinstance(s, Statistics)}
        if failures:
            return Reading(proxy, failures[0])
        started = time.perf_counter()
        estimate = _estimate(proxy, probes, passes)
        return Reading(proxy, estimate, passes, time.perf_counter() - started)

    def _record(
        self,
        candidate: Candidate,
        proxy: Proxy,
        reading: Reading,
        seed: int,
        device: torch.device,
    ) -> Score:
        estimate, passes = reading.estimate, reading.passes
        if not passes and isinstance(estimate, Failure):
            return self._failed(candidate, proxy, estimate, seed, str(device))
        failure = estimate if isinstance(estimate, Failure) else None
        value = estimate if isinstance(estimate, Estimate) else Estimate(math.nan)
        peaks = [s.peak_bytes for s in passes.values() if s.peak_bytes is not None]
        return Score(
            model=candidate.name,
            canonical=candidate.canonical,
            proxy=proxy.name,
            value=value.value if failure is None else None,
            stderr=_finite(value.stderr),
            status=failure.status if failure else "ok",
            reason=failure.reason if failure else None,
            seconds=reading.seconds,
            seed=seed,
            protocol=self._protocols[proxy.name][0],
            device=str(device),
            pass_seconds=sum(s.seconds for s in passes.values()),
            peak_bytes=max(peaks, default=None),
            backend=", ".join(dict.fromkeys(s.backend for s in passes.values())),
        )

    def _failed(
        self, candidate: Candidate, proxy: Proxy, failure: Failure, seed: int, device: str
    ) -> Score:
        return Score(
            model=candidate.name,
            canonical=candidate.canonical,
            proxy=proxy.name,
            value=None,
            status=failure.status,
            reason=failure.reason,
            seed=seed,
            protocol=self._protocols[proxy.name][0],
            device=device,
        )


def named_proxies(proxies: str | Iterable[str]) -> tuple[Proxy, ...]:
    """The proxies of these names, each once; `all`: every one.

    Raises:
        UnknownNameError: A name that is not registered.
        InputError: No name.
    """
    if isinstance(proxies, str):
        names = list(PROXIES) if proxies.strip() == "all" else proxies.split(",")
    else:
        names = list(proxies)
    found = tuple(PROXIES[name] for name in dict.fromkeys(map(str.strip, names)) if name)
    if not found:
        raise InputError("no proxy is named: name at least one, or 'all'")
    return found


def _with_given_weights(probe: Probe) -> Probe:
    """The same conditions without another initialisation."""
    return probe.with_(weights="given") if probe.weights in REDRAWN else probe


def protocol(probes: Mapping[str, Probe]) -> tuple[str, Mapping[str, object]]:
    """Hash and conditions of a measurement that took these probes."""
    if len(probes) == 1:
        (probe,) = probes.values()
        return probe.protocol, probe.to_dict()
    conditions = {"probes": {name: probe.to_dict() for name, probe in probes.items()}}
    text = json.dumps(conditions, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:12], conditions


def _pass_failed(outcome: Outcome, needs: Needs) -> bool:
    """Whether the pass over per-sample gradients gave nothing of what is needed of it."""
    if isinstance(outcome, Failure) or not outcome.failures.keys() & OF_THE_PASS:
        return False
    return wants_pass(needs)


def _estimate(
    proxy: Proxy, probes: Mapping[str, Probe], passes: Mapping[str, Statistics]
) -> Estimate | Failure:
    """The value of `proxy`, or why it has none."""
    if proxy.needs_gradient:
        for name, statistics in passes.items():
            if not statistics.has_gradient:
                return _no_gradient(probes[name].norm)
    try:
        estimate = proxy(**passes)
    except Exception as error:  # noqa: BLE001 - a proxy of somebody else's must not stop a sweep
        return Failure.of(error)
    if math.isnan(estimate.value):
        return Failure("nan", "the value is not a number")
    if math.isinf(estimate.value):
        return Failure("inf", "the value is infinite")
    return estimate


def _no_gradient(norm: NormMode) -> Failure:
    others = " or ".join(f"norm={other!r}" for other in ("batch_fixed", "frozen") if other != norm)
    return Failure(
        "no_gradient", f"no gradient reaches the weights with norm={norm!r}: try {others}"
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _name_of(function: Callable[..., object]) -> str:
    """What a user's function is called in the protocol."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"
