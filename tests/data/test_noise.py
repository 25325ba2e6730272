import pytest
import torch
from scipy.stats import chisquare, kstest

from gradalign.data import InputSpec, open_source
from gradalign.errors import UnsupportedError


def test_the_default_shape():
    batch = open_source("noise").draw(4, 0, InputSpec(num_classes=10))
    assert batch.inputs.shape == (4, 3, 32, 32)


@pytest.mark.parametrize("shape", [(7,), (2, 5), (1, 4, 4), (2, 3, 4, 5)])
def test_any_shape_is_filled(shape):
    inputs = open_source("noise").draw(3, 0, InputSpec(num_classes=2, shape=shape)).inputs
    assert inputs.shape == (3, *shape)


def test_the_noise_is_standard_normal():
    inputs = open_source("noise").draw(16, 1, InputSpec(num_classes=10)).inputs
    assert kstest(inputs.flatten().numpy(), "norm").pvalue > 0.001


def test_no_sample_is_given_twice():
    source, spec = open_source("noise"), InputSpec(num_classes=2, shape=(3, 4, 4))
    parts = torch.cat([source.draw(8, 0, spec, part).inputs for part in range(3)]).flatten(1)
    assert len(parts.unique(dim=0)) == 24


def test_labels_follow_the_model():
    source = open_source("noise")
    assert source.num_classes is None
    assert source.shape is None
    targets = source.draw(9, 0, InputSpec(num_classes=3)).targets
    assert targets.bincount().tolist() == [3, 3, 3]
    assert len({*source.draw(5, 0, InputSpec(num_classes=1000)).targets.tolist()}) == 5


def test_the_order_of_the_labels_is_drawn():
    orders = {
        tuple(open_source("noise").draw(4, seed, InputSpec(num_classes=4)).targets.tolist())
        for seed in range(20)
    }
    assert len(orders) > 5


def test_tokens_are_uniform_over_the_vocabulary():
    batch = open_source("noise").draw(100, 0, InputSpec(num_classes=2, tokens=(20, 50)))
    ids = batch.inputs["input_ids"]
    assert [*batch.inputs] == ["input_ids"]
    assert ids.shape == (100, 50)
    assert ids.dtype == torch.int64
    assert chisquare(ids.flatten().bincount(minlength=20).numpy()).pvalue > 0.001
    assert int(ids.max()) == 19


def test_token_parts_are_slices_of_one_draw():
    source, spec = open_source("noise"), InputSpec(num_classes=2, tokens=(99, 6))
    whole = source.draw(8, 4, spec).inputs["input_ids"]
    assert torch.equal(source.draw(4, 4, spec, 1).inputs["input_ids"], whole[4:])


def test_perturbed_noise_lies_a_hundredth_of_another_draw_beside_noise():
    spec = InputSpec(num_classes=10)
    clean, noisy = (open_source(name).draw(8, 3, spec, 1) for name in ("noise", "perturbed_noise"))
    difference = (noisy.inputs - clean.inputs) / 0.01
    assert torch.equal(noisy.targets, clean.targets)
    assert kstest(difference.flatten().numpy(), "norm").pvalue > 0.001
    assert (
        abs(torch.corrcoef(torch.stack([difference.flatten(), clean.inputs.flatten()]))[0, 1])
        < 0.03
    )


def test_token_ids_are_not_perturbed():
    with pytest.raises(UnsupportedError, match="whole numbers"):
        open_source("perturbed_noise").draw(2, 0, InputSpec(num_classes=2, tokens=(9, 4)))
