"""What holds for every test."""

import signal

import pytest
import torch
from tests.small import make_net

# As in a worker process: with several threads, sums are added up in another order, and float32
# scores differ in their last digits.
torch.set_num_threads(1)

# Whoever starts the tests in the background may have them ignore Ctrl-C, and all they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch, tmp_path_factory):
    """No table that whoever runs the tests has imported; a test may name a cache of its own."""
    folder = tmp_path_factory.getbasetemp() / "no cache"
    monkeypatch.setenv("GRADALIGN_CACHE", str(folder))


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return make_net()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(9, 3, 6, 6, generator=generator), torch.arange(9) % 3
