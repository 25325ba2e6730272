"""From three modules of one's own to a decision: which one is worth the training time?

python examples/rank_own_models.py
"""

from __future__ import annotations

from torch import nn

import gradalign as ga


def convolutions(*widths: int) -> nn.Module:
    """Plain 3x3 convolutions with batch norm, and a linear classifier for ten classes."""
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def perceptron() -> nn.Module:
    """Two hidden layers on the pixels of a 3x16x16 image."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(768, 64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


CANDIDATES = {
    "perceptron": perceptron,
    "wide": lambda: convolutions(24, 24, 24),
    "deep": lambda: convolutions(12, 12, 12, 12, 12, 12),
}
"""Functions, not modules, so that every repeat has an initialisation of its own."""


def decision(ranking: ga.Ranking) -> str:
    """What to do about an order: train the first, or all that cannot be told apart from it."""
    first = ranking.entries[0].model
    rivals = [b if a == first else a for a, b in ranking.inseparable if first in (a, b)]
    if rivals:
        names = ", ".join([first, *rivals])
        return f"No reason to prefer {first} over {', '.join(rivals)}: choose among {names} freely."
    sizes = [name for name, tau in ranking.tau_with.items() if tau == 1]
    if sizes:
        return (
            f"{first} has the best score, but {', '.join(sizes)} alone give the same order: "
            "here the score adds nothing to size."
        )
    return f"Train {first}: its score is the best beyond chance, and it is not merely the largest."


def main() -> None:
    """Rank the three on the embedded digits, with one score that grows with size and one not."""
    ranking = ga.rank(CANDIDATES, repeats=5, batch_size=16)
    print(ranking)
    print(f"\n{decision(ranking)}\n")
    size_free = ga.rank(CANDIDATES, by="gradient_effective_rank", repeats=5, batch_size=16)
    print(size_free)
    if size_free.entries[0].model != ranking.entries[0].model:
        print("\nA score without size puts another one first: the choice rests on size in part.")


if __name__ == "__main__":
    main()
