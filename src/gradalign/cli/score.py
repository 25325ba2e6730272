"""`gradalign score`: scores of networks, one record for each network and proxy."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pandas as pd

from gradalign.aggregates import Aggregate
from gradalign.cli._app import command
from gradalign.cli._options import Conditions, Display, Format, Models
from gradalign.cli._output import estimate, number, progress, write_csv, write_json, write_table
from gradalign.proxies import PROXIES
from gradalign.record import Score, Scores

Combined = dict[str, list[float]]


@command
def score(models: Models, conditions: Conditions, display: Display) -> int:
    """Scores of networks that are not trained, from one batch each."""
    plan, names = conditions.plan, models.names
    candidates = [plan.candidate(name) for name in names]
    scorer = plan.scorer()
    results: list[Scores] = []
    with progress("scoring", len(candidates), quiet=display.quiet) as bar:
        for candidate in candidates:
            results.append(scorer.attempt(candidate, conditions.seed))
            bar.advance(bar.task_ids[0])
    combined = {each.name: _combined(each, results) for each in conditions.aggregates}
    _SHOW[display.format](names, results, combined)
    return _told_failures(results)


def _combined(aggregate: Aggregate, results: Sequence[Scores]) -> list[float]:
    """The aggregate over the pool of these networks, one value a network."""
    values = {name: [scores[name].value for scores in results] for name in aggregate.members}
    return aggregate.aggregate(values, {name: PROXIES[name].better for name in aggregate.members})


def _show_json(names: Sequence[str], results: Sequence[Scores], combined: Combined) -> None:
    document = Scores.joined(results).to_dict()
    if combined:
        document["aggregates"] = [
            {"model": model, "aggregate": name, "value": values[place]}
            for place, model in enumerate(names)
            for name, values in combined.items()
        ]
    write_json(document)


def _show_csv(names: Sequence[str], results: Sequence[Scores], combined: Combined) -> None:
    frame = Scores.joined(results).to_frame()
    pools = [
        pd.DataFrame({"model": names, "proxy": name, "value": values, "status": "ok"})
        for name, values in combined.items()
    ]
    write_csv(pd.concat([frame, *pools], ignore_index=True) if pools else frame)


def _show_table(names: Sequence[str], results: Sequence[Scores], combined: Combined) -> None:
    header = ["model", *(record.proxy for record in results[0]), *combined]
    rows = [
        [model, *map(_cell, scores), *(number(values[k]) for values in combined.values())]
        for k, (model, scores) in enumerate(zip(names, results, strict=True))
    ]
    write_table(header, rows)
    reasons: dict[tuple[str, str], list[str]] = {}
    for record in Scores.joined(results):
        if record.status != "ok":
            reasons.setdefault((record.model, f"{record.reason}"), []).append(record.proxy)
    failures = [
        (model, ", ".join(dict.fromkeys(proxies)), reason)
        for (model, reason), proxies in reasons.items()
    ]
    if failures:
        write_table(("failed", "scores", "reason"), failures, left=3)


def _cell(record: Score) -> str:
    return estimate(record.value, record.stderr) if record.status == "ok" else record.status


_SHOW = {Format.json: _show_json, Format.csv: _show_csv, Format.table: _show_table}


def _told_failures(results: Sequence[Scores]) -> int:
    """One line on stderr about what failed, if anything; the exit code."""
    records = [record for scores in results for record in scores]
    failed = [record for record in records if record.status != "ok"]
    if not failed:
        return 0
    first = f"{failed[0].status}: {failed[0].reason}"
    sys.stderr.write(f"gradalign: {len(failed)} of {len(records)} scores failed; {first}\n")
    return 1
