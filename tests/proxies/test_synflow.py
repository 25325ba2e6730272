import pytest
from tests.proxies.build import build, random_measured

from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.proxies.synflow import synflow


def naive_synflow(measured):
    total = 0.0
    for g, w in zip(measured.gradients, measured.weights, strict=True):
        for k in range(g.shape[1]):
            total += abs(float(w[k]) * sum(float(g[i, k]) for i in range(measured.n)))
    return total


def test_synflow_by_hand():
    # R = |w_2| (|a| + |b|) of a net x -> (a, b) -> w_2 for inputs 1, with a = 2, b = 3, w_2 = 5:
    # dR/da = dR/db = 5, dR/dw_2 = 5: 2 * 5 + 3 * 5 + 5 * 5. A net of L layers gives L R.
    measured = random_measured(1, sizes=(2, 2, 2, 2))
    gradients = ([[5.0, 5.0]], [[0.0, 0.0]], [[0.0, 0.0]], [[5.0, 0.0]])
    weights = ([2.0, 3.0], [1.0, 1.0], [1.0, 1.0], [5.0, 0.0])
    like = measured.gradients[0]
    stats = build(
        type(measured)(
            gradients=tuple(like.new_tensor(g) for g in gradients),
            codes=measured.codes,
            inputs=measured.inputs,
            outputs=measured.outputs,
            weights=tuple(like.new_tensor(w) for w in weights),
        )
    )
    assert synflow(stats) == 2 * 25


@pytest.mark.parametrize("n", [1, 3])
def test_synflow_equals_naive_products(n):
    measured = random_measured(n, seed=n)
    assert synflow(build(measured)) == pytest.approx(naive_synflow(measured))


def test_synflow_brings_its_own_conditions():
    probe = Probe(data="digits", batch_size=64, norm="sample")
    own = probe.with_(**PROXIES["synflow"].probes["stats"])
    assert own.data == "ones"
    assert own.batch_size == 1
    assert own.weights == "absolute"
    assert own.norm == "identity"
    assert own.objective == "logit_sum"
    assert own.dtype == "float64"
