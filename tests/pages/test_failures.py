"""What could not be measured."""

from tests.pages.records import failed, frame, mlps, score, scored

from gradalign.pages.failures import REASONS, failure_note, failure_table
from gradalign.pages.networks import by_space


def rows(records):
    (part,) = by_space(frame(records))
    table = failure_table(part)
    return part, [[cell.text for cell in row] for row in table.rows]


def test_every_status_and_reason_has_a_row_the_most_frequent_first():
    models = mlps(6)
    part, found = rows(
        [
            *scored(models[:1], ["naswot", "params", "macs"]),
            *(failed(model, "naswot", "unsupported", "no rule") for model in models[1:6]),
            failed(models[1], "params", "unsupported", "no rule"),
            failed(models[2], "params", "timeout", "slow"),
            failed(models[3], "params", "error", None),
        ]
    )
    assert found == [
        [
            "unsupported",
            "no rule",
            "6",
            "5",
            "naswot, params",
            f"{models[1]}; {models[2]}; {models[3]} and 2 more",
        ],
        ["timeout", "slow", "1", "1", "params", models[2]],
        ["error", "no reason is recorded", "1", "1", "params", models[3]],
    ]
    assert failure_note(part).startswith("8 of 11 records have no value; they are of 5 of 6")


def test_a_record_that_is_ok_without_a_number_has_failed():
    _, found = rows([score(mlps(1)[0], "naswot", float("nan"))])
    assert found[0][:2] == ["ok", "no reason is recorded"]


def test_of_many_reasons_none_is_lost():
    model = mlps(1)[0]
    records = [failed(model, "naswot", reason=f"reason {k}", seed=k) for k in range(REASONS + 7)]
    _, found = rows(records)
    assert len(found) == REASONS + 1
    assert found[-1][:3] == ["error", "7 other reasons", "7"]
    assert sum(int(row[2]) for row in found) == len(records)


def test_a_failure_of_all_scores_says_so():
    models = mlps(2)
    _, found = rows(
        [
            *scored(models[:1], ["naswot", "params"]),
            *(failed(models[1], n) for n in ("naswot", "params")),
        ]
    )
    assert found[0][4] == "all 2"


def test_nothing_failed_is_said():
    (part,) = by_space(frame(scored(mlps(3), ["naswot"])))
    assert failure_table(part) is None
    assert failure_note(part) == "Nothing: all 3 records have a value."
