"""Parameters of networks of cells and of stages, from their configuration by arithmetic alone.

Written from the description of the networks; it shares nothing with the package and needs no torch.
"""


def separable(c: int, kernel: int) -> int:
    """One kernel a channel, a full mixing of channels, scale and shift."""
    return kernel * kernel * c + c * c + 2 * c


def on_edge(operation: str, c: int, halves: bool) -> int:
    """Parameters of an operation that keeps `c` channels."""
    kind, _, size = operation.rpartition("_")
    if "pool" in operation or operation == "none":
        return 0
    if operation == "skip_connect":
        return c * c + 2 * c if halves else 0  # two 1x1 convolutions to c / 2 channels each
    if operation in ("conv_3x1_1x3", "conv_7x1_1x7"):
        return 2 * int(operation[5]) * c * c + 2 * c
    kernel = int(size[0])
    if kind == "conv":
        return kernel * kernel * c * c + 2 * c
    times = {"sep_conv": 2, "dil_conv": 1, "dil_sep_conv": 2}[kind]
    return times * separable(c, kernel)


def cell_network(
    genotype: dict, channels: int, layers: int, classes: int, *, imagenet: bool = False
) -> int:
    """Parameters of the network of a genotype given by its four published fields."""
    c = channels
    if imagenet:
        half = c // 2
        total = 27 * half + 2 * half + 9 * half * c + 2 * c + 9 * c * c + 2 * c
        outputs = [c, c]
    else:
        total = 27 * 3 * c + 2 * 3 * c
        outputs = [3 * c, 3 * c]
    for layer in range(layers):
        halves = layer in {layers // 3, 2 * layers // 3}
        c = 2 * c if halves else c
        edges = genotype["reduce" if halves else "normal"]
        concat = genotype["reduce_concat" if halves else "normal_concat"]
        total += (outputs[-2] + outputs[-1]) * c + 4 * c  # 1x1 both, of either form
        total += sum(on_edge(op, c, halves and source in (0, 1)) for op, source in edges)
        outputs.append(len(concat) * c)
    return total + (outputs[-1] + 1) * classes


def stage_network(net: dict, classes: int, *, imagenet: bool = False) -> int:
    """Parameters of the network of stages given by its published fields."""
    last = 64 if imagenet else 16
    total = 3 * last * (49 if imagenet else 9) + 2 * last
    stages = len(net["ds"])
    multipliers = net.get("bot_muls") or [1] * stages
    groups = net.get("num_gs") or [1] * stages
    for d, w, s, m, g in zip(net["ds"], net["ws"], net["ss"], multipliers, groups, strict=True):
        for block in range(d):
            if net["block_type"] == "res_bottleneck_block":
                inner = int(w * m)
                total += last * inner + 9 * inner * inner // g + inner * w + 4 * inner + 2 * w
            else:
                total += 9 * last * w + 9 * w * w + 4 * w
            changes = last != w or (s != 1 and block == 0)
            if changes and net["block_type"].startswith("res_"):
                total += last * w + 2 * w
            last = w
    return total + (last + 1) * classes
