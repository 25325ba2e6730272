"""What is said of the figures, on scores of which the truth is known."""

import re

import numpy as np
import pytest
from tests.pages.records import NAMES, PROTOCOLS, failed, frame, mlps, nb201, score, scored

from gradalign.benchmarks import get_benchmark
from gradalign.comparison import difference
from gradalign.evaluation.rank_statistics import kendall_tau, top10_tau
from gradalign.pages import by_space, compare, records_page
from gradalign.pages.findings import FEWEST, compared_findings, plain_findings

TABLE = get_benchmark("nb201")
REFERENCES = ("params", "macs", "layers", "live_layers")


def accuracies(models):
    known = TABLE.frame.set_index("arch")["cifar10"]
    return np.array([known[model.partition(":")[2]] for model in models])


def measured(models, noise, seed=0):
    """Records of scores that are the accuracy with so much noise, in standard deviations."""
    rng = np.random.default_rng(seed)
    ranks = accuracies(models).argsort().argsort() / len(models)
    return [
        score(model, name, float(value))
        for name, own in noise.items()
        for model, value in zip(models, ranks + own * rng.normal(size=len(models)) / 3, strict=True)
    ]


def said(records, metric="cifar10"):
    return compared_findings(compare(frame(records), TABLE, metric))


@pytest.fixture(scope="module")
def models():
    return nb201(200)


def test_a_good_score_is_ahead_of_size_and_ablation(models):
    noise = {"gradalign_i": 2.0, "naswot": 0.2, "gradalign_ii": 0.5} | dict.fromkeys(REFERENCES, 4)
    best, beside, partial, tenth, ablations = said(measured(models, noise))
    assert best.startswith("Of 3 scores, naswot orders these 200 networks by cifar10 of nb201")
    assert "chosen as the best of them on these very networks" in best
    assert beside.startswith("naswot is ahead of ")
    assert "partial tau" in partial
    assert "20 networks" in tenth
    assert re.search(r"gradalign_ii \+0\.\d+ \[\+.*, ahead", ablations)


def test_noise_cannot_be_told_from_anything(models):
    noise = dict.fromkeys(("gradalign_ii", "naswot", *REFERENCES), 1e6)
    found = said(measured(models, noise))
    assert "cannot be told from" in found[1]
    assert "not to be told from 0" in found[2]
    assert "not to be told from it" in found[-1]


def test_what_the_table_marks_as_near_is_not_said_to_be_ahead():
    for seed in range(12):
        found = compare(frame(scored(nb201(40), seed=seed)), TABLE, "cifar10")
        sentence = compared_findings(found)[1]
        rows = [row for row in found.evaluation.rows if row.kendall_tau is not None]
        best = next(row.proxy for row in rows if row.proxy not in REFERENCES and not row.cost)
        size = next(row.proxy for row in rows if row.proxy in REFERENCES[:3])
        pair = difference(found.evaluation, best, size)
        apart = pair.p_holm < 0.05 and not pair.difference_ci[0] <= 0 <= pair.difference_ci[1]
        assert ("cannot be told from" in sentence) is not apart


def test_a_score_behind_size_is_said_to_be(models):
    noise = {"naswot": 2.5, "params": 0.1, "macs": 4, "layers": 4}
    found = said(measured(models, noise))
    assert found[0].startswith("naswot orders these")
    assert "chosen" not in found[0]
    assert found[1].startswith(
        "naswot is behind params, the best plain size: difference of tau -0."
    )


def test_numbers_are_those_of_the_evaluation(models):
    records = measured(models, {"naswot": 0.4, "params": 2, "macs": 2, "layers": 2})
    found = compare(frame(records), TABLE, "cifar10")
    row = found.evaluation.row("naswot")
    tenth = next(each for each in compared_findings(found) if "best tenth" in each)
    value, low, high = map(float, re.findall(r"-?\d\.\d\d", tenth))
    assert value == pytest.approx(row.top10_tau, abs=0.005)
    assert low <= value <= high
    assert f"{row.partial_tau:.2f} [{row.partial_tau_ci[0]:.2f}" in compared_findings(found)[2]
    scores = {r.model: r.value for r in records if r.proxy == "naswot"}
    own = [scores[model] for model in models]
    assert top10_tau(own, accuracies(models)) == pytest.approx(row.top10_tau)


def test_nothing_is_said_of_few_networks_or_of_a_tenth_of_few():
    few = scored(nb201(FEWEST - 1))
    assert said(few) == (
        f"{FEWEST - 1} networks are too few to say anything by: findings need {FEWEST}.",
    )
    assert not any("tenth" in each for each in said(scored(nb201(60))))


def test_failures_are_counted(models):
    records = measured(models, {"naswot": 0.4, "gradalign_i": 1})
    records[:3] = [failed(each.model, "naswot") for each in records[:3]]
    assert said(records)[-1] == "No value, and so ranked last: naswot of 3, of 200 networks."


def test_at_most_six_sentences_and_every_number_of_tau_has_its_interval(models):
    records = scored(models)
    records[0] = failed(models[0], NAMES[0])
    found = said(records)
    assert len(found) == 6
    for sentence in found[:-1]:
        for value in re.findall(r"tau ([+-]?\d\.\d\d)(.?.?)", sentence):
            assert value[1] == " [", sentence


def test_without_accuracies_nothing_is_said_of_quality():
    networks = mlps(60)
    records = [
        *scored(networks, ("naswot", "gradalign_i")),
        *(score(model, "params", float(k)) for k, model in enumerate(networks)),
        *(score(model, "zico", float(k)) for k, model in enumerate(networks)),
    ]
    (pool,) = by_space(frame([*records, failed("mlp:8", "naswot")]))
    like, alike, failures, last = plain_findings(pool)
    assert "zico with params 1.00 [1.00, 1.00]" in like
    values = pool.values
    tau = kendall_tau(values["naswot"].dropna(), values["gradalign_i"].dropna())
    assert "the 3 scores agree" in alike
    assert tau is not None
    assert failures == "1 of 241 records have no value."
    assert last == "Without accuracies nothing here says how good a score is."


def test_two_scores_agree_by_their_tau():
    networks = mlps(40)
    (pool,) = by_space(frame(scored(networks, ("naswot", "gradalign_i"))))
    values = pool.values
    tau = kendall_tau(values["naswot"], values["gradalign_i"])
    assert plain_findings(pool)[0].startswith("naswot and gradalign_i order")
    assert f"tau {tau:.2f} [" in plain_findings(pool)[0]


def test_a_low_score_that_is_better_is_turned():
    networks = mlps(30)
    records = [
        *(score(m, "params", float(k)) for k, m in enumerate(networks)),
        *(score(m, "conflict_fraction", -float(k)) for k, m in enumerate(networks)),
    ]
    (pool,) = by_space(frame(records))
    assert "conflict_fraction with params 1.00 [1.00, 1.00]" in plain_findings(pool)[0]


def test_every_view_of_a_page_says_its_own(models):
    page = records_page(frame(scored(models[:30])), PROTOCOLS, name="a.db")
    own = [view.findings for part in page.parts for view in part.views]
    assert len(own) == len(set(own)) == 3
