import torch
from torch import nn

import gradalign as ga
from gradalign.proxies import PROXIES
from gradalign.proxies.machine import inference_memory, latency, training_memory
from gradalign.statistics import Statistics


def test_machine_by_hand():
    values = {
        "latency": torch.tensor(0.25),
        "activation_bytes": torch.tensor(12),
        "training_bytes": torch.tensor(30),
    }
    stats = Statistics(n=2, blocks=(), values=values)
    assert latency(stats) == 0.25
    assert inference_memory(stats) == 12
    assert training_memory(stats) == 30


def test_only_the_clock_is_never_twice_the_same():
    assert [name for name, proxy in PROXIES.items() if not proxy.deterministic] == ["latency"]


def batch(n):
    return torch.randn(n, 10), torch.zeros(n, dtype=torch.long)


def measured(net, n=4):
    return ga.score(net, batch(n), proxies=["latency", "inference_memory"])


def test_peak_is_that_of_two_layers_side_by_side():
    # 10 -> 100 -> 30 -> 2 numbers of 4 bytes: most where 100 and 30 are alive together.
    net = nn.Sequential(nn.Linear(10, 100), nn.Linear(100, 30), nn.Linear(30, 2))
    assert measured(net)["inference_memory"].value == 4 * (100 + 30)


def test_views_and_what_happens_in_place_take_nothing():
    net = nn.Sequential(
        nn.Linear(10, 64), nn.ReLU(inplace=True), nn.Unflatten(1, (8, 8)), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip
    assert measured(net)["inference_memory"].value == 4 * (64 + 3)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(10, 10), nn.Linear(10, 10)

    def forward(self, x):
        x = self.first(x)
        return x + self.second(x)


def test_a_shortcut_is_kept_alive():
    assert measured(Residual())["inference_memory"].value == 4 * 30


def test_memory_is_that_of_one_sample_and_the_same_each_time():
    net = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 2))
    values = {measured(net, n)["inference_memory"].value for n in (1, 4, 4)}
    assert values == {4 * 200}


def test_latency_is_positive_and_no_time_of_another_network():
    found = measured(nn.Sequential(nn.Linear(10, 2)))["latency"]
    assert found.status == "ok"
    assert 0 < found.value < 10


WIDTH = 256


def stack(depth):
    layers = [nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False), nn.Tanh()) for _ in range(depth)]
    return nn.Sequential(nn.Linear(10, WIDTH, bias=False), nn.Tanh(), *layers)


def training_bytes(net, n=64):
    return ga.score(net, batch(n), proxies=["training_memory"])["training_memory"].value


def saved_bytes(net, n=64):
    """What autograd keeps of a forward pass beside weights and inputs, each tensor once."""
    kept = {}
    given = {p.untyped_storage()._cdata for p in net.parameters()}

    def keep(tensor):
        if tensor.untyped_storage()._cdata not in given:
            kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    x, _ = batch(n)
    given.add(x.untyped_storage()._cdata)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(x)
    return sum(t.untyped_storage().nbytes() for t in kept.values())


def test_a_training_step_holds_what_autograd_keeps_and_a_gradient_of_every_weight():
    net = stack(3)
    least = saved_bytes(net)
    weights = sum(4 * p.numel() for p in net.parameters())
    assert least >= 4 * 64 * WIDTH * 4  # four activations
    assert max(least, weights) <= training_bytes(net) <= 2 * (least + weights)


def test_with_few_samples_every_layer_adds_its_gradient():
    # The most is alive at the end of the backward pass: all gradients, and no activation more.
    steps = [training_bytes(stack(depth), n=4) for depth in (2, 3, 4)]
    assert steps[2] - steps[1] == steps[1] - steps[0] == 4 * WIDTH * WIDTH


def test_a_training_step_grows_with_the_batch():
    net = stack(2)
    assert training_bytes(net, 256) > 2 * training_bytes(net, 64)
