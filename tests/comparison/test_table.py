"""Rows of several evaluations side by side."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.comparison import build
from tests.comparison.conftest import LACKING

from gradalign.comparison import compare
from gradalign.comparison.table import GROUPS
from gradalign.errors import InputError

KINDS = {
    "gradalign_plus": "gradalign",
    "gradalign_ii": "gradalign",
    "conflict_fraction": "gradalign",
    "gradsign": "method",
    "my_own|100%": "other",
    "both": "aggregate",
    "params": "size",
    "macs": "size",
    "layers": "size",
    "gradalign_plus_ablation": "ablation",
    LACKING: "ablation",
    "training, 12 epochs": "training",
}


def line(comparison, name):
    return next(each for each in comparison.lines if each.name == name)


def test_every_row_stands_once_in_its_group(comparison):
    assert {each.name: each.kind for each in comparison.lines} == KINDS
    order = [list(GROUPS).index(each.kind) for each in comparison.lines]
    assert order == sorted(order)


def test_in_a_group_the_better_row_is_higher(comparison):
    taus = {each.name: each.tau and each.tau.value for each in comparison.lines}
    for kind in ("gradalign", "size"):
        own = [taus[each.name] for each in comparison.lines if each.kind == kind]
        assert own == sorted(own, reverse=True)
    ablations = [each.name for each in comparison.lines if each.kind == "ablation"]
    assert ablations == ["gradalign_plus_ablation", LACKING]  # that of fewer columns last


def test_lines_hold_the_rows_of_the_evaluations(comparison, evaluations):
    for each in comparison.lines:
        for row, found in zip(each.rows, evaluations, strict=True):
            if each.name == LACKING and found is evaluations[2]:
                assert row is None
            else:
                assert row is found.row(each.name)


@pytest.mark.parametrize("statistic", ["kendall_tau", "partial_tau"])
def test_means_are_over_all_columns(comparison, evaluations, statistic):
    field = {"kendall_tau": "tau", "partial_tau": "partial_tau"}[statistic]
    for name in KINDS:
        mean = getattr(line(comparison, name), field)
        if name == LACKING:
            assert mean is None
            continue
        rows = [found.row(name) for found in evaluations]
        assert mean.value == pytest.approx(np.mean([getattr(row, statistic) for row in rows]))
        half = [np.diff(getattr(row, f"{statistic}_ci")).item() / 2 for row in rows]
        # the first two err together: their widths add up; the third is independent of them
        expected = np.sqrt((half[0] + half[1]) ** 2 + half[2] ** 2) / 3
        assert mean.ci == pytest.approx((mean.value - expected, mean.value + expected))


def test_without_intervals_the_mean_has_none():
    found = [build.evaluation(resamples=0), build.evaluation("b", seed=3, resamples=0)]
    mean = line(compare(found), "gradsign").tau
    assert mean.ci is None
    assert mean.value == pytest.approx(np.mean([f.row("gradsign").kendall_tau for f in found]))


def test_the_json_document_is_that_of_the_evaluations(comparison, evaluations):
    document = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert document["evaluations"] == [found.to_dict() for found in evaluations]
    assert {row["name"]: row["kind"] for row in document["rows"]} == KINDS
    for row in document["rows"]:
        mean = line(comparison, row["name"]).tau
        if mean is None:
            assert (row["mean_tau"], row["mean_tau_ci"]) == (None, None)
        else:
            assert (row["mean_tau"], row["mean_tau_ci"]) == (mean.value, [*mean.ci])


def test_the_frame_is_those_of_the_evaluations(comparison, evaluations):
    frame = comparison.to_frame()
    assert [*frame.columns[:4]] == ["benchmark", "metric", "kind", "proxy"]
    assert not frame.duplicated(["benchmark", "metric", "proxy"]).any()
    for found in evaluations:
        own = frame[(frame["benchmark"] == found.benchmark) & (frame["metric"] == found.metric)]
        expected = found.to_frame()
        pd.testing.assert_frame_equal(
            own[[*expected.columns]].reset_index(drop=True), expected, check_dtype=False
        )
        assert dict(zip(own["proxy"], own["kind"], strict=True)) == {
            row.proxy: KINDS[row.proxy] for row in found.rows
        }


def test_nothing_to_compare_is_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        compare([])
