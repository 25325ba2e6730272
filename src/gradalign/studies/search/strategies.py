"""The strategies that are compared."""

from __future__ import annotations

from gradalign.search.simulation import Assistance, Strategy

SCORE = "gradalign_plus"
"""The score whose help is looked at."""

SIMPLER = ("gradalign_plus_ablation", "macs", "params")
"""What is left of it without the conflict of gradients, and what is nothing but size."""

SCORES = (SCORE, *SIMPLER)

SAMPLERS = ("random", "evolution", "reinforce", "tpe")

MAIN = "evolution"
"""The sampler that is assisted by the simpler scores too."""


def strategies() -> list[Strategy]:
    """Every sampler alone and assisted by the score, and evolution assisted by simpler ones."""
    assisted = [(sampler, SCORE) for sampler in SAMPLERS] + [(MAIN, score) for score in SIMPLER]
    return [
        *(Strategy(sampler=sampler) for sampler in SAMPLERS),
        *(
            Strategy(sampler=sampler, assistance=Assistance(score=score))
            for sampler, score in assisted
        ),
    ]
