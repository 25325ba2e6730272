"""The script that breaks scores: it breaks each, and tells what is noticed from what is not."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.proxies.build import build, from_gradients, random_measured

from gradalign.proxies import PROXIES, Estimate
from gradalign.proxies.conflict_fraction import conflict_fraction
from gradalign.proxies.gsnr import xi_gsnr

REPOSITORY = Path(__file__).parent.parent
SCRIPT = REPOSITORY / "scripts" / "mutate_proxies.py"


@pytest.fixture(scope="module")
def mutations():
    spec = importlib.util.spec_from_file_location("mutations", SCRIPT.with_name("mutations.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module  # what mutated files import from
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutations"]


def tree_of(name):
    return ast.parse((REPOSITORY / "src/gradalign/proxies" / f"{name}.py").read_text())


def mutated(tree, name):
    """The function `name` of a tree, run outside the registry."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    names = {}
    exec(compile(ast.fix_missing_locations(tree), "mutated", "exec"), names)
    return names[name]


def test_every_registered_score_is_broken(mutations):
    files = sorted((REPOSITORY / "src/gradalign/proxies").glob("[!_]*.py"))
    found = [name for path in files for name in mutations.scores(tree_of(path.stem))]
    assert sorted(found) == sorted(PROXIES)


def test_sign_and_factor(mutations):
    stats = build(random_measured(5))
    right = conflict_fraction(stats)
    for kind, factor in zip(mutations.WHOLE, (-1, 2), strict=False):
        tree = tree_of("conflict_fraction")
        mutations.break_score(tree, "conflict_fraction", kind)
        wrong = mutated(tree, "conflict_fraction")(stats)
        assert isinstance(wrong, Estimate)
        assert wrong.value == factor * right.value


def test_a_layer_less_for_one_pass_and_for_several(mutations):
    stats = from_gradients([[1, -1], [1, 1]], [[2, 1], [1, 3]])
    less = from_gradients([[2, 1], [1, 3]])
    tree = tree_of("gsnr")
    mutations.break_score(tree, "xi_gsnr", mutations.WHOLE[2])
    passes = {f"part_{k}": stats for k in range(8)}
    expected = xi_gsnr(**dict.fromkeys(passes, less))
    assert mutated(tree, "xi_gsnr")(**passes) == pytest.approx(expected)


def test_statistics_of_samples_lose_a_sample(mutations):
    stats = build(random_measured(5)).only(["activation_matches", "labels"])
    shorter = mutations.shortened(stats)
    assert shorter.n == 4
    whole = stats.activation_matches
    assert torch.equal(shorter.activation_matches, whole[1:, 1:])


def test_each_operator_is_exchanged_once(mutations):
    source = "def f(x):\n    y = [-1, -x][0] + 2 * x\n    return y[1 + 0 :] - 3 / x**2\n"
    tree = ast.parse(source)
    changed = []
    for number in range(len([*mutations.operators(tree)])):
        again = ast.parse(source)
        mutations.swap_operator(again, number)
        changed.append(ast.unparse(again))
    assert len(set(changed)) == len(changed) == 6  # the slice is no formula, -1 no term
    assert ast.unparse(tree) not in changed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that part")
def test_the_table_of_one_file():
    command = [sys.executable, str(SCRIPT), "grad_angle"]
    found = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert found.returncode == 0, found.stdout + found.stderr
    lines = [line for line in found.stdout.splitlines() if line.startswith("| grad_angle |")]
    assert len(lines) >= 3
    assert all("test_" in line.rsplit("|", 2)[1] for line in lines)
