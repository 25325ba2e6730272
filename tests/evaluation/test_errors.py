"""What `evaluate` refuses."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.samples import make_scores, make_truth

from gradalign.errors import InputError
from gradalign.evaluation import evaluate


def error_cases():
    truth = make_truth(20)
    scores = make_scores(truth)
    yield scores.drop(columns="value"), truth, "final", r"lack the column 'value': .* seed"
    yield scores.iloc[:0], truth, "final", r"no record"
    yield scores, truth, "fnal", r"unknown metric 'fnal': did you mean 'final'"
    yield scores, truth.drop(columns="arch"), "final", r"lacks the column 'arch'"
    yield scores.assign(model="conv"), truth, "final", r"'conv', the table '\|op0~0\|'"
    yield scores, truth.assign(final=np.nan), "final", r"no value of 'final'"
    yield scores, truth.iloc[:2], "final", r"only 2 of 20 scored networks"
    yield scores, pd.concat([truth, truth[4:5]]), "final", r"'\|op4~0\|' twice"
    mixed = scores.assign(protocol="a1")
    mixed.loc[mixed["model"] < "nb201:|op2", "protocol"] = "b2"  # each network under one of them
    yield mixed, truth, "final", r"'bad' mix 2 protocols \(a1, b2\).* --protocol HASH"


@pytest.mark.parametrize(("scores", "truth", "metric", "message"), list(error_cases()))
def test_bad_input_is_told_in_one_line(scores, truth, metric, message):
    with pytest.raises(InputError, match=message) as raised:
        evaluate(scores, truth, metric)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("early", "message"),
    [
        ({"12 epochs": ("erly", "")}, r"unknown column 'erly': did you mean 'early'"),
        ({"params": ("early", "")}, r"named 'params' like a proxy"),
    ],
)
def test_bad_early_stopped_training(early, message):
    truth = make_truth(20)
    with pytest.raises(InputError, match=message):
        evaluate(make_scores(truth), truth, "final", early_stopped=early)
