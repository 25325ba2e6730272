"""nn.MultiheadAttention as what it is: three projections, attention, an output projection.

The stock module multiplies its packed weight through a function of its own, where no hook sees the
projections. While a model is prepared, its attention modules run this forward instead.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradalign.errors import UnsupportedError

PROJECTIONS = ("in_proj_q", "in_proj_k", "in_proj_v")


def unsupported_option(module: nn.MultiheadAttention) -> str | None:
    """The option that keeps `module` from being split, if there is one."""
    if module.bias_k is not None:
        return "add_bias_kv"
    return "add_zero_attn" if module.add_zero_attn else None


def projections(module: nn.MultiheadAttention) -> list[nn.Linear]:
    """The query, key and value projections as linear layers that hold slices of its parameters."""
    dim = module.embed_dim
    packed: nn.Parameter | None = module.in_proj_weight
    if packed is not None:
        weights = list(packed.detach().split(dim))
        trainable = [packed.requires_grad] * 3
    else:
        own = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
        weights = [weight.detach() for weight in own]
        trainable = [weight.requires_grad for weight in own]
    biases = [None] * 3 if module.in_proj_bias is None else module.in_proj_bias.detach().split(dim)
    layers = []
    for weight, bias, train in zip(weights, biases, trainable, strict=True):
        layer = nn.Linear(1, 1, bias=bias is not None, device="meta")
        layer.in_features, layer.out_features = weight.shape[1], weight.shape[0]
        layer.weight = nn.Parameter(weight, requires_grad=train)
        if bias is not None:
            layer.bias = nn.Parameter(bias, requires_grad=module.in_proj_bias.requires_grad)
        layers.append(layer)
    return layers


def forward(
    module: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,  # noqa: FBT001, FBT002 - torch's own signature
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,  # noqa: FBT001, FBT002
    is_causal: bool = False,  # noqa: ARG001, FBT001, FBT002 - a hint; the mask decides, as in torch
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention.forward` computes without dropout, by its projections."""
    if query.dim() != 3:
        raise UnsupportedError("nn.MultiheadAttention without a batch axis: add one")
    if not module.batch_first:
        query, key, value = (x.transpose(0, 1) for x in (query, key, value))
    q, k, v = (
        _split_heads(getattr(module, name)(x), module.num_heads)
        for name, x in zip(PROJECTIONS, (query, key, value), strict=True)
    )  # [n, heads, length, head]
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # [n, heads, target, source]
    scores = _masked(scores, attn_mask, key_padding_mask)
    attention = F.softmax(scores, dim=-1)
    mixed = (attention @ v).transpose(1, 2).flatten(2)  # [n, target, dim]
    out: Any = module.out_proj(mixed)
    out = out if module.batch_first else out.transpose(0, 1)
    if not need_weights:
        return out, None
    return out, attention.mean(1) if average_attn_weights else attention


def _split_heads(x: Tensor, heads: int) -> Tensor:
    split: Tensor = x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return split


def _masked(scores: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None) -> Tensor:
    """`scores` [n, heads, target, source] with both masks added; true entries are kept out."""
    if attn_mask is not None:
        if attn_mask.dim() == 3:
            attn_mask = attn_mask.view(scores.shape)
        scores = scores + _additive(attn_mask, scores)
    if key_padding_mask is not None:
        scores = scores + _additive(key_padding_mask, scores)[:, None, None, :]
    return scores


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    if mask.dtype is torch.bool:
        return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, float("-inf"))
    return mask.to(like.dtype)


def attention_weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,  # noqa: ARG001 - the arguments of scaled_dot_product_attention
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001
    is_causal: bool = False,  # noqa: FBT001, FBT002
    scale: float | None = None,
    enable_gqa: bool = False,  # noqa: FBT001, FBT002
) -> Tensor:
    """The weights inside `scaled_dot_product_attention`, [..., heads, target, source]."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor
    if is_causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~allowed, float("-inf"))
    elif attn_mask is not None and attn_mask.dtype is torch.bool:
        scores = scores.masked_fill(~attn_mask, float("-inf"))  # here true entries take part
    elif attn_mask is not None:
        scores = scores + attn_mask
    return F.softmax(scores, dim=-1)
