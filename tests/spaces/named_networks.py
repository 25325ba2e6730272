"""Networks that are known by name, spelled as NDS publishes networks.

The cells are those of the genotypes in quark0/darts and facebookresearch/pycls, and for ENAS, which
neither has, the released `fixed_arc` of melodyguan/enas.
"""

import copy
import json


def genotype(normal: str, reduce: str, *concats: list[int]) -> dict:
    """The four published fields, of edges written as `operation source, ...`."""

    def edges(text: str) -> list[list]:
        return [[edge.split()[0], int(edge.split()[1])] for edge in text.split(",")]

    return {
        "normal": edges(normal),
        "normal_concat": concats[0],
        "reduce": edges(reduce),
        "reduce_concat": concats[1],
    }


NAMED = {  # with the parameters at 36 channels, 20 cells, CIFAR-10
    "DARTS_V2": (genotype(
        "sep_conv_3x3 0, sep_conv_3x3 1, sep_conv_3x3 0, sep_conv_3x3 1, sep_conv_3x3 1, "
        "skip_connect 0, skip_connect 0, dil_conv_3x3 2",
        "max_pool_3x3 0, max_pool_3x3 1, skip_connect 2, max_pool_3x3 1, max_pool_3x3 0, "
        "skip_connect 2, skip_connect 2, max_pool_3x3 1",
        [2, 3, 4, 5], [2, 3, 4, 5]), 3_349_342),
    "NASNet-A": (genotype(
        "sep_conv_5x5 1, sep_conv_3x3 0, sep_conv_5x5 0, sep_conv_3x3 0, avg_pool_3x3 1, "
        "skip_connect 0, avg_pool_3x3 0, avg_pool_3x3 0, sep_conv_3x3 1, skip_connect 1",
        "sep_conv_5x5 1, sep_conv_7x7 0, max_pool_3x3 1, sep_conv_7x7 0, avg_pool_3x3 1, "
        "sep_conv_5x5 0, skip_connect 3, avg_pool_3x3 2, sep_conv_3x3 2, max_pool_3x3 1",
        [2, 3, 4, 5, 6], [4, 5, 6]), 3_830_950),
    "AmoebaNet-A": (genotype(
        "avg_pool_3x3 0, max_pool_3x3 1, sep_conv_3x3 0, sep_conv_5x5 2, sep_conv_3x3 0, "
        "avg_pool_3x3 3, sep_conv_3x3 1, skip_connect 1, skip_connect 0, avg_pool_3x3 1",
        "avg_pool_3x3 0, sep_conv_3x3 1, max_pool_3x3 0, sep_conv_7x7 2, sep_conv_7x7 0, "
        "avg_pool_3x3 1, max_pool_3x3 0, max_pool_3x3 1, conv_7x1_1x7 0, sep_conv_3x3 5",
        [4, 5, 6], [3, 4, 6]), 3_145_078),
    "PNAS": (genotype(
        *["sep_conv_5x5 0, max_pool_3x3 0, sep_conv_7x7 1, max_pool_3x3 1, sep_conv_5x5 1, "
          "sep_conv_3x3 1, sep_conv_3x3 4, max_pool_3x3 1, sep_conv_3x3 0, skip_connect 1"] * 2,
        [2, 3, 4, 5, 6], [2, 3, 4, 5, 6]), 4_481_110),
    "ENAS": (genotype(
        "avg_pool_3x3 0, sep_conv_3x3 0, skip_connect 0, sep_conv_5x5 0, skip_connect 0, "
        "sep_conv_5x5 1, sep_conv_3x3 1, sep_conv_5x5 0, avg_pool_3x3 0, sep_conv_5x5 1",
        "sep_conv_3x3 1, sep_conv_3x3 1, max_pool_3x3 0, avg_pool_3x3 0, sep_conv_5x5 1, "
        "sep_conv_5x5 3, sep_conv_3x3 1, skip_connect 0, max_pool_3x3 0, sep_conv_5x5 1",
        [2, 3, 4, 5, 6], [2, 4, 5, 6]), 4_394_710),
}  # fmt: skip


def cell_net(name: str, width: int = 36, depth: int = 20, **more: object) -> str:
    return json.dumps({"genotype": NAMED[name][0], "width": width, "depth": depth, **more})


RESNET_50 = {"block_type": "res_bottleneck_block", "ds": [3, 4, 6, 3], "ws": [256, 512, 1024, 2048],
             "ss": [1, 2, 2, 2], "bot_muls": [0.25] * 4}  # fmt: skip
RESNEXT_50 = {**RESNET_50, "bot_muls": [0.5] * 4, "num_gs": [32] * 4}
PLAIN = {"block_type": "vanilla_block", "ds": [9, 9, 9], "ws": [16, 32, 64], "ss": [1, 2, 2]}
BASIC = {**PLAIN, "block_type": "res_basic_block"}


def changed(base: dict | str, *path: str | int, to: object) -> str:
    """The spelling with one value changed."""
    net = json.loads(base) if isinstance(base, str) else copy.deepcopy(base)
    place = net
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(net)
