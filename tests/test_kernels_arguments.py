"""Kernels of losses with several predictions, arguments of other names, or numbers of data points, beside the words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from inputs import EVERY_SETTING, FEWEST_OF_SEVERAL, SEVERAL, WITNESSES_OF_SEVERAL, Setting, few, program
from kernel_laws import assert_same
from lossary import kernels
from lossary.facts.arguments import Role
from lossary.kernels.lowering.form import SPECIAL


@pytest.fixture(autouse=True)
def _kernels_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)


UNFIT = [s for s in EVERY_SETTING if not (s.record.is_pair or s in SEVERAL or s.record.compared)]
# One data point per row, short rows side by side, and long ones.
SHAPES = [(41, 1), (37, 5), (23, 70)]


def drawn(setting: Setting, shape: tuple[int, int], dtype: str) -> list[Any]:
    """Ordinary arguments."""
    rng = np.random.default_rng(shape[1])
    arrays = setting.draw(rng, shape)
    return [np.asarray(x) if np.asarray(x).dtype.kind in "iu" else np.asarray(x, dtype) for x in arrays]


def flat(found: Any) -> list[Any]:
    """A value and its gradients, one after the other."""
    return [x for each in found for x in flat(each)] if isinstance(found, tuple) else [np.asarray(found)]


@pytest.mark.parametrize("setting", few(WITNESSES_OF_SEVERAL.__contains__, SEVERAL), ids=str)
@pytest.mark.parametrize("dtype", few("float32".__eq__, ["float32", "float64"]))
def test_value_and_gradients_are_those_of_the_words(setting: Setting, dtype: str) -> None:
    rng = np.random.default_rng(3)
    for shape in SHAPES if setting.record.inputs[0].has_outputs else SHAPES[1:]:
        arrays = drawn(setting, shape, dtype)
        before = [x.copy() for x in arrays]
        weights, mask = rng.gamma(2.0, size=shape[0]), rng.random(shape[0]) < 0.7
        for options in ({}, {"sample_weight": weights}, {"sample_weight": weights, "where": mask}):
            for reduction in ("sum_over_batch_size", "none"):
                loss = setting.configured(reduction=reduction)
                call = loss.ready(arrays, **options)
                assert call.batch.fused is not None
                assert call.batch.fused.reduced(reduction, gradient=True) is not None
                words = loss.lined_up(arrays, **options).value_and_gradient(reduction)
                for got, wanted in zip(flat(call.value_and_gradient(reduction)), flat(words), strict=True):
                    assert_same([got], [wanted], dtype, 1.0)
        for x, untouched in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(x, untouched)


@pytest.mark.parametrize("setting", [s for s in SEVERAL if not program(s).operations.keys() & SPECIAL], ids=str)
def test_what_is_printed_for_people_computes_the_loss(setting: Setting) -> None:
    scope: dict[str, Any] = {}
    loss = setting.configured(reduction="none")
    exec(kernels.source(loss, readable=True), scope)
    batch = loss.lined_up(drawn(setting, (4, 5), "float64"))
    values, slopes = batch.values_and_slopes()
    numbers = dict(zip(batch.program.numbers, batch.numbers, strict=True))
    for row in range(4):
        given = zip(setting.record.inputs, batch.inputs, strict=True)
        inputs = [x[row] if each.has_outputs else x[row].item() for each, x in given]
        with np.errstate(all="ignore"):
            value, *found, inside = scope[setting.record.name](*inputs, **numbers)
        assert inside
        np.testing.assert_allclose(value, values[row], rtol=1e-11, atol=1e-14)
        for got, wanted in zip(found, slopes, strict=True):
            np.testing.assert_allclose(got, wanted[row], rtol=1e-11, atol=1e-13 * np.abs(wanted[row]).max() + 1e-15)


def test_what_lies_outside_its_set_is_noticed_as_in_words() -> None:
    """One by one, in order of parts, by the number of outputs, and not under a mask."""
    gaussian, boxes, corn = lossary.GaussianNLL(), lossary.GeneralizedIoU(), lossary.CORN()
    y, mean = np.zeros((3, 2)), np.zeros((3, 2))
    variance = np.array([[1.0, 1.0], [1.0, -2.0], [1.0, 1.0]])
    with pytest.raises(lossary.DomainError, match=r"y_pred's variance\[1, 1\] is -2"):
        gaussian(y, (mean, variance))
    assert gaussian(y, (mean, variance), where=np.array([True, False, True])) == 0.0
    with pytest.raises(lossary.DomainError, match="x1"):
        boxes(np.array([[2.0, 0.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 1.0, 1.0]]))
    with pytest.raises(lossary.DomainError, match="places 0 to 2"):
        corn(np.array([0, 3, 1]), mean)


@pytest.mark.parametrize("shape", [(7, 3), (64, 40)])
@pytest.mark.parametrize("how", ["small", "large"])
def test_losses_of_pytorch_have_its_values_and_gradients(
    shape: tuple[int, int], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "small":  # In words of NumPy.
        monkeypatch.setattr(kernels, "THRESHOLD", 1 << 16)
    torch.manual_seed(0)
    first, second, third = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(3))
    signs, variance = torch.sign(torch.randn(shape, dtype=torch.float64)), 0.1 + second.detach().square()
    variance.requires_grad_()
    y_true = third.detach()
    pairs = [
        (lossary.GaussianNLL()(y_true, (first, variance)), F.gaussian_nll_loss(first, y_true, variance)),
        (lossary.TripletMargin()(first, second, third), F.triplet_margin_loss(first, second, third, eps=0.0)),
        (lossary.MarginRanking(margin=0.5)(signs, first, second), F.margin_ranking_loss(first, second, signs, 0.5)),
    ]
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs)
        used = torch.autograd.grad(theirs, (first, second, third, variance), retain_graph=True, allow_unused=True)
        leaves = [x for x, slope in zip((first, second, third, variance), used, strict=True) if slope is not None]
        wanted = torch.autograd.grad(theirs, leaves, 3.0 * torch.ones_like(theirs), retain_graph=True)
        for _ in range(2):  # What was handed over is computed once more.
            found = torch.autograd.grad(ours, leaves, 3.0 * torch.ones_like(ours), retain_graph=True)
            torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("setting", UNFIT, ids=str)
def test_what_has_no_kernel_has_value_and_gradient_at_once(setting: Setting) -> None:
    """Many elements in words of PyTorch, beside those of NumPy."""
    given = drawn(setting, (3, 4), "float64")
    place = setting.record.first_prediction
    leaf = torch.tensor(given[place], requires_grad=True)
    arguments = [leaf if i == place else torch.tensor(x) for i, x in enumerate(given)]
    for options in ({}, {"sample_weight": np.array([0.5, 1.0, 2.0]), "where": np.array([True, False, True])}):
        for reduction in ("sum_over_batch_size", "none"):
            loss = setting.configured(reduction=reduction)
            value, gradient = loss.lined_up(given, **options).value_and_gradient(reduction)
            got = loss(*arguments, **options)
            (slope,) = torch.autograd.grad(got.sum(), leaf, retain_graph=True)
            (in_words,) = torch.autograd.grad(got.sum(), leaf, create_graph=True)
            np.testing.assert_allclose(got.detach().numpy(), value, rtol=1e-12)
            for x in (slope, in_words.detach()):
                np.testing.assert_allclose(x.numpy(), gradient, rtol=1e-9, atol=1e-14)


def test_only_what_is_differentiated_has_a_gradient() -> None:
    anchor, positive, negative = (torch.randn(6, 4, requires_grad=which) for which in (True, False, True))
    lossary.TripletMargin()(anchor, positive, negative).backward()
    assert anchor.grad is not None
    assert positive.grad is None
    assert negative.grad is not None


def test_parts_in_one_tensor_are_differentiated_together_and_again() -> None:
    y, packed = torch.tensor([[0.5], [2.0]]).double(), torch.tensor([[[0.0, 1.0]], [[1.0, 4.0]]]).double()
    packed.requires_grad_()
    loss = lossary.GaussianNLL(reduction="none")
    values = loss(y, packed)
    # log(v)/2 + (y - m)^2 / (2 v)
    torch.testing.assert_close(values, torch.tensor([0.125, np.log(4.0) / 2 + 0.125]).double())
    (gradient,) = torch.autograd.grad(values, packed, torch.tensor([1.0, 2.0]).double())
    # -(y - m)/v and (1/v - ((y - m)/v)^2)/2, twice those of the second row
    torch.testing.assert_close(gradient, torch.tensor([[[-0.5, 0.375]], [[-0.5, 0.1875]]]).double())
    assert torch.autograd.gradcheck(lambda x: loss(y, x), packed)
    assert torch.autograd.gradgradcheck(lambda x: loss(y, x), packed)
    rows = torch.autograd.functional.jacobian(lambda x: loss(y, x), packed, vectorize=True)
    torch.testing.assert_close(rows.sum(0), torch.tensor([[[-0.5, 0.375]], [[-0.25, 0.09375]]]).double())


def test_a_change_in_place_is_noticed() -> None:
    mean, variance = torch.zeros(3, 2, requires_grad=True), torch.ones(3, 2)
    value = lossary.GaussianNLL()(torch.ones(3, 2), (mean * 1.0, variance))
    variance.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_half_precision_keeps_the_gradients_of_float32() -> None:
    first, second = torch.tensor([[1e-4]], dtype=torch.float16), torch.tensor([[0.0]], dtype=torch.float16)
    first.requires_grad_(), second.requires_grad_()
    value = lossary.MarginRanking()(torch.tensor([[-1.0]]), first, second)
    assert value.dtype is torch.float32
    (value * 0.25).backward()
    assert (first.grad.dtype, float(first.grad), float(second.grad)) == (torch.float16, 0.25, -0.25)


@pytest.mark.parametrize("setting", few(FEWEST_OF_SEVERAL.__contains__, SEVERAL), ids=str)
def test_jax_takes_the_same_kernels(setting: Setting) -> None:
    """A weighted mean and unreduced values in one program, differentiated, beside the words of NumPy."""
    shape = 9, 6
    arrays, weights = drawn(setting, shape, "float32"), np.linspace(0.5, 2.0, 9, dtype="float32")
    loss, none = setting.configured(), setting.configured(reduction="none")
    places = [i for i, argument in enumerate(setting.record.arguments) if argument.role is Role.PREDICTION]
    assert loss.ready(list(map(jnp.asarray, arrays))).batch.fused is not None

    def total(*given: Any) -> Any:
        return loss(*given, sample_weight=weights) + loss(*given) + jnp.sum(none(*given) * weights)

    value, gradients = jax.jit(jax.value_and_grad(total, tuple(places)))(*map(jnp.asarray, arrays))
    factor = weights + weights / 9 + 1 / 9
    values, slopes = none.lined_up([x.astype("float64") if x.dtype.kind == "f" else x for x in arrays],
                                   factor).value_and_gradient("none")  # fmt: skip
    size = float(np.abs(values).max())
    np.testing.assert_allclose(value, np.sum(values), rtol=1e-5, atol=1e-5 * size)
    for got, wanted in zip(gradients, slopes if isinstance(slopes, tuple) else (slopes,), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=3e-5, atol=3e-6 * float(np.abs(wanted).max()))


def test_derivatives_beyond_the_kernel_on_jax_come_from_the_words() -> None:
    mean, variance = jnp.array([[0.0], [1.0]]), jnp.array([[1.0], [4.0]])
    y = jnp.array([[0.5], [2.0]])
    loss = lossary.GaussianNLL(reduction="sum")
    # (y - m)/v
    np.testing.assert_allclose(jax.grad(lambda y: loss(y, (mean, variance)))(y), [[0.5], [0.25]], rtol=1e-6)
    # 1/v
    curve = jax.jacfwd(jax.grad(lambda m: loss(y, (m, variance))))(mean)
    np.testing.assert_allclose(np.einsum("iaia->i", curve), [1.0, 0.25], rtol=1e-6)
    found = jax.vmap(lambda y, m, v: loss(y, (m, v)))(y, mean, variance)
    np.testing.assert_allclose(found, [0.125, np.log(4.0) / 2 + 0.125], rtol=1e-6)


@pytest.mark.parametrize("array", [np.asarray, torch.tensor, jnp.asarray], ids=["numpy", "torch", "jax"])
def test_calls_with_other_arguments_are_explained(array: Callable[[Any], Any]) -> None:
    anchor, positive, negative = (array(np.full((4, 3), x, np.float32)) for x in (0.5, 1.0, 2.0))
    assert "triplet_margin runs in a fused kernel on" in kernels.explain("triplet_margin", anchor, positive, negative)
    named = {"positive": positive, "negative": negative}
    assert "triplet_margin runs in a fused kernel on" in kernels.explain("triplet_margin", anchor, **named)
    assert "gaussian_nll runs in a fused kernel" in kernels.explain("gaussian_nll", anchor, (positive, negative))
    of_scores = kernels.explain(lossary.LinearCrossEntropy(), array([1]), anchor[:1], positive)
    assert "of those sparse_categorical_crossentropy runs in a fused kernel" in of_scores
    with pytest.raises(lossary.ParameterError, match=r"2 arguments came; accepted are \(anchor, positive, negative\)"):
        kernels.explain("triplet_margin", anchor, positive)


def test_what_acts_around_a_formula_takes_kernels_from_their_threshold_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 1 << 16)
    for loss, at_every_size in (("huber", True), (lossary.SparseCategoricalCrossentropy(ignore_class=-1), False)):
        told = kernels.explain(loss, None, None, backend="torch")
        assert told.endswith("from 65536 elements on")
        assert ("at every size for sums and means" in told) == at_every_size


def test_what_is_differentiated_besides_predictions_is_explained() -> None:
    x = torch.full((4, 3), 0.5, requires_grad=True)
    assert "fused kernel" in kernels.explain("triplet_margin", x, 2 * x, 3 * x)
    assert "more than the predictions" in kernels.explain("gaussian_nll", x, (2 * x, 3 * x))


def test_devices_say_what_kernels_lack() -> None:
    for backend in ("numpy", "torch", "jax"):
        assert f"in a fused kernel on {backend}" in kernels.explain("margin_ranking", backend=backend)
    assert "given_first, given_second, gradient, gradient1" in kernels.source("margin_ranking", device="cuda")
    with pytest.raises(lossary.LossError, match="it compares all pairs of outputs: no kernel yet"):
        kernels.source("crps_ensemble", device="cuda")
    with pytest.raises(lossary.LossError, match=r"lgamma|binet"):
        kernels.source("negative_binomial_nll", readable=True)
