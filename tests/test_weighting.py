"""Weights of classes and of positive targets, temperature, smoothed labels: what all losses of a kind share."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from everywhere import BACKENDS, computed, there
from inputs import BUILTIN
from lossary import kernels
from lossary.facts.domain import Bits, Classes, OneHot, Signs
from lossary.facts.settings import Weights

RNG = np.random.default_rng(3)
SCORES = RNG.normal(size=(8, 3))
LABELS = np.array([0, 2, 1, 2, 0, 1, 1, 2])
SIGNS = RNG.integers(0, 2, (8, 3)).astype(float)
CLASS_WEIGHT = [1.0, 2.0, 0.5]


SHARES = np.abs(SCORES[::-1]) / np.abs(SCORES[::-1]).sum(-1, keepdims=True)


def torch_of(function: Any, y_true: Any, **options: Any) -> tuple[Any, Any]:
    """PyTorch's values and the gradient of their sum."""
    scores = torch.tensor(SCORES, requires_grad=True)
    values = function(scores, torch.tensor(y_true), reduction="none", **options)
    (gradient,) = torch.autograd.grad(values.sum(), scores)
    return values.detach().numpy(), gradient.numpy()


def weights(numbers: list[float]) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


CROSSENTROPY = torch_of(F.cross_entropy, LABELS, weight=weights(CLASS_WEIGHT))
POSITIVE = torch_of(F.binary_cross_entropy_with_logits, SIGNS, pos_weight=weights([3.0, 1.0, 0.25]))
CASES = [
    (lossary.SparseCategoricalCrossentropy(from_logits=True, class_weight=CLASS_WEIGHT), LABELS, CROSSENTROPY),
    (lossary.CategoricalCrossentropy(from_logits=True, class_weight=CLASS_WEIGHT), np.eye(3)[LABELS], CROSSENTROPY),
    (
        lossary.BinaryCrossentropy(from_logits=True, pos_weight=[3.0, 1.0, 0.25]),
        SIGNS,
        (POSITIVE[0].mean(-1), POSITIVE[1] / 3),
    ),
    (
        lossary.SparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        LABELS,
        torch_of(F.cross_entropy, LABELS, label_smoothing=0.2),
    ),
    (
        lossary.SparseCategoricalCrossentropy(from_logits=True, temperature=2.0),
        LABELS,
        torch_of(lambda z, y, **kw: F.cross_entropy(z / 2.0, y, **kw), LABELS),
    ),
    (
        lossary.CategoricalCrossentropy(from_logits=True, class_weight=CLASS_WEIGHT),
        SHARES,
        torch_of(F.cross_entropy, SHARES, weight=weights(CLASS_WEIGHT)),
    ),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("loss", "y_true", "expected"), CASES, ids=lambda x: repr(x)[:60])
def test_values_and_gradients_are_those_of_pytorch(backend: str, loss: Any, y_true: Any, expected: Any) -> None:
    arrays = there(backend, y_true), there(backend, SCORES)
    value, gradient = loss.replaced(reduction="sum").value_and_grad(*arrays)
    values = loss.replaced(reduction="none")(*arrays)
    settings = {name: x for name, x in loss.parameters.items() if x != loss.record.defaults()[name]}
    by_function = type(loss).__call__ is not None and lossary.losses.__dict__[loss.record.name](*arrays, **settings)
    if backend == "pytensor":
        value, gradient, values, by_function = computed([value, gradient, values, by_function])
    rtol = 1e-5 if backend == "jax" else 1e-12
    np.testing.assert_allclose(np.asarray(value), expected[0].sum(), rtol=rtol)
    np.testing.assert_allclose(np.asarray(values), expected[0], rtol=rtol)
    np.testing.assert_allclose(np.asarray(by_function), expected[0], rtol=rtol)
    np.testing.assert_allclose(np.asarray(gradient), expected[1], rtol=rtol, atol=1e-7 if backend == "jax" else 1e-14)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("reduction", ["none", "sum", "sum_over_batch_size", "mean_with_sample_weight"])
def test_weights_of_outputs_in_kernels(backend: str, reduction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    loss = CASES[2][0].replaced(reduction=reduction)
    weight = np.where(SIGNS > 0, [3.0, 1.0, 0.25], 1.0).sum()
    divisor = {"sum_over_batch_size": 24.0, "mean_with_sample_weight": weight}.get(reduction, 3.0)
    expected = POSITIVE[0].sum(-1) if reduction == "none" else POSITIVE[0].sum()
    rtol = 1e-5 if backend == "jax" else 1e-12
    arrays = there(backend, SIGNS), there(backend, SCORES)
    value, gradient = loss.value_and_grad(*arrays)
    for found in (value, loss(*arrays)):
        np.testing.assert_allclose(np.asarray(found), expected / divisor, rtol=rtol)
    np.testing.assert_allclose(np.asarray(gradient), POSITIVE[1] / divisor, rtol=rtol, atol=1e-7)


def test_the_mean_by_weights_is_that_of_pytorch() -> None:
    loss = CASES[0][0].replaced(reduction="mean_with_sample_weight")
    expected = F.cross_entropy(torch.tensor(SCORES), torch.tensor(LABELS), weight=weights(CLASS_WEIGHT))
    assert float(loss(LABELS, SCORES)) == pytest.approx(expected.item(), rel=1e-12)


def test_unreduced_values_carry_their_gradient() -> None:
    scores, upstream = torch.tensor(SCORES, requires_grad=True), torch.arange(8.0, dtype=torch.float64)
    values = lossary.binary_crossentropy(torch.tensor(SIGNS), scores, from_logits=True, pos_weight=[3.0, 1.0, 0.25])
    (gradient,) = torch.autograd.grad((values * upstream).sum(), scores)
    np.testing.assert_allclose(gradient, POSITIVE[1] / 3 * upstream.numpy()[:, None], rtol=1e-12)


def test_weights_multiply_sample_weights_and_masks_still_leave_out() -> None:
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, class_weight=CLASS_WEIGHT, reduction="none")
    given, where = np.arange(8.0), np.arange(8) % 2 == 0
    np.testing.assert_allclose(loss(LABELS, SCORES, given, where), CROSSENTROPY[0] * given * where, rtol=1e-12)
    several = CASES[2][0].replaced(reduction="none")
    expected = POSITIVE[0].mean(-1) * given * where
    np.testing.assert_allclose(several(SIGNS, SCORES, given, where), expected, rtol=1e-12)


def test_two_classes_in_one_column() -> None:
    """Of the two-class losses a class weight is the weight of a data point, of any of their codings."""
    scores = np.array([0.5, -2.0, 0.25])
    plain = lossary.hinge([[-1.0], [1.0], [-1.0]], scores[:, None])
    for labels in ([-1.0, 1.0, -1.0], [0.0, 1.0, 0.0]):
        loss = lossary.Hinge(class_weight={0: 3.0}, reduction="none")
        np.testing.assert_allclose(loss(np.array(labels), scores), plain * [3.0, 1.0, 3.0], rtol=1e-12)


def test_large_batches_in_kernels() -> None:
    labels, scores = RNG.integers(0, 10, 40_000), RNG.normal(size=(40_000, 10))
    factors = np.linspace(0.0, 2.0, 10)
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, class_weight=factors, reduction="sum")
    plain = lossary.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    value, gradient = loss.value_and_grad(labels, scores)
    expected, slope = plain.value_and_grad(labels, scores, sample_weight=factors[labels])
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)


def test_ignored_labels_take_no_weight_of_another_class() -> None:
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, class_weight=CLASS_WEIGHT, ignore_class=-1)
    some = loss(np.where(LABELS == 2, -1, LABELS), SCORES)
    assert float(some) == pytest.approx(CROSSENTROPY[0][LABELS != 2].mean(), rel=1e-12)


def test_configurations_hold_plain_data() -> None:
    for loss, *_ in CASES:
        assert lossary.get(json.loads(json.dumps(loss.get_config()))) == loss
    assert lossary.Hinge(class_weight={1: 3.0}).class_weight == (1.0, 3.0)


def test_who_has_them() -> None:
    """What a loss shares with others follows from its targets and predictions alone."""
    for record in BUILTIN:
        known, pair = {p.name for p in record.parameters if p.shared}, record.is_pair and not record.regions
        assert ("class_weight" in known) == (pair and isinstance(record.target, Bits | Classes | OneHot | Signs))
        assert known >= ({"temperature"} if "from_logits" in record.defaults() else set()), record.name
        assert all(p.default is None for p in record.parameters if isinstance(p.allowed, Weights))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lossary.Hinge(class_weight=[1.0, 2.0, 3.0])(SIGNS[:, :1], SCORES[:, :1]), "of which there are 2"),
        (lambda: CASES[0][0](LABELS[:2] % 2, SCORES[:2, :2]), r"has 3 weights; .* Write .*class_weight={0: 1.0"),
        (lambda: lossary.Hinge(pos_weight=[1.0, 2.0])(SIGNS, SCORES), "one per output, of which there are 3"),
        (lambda: lossary.Hinge(class_weight="balanced"), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(class_weight={-1: 2.0}), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(class_weight=[1.0, float("nan")]), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(class_weight=[1.0, 10**400]), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(class_weight={0: "2", 1: 1.0}), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(class_weight={0: np.complex64(1j), 1: 1.0}), "numbers >= 0, one per class"),
        (lambda: lossary.Hinge(pos_weight=10**400), "a number >= 0, or one per output"),
        (lambda: lossary.Hinge(pos_weight="2"), "a number >= 0, or one per output"),
        (lambda: lossary.Hinge(pos_weight=-1.0), "a number >= 0, or one per output"),
        (lambda: lossary.MeanSquaredError(class_weight=[1.0, 2.0]), "class_weight"),
        (lambda: lossary.BinaryCrossentropy(temperature=2.0), r"Write lossary.BinaryCrossentropy\(from_logits=True"),
    ],
)
def test_what_does_not_fit_is_said(make: Any, words: str) -> None:
    with pytest.raises(lossary.ParameterError, match=words):
        make()


@pytest.mark.parametrize("scale", [3.0, [3.0, 1.0, 0.25]])
def test_soft_targets_are_shared_between_both_classes_as_in_pytorch(scale: Any) -> None:
    """``pos_weight * y * softplus(-x) + (1 - y) * softplus(x)``: the weight of the positives is theirs alone."""
    targets, scores = np.array([[0.2, 0.0, 0.9], [1.0, 0.5, 0.3]]), np.array([[0.5, -1.0, 2.0], [-0.25, 1.5, 0.75]])
    tensor = torch.tensor(scores, requires_grad=True)
    theirs = F.binary_cross_entropy_with_logits(tensor, torch.tensor(targets), pos_weight=torch.tensor(scale))
    theirs.backward()
    loss = lossary.BinaryCrossentropy(from_logits=True, pos_weight=scale)
    value, slopes = loss.value_and_grad(targets, scores)
    np.testing.assert_allclose(value, theirs.detach(), rtol=1e-12)
    np.testing.assert_allclose(slopes, tensor.grad, rtol=1e-12)
    weighted = loss.replaced(pos_weight=None, class_weight={0: 2.0, 1: 6.0})
    if scale == 3.0:
        np.testing.assert_allclose(weighted(targets, scores), 2.0 * value, rtol=1e-12)


def test_a_weighted_region_in_a_kernel_is_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    loss = lossary.Dice(axis=None, reduction="none")
    value = loss(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.5, 0.5], [0.0, 0.0]]), sample_weight=[1.0, 3.0])
    assert value.shape == ()
    assert value == pytest.approx(2.0 * (1.0 - 1.0 / 2.0), rel=1e-6)
