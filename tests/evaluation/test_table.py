import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import ndcg_score
from tests.evaluation.samples import SmallBenchmark, make_scores, make_truth, values_of

from gradalign.errors import InputError
from gradalign.evaluation import evaluate
from gradalign.evaluation.pool import make_pool
from gradalign.evaluation.rank_statistics import kendall_tau, partial_tau, spearman_rho
from gradalign.evaluation.top import precision5

ROW_KEYS = {
    "proxy",
    "better",
    "n",
    "kendall_tau",
    "kendall_tau_ci",
    "spearman_rho",
    "spearman_rho_ci",
    "weighted_tau",
    "top10_tau",
    "ndcg10",
    "precision5",
    "partial_tau",
    "partial_tau_ci",
    "selected_accuracy",
    "picked",
    "regret",
    "coverage",
    "failed",
    "seconds",
    "seeds",
    "tau_sd_over_seeds",
    "cost",
}

DIFFERENCE_KEYS = {
    "proxy_a",
    "proxy_b",
    "metric",
    "n",
    "difference",
    "difference_ci",
    "p",
    "p_holm",
}

DOCUMENT_KEYS = {
    "benchmark",
    "metric",
    "n",
    "unmatched",
    "interval_method",
    "noise_ceiling",
    "baselines",
    "rows",
    "differences",
}


def by_name(evaluation):
    return {row.proxy: row for row in evaluation.rows}


def test_rows_hold_the_statistics_of_each_proxy():
    truth = make_truth()
    scores = make_scores(truth)
    evaluation = evaluate(scores, truth, "final", name="toy", resamples=200)
    assert (evaluation.benchmark, evaluation.metric, evaluation.n) == ("toy", "final", 120)
    assert evaluation.unmatched == 0
    taus = [row.kendall_tau for row in evaluation.rows]
    assert taus == sorted(taus, reverse=True)

    row = by_name(evaluation)["good"]
    x, y = values_of(scores, truth, "good"), truth["final"].to_numpy()
    assert row.kendall_tau == pytest.approx(stats.kendalltau(x, y).statistic)
    assert row.spearman_rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert row.kendall_tau_ci[0] < row.kendall_tau < row.kendall_tau_ci[1]
    assert row.spearman_rho_ci[0] < row.spearman_rho < row.spearman_rho_ci[1]
    covariates = [values_of(scores, truth, name) for name in ("params", "macs", "layers")]
    assert row.partial_tau == pytest.approx(partial_tau(x, y, covariates))
    assert row.partial_tau_ci[0] < row.partial_tau < row.partial_tau_ci[1]
    assert row.weighted_tau == pytest.approx(stats.weightedtau(x, y).statistic)
    assert row.ndcg10 == pytest.approx(ndcg_score([y], [x], k=12))
    assert row.precision5 == precision5(x, y)
    assert (row.seeds, row.tau_sd_over_seeds) == (1, None)
    assert by_name(evaluation)["params"].partial_tau == pytest.approx(
        partial_tau(covariates[0], y, covariates[1:])
    )
    assert row.picked == y[x.argmax()]
    assert row.regret == pytest.approx(y.max() - y[x.argmax()])
    assert row.selected_accuracy[100].mean > y.mean()
    assert row.selected_accuracy[1000] is None
    assert (row.n, row.coverage, row.failed, row.seconds, row.cost) == (120, 1, 0, 0.25, None)


def test_document_and_frame():
    truth = make_truth()
    evaluation = evaluate(make_scores(truth), truth, "final", resamples=50)
    document = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert set(document) == DOCUMENT_KEYS
    assert all(set(row) == ROW_KEYS for row in document["rows"])
    first = document["rows"][0]
    assert len(first["kendall_tau_ci"]) == 2
    assert len(first["selected_accuracy"]["100"]) == 2
    assert first["selected_accuracy"]["1000"] is None
    frame = evaluation.to_frame()
    assert frame["proxy"].tolist() == [row["proxy"] for row in document["rows"]]
    assert frame.loc[0, ["kendall_tau_low", "kendall_tau_high"]].tolist() == first["kendall_tau_ci"]
    assert frame.loc[0, "selected_100_mean"] == first["selected_accuracy"]["100"][0]
    assert frame["selected_1000_mean"].isna().all()
    assert frame.loc[0, ["partial_tau_low", "partial_tau_high"]].tolist() == first["partial_tau_ci"]
    assert first["tau_sd_over_seeds"] is None
    assert document["interval_method"] == "bootstrap"
    assert document["noise_ceiling"] is None
    assert document["baselines"]["oracle"]["1000"] is None
    assert len(document["baselines"]["random"]["10"]) == 2
    assert len(document["differences"]) == 10  # pairs of five rows
    assert set(document["differences"][0]) == DIFFERENCE_KEYS


def test_result_depends_on_the_seed_and_not_on_the_order_of_records():
    truth = make_truth(40)
    scores = make_scores(truth)
    shuffled = scores.sample(frac=1, random_state=5)
    first = evaluate(scores, truth, "final", resamples=50).to_dict()
    assert evaluate(shuffled, truth[::-1], "final", resamples=50).to_dict() == first
    assert evaluate(scores, truth, "final", resamples=50, seed=1).to_dict() != first


def test_direction_turns_the_sign():
    truth = make_truth()
    scores = make_scores(truth, proxies=("good",))
    higher = by_name(evaluate(scores, truth, "final", resamples=50))["good"]
    scores["value"] *= -1
    lower = evaluate(scores, truth, "final", directions={"good": "lower"}, resamples=50).rows[0]
    assert lower.better == "lower"
    assert lower.to_dict() == {**higher.to_dict(), "better": "lower"}


def test_failed_networks_are_ranked_last_and_counted():
    truth = make_truth()
    scores = make_scores(truth, proxies=("good",))
    scores.loc[:9, ["value", "status"]] = [np.nan, "no_gradient"]
    scores.loc[10:14, "status"] = "error"  # a value that its status disowns
    scores.loc[15, "value"] = np.inf
    row = evaluate(scores, truth, "final", resamples=50).rows[0]
    assert (row.n, row.failed) == (120, 16)
    assert row.coverage == pytest.approx(104 / 120)
    last = scores.assign(value=scores["value"].where(scores.index > 15, -1e9))
    x = values_of(last, truth, "good")
    assert row.kendall_tau == pytest.approx(kendall_tau(x, truth["final"]))
    assert row.spearman_rho == pytest.approx(spearman_rho(x, truth["final"]))

    # the worst place whatever the direction
    turned = scores.assign(value=-scores["value"])
    lower = evaluate(turned, truth, "final", directions={"good": "lower"}, resamples=50).rows[0]
    assert lower.kendall_tau == row.kendall_tau


def test_a_proxy_that_never_worked_has_no_numbers():
    truth = make_truth(20)
    scores = make_scores(truth)
    bad = scores["proxy"] == "bad"
    scores.loc[bad, ["value", "status"]] = [np.nan, "unsupported"]
    row = evaluate(scores, truth, "final", resamples=20).rows[-1]
    assert (row.proxy, row.coverage, row.failed) == ("bad", 0, 20)
    assert row.kendall_tau is row.kendall_tau_ci is row.spearman_rho is row.spearman_rho_ci is None
    assert row.top10_tau is row.partial_tau is row.picked is row.regret is None
    assert set(row.selected_accuracy.values()) == {None}


def test_a_network_never_tried_is_outside_the_row():
    truth = make_truth()
    scores = make_scores(truth)
    keep = (scores["proxy"] != "good") | (scores["model"] < "nb201:|op5")
    row = by_name(evaluate(scores[keep], truth, "final", resamples=20))["good"]
    tried = "nb201:" + truth["arch"] < "nb201:|op5"
    x = values_of(scores, truth, "good")[tried]
    assert (row.n, row.failed) == (tried.sum(), 0)
    assert row.coverage == pytest.approx(tried.mean())
    assert row.kendall_tau == pytest.approx(kendall_tau(x, truth["final"][tried]))


def test_seeds_are_averaged_by_network():
    truth = make_truth(30)
    one, two = make_scores(truth, proxies=("good",)), make_scores(truth, proxies=("good",))
    two = two.assign(seed=1, value=two["value"] + np.random.default_rng(2).normal(size=30))
    two.loc[:3, ["value", "status"]] = [np.nan, "nan"]  # the other seed stands for these
    pool = make_pool(pd.concat([one, two]), truth, "final")
    expected = pd.concat([one, two]).groupby("model")["value"].mean()
    np.testing.assert_allclose(pool.columns["good"].values, expected.sort_index())
    row = evaluate(pd.concat([one, two]), truth, "final", resamples=20).rows[0]
    assert (row.failed, row.seconds) == (0, 0.5)  # both seeds had to be measured


def test_early_stopped_training_is_a_row_with_its_cost():
    truth = make_truth()
    evaluation = evaluate(
        make_scores(truth),
        truth,
        "final",
        early_stopped={"12 epochs": ("early", "6 % of the training")},
        resamples=20,
    )
    row = by_name(evaluation)["12 epochs"]
    assert row.kendall_tau == pytest.approx(kendall_tau(truth["early"], truth["final"]))
    assert (row.cost, row.seconds, row.partial_tau is None) == ("6 % of the training", None, False)


def test_partial_tau_needs_its_covariates():
    truth = make_truth()
    scores = make_scores(truth)
    without = scores[scores["proxy"] != "macs"]
    assert by_name(evaluate(without, truth, "final", resamples=20))["good"].partial_tau is None
    row = by_name(evaluate(without, truth, "final", covariates=["layers"], resamples=20))["good"]
    x, z = (values_of(scores, truth, name) for name in ("good", "layers"))
    assert row.partial_tau == pytest.approx(partial_tau(x, truth["final"], [z]))


def test_partial_tau_leaves_out_networks_whose_covariate_failed():
    truth = make_truth()
    scores = make_scores(truth)
    scores.loc[(scores["proxy"] == "macs") & (scores["model"] < "nb201:|op4"), "value"] = np.nan
    kept = ~("nb201:" + truth["arch"] < "nb201:|op4")
    x, *z = (values_of(scores, truth, name)[kept] for name in ("good", "params", "macs", "layers"))
    row = by_name(evaluate(scores, truth, "final", resamples=20))["good"]
    assert row.partial_tau == pytest.approx(partial_tau(x, truth["final"][kept], z))


def test_a_benchmark_gives_name_and_metrics():
    truth = make_truth(30)
    truth.loc[:4, "final"] = np.nan  # not trained
    benchmark = SmallBenchmark("small", ("final",), truth)
    scores = make_scores(make_truth(30), prefix="")
    stranger = scores.iloc[[0]].assign(model="|op999~0|")
    evaluation = evaluate(pd.concat([scores, stranger]), benchmark, "final", resamples=20)
    assert (evaluation.benchmark, evaluation.n, evaluation.unmatched) == ("small", 25, 6)
    with pytest.raises(InputError, match=r"unknown metric 'early': there are final"):
        evaluate(scores, benchmark, "early")


def test_optional_columns_may_be_missing():
    truth = make_truth(30)
    scores = make_scores(truth)[["model", "proxy", "value"]]
    row = by_name(evaluate(scores, truth, "final", resamples=20))["good"]
    assert row.seconds is None
    assert row.coverage == 1


def test_constant_scores_have_no_correlation():
    truth = make_truth(30)
    scores = make_scores(truth, proxies=("good",)).assign(value=1.0)
    row = evaluate(scores, truth, "final", resamples=20).rows[0]
    assert row.kendall_tau is row.kendall_tau_ci is row.spearman_rho is row.partial_tau is None
    assert row.picked == pytest.approx(truth["final"].mean())  # any of them, equally often


@pytest.mark.data
def test_early_stopped_training_on_published_accuracies():
    """The 12-epoch accuracies of NAS-Bench-201 rank at tau .70 / .64 / .63, against 200 epochs."""
    if "GRADALIGN_DATA" not in os.environ:
        pytest.skip("GRADALIGN_DATA is not set")
    truth = pd.read_parquet(Path(os.environ["GRADALIGN_DATA"]) / "nb201_dev.parquet")
    scores = pd.DataFrame(
        {"model": truth["arch"], "proxy": "params", "value": truth["cifar10_params_M"]}
    )
    start = time.process_time()
    for metric, published in (
        ("cifar10_test", 0.70),
        ("cifar100_test", 0.64),
        ("imagenet16_test", 0.63),
    ):
        rows = by_name(
            evaluate(
                scores,
                truth,
                metric,
                early_stopped={"12 epochs": (f"{metric}_12ep", "6 % of the training")},
                resamples=20,
            )
        )
        assert rows["12 epochs"].kendall_tau == pytest.approx(published, abs=0.02)
        low, high = rows["12 epochs"].kendall_tau_ci
        assert high - low < 0.03
    assert time.process_time() - start < 20
