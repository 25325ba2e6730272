"""Which digits are learned under a wrong label, and what is known of it."""

import torch

from gradalign.batch import Batch
from gradalign.studies.mislabelled.samples import (
    BATCH,
    BATCHES,
    SHARE,
    TEST,
    TRAINING,
    noisy_digits,
    relabelled,
)


def test_a_tenth_of_the_labels_is_another_one():
    labels = torch.arange(200) % 10
    given, wrong = relabelled(Batch(torch.rand(200, 3), labels), 0)
    assert int(wrong.sum()) == round(200 * SHARE)
    assert torch.equal(given.targets != labels, wrong)
    again, same = relabelled(Batch(torch.rand(200, 3), labels), 0)
    assert torch.equal(again.targets, given.targets)
    assert torch.equal(same, wrong)
    assert not torch.equal(relabelled(Batch(torch.rand(200, 3), labels), 1)[1], wrong)


def test_no_digit_is_learned_and_tested_or_in_two_batches():
    samples = noisy_digits(3)
    assert (len(samples.training), len(samples.test)) == (TRAINING, TEST)
    both = torch.cat([samples.training.inputs, samples.test.inputs]).flatten(1)
    assert len(both.unique(dim=0)) == len(both)
    assert [len(index) for index in samples.batches] == [BATCH] * BATCHES
    assert len(torch.cat(samples.batches).unique()) == BATCH * BATCHES


def test_by_their_given_labels_the_classes_of_a_batch_are_in_balance():
    samples = noisy_digits(0)
    for index in samples.batches:
        counts = samples.training.targets[index].bincount(minlength=10)
        assert int(counts.max() - counts.min()) <= 1
        assert 0 < int(samples.wrong[index].sum()) < BATCH // 4
