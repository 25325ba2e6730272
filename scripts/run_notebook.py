"""Run a notebook from its first cell to its last, and keep what it puts out in it.

python scripts/run_notebook.py docs/tutorial.ipynb

Needs nbclient and ipykernel, which come with the dependency group `docs`. Cells run in an empty
folder, in a kernel of this Python with one thread. Nothing is kept that differs from one run to the
next by itself: no times, no addresses, no version of the kernel.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 600
"""Limit of one cell."""

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object lies in memory, as `repr` has it."""


def main() -> int:
    """Run each notebook in place."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", type=Path, nargs="+", help="files that are run and rewritten")
    for path in parser.parse_args().notebooks:
        notebook = nbformat.read(path, as_version=4)
        run(notebook)
        strip(notebook)
        nbformat.write(notebook, path)
    return 0


def run(notebook: nbformat.NotebookNode) -> None:
    """Execute all cells; one that raises ends it with the traceback."""
    os.environ["OMP_NUM_THREADS"] = "1"  # sums of floats depend on how many threads share them
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # of tqdm, where no widgets are
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        ).execute()


def strip(notebook: nbformat.NotebookNode) -> None:
    """Take out what says nothing, or differs between two runs of the same cells."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        for output in cell.get("outputs", ()):
            output.pop("metadata", None)
            if output.output_type in ("display_data", "execute_result"):
                output.metadata = {}
                if "text/plain" in output.data:
                    output.data["text/plain"] = ADDRESS.sub("", output.data["text/plain"])
                if "image/png" in output.data:
                    output.data.pop("image/jpeg", None)  # Pillow gives every picture twice


if __name__ == "__main__":
    sys.exit(main())
