"""PyTorch: autograd of any order, torch.func, torch.compile, autocast, dtypes."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import lossary
from inputs import FEWEST, FLOAT_TARGETS, REDUCED, SETTINGS, WITNESSES, Setting, assert_ulps, every
from lossary.routes import torch as in_memory
from lossary.routes import torch_together

DTYPES = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-24 * 16, "float64": 2**-53 * 16}


@pytest.fixture(params=["by NumPy", "together", "in words"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tensors are computed by NumPy, those on a GPU value and gradient together, others by words alone."""
    if request.param != "by NumPy":
        monkeypatch.setattr(in_memory, "PLAIN", frozenset())
    if request.param == "in words":
        monkeypatch.setattr(torch_together, "PLAIN", frozenset())


PATHS = pytest.mark.usefixtures("path")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def tensors(setting: Setting, rng: np.random.Generator, dtype: Any = torch.float64, **kwargs: Any) -> Any:
    y_true, y_pred = setting.draw(rng, **kwargs)
    true = torch.tensor(y_true)
    return (true if not true.is_floating_point() else true.to(dtype)), torch.tensor(y_pred, dtype=dtype)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_first_and_second_derivative_agree_with_finite_differences(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng, shape=(2, 3))
    y_pred.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: setting(y_true, p), (y_pred,), check_forward_ad=True)
    with lossary.check("off"):
        assert torch.autograd.gradgradcheck(lambda p: setting(y_true, p), (y_pred,))


@pytest.mark.parametrize("setting", every(FLOAT_TARGETS), ids=str)
def test_derivative_with_respect_to_targets(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = (torch.tensor(x, requires_grad=True) for x in setting.draw_inside(rng, (2, 3)))
    with lossary.check("off"):
        assert torch.autograd.gradcheck(setting, (y_true, y_pred))


@PATHS
@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_agrees_with_numpy(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng)
    expected = setting(y_true, y_pred)
    value, slope = lossary.value_and_grad(setting.configured(reduction="none"))(y_true, y_pred)
    np.testing.assert_array_equal(value, expected)

    leaf = torch.tensor(y_pred, requires_grad=True)
    values = setting(torch.tensor(y_true), leaf)
    values.sum().backward()
    np.testing.assert_allclose(values.detach().numpy(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(leaf.grad.numpy(), slope, rtol=1e-12, atol=1e-14)

    small_true = y_true if y_true.dtype.kind == "i" else y_true.astype(np.float32)
    small_pred = y_pred.astype(np.float32)
    value32, slope32 = lossary.value_and_grad(setting.configured(reduction="none"))(small_true, small_pred)
    leaf = torch.tensor(small_pred, requires_grad=True)
    values = setting(torch.tensor(small_true), leaf)
    values.sum().backward()
    assert_ulps(values.detach().numpy(), value32, ulps=4)
    assert_ulps(leaf.grad.numpy(), slope32, ulps=4)


@PATHS
@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_upstream_gradient_of_any_size_and_sign(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng)
    upstream = torch.tensor([1.0, -3.0, 0.0, 1e3], dtype=torch.float64)
    (unit,) = torch.autograd.grad(setting(y_true, y_pred.requires_grad_()).sum(), y_pred)
    (scaled,) = torch.autograd.grad(setting(y_true, y_pred), y_pred, upstream)
    torch.testing.assert_close(scaled, unit * upstream[:, None], rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_value_and_grad_is_autograd(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng)
    weight, mask = torch.tensor([1.0, 2.0, 0.0, 3.0]), torch.tensor([True, True, True, False])
    loss = setting.configured()
    leaf = y_pred.clone().requires_grad_()
    expected = loss(y_true, leaf, sample_weight=weight, where=mask)
    expected.backward()
    value, gradient = lossary.value_and_grad(loss)(y_true, y_pred, sample_weight=weight, where=mask)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, leaf.grad)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_func_transformations(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng, shape=(3, 4))
    whole = setting(y_true, y_pred)
    torch.testing.assert_close(torch.func.vmap(setting)(y_true, y_pred), whole)

    gradient = torch.func.grad(lambda p: setting(y_true, p).sum())(y_pred)
    rows = torch.func.vmap(torch.func.grad(lambda p, t: setting(t, p)))(y_pred, y_true)
    torch.testing.assert_close(rows, gradient)

    tangent = torch.tensor(rng.normal(size=(3, 4)))
    value, change = torch.func.jvp(lambda p: setting(y_true, p), (y_pred,), (tangent,))
    torch.testing.assert_close(value, whole)
    torch.testing.assert_close(change, (gradient * tangent).sum(-1))

    hessian = torch.func.hessian(lambda p: setting(y_true[0], p))(y_pred[0])
    torch.testing.assert_close(hessian, hessian.T)
    twice = torch.autograd.functional.hessian(lambda p: setting(y_true[0], p), y_pred[0])
    torch.testing.assert_close(hessian, twice)


def test_gradient_of_a_parameter() -> None:
    # huber beyond delta is delta |d| - delta**2 / 2, so its derivative with respect to delta is |d| - delta = 3 - 0.5
    delta = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    y_true = torch.zeros(1, 1, dtype=torch.float64)
    lossary.huber(y_true, y_true + 3.0, delta=delta).sum().backward()
    assert delta.grad is not None
    assert delta.grad.item() == pytest.approx(2.5, rel=1e-15)


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST[1:]), ids=str)
def test_compile_as_one_graph(setting: Setting, rng: np.random.Generator) -> None:
    torch.compiler.reset()
    y_true, y_pred = tensors(setting, rng, torch.float32)
    loss = setting.configured()

    def step(true: Any, pred: Any, weight: Any) -> Any:
        return loss(true, pred, sample_weight=weight) + setting(true, pred).sum()

    weight = torch.tensor([1.0, 2.0, 0.0, 3.0])
    results = []
    for run in (step, torch.compile(step, fullgraph=True, backend="aot_eager")):
        leaf = y_pred.clone().requires_grad_()
        value = run(y_true, leaf, weight)
        value.backward()
        results.append((value.detach(), leaf.grad))
    torch.testing.assert_close(results[1], results[0])


@pytest.mark.costly
def test_compile_with_the_default_compiler_and_dynamic_shapes(rng: np.random.Generator) -> None:
    torch.compiler.reset()
    step = torch.compile(lossary.Huber(delta=0.5), fullgraph=True, dynamic=True)
    for rows in (3, 7):
        y_true, y_pred = torch.randn(rows, 4), torch.randn(rows, 4)
        torch.testing.assert_close(step(y_true, y_pred), lossary.Huber(delta=0.5)(y_true, y_pred))


def test_out_of_range_label_is_nan_when_compiled() -> None:
    torch.compiler.reset()
    step = torch.compile(lossary.sparse_categorical_crossentropy, fullgraph=True, backend="aot_eager")
    values = step(torch.tensor([0, -1, 3]), torch.full((3, 3), 1 / 3))
    assert torch.isnan(values).tolist() == [False, True, True]


@pytest.mark.costly
def test_first_call_of_a_process_may_be_compiled() -> None:
    program = """
import torch, lossary
step = torch.compile(lossary.CategoricalCrossentropy(from_logits=True), fullgraph=True, backend="aot_eager")
y_pred = torch.zeros(2, 4, requires_grad=True)
step(torch.eye(4)[:2], y_pred).backward()
print(round(float(y_pred.grad[0, 0]), 6))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "-0.375", done.stderr


def test_compile_inside_a_check_block() -> None:
    torch.compiler.reset()
    step = torch.compile(lossary.mean_squared_error, backend="aot_eager")
    with lossary.check("off"):
        value = step(torch.zeros(2, 2), torch.ones(2, 2))
    assert value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", DTYPES)
@PATHS
@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_result_has_the_dtype_of_the_predictions(setting: Setting, dtype: str, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng, getattr(torch, dtype))
    with lossary.check("shapes"):  # Rows rounded to half precision no longer sum to one.
        exact = setting(y_true.double() if y_true.is_floating_point() else y_true, y_pred.double())
        value, gradient = lossary.value_and_grad(setting.configured())(y_true, y_pred)
        values = setting(y_true, y_pred)
    assert values.dtype == gradient.dtype == y_pred.dtype
    assert value.dtype == getattr(torch, REDUCED[dtype])
    np.testing.assert_allclose(values.double(), exact, rtol=2 * DTYPES[dtype], atol=DTYPES[dtype])


def test_half_precision_is_reduced_in_float32() -> None:
    # The sum, 70000, lies beyond float16's largest number.
    y_true, y_pred = torch.zeros(70000, 1, dtype=torch.float16), torch.ones(70000, 1, dtype=torch.float16)
    assert lossary.MeanSquaredError()(y_true, y_pred).item() == 1.0


def test_autocast(rng: np.random.Generator) -> None:
    layer, x = torch.nn.Linear(3, 4), torch.randn(6, 3)
    y_true = torch.tensor(rng.integers(0, 4, 6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = layer(x)
        value = lossary.SparseCategoricalCrossentropy(from_logits=True)(y_true, scores)
    value.backward()
    assert scores.dtype == torch.bfloat16
    assert value.dtype == torch.float32
    expected = torch.nn.functional.cross_entropy(scores.float(), y_true)
    torch.testing.assert_close(value, expected)
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


def test_parameters_and_buffers_are_tensors_too() -> None:
    prediction = torch.nn.Parameter(torch.ones(2, 2))
    lossary.MeanSquaredError()(torch.zeros(2, 2), prediction).backward()
    assert prediction.grad is not None
    assert prediction.grad.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_lists_join_tensors_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = lossary.mean_squared_error([[0.0, 0.0]], torch.ones(1, 2))
    assert value.dtype == torch.float32
    assert value.tolist() == [1.0]


@PATHS
def test_a_reduced_loss_may_be_changed_in_place() -> None:
    y_true, y_pred = torch.zeros(8, 4), torch.ones(8, 4, requires_grad=True)
    loss = lossary.MeanSquaredError()
    total = loss(y_true, y_pred)
    total += loss(y_true, y_pred)
    total /= 4.0
    total.backward()
    assert total.item() == 0.5
    assert y_pred.grad is not None
    assert torch.all(y_pred.grad == 2.0 / 32 / 2)
    loss(y_true, y_pred).detach_()


def test_forward_mode_in_predictions_is_spared_slopes_in_labels() -> None:
    """Those of this loss are infinite at labels of 0 and 1."""
    y_true, y_pred = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.25]])
    change = torch.func.jvp(lambda p: lossary.contrastive(y_true, p), (y_pred,), (torch.ones_like(y_pred),))[1]
    assert change.tolist() == [(2 * 0.5 - 2 * 0.75) / 2]


@PATHS
def test_several_upstream_factors_at_once() -> None:
    y_pred = torch.ones(1, 1, requires_grad=True)
    value = lossary.MeanSquaredError()(torch.zeros(1, 1), y_pred)
    (found,) = torch.autograd.grad(value, y_pred, torch.tensor([1.0, 2.0]), is_grads_batched=True)
    assert found.flatten().tolist() == [2.0, 4.0]


@PATHS
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_objects_pass_gradcheck(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    """Also its look at a second backward, whose bits must be those of the first, and at several factors at once.

    Of two outputs less their mean, one is always a multiple of the other: rows of three.
    """
    y_true, y_pred = tensors(setting, rng, shape=(3, 3))
    weight = torch.tensor([0.3, 0.7, 1.1], dtype=torch.float64)
    loss = setting.configured(reduction=reduction, check="off")

    def call(p: Any) -> Any:
        return loss(y_true, p, sample_weight=weight) + 1.7 * loss(y_true, p)

    assert torch.autograd.gradcheck(call, (y_pred.requires_grad_(),), check_batched_grad=True)
    assert torch.autograd.gradgradcheck(call, (y_pred,), check_batched_grad=True)


@PATHS
@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("axis", [0, -1])
def test_vectorised_jacobian_and_hessian(shape: tuple[int, ...], axis: int) -> None:
    y_true, y_pred = torch.rand(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    mask, of = torch.rand(shape) > 0.3, torch.autograd.functional
    each, masked = lossary.Huber(reduction="none", axis=axis), lossary.MeanSquaredError(reduction="none")
    for call in (
        lambda p: lossary.huber(y_true, p, axis=axis),
        lambda p: each(y_true, p),
        lambda p: masked(y_true, p, where=mask),
    ):
        torch.testing.assert_close(of.jacobian(call, y_pred, vectorize=True), of.jacobian(call, y_pred))
    curvature = of.hessian(lambda p: lossary.LogCosh(reduction="sum")(y_true, p), y_pred, vectorize=True)
    torch.testing.assert_close(curvature, of.hessian(lambda p: lossary.LogCosh(reduction="sum")(y_true, p), y_pred))


def test_a_second_backward_of_a_kernel_has_the_same_bits() -> None:
    y_pred = torch.rand(300, 300, generator=torch.Generator().manual_seed(0), requires_grad=True)
    value = lossary.LogCosh()(torch.zeros(300, 300), y_pred)
    first, second = (torch.autograd.grad(value, y_pred, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.costly
def test_compile_with_several_classes_to_ignore() -> None:
    torch.compiler.reset()
    y_true, y_pred = torch.tensor([0, 1]), torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    step = torch.compile(lossary.sparse_categorical_crossentropy, fullgraph=True, backend="aot_eager")
    for ignored, expected in ((0, [0.0, np.log(2)]), (1, [np.log(4), 0.0]), (-1, [np.log(4), np.log(2)])):
        np.testing.assert_allclose(step(y_true, y_pred, ignore_class=ignored), expected, rtol=1e-6)


@PATHS
def test_weights_changed_before_a_second_derivative_are_an_error_or_do_not_count() -> None:
    weight, y_pred = torch.ones(4), torch.ones(4, 2, requires_grad=True)
    value = lossary.MeanSquaredError()(torch.zeros(4, 2), y_pred, sample_weight=weight)
    weight.zero_()
    if value.grad_fn is None or "Total" not in value.grad_fn.name():
        (slope,) = torch.autograd.grad(value, y_pred, create_graph=True)
        assert slope.sum().item() == pytest.approx(2.0)
        return
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(value, y_pred, create_graph=True)
