"""Which weights of a model form the blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gradalign.errors import InputError, UnsupportedError

Selection = Callable[[str, nn.Parameter], bool]
"""A user's choice of blocks: full parameter name and parameter to whether it is a block."""


@dataclass(eq=False)
class Weight:
    """One block: a parameter and everything that uses it.

    Args:
        name: Full name of the parameter, by its first owner.
        parameter: The tensor.
        owners: Names of the modules that hold it, each with the attribute it is held under.
    """

    name: str
    parameter: nn.Parameter
    owners: list[tuple[str, str]] = field(default_factory=list)


def is_transformers_conv1d(module: nn.Module) -> bool:
    """Whether `module` is Hugging Face's Conv1D: a linear layer with a transposed weight."""
    return any(
        base.__name__ == "Conv1D" and base.__module__ == "transformers.pytorch_utils"
        for base in type(module).__mro__
    )


def weight_attributes(module: nn.Module) -> tuple[str, ...]:
    """Attributes of `module` that hold a block by default."""
    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear, nn.Bilinear)):
        return ("weight",)
    if isinstance(module, nn.RNNBase):
        return tuple(name for name, _ in _own(module) if name.startswith("weight_"))
    if isinstance(module, nn.RNNCellBase):
        return ("weight_ih", "weight_hh")
    return ("weight",) if is_transformers_conv1d(module) else ()


def find_weights(
    modules: Mapping[str, nn.Module],
    trainable: Callable[[nn.Parameter], bool],
    params: str | Selection,
) -> list[Weight]:
    """The blocks of a model, in the order of its modules; a parameter used twice is one block.

    Args:
        modules: By name, parametrizations materialised, attention split in projections.
        trainable: Whether a parameter is trained; others are no blocks.
        params: `default`, `all`, `named_weight` (every parameter with "weight" in its full name),
            or a function of (full name, parameter).

    Raises:
        InputError: No trainable weight is selected.
    """
    found: dict[int, Weight] = {}
    for module_name, module in modules.items():
        if "parametrizations" in module_name.split("."):
            continue  # what is trained there stands in the effective weight
        for attribute, parameter in _selected(module, module_name, params):
            if not trainable(parameter):
                continue
            full = f"{module_name}.{attribute}" if module_name else attribute
            weight = found.setdefault(id(parameter), Weight(full, parameter))
            weight.owners.append((module_name, attribute))
    if not found:
        raise InputError(
            "the model has no trainable weight to measure: it needs a convolution or a linear "
            "layer with requires_grad, or params='all'"
        )
    return list(found.values())


def _selected(
    module: nn.Module, module_name: str, params: str | Selection
) -> Iterator[tuple[str, nn.Parameter]]:
    if params == "default":
        for attribute in weight_attributes(module):
            parameter = module._parameters.get(attribute)
            if parameter is None:
                raise UnsupportedError(
                    f"the weight of layer {module_name!r} is no parameter: use "
                    "torch.nn.utils.parametrizations in place of an older re-parametrization"
                )
            yield attribute, parameter
        return
    for attribute, parameter in _own(module):
        full = f"{module_name}.{attribute}" if module_name else attribute
        if callable(params):
            chosen = params(full, parameter)
        else:
            chosen = params == "all" or (params == "named_weight" and "weight" in full)
        if chosen:
            yield attribute, parameter


def _own(module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield name, parameter


def channel_axis(module: nn.Module) -> int:
    """Axis of the channels of a weight layer's input and output."""
    return 1 if isinstance(module, nn.modules.conv._ConvNd) else -1


def output_filters(module: nn.Module, attribute: str, parameter: nn.Parameter) -> list[int] | None:
    """Output filter of every weight, row by row of `weight.flatten(1)`; None: row f is filter f."""
    if isinstance(module, nn.modules.conv._ConvTransposeNd) and attribute == "weight":
        rows, width = parameter.shape[0], parameter.shape[1]
        kernel = parameter[0, 0].numel()
        per_group = rows // module.groups
        return [
            row // per_group * width + column
            for row in range(rows)
            for column in range(width)
            for _ in range(kernel)
        ]
    if is_transformers_conv1d(module) and attribute == "weight":
        return list(range(parameter.shape[1])) * parameter.shape[0]
    return None


def as_matrix(weight: Tensor) -> Tensor:
    """A block as R rows by K columns; a vector as rows of one, a scalar as one row."""
    return weight.reshape(-1, 1) if weight.dim() < 2 else weight.flatten(1)


def filter_matrix(modules: Mapping[str, nn.Module], weight: Weight) -> Tensor | None:
    """Output filter of every weight of a block, [R, K]; None where row f is filter f."""
    name, attribute = weight.owners[0]
    filters = output_filters(modules[name], attribute, weight.parameter)
    if filters is None:
        return None
    shape = as_matrix(weight.parameter).shape
    return torch.tensor(filters, device=weight.parameter.device).view(shape)
