"""Every backend on every awkward network: right, or refused in one line."""

import contextlib
import functools
import random

import pytest
import torch
from tests.agreement import NEEDS, assert_agrees
from tests.nets import CASES, NORMS
from tests.reference import logit_sum, measure

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.errors import UnsupportedError
from gradalign.probe import Probe

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
BACKENDS = ("hooks", "vmap", "loop", "auto")
EXPRESSED = {
    "hooks": {"batch_fixed", "sample", "frozen", "identity", "batch"},
    "vmap": {"batch_fixed", "sample", "frozen", "identity"},
    "loop": {"batch_fixed", "sample", "frozen", "identity", "batch_exact"},
    "auto": set(NORMS),
}
RUNS = [
    pytest.param(case, norm, backend, id=f"{case.name}-{norm}-{backend}")
    for case in CASES.values()
    for norm in case.norms
    for backend in BACKENDS
]


@functools.cache
def reference(name, norm, params="default"):
    case = CASES[name]
    return measure(case.make(), case.batch(), norm, case.loss_fn, params)


def statistics(case, norm, backend, needs=NEEDS, **options):
    options = {"check": "always", "loss_fn": case.loss_fn, **options}
    batch = Batch(*case.batch())
    return collect(case.make(), batch, Probe(norm=norm), needs, backend=backend, **options)


def attempt(case, norm, backend, needs=NEEDS, **options):
    """The statistics and no refusal, or none and the line of refusal."""
    try:
        return statistics(case, norm, backend, needs, **options), ""
    except UnsupportedError as error:
        return None, str(error)


def may_refuse(case, norm, backend):
    if case.no_way or norm not in EXPRESSED[backend]:
        return True
    if backend == "vmap":
        return case.no_vmap
    alone = backend == "hooks" or norm == "batch"  # nobody else can do it
    return backend != "loop" and alone and norm in case.no_hooks


def layers_of(case, norm):
    if case.no_layers:
        return "none"
    return "inputs" if norm == "batch_exact" else "all"


@pytest.mark.parametrize(("case", "norm", "backend"), RUNS)
def test_right_or_refused(case, norm, backend):
    found, refusal = attempt(case, norm, backend)
    if found is None:
        assert may_refuse(case, norm, backend), f"refused: {refusal}"
        assert "\n" not in refusal
        return
    assert norm in EXPRESSED[backend], "this backend cannot express this mode"
    assert_agrees(found, reference(case.name, norm), layers=layers_of(case, norm))
    assert found.has_gradient == (norm not in case.dead)
    if backend == "auto" and norm != "batch_exact" and not case.no_way:
        assert found.backend.startswith("hooks") != (norm in case.no_hooks), found.backend


REFUSED = [(case, norm, b) for case in CASES.values() for norm in case.refused for b in BACKENDS]


@pytest.mark.parametrize(
    ("case", "norm", "backend"), REFUSED, ids=[f"{c.name}-{m}-{b}" for c, m, b in REFUSED]
)
def test_refused_by_a_line_that_names_the_layer_and_the_way_out(case, norm, backend):
    with pytest.raises(UnsupportedError, match=r"^[^\n]*norm[^\n]*$"):
        statistics(case, norm, backend)


@pytest.mark.parametrize("backend", ["hooks", "vmap"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_layers_agree_between_backends(case, backend):
    needs = ["layers", "input_spectra", "gram"]
    found, _ = attempt(case, "batch_fixed", backend, needs)
    if found is None:
        pytest.skip("refused")
    expected = statistics(case, "batch_fixed", "loop", needs)
    assert [b.name for b in found.blocks] == [b.name for b in expected.blocks]
    assert [b.macs for b in found.blocks] == [b.macs for b in expected.blocks]
    pairs = list(zip(found.layers, expected.layers, strict=True))
    assert [(a.name, a.macs, a.live) for a, _ in pairs] == [
        (b.name, b.macs, b.live) for _, b in pairs
    ]
    for a, b in pairs:
        torch.testing.assert_close(a.input_spectrum, b.input_spectrum, rtol=1e-9, atol=1e-11)


ALL_PARAMETERS = (
    "batch_norm",
    "tied_embedding",
    "custom_parameter",
    "parametrized",
    "layer_norm",
    "attention",
    "lstm",
    "functional_batch_norm",
    "instance_norm",
    "conv3d",
)


@pytest.mark.parametrize("norm", ["batch_fixed", "sample"])
@pytest.mark.parametrize("name", ALL_PARAMETERS)
def test_every_parameter_a_block(name, norm):
    case = CASES[name]
    for backend in BACKENDS:
        found, refusal = attempt(case, norm, backend, params="all")
        if found is None:
            assert backend == "hooks" or may_refuse(case, norm, backend), f"{backend}: {refusal}"
            continue
        assert_agrees(found, reference(name, norm, "all"), layers="none")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["residual", "transposed2d", "dict_batch_and_logits", "lstm"])
def test_sum_of_logits(name, backend):
    case = CASES[name]
    if may_refuse(case, "batch_fixed", backend):
        pytest.skip("refused")
    probe = Probe(norm="batch_fixed", objective="logit_sum")
    found = collect(
        case.make(), Batch(*case.batch()), probe, NEEDS, backend=backend, check="always"
    )
    expected = measure(case.make(), case.batch(), "batch_fixed", logit_sum)
    assert_agrees(found, expected, layers="none")


@pytest.mark.parametrize("backend", ["auto", "loop"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_pieces_do_not_matter(case, backend):
    needs = [need for need in NEEDS if need not in ("layers", "input_spectra", "output_spectra")]
    options = {"check": "never", "byte_budget": 1 << 28}
    large, _ = attempt(case, "batch_fixed", backend, needs, **options)
    if large is None:
        pytest.skip("refused")
    for budget in (256, 5000):
        small = statistics(case, "batch_fixed", backend, needs, byte_budget=budget, check="never")
        for name in ("gram", "squared_norms", "filter_alignment", "activation_matches"):
            a, b = small.tensor(name), large.tensor(name)
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10 * float(b.abs().max()))


class Interruption(Exception):
    """Raised in the middle of a pass."""


def hook_tables(module):
    return {k: dict(v) for k, v in vars(module).items() if "hook" in k and hasattr(v, "items")}


def snapshot(model):
    """Everything about a model and its surroundings that a pass might touch."""
    tensors = [*model.parameters(), *model.buffers()]
    return {
        "tensors": [
            (id(t), t.data_ptr(), t.requires_grad, t.detach().clone(), t.grad, t._backward_hooks)
            for t in tensors
        ],
        "gradients": [None if t.grad is None else t.grad.clone() for t in tensors],
        "modules": [
            (
                name,
                id(m),
                type(m),
                m.training,
                {k: id(v) for k, v in m._parameters.items()},
                {k: id(v) for k, v in m._buffers.items()},
                {k: id(v) for k, v in m._modules.items()},
                hook_tables(m),
                {
                    k: v
                    for k, v in vars(m).items()
                    if not k.startswith("_") and not isinstance(v, torch.Tensor)
                },
                sorted(vars(m)),
            )
            for name, m in model.named_modules(remove_duplicate=False)
        ],
        "random": (torch.get_rng_state(), random.getstate()),
        "switches": (
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.backends.mha.get_fastpath_enabled(),
        ),
    }


def assert_same(before, after):
    assert before["modules"] == after["modules"]
    assert before["switches"] == after["switches"]
    assert torch.equal(before["random"][0], after["random"][0])
    assert before["random"][1] == after["random"][1]
    for old, new in zip(before["tensors"], after["tensors"], strict=True):
        assert old[:3] == new[:3]
        assert torch.equal(old[3], new[3])
        assert old[4] is new[4]
        assert old[5] is new[5]
    for old, new in zip(before["gradients"], after["gradients"], strict=True):
        assert (old is None) == (new is None)
        assert old is None or torch.equal(old, new)


def touched(case):
    """The model as a user may pass it: in train mode, with some gradients left from before."""
    model = case.make()
    for k, parameter in enumerate(model.parameters()):
        if k % 2:
            parameter.grad = torch.full_like(parameter, 0.25)
    return model


@pytest.mark.parametrize("norm", ["batch_fixed", "sample", "batch", "batch_exact"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_model_comes_back(case, norm):
    if norm not in case.norms and norm != "batch_fixed":
        pytest.skip("nothing new in this mode")
    for backend in BACKENDS:
        model = touched(case)
        before = snapshot(model)
        with contextlib.suppress(UnsupportedError):
            collect(
                model, Batch(*case.batch()), Probe(norm=norm), NEEDS,
                backend=backend, check="always", loss_fn=case.loss_fn,
            )  # fmt: skip
        assert_same(before, snapshot(model))


def raise_interruption(*_):
    raise Interruption


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_model_comes_back_after_an_exception(case, backend):
    for where in ("forward", "loss"):
        model = touched(case)
        handle = None
        if where == "forward":
            *_, last = model.children()
            handle = last.register_forward_pre_hook(raise_interruption)
        loss_fn = raise_interruption if where == "loss" else case.loss_fn
        before = snapshot(model)
        with pytest.raises((Interruption, UnsupportedError)):
            collect(
                model, Batch(*case.batch()), Probe(), NEEDS,
                backend=backend, check="always", loss_fn=loss_fn,
            )  # fmt: skip
        assert_same(before, snapshot(model))
        if handle is not None:
            handle.remove()


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
@pytest.mark.parametrize("name", ["batch_norm", "parametrized", "attention", "embedding_max_norm"])
def test_other_weights_and_types_come_back_too(name, backend):
    case = CASES[name]
    if may_refuse(case, "batch_fixed", backend):
        pytest.skip("refused")
    model = touched(case)
    before = snapshot(model)
    for changes in ({"weights": "absolute"}, {"weights": "gaussian"}, {"dtype": "float32"}):
        batch = Batch(*case.batch())
        collect(model, batch, Probe(**changes), ["gram"], backend=backend, check="never")
        assert_same(before, snapshot(model))


def test_wrong_gradients_are_noticed():
    case = CASES["residual"]
    found = statistics(case, "batch_fixed", "loop")
    wrong = measure(case.make(), case.batch(), "frozen")
    with pytest.raises(AssertionError, match="gram"):
        assert_agrees(found, wrong)
