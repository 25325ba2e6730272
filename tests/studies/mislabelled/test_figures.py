"""What is seen of a sample, on samples of which the truth is known."""

import pytest
import torch
from torch import nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.probe import Probe
from gradalign.studies.mislabelled.figures import FIGURES, NAMED, auc, figures
from gradalign.studies.mislabelled.networks import NETWORKS
from gradalign.studies.mislabelled.runs import seen
from gradalign.studies.mislabelled.samples import noisy_digits


def planted(n=60, wrong_ones=6):
    """Images of four far apart kinds, some under the label of another kind; a network before it."""
    generator = torch.Generator().manual_seed(0)
    kinds = torch.arange(n) % 4
    images = torch.eye(4)[kinds].repeat(1, 3) + 0.05 * torch.randn(n, 12, generator=generator)
    wrong = torch.zeros(n, dtype=torch.bool)
    wrong[torch.randperm(n, generator=generator)[:wrong_ones]] = True
    labels = torch.where(wrong, (kinds + 1) % 4, kinds)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    return model, Batch(images, labels), wrong


def test_a_planted_case_is_found_before_training():
    model, batch, wrong = planted()
    found = {name: auc(suspicion, wrong) for name, suspicion in figures(model, batch).items()}
    assert found[NAMED] == 1.0
    assert found["pixels"] == 1.0


def test_the_loss_finds_what_a_trained_network_contradicts():
    model, batch, wrong = planted()
    right = (batch.targets - wrong.long()) % 4
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(batch.inputs), right).backward()
        optimiser.step()
    found = figures(model, batch)
    assert auc(found["loss"], wrong) == 1.0
    assert auc(found["norm"], wrong) == 1.0


def test_every_figure_by_a_loop_over_samples():
    model, batch, _ = planted(n=12, wrong_ones=2)
    gradients, losses = [], []
    for one in batch.split():
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(one.inputs), one.targets)
        loss.backward()
        losses.append(loss.item())
        gradients.append(
            torch.cat([m.weight.grad.flatten() for m in model if hasattr(m, "weight")])
        )
    model.zero_grad()
    found = figures(model, batch)
    images = batch.inputs - batch.inputs.mean(0)
    for i, own in enumerate(gradients):
        others = [j for j in range(12) if j != i]
        alike = [j for j in others if batch.targets[j] == batch.targets[i]]

        def mean(of, among, k=i):
            cosines = [torch.cosine_similarity(of[k], of[j], dim=0) for j in among]
            return float(sum(cosines) / len(cosines))

        expected = {
            "own_class": -mean(gradients, alike),
            "all": -mean(gradients, others),
            "opposed": sum(float(own @ gradients[j] < 0) for j in others) / len(others),
            "norm": float(own.norm()),
            "loss": losses[i],
            "pixels": -mean(images, alike),
        }
        got = {name: float(found[name][i]) for name in FIGURES}
        assert got == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_shuffled_truth_is_chance():
    """Whatever told the figures which labels are wrong would be found out here."""
    samples = noisy_digits(0)
    model = NETWORKS["linear layers"].make(0)
    known, shuffled = [], []
    generator = torch.Generator().manual_seed(1)
    for index in samples.batches:
        wrong = samples.wrong[index]
        suspicion = figures(model, samples.training[index])[NAMED]
        known.append(auc(suspicion, wrong))
        for _ in range(25):
            order = torch.randperm(len(wrong), generator=generator)
            shuffled.append(auc(suspicion, wrong[order]))
    assert min(known) > 0.8
    assert sum(shuffled) / len(shuffled) == pytest.approx(0.5, abs=0.03)


def test_samples_that_are_all_rightly_labelled_look_like_chance():
    """Marks drawn as the wrong labels are, on labels that are all right."""
    samples = noisy_digits(0)
    model = NETWORKS["linear layers"].make(0)
    clean = samples.test[:512]
    suspicion = [figures(model, each)[NAMED] for each in map(clean.__getitem__, _quarters())]
    found = []
    for seed in range(20):
        marks = torch.rand(512, generator=torch.Generator().manual_seed(seed)) < 0.1
        found += [auc(own, marks[index]) for own, index in zip(suspicion, _quarters(), strict=True)]
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.04)


def _quarters():
    return torch.arange(512).split(128)


def test_where_samples_stand_in_the_batch_does_not_matter():
    model, batch, wrong = planted()
    order = torch.randperm(len(wrong), generator=torch.Generator().manual_seed(2))
    before, after = figures(model, batch), figures(model, batch[order])
    for name in FIGURES:
        assert auc(after[name], wrong[order]) == pytest.approx(auc(before[name], wrong), abs=0.01)


def test_leaving_a_sample_out_puts_them_in_the_order_of_their_conflicting_pairs():
    model, batch, _ = planted(n=12, wrong_ones=3)
    gram = collect(model, batch, Probe(), ("gram",)).gram.sum(0)
    shares = figures(model, batch)["opposed"]

    def conflict(kept):
        own = gram[kept][:, kept]
        return float((own < 0).sum()) / (len(kept) * (len(kept) - 1))

    everything = list(range(12))
    added = [conflict(everything) - conflict([j for j in everything if j != i]) for i in everything]
    pairs = sorted(zip(shares.tolist(), added, strict=True))
    assert len(set(shares.tolist())) > 2
    assert [each for _, each in pairs] == pytest.approx(sorted(added))


def test_the_network_comes_back_as_it_was():
    samples = noisy_digits(0)
    model = NETWORKS["residual cell"].make(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen(model, samples)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [[True, True], [False, False]])
def test_no_auc_of_one_kind_alone(wrong):
    assert auc(torch.tensor([1.0, 2.0]), torch.tensor(wrong)) is None


def test_no_auc_of_what_is_no_number():
    assert auc(torch.tensor([1.0, float("nan")]), torch.tensor([True, False])) is None


def test_ties_are_half():
    assert auc(torch.tensor([1.0, 1.0, 0.0]), torch.tensor([True, False, False])) == 0.75
