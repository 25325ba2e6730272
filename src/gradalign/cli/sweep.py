"""`gradalign sweep`: measure many networks of a space into a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._asked import Selection, sampled
from gradalign.cli._executor import Execution
from gradalign.cli._options import Conditions, Display, Format
from gradalign.cli._output import note, write_csv, write_json, write_table
from gradalign.cli._sweep import Resources, duration, opened, run_sweep, seeds_of, swept
from gradalign.sweep import Summary

__all__ = ["sampled", "sweep"]


@command
def sweep(
    selection: Selection,
    conditions: Conditions,
    resources: Resources,
    execution: Execution,
    display: Display,
    *,
    space: Annotated[
        str | None,
        typer.Argument(
            metavar="SPACE", show_default=False, help="A search space; see gradalign list spaces."
        ),
    ] = None,
    db: Annotated[
        Path, typer.Option("--db", metavar="FILE", help="The store that the records go to.")
    ] = Path("sweep.db"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a store that holds records.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Measure again what failed; implies --resume.")
    ] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Batches and initialisations of each network.")
    ] = 1,
) -> int:
    """Measure many networks into a store, from which it can go on at any time."""
    plan = swept(conditions)
    plan.scorer()
    _ = resources.limits  # what is wrong with it is said before the networks are drawn
    shard = selection.shard
    asked = selection.asked(space, conditions.seed)
    with (
        opened(db, resume=resume or retry) as store,
        execution.start(plan, resources) as executor,
    ):
        found = run_sweep(
            asked.models,
            plan,
            store,
            resources,
            executor=executor,
            total=asked.total,
            shard=shard,
            seeds=seeds_of(conditions.seed, repeats),
            retry=retry,
            quiet=display.quiet,
            again="--resume",
        )
    _SHOW[display.format](found, db)
    return 1 if found.failed else 0


def _show_table(found: Summary, db: Path) -> None:
    rows = [
        ["networks asked for", f"{found.asked:,}"],
        ["in the store already", f"{found.already:,}"],
        ["measured", f"{found.measured:,}"],
        ["given the records of an isomorphic one", f"{found.shared:,}"],
        *([f"failed: {status}", f"{count:,}"] for status, count in found.failures.items()),
        ["time", duration(found.seconds)],
        ["measured a second", f"{found.rate:.3g}"],
    ]
    write_table(["", "sweep"], rows)
    note(f"Store: {db}; gradalign report {db} shows it.")


_SHOW: dict[Format, Callable[[Summary, Path], None]] = {
    Format.json: lambda found, db: write_json({"db": str(db), **found.to_dict()}),
    Format.csv: lambda found, db: write_csv(pd.DataFrame([{"db": str(db), **_flat(found)}])),
    Format.table: _show_table,
}


def _flat(found: Summary) -> dict[str, object]:
    return {**found.to_dict(), "failures": found.failed}
