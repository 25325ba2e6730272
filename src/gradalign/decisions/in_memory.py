"""Studies that live for a moment."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.samplers import BaseSampler
from optuna.study import Study, StudyDirection


def study_in_memory(
    directions: Sequence[StudyDirection], sampler: BaseSampler | None = None
) -> Study:
    """An empty study in memory, without the line that Optuna says of each."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        return optuna.create_study(directions=list(directions), sampler=sampler)
    finally:
        optuna.logging.set_verbosity(level)
