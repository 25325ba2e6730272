"""The conditions under which scores were measured: one set for each score, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from gradalign.errors import InputError

Conditions = Mapping[str, object]

_WEIGHTS = {
    "given": "weights as initialised",
    "absolute": "absolute values of all weights",
    "gaussian": "weights drawn from N(0, 1)",
    "kaiming_fan_in": "weights drawn from N(0, 2 / fan-in)",
}
_ORDINALS = ("first", "second", "third")


def check_protocols(records: pd.DataFrame, protocols: Mapping[str, Conditions]) -> None:
    """Refuse records of one score that were made under different conditions.

    Args:
        records: One row a record.
        protocols: The conditions by hash.

    Raises:
        InputError: A score with records of several protocols; it says in what these differ.
    """
    counts = records.groupby("proxy", sort=False)["protocol"].nunique()
    mixed = counts[counts > 1]
    if mixed.empty:
        return
    proxy = str(mixed.index[0])
    hashes = records.loc[records["proxy"] == proxy, "protocol"].unique().tolist()
    others = f" and {len(mixed) - 1} more" if len(mixed) > 1 else ""
    listed = "; ".join(f"{name} ({said})" for name, said in differing(hashes, protocols).items())
    raise InputError(
        f"{proxy}{others} measured under {len(hashes)} protocols, which cannot be compared: choose "
        f"by --protocol from {listed}"
    )


def differing(hashes: Iterable[str], protocols: Mapping[str, Conditions]) -> dict[str, str]:
    """For each protocol, the conditions in which it differs from the others."""
    flat = {name: _flat(protocols.get(name, {})) for name in hashes}
    keys = dict.fromkeys(key for own in flat.values() for key in own)
    unlike = [key for key in keys if len({own.get(key, "none") for own in flat.values()}) > 1]
    return {
        name: ", ".join(f"{key} {own.get(key, 'none')}" for key in unlike) or "conditions unknown"
        for name, own in flat.items()
    }


def in_words(conditions: Conditions) -> str:
    """The conditions of a protocol in a sentence; what is the default everywhere is left out."""
    probes = conditions.get("probes")
    if isinstance(probes, Mapping):
        return "; ".join(f"{name}: {in_words(own)}" for name, own in probes.items())
    rest = dict(conditions)
    said = [_batch(rest)]
    if (size := rest.pop("input_size", None)) is not None:
        said.append(f"inputs of {_text(size)}")
    said.append(f"norm={_text(rest.pop('norm', 'unknown'))}")
    weights = str(rest.pop("weights", "given"))
    said.append(_WEIGHTS.get(weights, f"weights {weights}"))
    dtype = rest.pop("dtype", None)
    said.append("the model's own floating-point type" if dtype is None else str(dtype))
    version = rest.pop("definitions", None)
    usual = {"objective": "loss", "loss": "default", "params": "default"}
    said += [
        f"{key} {_text(value)}"
        for key, value in rest.items()
        if value not in (None, usual.get(key), (), [])
    ]
    if version is not None:
        said.append(f"definitions version {_text(version)}")
    return ", ".join(said)


def _batch(rest: dict[str, object]) -> str:
    """The batch in words; takes what it says out of `rest`."""
    size, data = rest.pop("batch_size", "?"), rest.pop("data", "?")
    part = rest.pop("part", 0)
    which = "one batch"
    if isinstance(part, int) and part:
        which = f"the {_ORDINALS[part] if part < len(_ORDINALS) else f'{part + 1}th'} batch"
    return f"{which} of {size} {data}"


def _flat(conditions: Conditions, before: str = "") -> dict[str, str]:
    """The conditions as texts, those of several probes under `probe.condition`."""
    probes = conditions.get("probes")
    if isinstance(probes, Mapping):
        parts = [_flat(own, f"{name}.") for name, own in probes.items()]
        return {key: value for part in parts for key, value in part.items()}
    return {f"{before}{key}": _text(value) for key, value in conditions.items()}


def _text(value: object) -> str:
    """A condition as it is written: 3x16x16, stem_channels=16."""
    if isinstance(value, list | tuple):
        if all(isinstance(each, list | tuple) for each in value):
            return ", ".join("=".join(map(str, each)) for each in value) or "none"
        return "x".join(map(str, value))
    return "none" if value is None else str(value)
