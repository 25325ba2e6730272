"""Searches read off the file that holds them, without anything being measured or proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradalign.aggregates import AGGREGATES
from gradalign.errors import InputError, UnknownNameError
from gradalign.ranking import Ranking
from gradalign.search.archive import Archive, Found
from gradalign.search.bounds import Bounds
from gradalign.search.check import CHECKED, recorded_check
from gradalign.search.objective import Objective
from gradalign.search.progress import Progress
from gradalign.search.request import Request
from gradalign.search.result import SearchResult
from gradalign.search.study import url
from gradalign.store import Store
from gradalign.store.file import open_to_read

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A search as its file has it.

    Args:
        result: What was found by scores; of trained finalists it knows nothing.
        finalists: How many were trained.
        winner: Model, and accuracy on the validation and the test samples in percent, of the best
            of them on the validation samples; None: none was trained to the end.
    """

    result: SearchResult
    finalists: int = 0
    winner: tuple[str, float, float] | None = None


def read_searches(db: Path) -> list[Recorded]:
    """Every search in a file, in the order in which they were begun.

    Args:
        db: What `gradalign search --db` wrote.

    Raises:
        InputError: No such file, no store, or a store that holds no search.
    """
    found = []
    with Store.read(db) as store:
        studies = dict(_studies(db))
        for attributes, trials in studies.values():
            if isinstance(document := attributes.get("request"), dict) and trials:
                request = _request(document, db)
                _, trained = studies.get(f"{request.study_name} finalists", ({}, []))
                found.append(_recorded(_result(request, trials, store, db), trained))
    if not found:
        raise InputError(
            f"{str(db)!r} holds no search: give the file that gradalign search --db wrote; records "
            "alone are shown by gradalign report DB"
        )
    return found


def _studies(db: Path) -> Iterator[tuple[str, tuple[dict[str, Any], list[FrozenTrial]]]]:
    """Attributes and finished trials of every study in the file, by its name."""
    if not holds_search(db):  # opening it with Optuna would make its tables
        return
    with _storage(db) as storage:
        for study in storage.get_all_studies():
            trials = storage.get_all_trials(study._study_id, deepcopy=False)
            finished = [trial for trial in trials if trial.state.is_finished()]
            yield study.study_name, (storage.get_study_user_attrs(study._study_id), finished)


def _recorded(result: SearchResult, trained: Sequence[FrozenTrial]) -> Recorded:
    ended = [trial for trial in trained if "test_accuracy" in trial.user_attrs]
    if not ended:
        return Recorded(result=result, finalists=len(trained))
    best = max(ended, key=lambda trial: (trial.value or 0.0, -trial.number))
    accuracies = (float(best.value or 0.0), float(best.user_attrs["test_accuracy"]))
    return Recorded(
        result=result, finalists=len(trained), winner=(best.user_attrs["model"], *accuracies)
    )


def holds_search(db: Path) -> bool:
    """Whether a store holds Optuna's tables too."""
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'studies'"
    with closing(open_to_read(db)) as connection:
        return connection.execute(named).fetchone() is not None


@contextmanager
def _storage(db: Path) -> Iterator[RDBStorage]:
    """Context with Optuna's storage in the file."""
    import optuna  # here: `gradalign` is imported without it

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = optuna.storages.RDBStorage(url(db))
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()
    finally:
        optuna.logging.set_verbosity(before)


def _request(document: Mapping[str, Any], db: Path) -> Request:
    """What was asked, from the document that the study keeps of it."""
    members = document["members"]
    try:
        objectives = [_objective(name, members.get(name)) for name in document["objectives"]]
    except UnknownNameError as error:
        raise InputError(f"a search in {str(db)!r} cannot be read: {error}") from None
    return Request(
        sampler=document["sampler"],
        objectives=tuple(objectives),
        bounds=Bounds(**document["bounds"]),
        seed=document["seed"],
        subject=document["subject"],
        among=document["among"],
        latency_table=document["latency_table"],
        protocols=document["protocols"],
    )


def _objective(name: str, members: Sequence[str] | None) -> Objective:
    """That of a name; a rank sum that is not registered is known by its members."""
    if members is None or name in AGGREGATES:
        return Objective.parse(name)
    return Objective.parse(f"{name}={'+'.join(members)}")


def _result(
    request: Request, trials: Sequence[FrozenTrial], store: Store, db: Path
) -> SearchResult:
    archive = Archive(trials, request.objectives)
    progress = Progress()
    for trial in trials:
        broken = [name for name, margin in trial.constraints.items() if margin > 0]
        progress.count(trial.user_attrs, broken, trial.state.name)
    return SearchResult(
        request=request,
        ranked=tuple(archive.ranked),
        front=tuple(archive.front),
        check=_check(archive.ranked, request, store),
        progress=progress,
        db=str(db),
    )


def _check(ranked: Sequence[Found], request: Request, store: Store) -> Ranking | None:
    models = [own.model for own in ranked[:CHECKED]]
    own = [
        each for each in store.scores(models) if request.protocols.get(each.proxy) == each.protocol
    ]
    return recorded_check(ranked, request, own, store.protocols)
