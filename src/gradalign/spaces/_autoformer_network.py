"""The networks of AutoFormer: vision transformers whose blocks differ."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

HEAD_WIDTH = 64
"""Of every attention head, whatever the width of the tokens."""

MAX_DISTANCE = 14
"""Rows or columns beyond which relative positions are no longer told apart."""

STD = 0.02
"""Of what is drawn at initialisation, but for the patch embedding, which is PyTorch's."""


class PatchEmbedding(nn.Module):
    """Every patch of an image as a token."""

    def __init__(self, channels: int, width: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, channels, h, w] to [n, patches, width], row by row."""
        return self.proj(x).flatten(2).transpose(1, 2)  # type: ignore[no-any-return]


class RelativePosition(nn.Module):
    """A vector for every pair of tokens, by the rows and the columns from one to the other.

    Entry 0 of the tables is for the class token, at either end; the others are for distances from
    -MAX_DISTANCE to MAX_DISTANCE.

    Args:
        grid: Rows and columns of patches.
    """

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.embeddings_table_v = nn.Parameter(torch.empty(2 * MAX_DISTANCE + 2, HEAD_WIDTH))
        self.embeddings_table_h = nn.Parameter(torch.empty(2 * MAX_DISTANCE + 2, HEAD_WIDTH))
        nn.init.trunc_normal_(self.embeddings_table_v, std=STD)
        nn.init.trunc_normal_(self.embeddings_table_h, std=STD)

    def forward(self) -> Tensor:
        """[t, t, HEAD_WIDTH] from each of the t tokens to each, the class token first."""
        rows, columns = self.grid
        patch = torch.arange(rows * columns, device=self.embeddings_table_v.device)
        down, right = patch // columns, patch % columns
        return self.embeddings_table_v[_entries(down)] + self.embeddings_table_h[_entries(right)]


class Attention(nn.Module):
    """Self-attention whose scores and values both know the relative positions.

    Args:
        width: Of the tokens.
        heads: Number of heads.
        grid: Rows and columns of patches.
    """

    def __init__(self, width: int, heads: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * heads * HEAD_WIDTH)
        self.rel_pos_embed_k = RelativePosition(grid)
        self.rel_pos_embed_v = RelativePosition(grid)
        self.proj = nn.Linear(heads * HEAD_WIDTH, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [n, t, width] to the same shape; in einsum, c is a channel of a head."""
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, HEAD_WIDTH)).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3)
        scores = scores + torch.einsum("nhqc,qkc->nhqk", q, self.rel_pos_embed_k())
        attention = (scores * HEAD_WIDTH**-0.5).softmax(3)
        out = attention @ v + torch.einsum("nhqk,qkc->nhqc", attention, self.rel_pos_embed_v())
        return self.proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Attention, then two linear layers; both on normalised tokens, and added to what came in."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, grid: tuple[int, int]) -> None:
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.attn_layer_norm = nn.LayerNorm(width)
        self.attn = Attention(width, heads, grid)
        self.ffn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.activation = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [n, t, width] to the same shape."""
        x = x + self.attn(self.attn_layer_norm(x))
        hidden = self.activation(self.fc1(self.ffn_layer_norm(x)))
        return x + self.fc2(hidden)  # type: ignore[no-any-return]


class Network(nn.Module):
    """Patches and a class token with their positions, blocks, the mean of the patches, classifier.

    As trained with `--gp --change_qkv --relative_position`: every head has its 64 channels, and the
    class token, which takes part in the attention, is left out of the mean. Parameters bear the
    published names. The stochastic depth, which only training needs, is left out.

    Args:
        width: Of the tokens.
        heads: Number of attention heads of each block.
        mlp_ratios: Width of each block's hidden layer over that of the tokens.
        patch_size: Height and width of a patch.
        input_size: Channels, height and width of the images; both multiples of `patch_size`.
        num_classes: Number of outputs.
    """

    def __init__(
        self,
        width: int,
        heads: Sequence[int],
        mlp_ratios: Sequence[float],
        *,
        patch_size: int,
        input_size: tuple[int, ...],
        num_classes: int,
    ) -> None:
        super().__init__()
        channels, *size = input_size
        rows, columns = (length // patch_size for length in size)
        self.patch_embed_super = PatchEmbedding(channels, width, patch_size)
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, rows * columns + 1, width))
        self.blocks = nn.ModuleList(
            Block(width, number, ratio, (rows, columns))
            for number, ratio in zip(heads, mlp_ratios, strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)
        nn.init.trunc_normal_(self.cls_token, std=STD)
        nn.init.trunc_normal_(self.pos_embed, std=STD)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, *input_size] to logits [n, num_classes]."""
        patches = self.patch_embed_super(x)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), patches), 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 1:].mean(1))  # type: ignore[no-any-return]


def _entries(position: Tensor) -> Tensor:
    """Entry of a table for every pair of t tokens, [t, t], from the patches' places, [t - 1]."""
    distance = (position[None, :] - position[:, None]).clamp(-MAX_DISTANCE, MAX_DISTANCE)
    return nn.functional.pad(distance + MAX_DISTANCE + 1, (1, 0, 1, 0))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=STD)
        nn.init.zeros_(module.bias)
