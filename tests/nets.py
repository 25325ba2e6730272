"""Tiny awkward networks, each with a batch: what an engine for per-sample gradients gets wrong.

`CASES` holds them by name. Weights, running statistics and batches are drawn from fixed seeds, and
no affine parameter or running statistic is left at its default. Everything is float64.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.utils import checkpoint as checkpointing

NORMS = ("batch_fixed", "sample", "frozen", "identity", "batch", "batch_exact")
PLAIN = ("batch_fixed", "batch")
"""Enough for a network without batch normalisation: its gradients are the same in every mode."""
N = 5
CLASSES = 4


@dataclass(frozen=True)
class Case:
    """A network and what may be expected of it.

    Args:
        name: Its name.
        build: Makes the network; call `Case.make` for a seeded one.
        draw: Makes (inputs, targets) with the samples on axis 0; call `Case.batch`.
        norms: Norm modes in which it can be measured.
        refused: Norm modes that cannot be done, by any backend, and must be refused.
        loss_fn: A loss of its own, (output, targets) to [n].
        no_hooks: Norm modes in which the rules of the hooks backend cannot be right.
        no_vmap: Whether torch.func cannot run it.
        no_way: Whether every backend may refuse it.
        no_layers: Whether its weight layers are no plain calls of modules with one input.
        dead: Norm modes in which rounding noise stands in for the gradient of blocks.
    """

    name: str
    build: Callable[[], nn.Module]
    draw: Callable[[], tuple[Any, Any]]
    norms: tuple[str, ...] = PLAIN
    refused: tuple[str, ...] = ()
    loss_fn: Callable[[Any, Any], Tensor] | None = None
    no_hooks: tuple[str, ...] = ()
    no_vmap: bool = False
    no_way: bool = False
    no_layers: bool = False
    dead: tuple[str, ...] = field(default=())

    def make(self) -> nn.Module:
        """The network, the same at every call."""
        with torch.random.fork_rng():
            torch.manual_seed(zlib.crc32(self.name.encode()))
            return _perturbed(self.build().double())

    def batch(self) -> tuple[Any, Any]:
        """Its inputs and targets, the same at every call."""
        with torch.random.fork_rng():
            torch.manual_seed(zlib.crc32(self.name.encode()) + 1)
            return self.draw()


CASES: dict[str, Case] = {}


def _perturbed(model: nn.Module) -> nn.Module:
    """`model` with every vector and every running statistic moved off its default."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.3)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return model


def images(n: int = N, channels: int = 3, size: tuple[int, ...] = (8, 8)) -> tuple[Tensor, Tensor]:
    """Images and class labels."""
    return torch.randn(n, channels, *size, dtype=torch.float64), torch.randint(CLASSES, (n,))


def tokens(length: int = 6, width: int = 6) -> tuple[Tensor, Tensor]:
    """Sequences of vectors and class labels."""
    return torch.randn(N, length, width, dtype=torch.float64), torch.randint(CLASSES, (N,))


def vectors() -> tuple[Tensor, Tensor]:
    """Vectors and class labels."""
    return torch.randn(N, 6, dtype=torch.float64), torch.randint(CLASSES, (N,))


def ids() -> tuple[Tensor, Tensor]:
    """Token ids and class labels."""
    return torch.randint(7, (N, 6)), torch.randint(CLASSES, (N,))


def case(
    draw: Callable[[], tuple[Any, Any]] = images, **facts: Any
) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    """Register the decorated factory as the case of its name."""

    def register(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        CASES[build.__name__] = Case(build.__name__, build, draw, **facts)
        return build

    return register


def net(forward: Callable[..., Any], **children: Any) -> nn.Module:
    """A module of a class of its own with this forward and these children."""
    model: nn.Module = type("Net", (nn.Module,), {"forward": forward})()
    for name, child in children.items():
        setattr(model, name, child)
    return model


def pooled(x: Tensor) -> Tensor:
    """Mean over all positions."""
    return x.flatten(2).mean(2)


def chain(*modules: nn.Module, width: int = 4) -> nn.Module:
    """Modules one after the other, the mean over positions, a classifier."""
    return net(
        lambda self, x: self.head(pooled(self.body(x))),
        body=nn.Sequential(*modules),
        head=nn.Linear(width, CLASSES),
    )


def conv(inputs: int = 4, outputs: int = 4, **options: Any) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size of the map."""
    return nn.Conv2d(inputs, outputs, 3, **{"padding": 1, **options})


# Weights used more than once, or by somebody else


@case(vectors)
def shared_parameter() -> nn.Module:
    first, second = nn.Linear(6, 6), nn.Linear(6, 6)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.ReLU(), nn.Linear(6, CLASSES))


@case(norms=NORMS)
def used_twice() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = F.relu(self.norm(self.conv(x)))
        return self.head(pooled(F.relu(self.norm(self.conv(x)))))

    return net(
        forward, stem=conv(3), conv=conv(), norm=nn.BatchNorm2d(4), head=nn.Linear(4, CLASSES)
    )


@case(vectors, no_hooks=NORMS)
def child_weight() -> nn.Module:
    return net(
        lambda self, x: self.head(torch.tanh(self.child(x)) + F.linear(x, self.child.weight)),
        child=nn.Linear(6, 6),
        head=nn.Linear(6, CLASSES),
    )


@case(vectors, no_hooks=NORMS)
def child_weight_only() -> nn.Module:
    return net(
        lambda self, x: self.head(torch.tanh(F.linear(x, self.child.weight))),
        child=nn.Linear(6, 6),
        head=nn.Linear(6, CLASSES),
    )


@case(vectors, no_hooks=NORMS)
def tied_transposed() -> nn.Module:
    return net(
        lambda self, x: self.head(F.linear(torch.tanh(self.code(x)), self.code.weight.t())),
        code=nn.Linear(6, 3),
        head=nn.Linear(6, CLASSES),
    )


@case(ids, no_hooks=NORMS)
def tied_embedding() -> nn.Module:
    model = net(
        lambda self, x: self.out(torch.tanh(self.mix(self.embed(x)).mean(1)))[:, :CLASSES],
        embed=nn.Embedding(7, 5),
        mix=nn.Linear(5, 5),
        out=nn.Linear(5, 7, bias=False),
    )
    model.out.weight = model.embed.weight
    return model


@case(vectors)
def custom_parameter() -> nn.Module:
    return net(
        lambda self, x: self.head(torch.relu(self.first(x) @ self.weight)),
        first=nn.Linear(6, 5),
        weight=nn.Parameter(torch.randn(5, 5)),
        head=nn.Linear(5, CLASSES),
    )


# In-place operations, branches, modules that take no part


@case(norms=NORMS)
def inplace_relu() -> nn.Module:
    def relu() -> nn.Module:
        return nn.ReLU(inplace=True)

    return chain(conv(3), relu(), conv(bias=False), nn.BatchNorm2d(4), relu(), conv(), relu())


@case(norms=NORMS)
def residual() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        y = self.norm(self.first(x))
        y += x
        y = F.relu(y, inplace=True)
        z = self.second(y)
        z.mul_(0.5).add_(y)
        z[:, :2] *= 2
        return self.head(pooled(z))

    return net(
        forward,
        stem=conv(3),
        first=conv(),
        norm=nn.BatchNorm2d(4),
        second=conv(),
        head=nn.Linear(4, CLASSES),
    )


@case(norms=NORMS)
def concatenation() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = torch.cat([self.left(x), F.silu(self.right(x), inplace=True), x], 1)
        return self.head(pooled(self.last(F.relu(self.norm(x)))))

    return net(
        forward,
        left=conv(3, 2),
        right=conv(3, 3),
        norm=nn.BatchNorm2d(8),
        last=conv(8, 4),
        head=nn.Linear(4, CLASSES),
    )


@case()
def dead_branch() -> nn.Module:
    return net(
        lambda self, x: self.head(pooled(F.relu(self.stem(x)) + self.dead(x) * 0)),
        stem=conv(3),
        dead=conv(3),
        head=nn.Linear(4, CLASSES),
    )


@case()
def unused_and_frozen() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        F.relu(self.ignored(x))  # a result that nobody reads
        with torch.no_grad():
            gate = self.gate(x)
        return self.head(pooled(self.last(x.detach() * gate.sigmoid() + self.frozen(x))))

    model = net(
        forward,
        stem=conv(3),
        unused=conv(),
        ignored=conv(),
        gate=conv(),
        frozen=conv(),
        last=conv(),
        head=nn.Linear(4, CLASSES),
    )
    model.frozen.requires_grad_(requires_grad=False)
    return model


@case()
def keyword_call() -> nn.Module:
    return net(
        lambda self, x: self.head(input=pooled(F.relu(self.stem(input=x), inplace=True))),
        stem=conv(3),
        head=nn.Linear(4, CLASSES),
    )


@case()
def user_hooks() -> nn.Module:
    model = chain(conv(3), nn.ReLU(), conv())
    model.body[0].register_forward_hook(lambda module, args, output: 2 * output)
    model.body[2].register_forward_pre_hook(lambda module, args: (args[0].flip(2),))
    return model


@case(norms=NORMS, no_way=True, no_vmap=True)
def checkpointed() -> nn.Module:
    return net(
        lambda self, x: self.head(
            pooled(checkpointing.checkpoint(self.body, self.stem(x), use_reentrant=False))
        ),
        stem=conv(3),
        body=nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), conv()),
        head=nn.Linear(4, CLASSES),
    )


# Convolutions


@case()
def grouped_depthwise() -> nn.Module:
    return chain(
        conv(3, 4), nn.ReLU(), conv(groups=2), nn.ReLU(), conv(outputs=8, groups=4), width=8
    )


@case()
def dilated_strided() -> nn.Module:
    return chain(
        nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(2, 1)),
        nn.ReLU6(inplace=True),
        conv(dilation=2, padding=3, stride=2),
        nn.Hardswish(inplace=True),
        nn.Conv2d(4, 4, (1, 3), bias=False),
    )


@case()
def padding_modes() -> nn.Module:
    return chain(
        conv(3, padding_mode="reflect"),
        nn.ReLU(),
        conv(padding_mode="circular", padding=(2, 1)),
        nn.ReLU(),
        conv(padding_mode="replicate", padding="same", dilation=2),
    )


@case()
def padding_same() -> nn.Module:
    return chain(
        nn.Conv2d(3, 4, (2, 4), padding="same", dilation=(2, 1)),
        nn.GELU(),
        nn.Conv2d(4, 4, 3, padding="valid", groups=2),
    )


@case(lambda: images(channels=3, size=(10,)))
def conv1d() -> nn.Module:
    return chain(
        nn.Conv1d(3, 4, 3, stride=2, padding=2), nn.ReLU(), nn.Conv1d(4, 4, 3, padding="same")
    )


@case(lambda: images(channels=2, size=(4, 5, 4)), norms=NORMS)
def conv3d() -> nn.Module:
    return chain(
        nn.Conv3d(2, 4, (3, 2, 3), padding=(1, 0, 1), stride=(1, 2, 1)),
        nn.BatchNorm3d(4),
        nn.ReLU(),
        nn.Conv3d(4, 4, 2, groups=2, dilation=(1, 1, 2)),
    )


@case()
def transposed2d() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = F.relu(self.up(F.relu(self.down(x))))
        return self.head(pooled(self.grouped(x, output_size=[18, 15])))

    return net(
        forward,
        down=conv(3, stride=2),
        up=nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=(1, 0)),
        grouped=nn.ConvTranspose2d(6, 4, (3, 2), stride=2, groups=2, bias=False),
        head=nn.Linear(4, CLASSES),
    )


@case(lambda: images(size=(7,)))
def transposed1d() -> nn.Module:
    return chain(
        nn.ConvTranspose1d(3, 4, 3, stride=3, output_padding=1, dilation=2),
        nn.ReLU(),
        nn.ConvTranspose1d(4, 4, 2, groups=4),
    )


@case(lambda: images(size=(3, 2, 3)))
def transposed3d() -> nn.Module:
    return chain(nn.ConvTranspose3d(3, 4, 2, stride=(1, 2, 1)), nn.ReLU(), nn.Conv3d(4, 4, 1))


class StandardisedConv(nn.Conv2d):
    """A convolution with a forward of its own: the gradient is that of the raw weight."""

    def forward(self, x: Tensor) -> Tensor:
        deviation = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, deviation / deviation.norm(), self.bias, padding=1)


@case(no_hooks=NORMS)
def overridden_conv() -> nn.Module:
    return chain(conv(3), nn.ReLU(), StandardisedConv(4, 4, 3))


@case(no_hooks=NORMS)
def convolution_a_sample() -> nn.Module:
    return net(
        lambda self, x: self.head(pooled(torch.stack([self.conv(image) for image in x]))),
        conv=conv(3),
        head=nn.Linear(4, CLASSES),
    )


@case(no_vmap=True)
def layouts() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        x = self.last(F.relu(x).transpose(2, 3))
        return self.head(x.mean((2, 3)))  # its gradient is an expanded view

    return net(forward, stem=conv(3), last=conv(), head=nn.Linear(4, CLASSES))


# Normalisation


@case(norms=NORMS)
def batch_norm() -> nn.Module:
    return chain(
        conv(3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), conv(), nn.BatchNorm2d(4, affine=False),
        nn.ReLU(), conv(),
    )  # fmt: skip


@case(norms=NORMS)
def batch_norm_in_eval() -> nn.Module:
    model = chain(conv(3), nn.BatchNorm2d(4), nn.ReLU(), conv(), nn.BatchNorm2d(4), nn.ReLU())
    model.body[1].eval()
    return model


@case(norms=NORMS, dead=("sample",))
def norm_before_pooling() -> nn.Module:
    return chain(conv(3), nn.BatchNorm2d(4), nn.ReLU(), conv(), nn.BatchNorm2d(4))


@case(norms=tuple(m for m in NORMS if m != "frozen"), refused=("frozen",))
def batch_norm_without_statistics() -> nn.Module:
    return chain(conv(3), nn.BatchNorm2d(4, track_running_stats=False), nn.ReLU(), conv())


@case(norms=NORMS)
def sync_batch_norm() -> nn.Module:
    return nn.SyncBatchNorm.convert_sync_batchnorm(
        chain(conv(3), nn.BatchNorm2d(4), nn.ReLU(), conv())
    )


@case(lambda: images(size=(7,)), norms=NORMS)
def batch_norm_1d() -> nn.Module:
    return chain(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Conv1d(4, 4, 3))


@case(norms=tuple(m for m in NORMS if m != "sample"), refused=("sample",))
def batch_norm_after_flatten() -> nn.Module:
    return nn.Sequential(
        conv(3, 2, stride=4), nn.Flatten(), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)
    )


@case(lambda: images(size=(1, 1)), norms=("batch_fixed", "frozen", "batch"), refused=("sample",))
def one_by_one_maps() -> nn.Module:
    return chain(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), conv())


@case(norms=NORMS)
def functional_batch_norm() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = F.batch_norm(x, self.running_mean, self.running_var, self.scale, training=self.training)
        return self.head(pooled(self.last(F.relu(x))))

    model = net(
        forward,
        stem=conv(3),
        scale=nn.Parameter(torch.ones(4)),
        last=conv(),
        head=nn.Linear(4, CLASSES),
    )
    model.register_buffer("running_mean", torch.zeros(4).double())
    model.register_buffer("running_var", torch.ones(4).double())
    return model


@case(norms=NORMS)
def instance_norm() -> nn.Module:
    return chain(
        conv(3), nn.InstanceNorm2d(4, affine=True, track_running_stats=True), nn.ReLU(),
        conv(), nn.InstanceNorm2d(4, affine=True), nn.ReLU(), conv(),
    )  # fmt: skip


@case()
def group_norm() -> nn.Module:
    return chain(
        conv(3), nn.GroupNorm(2, 4), nn.ReLU(), conv(), nn.GroupNorm(4, 4), nn.ReLU(), conv()
    )


@case(tokens)
def layer_norm() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 6), nn.LayerNorm([6, 6]), nn.ReLU(), nn.Linear(6, 5), nn.RMSNorm(5),
        nn.Flatten(), nn.Linear(30, CLASSES),
    )  # fmt: skip


@case(lambda: images(n=1), norms=NORMS)
def batch_of_one() -> nn.Module:
    return chain(conv(3), nn.BatchNorm2d(4), nn.ReLU(), conv())


@case(
    lambda: tokens(length=10), norms=NORMS, no_hooks=("sample",)
)  # 2 N positions: a view as [N, ...] goes through and mixes samples
def sequence_first_batch_norm() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        length, n = x.shape[1], x.shape[0]
        x = self.first(x).transpose(0, 1).flatten(0, 1)  # [length n, channels]
        x = self.norm(x).unflatten(0, (length, n)).transpose(0, 1)
        return self.head(self.last(F.relu(x)).mean(1))

    return net(
        forward,
        first=nn.Linear(6, 4),
        norm=nn.BatchNorm1d(4),
        last=nn.Linear(4, 4),
        head=nn.Linear(4, CLASSES),
    )


def _tokens_after_batch_norm() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).flatten(2).transpose(1, 2)  # a gradient in channels-last order
        return self.head(torch.tanh(self.mix(self.each(x))).mean(1))

    return net(
        forward,
        stem=conv(3),
        norm=nn.BatchNorm2d(4),
        each=nn.LayerNorm(4),
        mix=nn.Linear(4, 4),
        head=nn.Linear(4, CLASSES),
    )


@case(norms=NORMS)
def tokens_after_batch_norm() -> nn.Module:
    return _tokens_after_batch_norm()


@case(lambda: images(n=1), norms=NORMS)
def tokens_after_batch_norm_of_one() -> nn.Module:
    return _tokens_after_batch_norm()


@case()
def tokens_after_instance_norm() -> nn.Module:
    model = _tokens_after_batch_norm()
    model.norm = nn.InstanceNorm2d(4, affine=True)
    return model


# Randomness


@case()
def dropout() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.drop(F.relu(self.stem(x)))
        x = F.dropout(self.spatial(x), 0.4, training=True)
        return self.head(F.dropout2d(x, 0.5, training=self.training).mean((2, 3)))

    return net(
        forward,
        stem=conv(3),
        drop=nn.Dropout(0.5, inplace=True),
        spatial=nn.Dropout2d(0.5),
        head=nn.Linear(4, CLASSES),
    )


# Attention and token order


@case(tokens, no_layers=True)
def attention() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        x = x + self.attention(x, x, x, attn_mask=mask, need_weights=False)[0]
        return self.head(x.mean(1))

    return net(
        forward,
        attention=nn.MultiheadAttention(6, 2, dropout=0.3, batch_first=True),
        head=nn.Linear(6, CLASSES),
    )


def _masked_tokens() -> tuple[Any, Tensor]:
    x, y = tokens()
    mask = torch.arange(6) >= torch.tensor([6, 3, 4, 6, 2])[:, None]
    return {"x": x, "memory": torch.randn(N, 6, 4, dtype=torch.float64), "mask": mask}, y


@case(_masked_tokens, no_layers=True)
def cross_attention() -> nn.Module:
    def forward(self: Any, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        x, _ = self.attention(x, memory, memory, key_padding_mask=mask)
        return self.head(x.mean(1))

    return net(
        forward,
        attention=nn.MultiheadAttention(6, 3, kdim=4, vdim=4, batch_first=True, bias=False),
        head=nn.Linear(6, CLASSES),
    )


@case(lambda: tokens(length=N), no_layers=True, no_hooks=NORMS)
def sequence_first_attention() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = self.project(x.transpose(0, 1))  # length = n: no shape tells the axes apart
        x, _ = self.attention(x, x, x)
        return self.head(x.mean(0))

    return net(
        forward,
        project=nn.Linear(6, 4),
        attention=nn.MultiheadAttention(4, 2),
        head=nn.Linear(4, CLASSES),
    )


@case(lambda: tokens(length=N), no_hooks=NORMS)
def sequence_first_relu() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = F.relu(self.first(x).transpose(0, 1)).transpose(0, 1)
        return self.head(x.mean(1))

    return net(forward, first=nn.Linear(6, 4), head=nn.Linear(4, CLASSES))


@case(vectors, no_hooks=NORMS)
def reordered_samples() -> nn.Module:
    return net(
        lambda self, x: self.head(torch.tanh(self.first(x.flip(0)).flip(0))),
        first=nn.Linear(6, 5),
        head=nn.Linear(5, CLASSES),
    )


@case(tokens, no_layers=True)
def transformer_layer() -> nn.Module:
    return net(
        lambda self, x: self.head(self.layer(x).mean(1)),
        layer=nn.TransformerEncoderLayer(6, 2, 8, dropout=0.2, batch_first=True, norm_first=True),
        head=nn.Linear(6, CLASSES),
    )


@case(tokens, no_layers=True)
def transformer_layer_in_eval() -> nn.Module:
    model = net(
        lambda self, x: self.head(self.layer(x).mean(1)),
        layer=nn.TransformerEncoderLayer(6, 2, 8, batch_first=True),  # has a fused fast path
        head=nn.Linear(6, CLASSES),
    )
    return model.eval()


@case(tokens)
def scaled_dot_product() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, 2, 3)).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, dropout_p=0.2, is_causal=True)
        return self.head(self.out(x.transpose(1, 2).flatten(2)).mean(1))

    return net(
        forward,
        qkv=nn.Linear(6, 18, bias=False),
        out=nn.Linear(6, 6),
        head=nn.Linear(6, CLASSES),
    )


@case(norms=NORMS)
def windows() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        n = x.shape[0]
        x = self.stem(x).unflatten(2, (2, 2)).unflatten(4, (2, 2))  # [n, c, 2, 2, 2, 2]
        x = x.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)  # [4 n, c, 2, 2]
        x = self.norm(F.relu(self.inside(x))).flatten(2).transpose(1, 2)  # [4 n, 4, c]
        q, k, v = self.qkv(x).chunk(3, 2)
        x = torch.softmax(q @ k.transpose(1, 2), 2) @ v
        return self.head(self.out(x).unflatten(0, (n, 4)).mean((1, 2)))

    return net(
        forward,
        stem=conv(3, stride=2),
        inside=conv(),
        norm=nn.BatchNorm2d(4),
        qkv=nn.Linear(4, 12),
        out=nn.Linear(4, 4),
        head=nn.Linear(4, CLASSES),
    )


@case(tokens)
def linear_on_many_axes() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        x = F.relu(self.three(x))
        x = self.four(x.unflatten(1, (2, 3)))  # [n, 2, 3, c]
        return self.head(x.transpose(1, 3).mean((2, 3)))

    return net(
        forward, three=nn.Linear(6, 5), four=nn.Linear(5, 4, bias=False), head=nn.Linear(4, CLASSES)
    )


# Recurrent networks and token ids


@case(ids, no_layers=True, no_hooks=NORMS, no_vmap=True)
def lstm() -> nn.Module:
    return net(
        lambda self, x: self.head(self.lstm(self.embed(x))[0].mean(1)),
        embed=nn.Embedding(7, 3, padding_idx=0),
        lstm=nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True, dropout=0.2, proj_size=2),
        head=nn.Linear(4, CLASSES),
    )


@case(lambda: tokens(length=N), no_layers=True, no_hooks=NORMS, no_vmap=True)
def gru() -> nn.Module:
    return net(
        lambda self, x: self.head(self.gru(x.transpose(0, 1))[1][-1]),  # sequence first, length n
        gru=nn.GRU(6, 4),
        head=nn.Linear(4, CLASSES),
    )


@case(tokens, no_layers=True, no_hooks=NORMS)
def recurrent_cell() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        state = x.new_zeros(x.shape[0], 4)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state)

    return net(forward, cell=nn.RNNCell(6, 4, nonlinearity="relu"), head=nn.Linear(4, CLASSES))


@case(ids, no_vmap=True)
def embedding_max_norm() -> nn.Module:
    return net(
        lambda self, x: self.head(torch.tanh(self.embed(x)).mean(1)),
        embed=nn.Embedding(7, 3, max_norm=0.8),  # shrinks its own weights in the forward pass
        head=nn.Linear(3, CLASSES),
    )


@case(lambda: tokens(width=4))
def hugging_face_conv1d() -> nn.Module:
    from transformers.pytorch_utils import Conv1D

    return net(
        lambda self, x: self.head(F.gelu(self.mix(x)).mean(1)),
        mix=Conv1D(6, 4),
        head=nn.Linear(6, CLASSES),
    )


# Inputs, outputs, losses


def _pair() -> tuple[Any, Tensor]:
    x, y = images()
    return (x, {"shift": torch.randn(N, 6, dtype=torch.float64)}), y


@case(_pair)
def nested_inputs() -> nn.Module:
    return net(
        lambda self, x, extra: self.head(
            torch.cat([pooled(F.relu(self.stem(x))), self.side(extra["shift"])], 1)
        ),
        stem=conv(3),
        side=nn.Linear(6, 3),
        head=nn.Linear(7, CLASSES),
    )


@case(
    lambda: ((vectors()[0], vectors()[0]), torch.randint(CLASSES, (N,))),
    no_layers=True,
    no_hooks=NORMS,
)
def bilinear() -> nn.Module:
    return net(
        lambda self, left, right: self.head(torch.tanh(self.pair(self.first(left), right))),
        first=nn.Linear(6, 3),
        pair=nn.Bilinear(3, 6, 5),
        head=nn.Linear(5, CLASSES),
    )


class Output(dict):  # type: ignore[type-arg]
    """A mapping whose entries are attributes too, as Hugging Face's are."""

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@case(lambda: ({"input_ids": ids()[0], "attention_mask": torch.ones(N, 6).double()}, ids()[1]))
def dict_batch_and_logits() -> nn.Module:
    def forward(self: Any, input_ids: Tensor, attention_mask: Tensor) -> Output:
        x = self.embed(input_ids) * attention_mask.unsqueeze(2)
        return Output(logits=self.head(F.relu(self.mix(x)).mean(1)), hidden=x)

    return net(forward, embed=nn.Embedding(7, 4), mix=nn.Linear(4, 4), head=nn.Linear(4, CLASSES))


def _two_losses(output: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
    main, other = output
    return F.cross_entropy(main, targets, reduction="none") + other.square().mean((1, 2))


@case(loss_fn=_two_losses)
def two_outputs() -> nn.Module:
    return net(
        lambda self, x: (self.head(pooled(F.relu(self.stem(x)))), self.second(x).flatten(2)),
        stem=conv(3),
        second=conv(3, 2),
        head=nn.Linear(4, CLASSES),
    )


def _token_loss(output: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(output.transpose(1, 2), targets, reduction="none").mean(1)


@case(lambda: (ids()[0], ids()[0]), loss_fn=_token_loss)
def language_model() -> nn.Module:
    return nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 7))


@case(lambda: (images()[0], torch.randn(N, 4, 8, 8).double()), norms=("batch_fixed", "frozen"))
def float_targets() -> nn.Module:
    return nn.Sequential(conv(3), nn.BatchNorm2d(4), nn.ReLU(), conv())


# Weights that are computed from others, and networks that change themselves


class Symmetric(nn.Module):
    """A matrix made symmetric."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).transpose(-1, -2)


@case()
def parametrized() -> nn.Module:
    model = net(
        lambda self, x: self.head(F.relu(self.middle(pooled(F.relu(self.stem(x)))))),
        stem=parametrizations.weight_norm(conv(3)),
        middle=nn.Linear(4, 4),
        head=parametrizations.spectral_norm(
            nn.Linear(4, CLASSES).double(),
            n_power_iterations=400,  # converged: one more step changes nothing
        ),
    )
    parametrize.register_parametrization(model.middle, "weight", Symmetric())
    return model


@case(no_vmap=True)
def counting() -> nn.Module:
    def forward(self: Any, x: Tensor) -> Tensor:
        self.calls += 1
        return self.head(pooled(F.relu(self.stem(x))) * self.scale)

    model = net(forward, stem=conv(3), head=nn.Linear(4, CLASSES))
    model.register_buffer("calls", torch.zeros((), dtype=torch.int64))
    model.register_buffer("scale", torch.full((4,), 1.5).double())
    return model
