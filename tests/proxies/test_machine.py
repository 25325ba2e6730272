import torch
from torch import nn

import gradalign as ga
from gradalign.proxies import PROXIES
from gradalign.proxies.machine import inference_memory, latency
from gradalign.statistics import Statistics


def test_machine_by_hand():
    values = {"latency": torch.tensor(0.25), "activation_bytes": torch.tensor(12)}
    stats = Statistics(n=2, blocks=(), values=values)
    assert latency(stats) == 0.25
    assert inference_memory(stats) == 12


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
