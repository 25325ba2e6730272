"""How scores find their networks in a table."""

import pandas as pd
import pytest

from gradalign.benchmarks import get_benchmark
from gradalign.errors import InputError
from gradalign.evaluation import evaluate
from gradalign.evaluation.truth import architecture_text


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nb201:|a~0|+|b~0|", "|a~0|+|b~0|"),
        ("|a~0|", "|a~0|"),
        ("nats_sss:64:32:64", "64:32:64"),
        ("64:32:64", "64:32:64"),
        ('{"matrix": [1]}', '{"matrix": [1]}'),
        ("a:b:c", "b:c"),
    ],
)
def test_architecture_text(text, expected):
    assert architecture_text(text) == expected
