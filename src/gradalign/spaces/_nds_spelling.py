"""How NDS spells networks: JSON, with the keys of the published files."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gradalign.errors import InputError
from gradalign.spaces._anynet import BOTTLENECK, VANILLA, AnyNet
from gradalign.spaces._base import quoted
from gradalign.spaces._genotype import FIELDS, MAX_TEXT, Cell, Edge, Genotype
from gradalign.spaces._nds_cells import CellNet

CELL_KEYS = ("genotype", "width", "depth")
TRAINING_KEYS = ("aux", "drop_prob")
STAGE_KEYS = ("block_type", "ds", "ws", "ss")
INNER_KEYS = ("bot_muls", "bms", "num_gs", "gws")


def read(text: str) -> dict[str, Any]:
    """The JSON object that `text` is; InputError where it is none."""
    if len(text) > MAX_TEXT:
        raise InputError(f"it has {len(text)} characters, more than {MAX_TEXT}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError("it is not a JSON object")
    return found


def net(given: Mapping[str, Any]) -> CellNet | AnyNet:
    """The network that published keys describe; InputError says which of them does not."""
    if "genotype" in given:
        _check_keys(given, CELL_KEYS, TRAINING_KEYS)
        cells = given["genotype"]
        if not isinstance(cells, dict):
            raise InputError(f"genotype must be an object with {', '.join(FIELDS)}")
        _check_keys(cells, FIELDS, ())
        return CellNet(
            genotype=Genotype(
                Cell(_edges(cells, "normal"), _numbers(cells, "normal_concat")),
                Cell(_edges(cells, "reduce"), _numbers(cells, "reduce_concat")),
            ),
            width=_number(given, "width"),
            depth=_number(given, "depth"),
        )
    _check_keys(given, STAGE_KEYS, INNER_KEYS)
    return _anynet(given)


def values(net: CellNet | AnyNet) -> dict[str, Any]:
    """The published keys and values of a network; `net` is its inverse."""
    if isinstance(net, CellNet):
        normal, reduce = net.genotype.normal, net.genotype.reduce
        cells = (normal.edges, normal.concat, reduce.edges, reduce.concat)
        genotype = dict(zip(FIELDS, cells, strict=True))
        return {"genotype": genotype, "width": net.width, "depth": net.depth}
    found = {"block_type": net.block_type, "ds": net.ds, "ws": net.ws, "ss": net.ss}
    if net.block_type == BOTTLENECK:
        found |= {"bot_muls": net.bot_muls, "num_gs": net.num_gs}
    return found


def _anynet(given: Mapping[str, Any]) -> AnyNet:
    block = str(given["block_type"])
    block = VANILLA if block == "double_plain_block" else block
    ds, ws, ss = (_numbers(given, key) for key in ("ds", "ws", "ss"))
    if block != BOTTLENECK:
        for key in INNER_KEYS:
            if given.get(key):
                raise InputError(f"{quoted(block)} takes no {key}")
        return AnyNet(block_type=block, ds=ds, ws=ws, ss=ss)
    ones = (1,) * len(ds)
    muls = _floats(given, "bms" if given.get("bms") else "bot_muls") or ones
    groups = _numbers(given, "num_gs") if given.get("num_gs") else ones
    net = AnyNet(block_type=block, ds=ds, ws=ws, ss=ss, bot_muls=muls, num_gs=groups)
    return _grouped(net, _numbers(given, "gws")) if given.get("gws") else net


def _grouped(net: AnyNet, widths: tuple[int, ...]) -> AnyNet:
    """The network with groups of that many channels."""
    if any(groups > 1 for groups in net.num_gs) or len(widths) != len(net.ds):
        raise InputError("gws needs one value a stage, and no num_gs beside it")
    for stage, width in zip(net.stages, widths, strict=True):
        if width < 1 or stage.inner % width:
            raise InputError(f"gws must divide the bottleneck of {stage.inner} channels")
    groups = [stage.inner // width for stage, width in zip(net.stages, widths, strict=True)]
    return replace(net, num_gs=tuple(groups))


def _check_keys(
    given: Mapping[str, Any], needed: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    for key in needed:
        if key not in given:
            raise InputError(f"the key {key!r} is missing")
    for key in given:
        if key not in (*needed, *allowed):
            raise InputError(
                f"unknown key {quoted(key)}: there are {', '.join((*needed, *allowed))}"
            )


def _number(given: Mapping[str, Any], key: str) -> int:
    value = given[key]
    if type(value) is not int:  # True is no number here
        raise InputError(f"{key} must be a whole number")
    return value


def _numbers(given: Mapping[str, Any], key: str) -> tuple[int, ...]:
    value = given[key]
    if not isinstance(value, list) or any(type(each) is not int for each in value):
        raise InputError(f"{key} must be a list of whole numbers")
    return tuple(value)


def _floats(given: Mapping[str, Any], key: str) -> tuple[float, ...]:
    value = given.get(key) or []
    if not isinstance(value, list) or any(type(each) not in (int, float) for each in value):
        raise InputError(f"{key} must be a list of numbers")
    try:
        return tuple(float(each) for each in value)
    except OverflowError:
        raise InputError(f"{key} has a number that is too large") from None


def _edges(given: Mapping[str, Any], key: str) -> tuple[Edge, ...]:
    value = given[key]
    edges: list[Edge] = []
    for edge in value if isinstance(value, list) else [None]:
        match edge:
            case [str(operation), int(source)] if type(source) is int:
                edges.append((operation, source))
            case _:
                raise InputError(f"{key} must be a list of [operation, number]")
    return tuple(edges)
