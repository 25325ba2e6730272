"""Statistics of every kind from explicit per-sample gradients, the obvious way.

No engine: whatever it gets wrong cannot hide here, and every number can be recomputed by a loop.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import stats as scipy_stats
from torch import Tensor

from gradalign.proxies import PROXIES
from gradalign.statistics import Block, Layer, Moments, Statistics, WeightStatistic

FILTERS = 2
"""Output filters of every block."""


@dataclass(frozen=True)
class Measured:
    """What a pass would see of a network.

    Args:
        gradients: For each block, the samples' gradients, [n, p_b]; p_b is even.
        codes: Which of the ReLU units are on for each sample, [n, units], 0 or 1.
        inputs: For each weight layer, the vectors at its input, [n, positions, channels].
        outputs: For each weight layer, the gradients at its output, [n, positions, channels].
        weights: For each block, [p_b].
    """

    gradients: tuple[Tensor, ...]
    codes: Tensor
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]

    @property
    def n(self) -> int:
        return int(self.gradients[0].shape[0])

    def take(self, index: Sequence[int]) -> "Measured":
        """The samples in `index`, in that order."""
        rows = list(index)
        return replace(
            self,
            gradients=tuple(g[rows] for g in self.gradients),
            codes=self.codes[rows],
            inputs=tuple(x[rows] for x in self.inputs),
            outputs=tuple(d[rows] for d in self.outputs),
        )

    def scaled(self, factor: float) -> "Measured":
        """Every loss multiplied by `factor`."""
        return replace(
            self,
            gradients=tuple(factor * g for g in self.gradients),
            outputs=tuple(factor * d for d in self.outputs),
        )

    def absolute(self) -> "Measured":
        """What a network of absolute weights would show: nothing flows that is negative."""
        return replace(
            self,
            gradients=tuple(g.abs() for g in self.gradients),
            weights=tuple(w.abs() for w in self.weights),
        )

    def without(self, sample: int) -> "Measured":
        """The other samples."""
        return self.take([i for i in range(self.n) if i != sample])


def random_measured(n: int, *, seed: int = 0, sizes: Sequence[int] = (4, 6, 10, 8)) -> Measured:
    """A network whose numbers are drawn: some agreement between samples, some exact zeros.

    The second block is dead, and sample 0 has no gradient in the third.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    gradients = [draw(n, p) + draw(1, p) / 2 for p in sizes]
    gradients[1].zero_()
    if n > 1:
        gradients[2][0] = 0
    gradients[3][:, 0] = 0
    return Measured(
        gradients=tuple(gradients),
        codes=(draw(n, 40) > 0).double(),
        inputs=tuple(draw(n, 3, channels) for channels in (3, 5, 2)),
        outputs=tuple(draw(n, 2, channels) for channels in (5, 2, 4)),
        weights=tuple(draw(p) for p in sizes),
    )


def from_gradients(*gradients: Sequence[Sequence[float]]) -> Statistics:
    """Statistics of blocks whose per-sample gradients are written out, [n][p_b] each."""
    blocks = tuple(torch.tensor(g, dtype=torch.float64) for g in gradients)
    n = blocks[0].shape[0]
    vectors = torch.eye(n, dtype=torch.float64).unsqueeze(1)  # [n, 1, n]
    return build(
        Measured(
            gradients=blocks,
            codes=torch.eye(n, dtype=torch.float64),
            inputs=(vectors, vectors),
            outputs=(vectors, vectors),
            weights=tuple(torch.ones(g.shape[1], dtype=torch.float64) for g in blocks),
        )
    )


def build(measured: Measured) -> Statistics:
    """Everything that any registered proxy may ask for."""
    gradients = measured.gradients
    n = measured.n
    codes = measured.codes
    blocks = tuple(
        Block(
            f"{'block' if b else 'attention'}{b}",
            (FILTERS, g.shape[1] // FILTERS),
            macs=3 * g.shape[1] + b,
        )
        for b, g in enumerate(gradients)
    )
    layers = tuple(
        _layer(f"layer{k}", 7 * (k + 1), x, d)
        for k, (x, d) in enumerate(zip(measured.inputs, measured.outputs, strict=True))
    )
    filters = torch.stack([_filter_alignment(g) for g in gradients])
    left_out = torch.zeros(len(gradients), n, dtype=torch.float64)
    for i in range(n if n > 1 else 0):
        left_out[:, i] = torch.stack([_filter_alignment(g) for g in measured.without(i).gradients])
    matches = codes @ codes.T + (1 - codes) @ (1 - codes).T
    values = {
        "gram": torch.stack([g @ g.T for g in gradients]),
        "squared_norms": torch.stack([g.square().sum(1) for g in gradients]),
        "agreement": torch.stack([_agreement(g) for g in gradients]),
        "filter_alignment": filters,
        "filter_alignment_left_out": left_out,
        "weight_sums": {s.name: _weight_sum(s, measured) for s in _weight_statistics()},
        **_saliencies(measured.inputs, measured.outputs, len(blocks)),
        "logit_jacobian_gram": _two_outputs_gram(gradients),
        **_of_the_batch(tuple(g.sum(0) for g in gradients)),
        "live": torch.stack([g.any() for g in gradients]),
        "layers": layers,
        **_of_the_network(torch.cat([codes, *(x.flatten(1) for x in measured.inputs)], 1)),
        "activation_matches": matches,
        "activation_units": codes.shape[1],
        **dict.fromkeys(("relu_matches", "gelu_matches", "layer_matches"), matches),
        "relu_patterns": torch.tensor(len({tuple(unit) for unit in codes.T.tolist()})),
        "relu_units": torch.tensor(codes.shape[1]),
        "attention_maxima": _attention_maxima(measured.inputs),
        "activation_bytes": torch.tensor(8 * codes.shape[1]),
        "training_bytes": torch.tensor(32 * codes.shape[1]),
        "latency": torch.tensor(0.5),
        **_of_the_architecture(measured.inputs),
        "weights": measured.weights,
        "params": sum(block.size for block in blocks) + 5,
        "macs": sum(block.macs for block in blocks) + 11,
    }
    return Statistics(
        n=n, blocks=blocks, values=values, has_gradient=any(bool(g.any()) for g in gradients)
    )


def naive_entropy(vectors):
    """The h of a layer from explicit vectors, [n, positions, channels], by NumPy and SciPy."""
    rows = vectors.flatten(0, 1).numpy()
    count, channels = rows.shape
    spectrum = np.linalg.svd(rows - rows.mean(0), compute_uv=False) ** 2
    if spectrum.sum() == 0:
        return 0.0
    return min(scipy_stats.entropy(spectrum) / math.log(max(2, min(channels, count - 1))), 1.0)


def _saliencies(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], blocks: int
) -> dict[str, Tensor]:
    """As though the first numbers of each layer's input were its output, and it had one weight."""
    found = torch.zeros(2, blocks, dtype=torch.float64)
    for b, (x, d) in enumerate(zip(inputs, outputs, strict=True)):
        positions, channels = min(x.shape[1], d.shape[1]), min(x.shape[2], d.shape[2])
        product = x[:, :positions, :channels] * d[:, :positions, :channels]
        found[0, b % blocks] += product.sum(1).square().mean(0).sum()
        found[1, b % blocks] += product.sum(2).square().mean(0).sum()
    return {"channel_saliency": found[0], "axis_saliency": found[1]}


def _two_outputs_gram(gradients: Sequence[Tensor]) -> Tensor:
    """As though a second output had each block's gradients in reverse."""
    rows = torch.cat([torch.cat(list(gradients), 1), torch.cat([g.flip(1) for g in gradients], 1)])
    return rows @ rows.T


def _attention_maxima(inputs: Sequence[Tensor]) -> Tensor:
    """As though the inputs of each weight layer were the scores of an attention of one head."""
    return torch.tensor([x.softmax(-1).amax(-1).mean() for x in inputs], dtype=torch.float64)


def _of_the_architecture(inputs: Sequence[Tensor]) -> dict[str, object]:
    """As though each weight layer's input were a feature, and its product with signs a gain."""
    rows = [x.flatten(0, 1) for x in inputs] or [torch.eye(3, dtype=torch.float64)] * 2
    signs = [(-1.0) ** torch.arange(len(x), dtype=x.dtype) for x in rows]
    gains = [torch.linalg.vector_norm(x.T @ d / len(x)) for x, d in zip(rows, signs, strict=True)]
    return {
        "block_spectra": tuple(_spectrum(x) for x in rows),
        "block_gains": torch.stack(gains[1:]),
        "fisher_spectrum": torch.linalg.eigvalsh(rows[0].T @ rows[0] / len(rows[0])),
        "parameter_tensors": torch.tensor(2.0 * len(inputs) + 1),
    }


def _of_the_batch(gradients: tuple[Tensor, ...]) -> dict[str, object]:
    """What comes from the gradient of the summed loss, a block."""
    return {
        "batch_gradient": gradients,
        "gradient_starts": _gradient_starts(gradients),
        # Some operator that is linear in the loss, as the Hessian is, so that H g scales as loss^2.
        "hessian_gradient": tuple(g.abs().sum() * g.flip(0) for g in gradients),
    }


def _gradient_starts(gradients: Sequence[Tensor]) -> Tensor:
    """As though every block were repeated until it has 50 entries; dead ones get no gradient."""
    starts = [g.repeat(50)[:50] for g in gradients if g.any()]
    return torch.stack(starts) if starts else torch.zeros(0, 50, dtype=torch.float64)


def _of_the_network(rows: Tensor) -> dict[str, Tensor]:
    """What depends on inputs and weights alone, here on some vector of each sample, [n, D]."""
    first = torch.cat([rows.new_ones(1, 6), rows[:1].abs()], 1)[0, -6:]
    labels = (rows.sum(1) > rows.sum() / len(rows)).long()
    correlations = torch.nan_to_num(torch.corrcoef(rows).abs()).reshape(len(rows), len(rows))
    return {
        "input_gradient": rows,
        "labels": labels,
        "logits": rows[:, :3],
        "final_features": rows,
        "norm_scales": torch.stack([first, 0 * first + 0.9, first + 0.1], 1),
        "smallest_correlations": first,
        "sampled_correlations": 2 * first,
        "output_conditions": first / (1 + first),
        "output_ranks": 1 + first,
        "curve_derivatives": torch.stack([first[:3] + 1, first[3:]]),
        "response_correlations": torch.stack([correlations, correlations.square()]),
    }


def _agreement(g: Tensor) -> Tensor:
    mean_sign = g.mean(0).sign()
    return ((g.sign() == mean_sign) & (mean_sign != 0)).sum(1).double()


def _filter_alignment(g: Tensor) -> Tensor:
    """Sum over the filters of a block of p_f times the mean cosine with the mean gradient."""
    total = torch.zeros((), dtype=torch.float64)
    for rows in g.unflatten(1, (FILTERS, -1)).unbind(1):
        mean = rows.mean(0)
        for row in rows:
            scale = row.norm() * mean.norm()
            if scale > 0:
                total += rows.shape[1] * (row @ mean) / scale / g.shape[0]
    return total


def _layer(name: str, macs: int, inputs: Tensor, outputs: Tensor) -> Layer:
    x, d = inputs.flatten(0, 1), outputs.flatten(0, 1)
    return Layer(
        name=name,
        macs=macs,
        live=bool(d.any()),
        input_spectrum=_spectrum(x),
        input_positions=x.shape[0],
        output_spectrum=_spectrum(d),
        output_positions=d.shape[0],
    )


def _spectrum(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / rows.shape[0])


def _weight_statistics() -> list[WeightStatistic]:
    needs = [need for proxy in PROXIES.values() for need in proxy.needs]
    return [need for need in needs if isinstance(need, WeightStatistic)]


def _weight_sum(statistic: WeightStatistic, measured: Measured) -> Tensor:
    sums = []
    for g, weight in zip(measured.gradients, measured.weights, strict=True):
        every = {
            "sum": g.sum(0),
            "abs_sum": g.abs().sum(0),
            "square_sum": g.square().sum(0),
            "sign_sum": g.sign().sum(0),
            "weight": weight,
        }
        moments = Moments(n=measured.n, **{name: every[name] for name in statistic.moments})
        sums.append(statistic.term(moments).sum())
    return torch.stack(sums)
