"""Break the formula of every score, in several ways, and see whether a test of its own notices.

python scripts/mutate_proxies.py           every score
python scripts/mutate_proxies.py zico ..   only those of these files

A mutation changes the syntax tree of one file of `gradalign.proxies` as it is imported: the sign of
a result, a factor of 2, the first layer (or sample) left out of the statistics, or one operator of
the file for its opposite. Then the file's own tests run, without reference data, up to the first
failure. Prints a Markdown table; exit code 1 if a mutation went unnoticed that is not in
`HARMLESS`.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path

import mutations
import pytest

REPOSITORY = Path(__file__).parent.parent
PROXIES = REPOSITORY / "src" / "gradalign" / "proxies"
TESTS = REPOSITORY / "tests" / "proxies"
SECONDS = 120
"""What the tests of one mutation may take; longer counts as noticed."""

QUICKLY = ["-x", "-q", "--assert=plain"]
QUICKLY += [f"-pno:{plugin}" for plugin in ("cacheprovider", "hypothesispytest", "anyio")]
"""Options of pytest: half a second a run in place of two."""

PASSED = "passed"

HARMLESS: dict[tuple[str, str], str] = {
    (
        "conflict_fraction",
        "`(gram < 0).to(gram.dtype) + 0 * gram`: Add to Sub",
    ): "the term is there to be NaN where the other hides it",
    (
        "lga",
        "`2 * same.to(kernel.dtype) - 1`: Sub to Add",
    ): "a constant goes when the matrix is centred",
}
"""Mutations that change no value, and why."""


@dataclass(frozen=True)
class Mutant:
    """One mutation of one file.

    Args:
        module: Name of the file, without its suffix.
        function: In which function.
        kind: One of `mutations.WHOLE`, or an operator in its term; empty: none, to see whether
            the tests pass as it is.
        number: Which operator of the file; -1 for none.
    """

    module: str
    function: str
    kind: str
    number: int = -1


@dataclass(eq=False)
class Noticed:
    """The first test that failed, filled in by pytest."""

    test: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed first."""
        if report.failed and not self.test:
            self.test = report.nodeid.rpartition("::")[2]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed and not self.test:
            self.test = "import of the tests"


def main(names: Sequence[str] = ()) -> int:
    """Try every mutation; the exit code."""
    modules = sorted(path.stem for path in PROXIES.glob("[!_]*.py"))
    wanted = [module for module in modules if not names or module in names]
    todo = [mutant for module in wanted for mutant in mutants_of(module)]
    sys.stdout.write("| file | function | mutation | caught by |\n| --- | --- | --- | --- |\n")
    unnoticed = 0
    for mutant, test in tried(todo):
        broken = bool(test) if not mutant.kind else not test
        harmless = HARMLESS.get((mutant.function, mutant.kind))
        unnoticed += broken and harmless is None
        verdict = test or (f"harmless: {harmless}" if harmless else "NOTHING")
        if mutant.kind or broken:
            cells = (mutant.module, mutant.function, mutant.kind or "none at all", verdict)
            sys.stdout.write(f"| {' | '.join(cells)} |\n")
            sys.stdout.flush()
    sys.stdout.write(f"\n{len(todo)} runs, {unnoticed} unnoticed\n")
    return int(unnoticed > 0)


def mutants_of(module: str) -> Iterator[Mutant]:
    """No mutation; for each score the whole ones; one for each operator of the file."""
    tree = ast.parse((PROXIES / f"{module}.py").read_text("utf-8"))
    yield Mutant(module, "", "")
    for function in mutations.scores(tree):
        for kind in mutations.WHOLE:
            yield Mutant(module, function, kind)
    for number, (function, text) in enumerate(mutations.operators(tree)):
        yield Mutant(module, function, text, number)


def tried(todo: Sequence[Mutant]) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with the test that noticed it, two at a time, in a process of its own each."""
    waiting = list(reversed(todo))
    running: dict[int, tuple[Mutant, int]] = {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop()
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(reader)
                _in_child(mutant, writer)
            os.close(writer)
            running[pid] = (mutant, reader)
        pid, status = os.wait()
        mutant, reader = running.pop(pid)
        with os.fdopen(reader) as pipe:
            told = pipe.read()
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            told = "a time-out"
        if not told:
            raise RuntimeError(f"the tests of {mutant.module} could not be run with {mutant}")
        yield mutant, told.removeprefix(PASSED)


def _in_child(mutant: Mutant, writer: int) -> None:
    """Mutate, run the tests, tell the parent, end."""
    signal.alarm(SECONDS)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.meta_path.insert(0, Finder(mutant))
    noticed = Noticed()
    tests = str(TESTS / f"test_{mutant.module}.py")
    chosen = ["--rootdir", str(REPOSITORY), "-m", "not slow and not data", tests]
    code = pytest.main([*QUICKLY, *chosen], plugins=[noticed])
    os.write(writer, (noticed.test or (PASSED if code == 0 else "")).encode())
    os._exit(0)


class Finder(MetaPathFinder):
    """Hands the mutated file to the import system in place of the one on disk."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:  # noqa: ARG002
        """The spec of the mutated module; None for every other one."""
        if name != f"gradalign.proxies.{self._mutant.module}":
            return None
        file = str(PROXIES / f"{self._mutant.module}.py")
        return spec_from_file_location(name, file, loader=Loader(name, file, self._mutant))


class Loader(SourceFileLoader):
    """Compiles a file with its mutation; compiled files on disk are left alone."""

    def __init__(self, name: str, file: str, mutant: Mutant) -> None:
        super().__init__(name, file)
        self._mutant = mutant

    def get_code(self, fullname: str) -> object:  # noqa: ARG002
        """The code of the mutated module."""
        tree = ast.parse(self.get_data(self.path), self.path)
        if self._mutant.number >= 0:
            mutations.swap_operator(tree, self._mutant.number)
        elif self._mutant.kind:
            mutations.break_score(tree, self._mutant.function, self._mutant.kind)
        return compile(ast.fix_missing_locations(tree), self.path, "exec")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.chdir(REPOSITORY)
    import scipy.stats  # noqa: F401 - imported once, before the processes part
    import torch

    import gradalign.engine  # noqa: F401

    torch.set_num_threads(1)
    started = time.monotonic()
    code = main(sys.argv[1:])
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    sys.exit(code)
