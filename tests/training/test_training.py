"""A training in pieces against one in a piece, bit for bit, and its checkpoints on the disk."""

import copy

import pytest
import torch
from torch import nn

from gradalign.batch import Batch
from gradalign.errors import GradalignError, InputError
from gradalign.training import Recipe, Training, load_checkpoint, logits, save_checkpoint

RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.05)


def samples(n=37):
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.randn(n, 3, 6, 6, generator=generator), torch.arange(n) % 3)


def network(seed=0):
    """With all that has a state: batch norm's buffers, momentum, dropout's generator."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.4), nn.Flatten(),
        nn.Linear(64, 3),
    )  # fmt: skip


def begin(seed=0):
    model = network()
    torch.manual_seed(7)  # what dropout draws
    return model, Training(model, samples(), RECIPE, seed=seed)


def everything(training):
    return copy.deepcopy(training.state())


def assert_equal(one, other):
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_equal(a, b)
    else:
        assert one == other


@pytest.fixture(scope="module")
def undisturbed():
    with torch.random.fork_rng():
        _, training = begin()
        while not training.finished:
            training.epoch()
        return everything(training)


@pytest.mark.parametrize("stop", [0, 1, 3, 4])
def test_it_goes_on_as_if_it_had_not_been_stopped(stop, undisturbed, tmp_path):
    with torch.random.fork_rng():
        _, first = begin()
        for _ in range(stop):
            first.epoch()
        save_checkpoint(first.state(), tmp_path / "state.pt")
        torch.manual_seed(99)  # another process draws otherwise
        second = Training(network(seed=5), samples(), RECIPE, seed=11)
        second.load(load_checkpoint(tmp_path / "state.pt"))
        assert second.epochs == stop
        while not second.finished:
            second.epoch()
        assert_equal(everything(second), undisturbed)
        assert len(second.losses) == RECIPE.steps(37)


@pytest.mark.parametrize("part", ["model", "optimiser", "schedule", "order", "generators"])
def test_each_part_of_the_state_counts(part, undisturbed):
    """What the test above compares would differ if one part were not restored."""
    with torch.random.fork_rng():
        _, first = begin()
        for _ in range(2):
            first.epoch()
        state = everything(first)
        torch.manual_seed(99)
        second = Training(network(seed=5), samples(), RECIPE, seed=11)
        second.load({**state, part: everything(second)[part]})
        while not second.finished:
            second.epoch()
        assert not torch.equal(
            second.state()["model"]["5.weight"], undisturbed["model"]["5.weight"]
        )


def test_the_learning_rate_falls_to_nothing():
    with torch.random.fork_rng():
        _, training = begin()
        rates = []
        while not training.finished:
            training.epoch()
            rates.append(training.state()["schedule"]["_last_lr"][0])
    # 0.05 (1 + cos(pi t / T)) / 2 at t / T = 1/4, 1/2, 3/4, 1
    assert rates == pytest.approx([0.0426777, 0.025, 0.0073223, 0], abs=1e-7)


def test_what_diverges_is_finished():
    training = Training(network(), samples(), Recipe(learning_rate=1e38), seed=0)
    while not training.finished:
        training.epoch()
    assert training.diverged
    assert training.epochs < Recipe().epochs


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "state.pt"
    save_checkpoint({"epochs": 1}, path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GradalignError, match="cannot write the checkpoint"):
        save_checkpoint({"epochs": 2}, tmp_path / "file" / "state.pt")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GradalignError, match="No space left on device; make room"):
        save_checkpoint({"epochs": 2}, path)
    assert load_checkpoint(path) == {"epochs": 1}
    assert [each.name for each in path.parent.iterdir()] == ["state.pt"]


def test_no_checkpoint_and_a_damaged_one(tmp_path):
    path = tmp_path / "state.pt"
    assert load_checkpoint(path) is None
    save_checkpoint({"weights": torch.zeros(1000)}, path)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"something else", whole[:-30]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="no checkpoint, or a damaged one"):
            load_checkpoint(path)


class Attack:
    def __reduce__(self):
        return print, ("executed",)


def test_a_checkpoint_executes_nothing(tmp_path, capsys):
    path = tmp_path / "state.pt"
    torch.save({"epochs": Attack()}, path)
    with pytest.raises(InputError, match="no checkpoint"):
        load_checkpoint(path)
    assert capsys.readouterr().out == ""


class Keyword(nn.Module):
    """Takes keyword arguments, and returns an output with logits, as Hugging Face's do."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, input_ids):
        class Output:
            logits = self.table(input_ids).mean(1)

        return Output()


def test_logits_of_an_output_that_has_them():
    ids = torch.tensor([[0, 1], [2, 2]])
    model = Keyword()
    found = logits(model, {"input_ids": ids})
    assert torch.equal(found, model.table.weight[ids].mean(1))
    training = Training(model, Batch({"input_ids": ids}, torch.tensor([0, 1])), RECIPE, seed=0)
    training.epoch()
    assert not torch.equal(logits(model, {"input_ids": ids}), found)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_goes_on_on_a_gpu_too(tmp_path):
    """What is drawn there, and the samples there; sums may come in another order."""
    with torch.random.fork_rng():
        ended = []
        for stop in (4, 2):
            torch.manual_seed(7)
            model = network().cuda()
            training = Training(model, samples().to("cuda"), RECIPE, seed=0)
            for _ in range(stop):
                training.epoch()
            save_checkpoint(training.state(), tmp_path / "state.pt")
            torch.manual_seed(99)
            model = network(seed=5).cuda()
            training = Training(model, samples().to("cuda"), RECIPE, seed=11)
            training.load(load_checkpoint(tmp_path / "state.pt"))
            while not training.finished:
                training.epoch()
            ended.append(model[5].weight.detach().cpu())
        torch.testing.assert_close(*ended)
