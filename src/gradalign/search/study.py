"""The Optuna study of a search: its name, its storage, its sampler."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gradalign.errors import InputError
from gradalign.search.archive import Archive, current_values
from gradalign.search.request import Request
from gradalign.search.samplers import SAMPLERS, Setting
from gradalign.search.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.study import Study
    from optuna.trial import FrozenTrial

PATIENT = 60
"""Seconds that one process waits for another that writes to the file."""


@contextmanager
def opened(request: Request, subject: Subject, db: Path | None) -> Iterator[Study]:
    """Context with the study of a request, made where there is none.

    Args:
        request: What is asked.
        subject: What is searched.
        db: SQLite file that holds it; None: it is in memory.

    Raises:
        InputError: An unknown sampler, or one that cannot do what is asked.
    """
    import optuna  # here: `gradalign` is imported without it
    from optuna.study import StudyDirection

    kind = SAMPLERS[request.sampler]
    if len(request.objectives) > 1 and not kind.several:
        can = ", ".join(name for name, each in SAMPLERS.items() if each.several)
        raise InputError(
            f"the sampler {request.sampler!r} has one objective, not {len(request.objectives)}: "
            f"choose from {can}"
        )
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            storage = None
            if db is not None:
                storage = optuna.storages.RDBStorage(
                    url(db),
                    engine_kwargs={"connect_args": {"timeout": PATIENT}},
                )
            better = {"higher": StudyDirection.MAXIMIZE, "lower": StudyDirection.MINIMIZE}
            study = optuna.create_study(
                storage=storage,
                study_name=request.study_name,
                directions=[better[each.better] for each in request.objectives],
                load_if_exists=True,
            )
            study.set_user_attr("request", request.document)

            def values(trials: Sequence[FrozenTrial]) -> list[tuple[float, ...]]:
                every = study.get_trials(deepcopy=False)
                return current_values(trials, Archive(every, request.objectives))

            study.sampler = kind.make(
                Setting(
                    seed=request.seed,
                    moves=subject.moves,
                    values=values if request.moving else None,
                )
            )
            yield study
        finally:
            optuna.logging.set_verbosity(before)


def url(db: Path) -> str:
    """How Optuna calls the file."""
    return f"sqlite:///{db.resolve()}"
