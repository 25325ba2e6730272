"""Linear layers (and Hugging Face's Conv1D): g = sum over positions of d x'."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from gradalign.engine._gradient import PerSampleGradient, Tile, Workspace, blocks, samples_first
from gradalign.engine._symmetric import symmetric_product
from gradalign.engine._weights import is_transformers_conv1d
from gradalign.engine.rules._base import RULES, Rule, Use
from gradalign.engine.rules._ghost import SYMMETRIC_COST, GhostGradient, by_position
from gradalign.statistics import Moments


class Positions(GhostGradient):
    """Gradients of a linear layer that several positions of a sample pass through.

    Args:
        left: [n, T, R].
        right: [n, T, K]. The gradient of sample i is left[i]' right[i].
    """

    def __init__(self, left: Tensor, right: Tensor) -> None:
        super().__init__(left.shape[0], (left.shape[2], right.shape[2]))
        self._left = left
        self._right = right

    def tiles(self, work: Workspace) -> Iterator[Tile]:
        """As the base class says."""
        rows, columns = self.shape
        left = self._left.transpose(1, 2)  # [n, R, T]
        for r, c in blocks(rows, columns, work.tile_numbers(left) // self.n):
            values = work.get("tile", (self.n, r.stop - r.start, c.stop - c.start), left)
            torch.bmm(left[:, r], self._right[:, :, c], out=values)
            yield Tile.block(values, r, c)

    def select(self, start: int, stop: int) -> Positions:
        """As the base class says."""
        return Positions(self._left[:, :, start:stop], self._right)

    def _outputs(self) -> Tensor:
        return self._left

    def _products(self, beside: float, work: Workspace) -> Tensor | None:
        (rows, columns), positions = self.shape, self._right.shape[1]
        cost = beside + positions**2 * SYMMETRIC_COST * columns
        fits = (self.n * positions) ** 2 * 2 * self._right.element_size() <= work.byte_budget
        if cost >= rows * columns or not fits:
            return None
        return symmetric_product(by_position(self._right))


class OuterProduct(Positions):
    """Gradients of a linear layer at one position: outer products, so most statistics are closed.

    Args:
        left: [n, R].
        right: [n, K].
    """

    def __init__(self, left: Tensor, right: Tensor) -> None:
        super().__init__(left.unsqueeze(1), right.unsqueeze(1))
        self.left = left
        self.right = right

    def select(self, start: int, stop: int) -> OuterProduct:
        """As the base class says."""
        return OuterProduct(self.left[:, start:stop], self.right)

    def gram(self, work: Workspace) -> Tensor:  # noqa: ARG002
        """<d_i, d_j> <x_i, x_j>."""
        return (self.left @ self.left.T) * (self.right @ self.right.T)

    def row_grams(self, work: Workspace) -> Tensor:  # noqa: ARG002
        """d_i d_j <x_i, x_j> for every entry of d."""
        rows = self.left.T
        return rows[:, :, None] * rows[:, None, :] * (self.right @ self.right.T)

    def squared_norms(self) -> Tensor:
        """[n], float64."""
        return (self.left.double().square().sum(1)) * (self.right.double().square().sum(1))

    def agreement(self) -> Tensor:
        """[n], float64: at how many weights sample i has the sign of the mean gradient."""
        mean_sign = (self.left.T @ self.right).sign()  # [R, K]
        left, right = self.left.sign(), self.right.sign()
        difference = ((left @ mean_sign) * right).sum(1, dtype=torch.float64)
        nonzero = ((left.abs() @ mean_sign.abs()) * right.abs()).sum(1, dtype=torch.float64)
        return (nonzero + difference) / 2

    def moments(self, names: frozenset[str], weight: Tensor) -> Moments:
        """The moments of every weight, [R, K]."""
        functions: dict[str, Callable[[Tensor], Tensor]] = {
            "sum": lambda x: x,
            "abs_sum": torch.abs,
            "square_sum": torch.square,
            "sign_sum": torch.sign,
        }
        values = {
            name: function(self.left).T @ function(self.right)
            for name, function in functions.items()
            if name in names
        }
        if "weight" in names:
            values["weight"] = weight
        return Moments(self.n, **values)


def _linear(use: Use) -> PerSampleGradient:
    x = samples_first(use.input, use.n).reshape(use.n, -1, use.input.shape[-1])
    d = samples_first(use.grad_output, use.n).reshape(use.n, -1, use.grad_output.shape[-1])
    if use.attribute == "bias":
        return OuterProduct(d.sum(1), d.new_ones(use.n, 1))
    left, right = (x, d) if is_transformers_conv1d(use.module) else (d, x)
    if left.shape[1] == 1:
        return OuterProduct(left[:, 0], right[:, 0])
    return Positions(left, right)


class _TransformersConv1D(Rule):
    def applies(self, module: nn.Module, attribute: str) -> bool:
        """Hugging Face's own class only; known by name, so that the library stays optional."""
        return (
            attribute in self.attributes
            and is_transformers_conv1d(module)
            and type(module).__module__ == "transformers.pytorch_utils"
        )


RULES.add("linear", Rule(modules=(nn.Linear,), attributes=("weight", "bias"), gradient=_linear))
RULES.add(
    "transformers_conv1d",
    _TransformersConv1D(modules=(), attributes=("weight", "bias"), gradient=_linear),
)
