"""Networks of nb201 that are small enough to be measured by the hundred."""

from gradalign.sweep import Plan

PLAN = Plan(
    proxies=("gradalign_i", "gradalign_ii", "params"),
    batch_size=4,
    input_size=(8,),
    build=(("channels", "2"), ("cells", "1")),
    device="cpu",
)

CONV = "nb201:|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
SAME = "nb201:|nor_conv_1x1~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
"""The same network as `CONV`: its convolution stands on another edge."""

LARGER = "nb201:|none~0|+|none~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
"""Isomorphic to `CONV`, and another network: a second convolution, which reads zeros."""

OTHER = "nb201:|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|"
DEAD = "nb201:|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
