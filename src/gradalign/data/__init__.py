"""Data sources from which batches are drawn: one file each, looked up by name in `SOURCES`."""

from gradalign.data._base import SOURCES, InputSpec, Source, open_source, source

__all__ = ["SOURCES", "InputSpec", "Source", "open_source", "source"]
