"""What an evaluation holds beside its rows."""

import json

import numpy as np
import pytest
from tests.evaluation.samples import SmallBenchmark, make_scores, make_seeds, make_truth, values_of

from gradalign.errors import InputError
from gradalign.evaluation import Evaluation, Selected, evaluate
from gradalign.evaluation import method as method_module
from gradalign.evaluation.ceiling import noise_ceiling
from gradalign.evaluation.rank_statistics import kendall_tau
from gradalign.evaluation.selection import selected_accuracy


def test_baselines_are_the_pool_and_the_best_of_a_draw():
    truth = make_truth(150)
    found = evaluate(make_scores(truth), truth, "final", resamples=0)
    accuracy = truth["final"].to_numpy()
    mean, sd = accuracy.mean(), accuracy.std()
    assert found.baselines["random"][10] == pytest.approx((mean, sd))
    assert found.baselines["random"][100] == found.baselines["random"][10]
    best = selected_accuracy(accuracy, accuracy, 100)
    assert found.baselines["oracle"][100] == pytest.approx(best)
    assert found.baselines["random"][1000] is found.baselines["oracle"][1000] is None
    assert isinstance(found.baselines["random"][10], Selected)
    for row in found.rows:
        assert mean < row.selected_accuracy[10].mean < found.baselines["oracle"][10].mean


def test_without_resamples_there_are_no_intervals():
    truth = make_truth(60)
    found = evaluate(make_scores(truth), truth, "final", resamples=0)
    full = evaluate(make_scores(truth), truth, "final", resamples=20)
    assert found.interval_method is None
    for row, other in zip(found.rows, full.rows, strict=True):
        assert row.kendall_tau_ci is row.spearman_rho_ci is row.partial_tau_ci is None
        assert (row.kendall_tau, row.partial_tau) == (other.kendall_tau, other.partial_tau)
    assert {(d.difference_ci, d.p, d.p_holm) for d in found.differences} == {(None, None, None)}


@pytest.mark.parametrize("work", [0, method_module.BOOTSTRAP_WORK])
def test_what_is_not_defined_is_null_in_the_document(monkeypatch, work):
    monkeypatch.setattr(method_module, "BOOTSTRAP_WORK", work)
    truth = make_truth(20)
    scores = make_scores(truth)
    scores.loc[scores["proxy"] == "good", "value"] = 1.0  # constant
    scores.loc[scores["proxy"] == "bad", ["value", "status"]] = [np.nan, "error"]
    found = evaluate(scores, truth, "final", resamples=20)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    rows = {row["proxy"]: row for row in document["rows"]}
    for name in ("good", "bad"):
        for key in ("kendall_tau", "spearman_rho", "weighted_tau", "partial_tau"):
            assert rows[name][key] is None
        for key in ("kendall_tau_ci", "spearman_rho_ci", "partial_tau_ci"):
            assert rows[name][key] is None
    assert rows["bad"]["ndcg10"] is rows["bad"]["precision5"] is None
    assert rows["good"]["precision5"] == pytest.approx(1 / 20)
    undefined = [d for d in document["differences"] if d["difference"] is None]
    assert len(undefined) == 7  # of 10 pairs all with one of the two
    assert {d["p"] for d in undefined} == {d["p_holm"] for d in undefined} == {None}


def test_much_work_is_done_by_the_jackknife(monkeypatch):
    truth = make_truth()
    scores = make_scores(truth)
    scores.loc[scores["proxy"] == "layers", "value"] = scores["value"].round()  # ties
    scores.loc[:5, "value"] = np.nan  # failures
    bootstrap = evaluate(scores, truth, "final", resamples=2000)
    monkeypatch.setattr(method_module, "BOOTSTRAP_WORK", 1000 * 120**2)
    jackknife = evaluate(scores, truth, "final", resamples=2000)
    assert (bootstrap.interval_method, jackknife.interval_method) == ("bootstrap", "jackknife")
    for a, b in zip(bootstrap.rows, jackknife.rows, strict=True):
        values = {"kendall_tau_ci": 0.05, "spearman_rho_ci": 0.05, "partial_tau_ci": 0.05}
        for key, far in values.items():
            assert getattr(a, key) == pytest.approx(getattr(b, key), abs=far)
        rest = {key: value for key, value in vars(a).items() if key not in values}
        assert rest == {key: value for key, value in vars(b).items() if key not in values}
    for a, b in zip(bootstrap.differences, jackknife.differences, strict=True):
        assert (a.proxy_a, a.proxy_b, a.difference) == (b.proxy_a, b.proxy_b, b.difference)
        assert a.difference_ci == pytest.approx(b.difference_ci, abs=0.05)


def test_spread_over_seeds():
    truth = make_truth(50)
    scores = make_seeds(truth)
    scores = scores.drop(index=scores.index[(scores["seed"] == 2) & (scores.index % 4 == 0)])
    row = evaluate(scores, truth, "final", resamples=0).row("good")
    taus = []
    for seed in range(3):
        x = values_of(scores[scores["seed"] == seed], truth, "good")
        tried = ~np.isnan(x)
        taus.append(kendall_tau(x[tried], truth["final"][tried]))
    assert row.seeds == 3
    assert row.tau_sd_over_seeds == pytest.approx(np.std(taus, ddof=1))


def test_a_failure_of_one_seed_is_last_in_that_seed():
    truth = make_truth(50)
    scores = make_seeds(truth, proxies=("good",), seeds=2)
    first = scores.index[scores["seed"] == 0][:20]
    scores.loc[first, ["value", "status"]] = [np.nan, "nan"]
    row = evaluate(scores, truth, "final", resamples=0).rows[0]
    last = scores.assign(value=scores["value"].fillna(-1e6))
    taus = [
        kendall_tau(values_of(last[last["seed"] == seed], truth, "good"), truth["final"])
        for seed in range(2)
    ]
    assert row.tau_sd_over_seeds == pytest.approx(np.std(taus, ddof=1))
    assert row.failed == 0


def test_the_ceiling_is_that_of_the_trainings_of_the_pool():
    truth = make_truth(80)
    generator = np.random.default_rng(3)
    for k in range(3):
        truth[f"run{k}"] = truth["final"] + 0.3 * generator.normal(size=80)
    scores = make_scores(truth[:60])
    names = ("run0", "run1", "run2")
    found = evaluate(scores, truth, "final", runs=names, resamples=0)
    assert found.noise_ceiling == noise_ceiling(truth.loc[:59, list(names)].to_numpy().T)
    assert found.to_dict()["noise_ceiling"]["trainings"] == 3
    benchmark = SmallBenchmark("small", ("final", "early"), truth, names)
    plain = make_scores(truth[:60], prefix="")
    assert evaluate(plain, benchmark, "final", resamples=0).noise_ceiling == found.noise_ceiling
    assert evaluate(plain, benchmark, "early", resamples=0).noise_ceiling is None
    with pytest.raises(InputError, match="unknown column 'run7': did you mean"):
        evaluate(scores, truth, "final", runs=["run0", "run7"])


def test_a_row_is_found_by_its_name():
    truth = make_truth(20)
    found = evaluate(make_scores(truth), truth, "final", resamples=0)
    assert isinstance(found, Evaluation)
    assert found.row("bad") is next(row for row in found.rows if row.proxy == "bad")
    with pytest.raises(InputError, match="unknown score in the table 'godo': did you mean 'good'"):
        found.row("godo")
