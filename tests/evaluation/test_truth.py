"""How scores find their networks in a table."""

import pandas as pd
import pytest

from gradalign.benchmarks import get_benchmark
from gradalign.errors import InputError
from gradalign.evaluation import evaluate


def scores(models):
    rows = [(model, "mine", float(k)) for k, model in enumerate(models)]
    return pd.DataFrame(rows, columns=["model", "proxy", "value"])


def test_scores_may_spell_a_network_otherwise_than_the_benchmark():
    benchmark = get_benchmark("nb201")
    cells = list(benchmark.frame["arch"][:20])
    expected = evaluate(scores(cells), benchmark, "cifar10", resamples=20)
    assert expected.n == 20
    loose = [f" nb201:  {cell} " for cell in cells]
    found = evaluate(scores(loose), benchmark, "cifar10", resamples=20)
    assert found.rows == expected.rows
    with pytest.raises(InputError, match="spell both alike"):
        evaluate(scores(loose), benchmark.frame, "cifar10", resamples=20)


def test_what_spells_no_network_is_left_out_and_counted():
    benchmark = get_benchmark("nb201")
    models = [*benchmark.frame["arch"][:5], "resnet18", "|conv~0|", "darts:Genotype()"]
    found = evaluate(scores(models), benchmark, "cifar10", resamples=20)
    assert (found.n, found.unmatched) == (5, 3)
