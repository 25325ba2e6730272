"""Searches that take little time."""

from gradalign.search import search

SMALL = {"input_size": (3, 8, 8), "batch_size": 4, "repeats": 1}
CELLS = {**SMALL, "build": {"channels": 2, "cells": 1}}


def small(subject="mlp", **options):
    """A search of 12 stacks of linear layers, unless told otherwise."""
    return search(subject, **{**SMALL, "budget": 12, **options})


def cells(**options):
    """A search of 12 networks of NAS-Bench-201, unless told otherwise."""
    return search("nb201", **{**CELLS, "budget": 12, **options})


def told(result):
    """All that a search says, apart from the time it took and where it is kept."""
    return {k: v for k, v in result.to_dict().items() if k not in ("seconds", "db")}
