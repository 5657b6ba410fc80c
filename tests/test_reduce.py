"""Weights, masks, reductions and their denominators."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch
from keras.src.losses.loss import reduce_weighted_values

import lossary
from everywhere import computed
from inputs import FEWEST, FLOAT_TARGETS, SETTINGS, Setting, every, is_separable

Maker = Callable[[Any], Any]
ALL: dict[str, Maker] = {
    "numpy": np.asarray,
    "torch": lambda x: torch.tensor(np.asarray(x)),
    "jax": lambda x: jnp.asarray(np.asarray(x)),
    "tensorflow": lambda x: tf.constant(np.asarray(x)),
    "pytensor": lambda x: pt.as_tensor(np.asarray(x)),
}
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None]
WEIGHT = np.asarray([1.0, 2.0, 0.0, 3.0])
MASK = np.asarray([True, False, True, True])


@pytest.fixture(params=ALL)
def array(request: pytest.FixtureRequest) -> Maker:
    return ALL[request.param]


def numbers(found: list[Any]) -> list[Any]:
    return [np.asarray(x) for x in (computed(found) if isinstance(found[0], pt.TensorVariable) else found)]


def number(x: Any) -> Any:
    return numbers([x])[0]


# Squared errors of four data points are 1, 4, 9 and 16.
Y_TRUE = np.zeros((4, 1))
Y_PRED = np.asarray([[1.0], [2.0], [3.0], [4.0]])


# How it is reduced, weights, mask, and what comes out.
DENOMINATORS: list[tuple[Any, Any, Any, Any]] = [
    ("sum_over_batch_size", None, None, 30 / 4),
    ("mean", None, None, 30 / 4),
    ("mean_with_sample_weight", None, None, 30 / 4),
    ("sum", None, None, 30),
    ("none", None, None, [1, 4, 9, 16]),
    (None, None, None, [1, 4, 9, 16]),
    ("sum_over_batch_size", WEIGHT, None, (1 + 8 + 48) / 4),
    ("mean_with_sample_weight", WEIGHT, None, (1 + 8 + 48) / 6),
    ("sum", WEIGHT, None, 1 + 8 + 48),
    ("none", WEIGHT, None, [1, 8, 0, 48]),
    ("sum_over_batch_size", None, MASK, (1 + 9 + 16) / 3),
    ("mean_with_sample_weight", None, MASK, (1 + 9 + 16) / 3),
    ("sum", None, MASK, 1 + 9 + 16),
    ("none", None, MASK, [1, 0, 9, 16]),
    ("sum_over_batch_size", WEIGHT, MASK, (1 + 48) / 3),
    ("mean_with_sample_weight", WEIGHT, MASK, (1 + 48) / 4),
    ("sum", WEIGHT, MASK, 1 + 48),
    ("none", WEIGHT, MASK, [1, 0, 0, 48]),
    ("sum_over_batch_size", None, ~MASK & MASK, 0),
    ("mean_with_sample_weight", WEIGHT * 0, None, 0),
    ("sum", None, ~MASK & MASK, 0),
    ("none", WEIGHT, ~MASK & MASK, [0, 0, 0, 0]),
]


def test_denominators_by_hand(array: Maker) -> None:
    found = []
    for reduction, weight, mask, _ in DENOMINATORS:
        counted = {name: array(x) for name, x in (("sample_weight", weight), ("where", mask)) if x is not None}
        loss = lossary.MeanSquaredError(reduction=reduction)
        found.append(loss(array(Y_TRUE), array(Y_PRED), **counted))
        found.append(lossary.value_and_grad(loss)(array(Y_TRUE), array(Y_PRED), **counted)[0])
    values = iter(numbers(found))
    for *case, expected in DENOMINATORS:
        np.testing.assert_allclose(next(values), expected, rtol=1e-6, err_msg=str(case))
        np.testing.assert_allclose(next(values), expected, rtol=1e-6, err_msg=f"value_and_grad {case}")


def test_gradient_by_hand(array: Maker) -> None:
    # The derivative of w_i (p_i)**2 / D is 2 w_i p_i / D with D = 3 unmasked points.
    _, gradient = lossary.value_and_grad("mse")(array(Y_TRUE), array(Y_PRED), array(WEIGHT), array(MASK))
    np.testing.assert_allclose(number(gradient), [[2 / 3], [0], [0], [24 / 3]], rtol=1e-6)


def test_leading_axes(array: Maker) -> None:
    # Three sequences of two steps; the squared errors are 1, 4 / 9, 16 / 25, 36.
    y_pred = np.arange(1.0, 7.0).reshape(3, 2, 1)
    y_true, weight, mask = np.zeros((3, 2, 1)), np.asarray([1.0, 0.0, 2.0]), np.asarray([True, True, False])
    squares = np.asarray([[1.0, 4.0], [9.0, 16.0], [25.0, 36.0]])
    cases = {
        "sum": ((squares * weight[:, None]).sum(), squares[:2].sum()),
        "sum_over_batch_size": ((squares * weight[:, None]).sum() / 6, squares[:2].sum() / 4),
        "mean_with_sample_weight": ((squares * weight[:, None]).sum() / 6, squares[:2].sum() / 4),
        "none": (squares * weight[:, None], squares * mask[:, None]),
    }
    for reduction, (weighted, masked) in cases.items():
        loss = lossary.MeanSquaredError(reduction=reduction)
        inputs = array(y_true), array(y_pred)
        np.testing.assert_allclose(number(loss(*inputs, sample_weight=array(weight))), weighted, rtol=1e-6)
        np.testing.assert_allclose(number(loss(*inputs, where=array(mask))), masked, rtol=1e-6)
        with pytest.raises(lossary.ShapeError, match=r"where has shape \(3, 1\)"):
            loss(*inputs, where=array(mask[:, None]))


SEPARABLE = [setting for setting in SETTINGS if is_separable(setting)]


@pytest.mark.parametrize("setting", FLOAT_TARGETS, ids=str)
def test_where_a_row_is_the_mean_of_its_elements_a_loss_is_separable(
    setting: Setting, rng: np.random.Generator
) -> None:
    y_true, y_pred = setting.draw(rng, (6, 4))
    alone = setting(y_true.reshape(-1, 1), y_pred.reshape(-1, 1), check="off").reshape(6, 4)
    assert is_separable(setting) == np.allclose(alone.mean(-1), setting(y_true, y_pred), rtol=1e-9)


def test_a_loss_of_labels_is_not_separable() -> None:
    assert not [setting for setting in SETTINGS if is_separable(setting) and not setting.has_float_targets]


@pytest.mark.parametrize("setting", every(SEPARABLE, FEWEST), ids=str)
def test_elementwise_masks_and_weights(setting: Setting, array: Maker, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng, (4, 3))
    mask, weight = rng.random((4, 3)) < 0.6, rng.uniform(0.5, 2.0, size=(4, 3))
    flat = setting(y_true.reshape(-1, 1), y_pred.reshape(-1, 1)).reshape(4, 3)
    garbage = np.where(mask, y_pred, np.nan)
    value, gradient = lossary.value_and_grad(setting.configured())(
        array(y_true), array(garbage), sample_weight=array(weight), where=array(mask)
    )
    np.testing.assert_allclose(number(value), (flat * weight)[mask].sum() / mask.sum(), rtol=1e-5, atol=1e-6)
    assert np.all(number(gradient)[~mask] == 0)
    assert np.all(np.isfinite(number(gradient)))
    # A mask by element and weights by data point mix.
    loss = setting.configured(reduction="mean_with_sample_weight")
    mixed = loss(array(y_true), array(garbage), sample_weight=array(WEIGHT), where=array(mask))
    weights = np.broadcast_to(WEIGHT[:, None], mask.shape)[mask]
    np.testing.assert_allclose(number(mixed), np.average(flat[mask], weights=weights), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_nan_beneath_a_mask_touches_nothing(setting: Setting, array: Maker, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng)
    dirty_true, dirty_pred = y_true.astype(float), y_pred.copy()
    dirty_true[~MASK], dirty_pred[~MASK] = np.nan, np.nan
    loss, weight = setting.configured(), WEIGHT.copy()
    expected, slope = lossary.value_and_grad(loss)(y_true[MASK], y_pred[MASK], sample_weight=weight[MASK])
    weight[~MASK] = np.nan
    got, gradient = lossary.value_and_grad(loss)(
        array(dirty_true), array(dirty_pred), sample_weight=array(weight), where=array(MASK)
    )
    np.testing.assert_allclose(number(got), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(number(gradient)[MASK], slope, rtol=1e-4, atol=1e-6)
    assert np.all(number(gradient)[~MASK] == 0)


# What lies outside of every set, and the mean over two points of which only the first has a weight.
UNSEEN = [
    (lossary.SparseCategoricalCrossentropy(), [0, -1], [[0.5, 0.5], [0.75, 0.25]], math.log(2.0) / 2, [[-0.5, 0.5]]),
    (lossary.Huber(), [[1.5], [math.nan]], [[0.0], [1.0]], 0.5, [[-0.5]]),
    (lossary.Huber(), [[1.5], [1.0]], [[0.0], [math.inf]], 0.5, [[-0.5]]),
    (lossary.BinaryCrossentropy(from_logits=True), [[1.0], [-7.0]], [[0.0], [1.0]], math.log(2.0) / 2, [[-0.25]]),
]


@pytest.mark.parametrize("check", [None, "full", "shapes"])
@pytest.mark.parametrize(("loss", "true", "pred", "value", "slope"), UNSEEN)
def test_points_of_weight_0_are_counted_but_never_looked_at(
    loss: Any, true: Any, pred: Any, value: float, slope: Any, check: Any, array: Maker
) -> None:
    loss = lossary.get(loss, check=check)
    arrays = array(np.asarray(true)), array(np.asarray(pred)), array(np.asarray([1.0, 0.0]))
    found, gradient = loss.value_and_grad(*arrays)
    assert number(found) == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(number(gradient), [*slope, [0.0] * len(slope[0])], rtol=1e-6, atol=1e-12)
    assert number(loss(*arrays)) == pytest.approx(value, rel=1e-6)


def test_points_of_weight_0_in_compiled_programs_and_kernels() -> None:
    y_true = np.zeros((40_000, 4), np.float32)
    y_pred, weight = np.ones_like(y_true), np.ones(len(y_true), np.float32)
    y_true[7], weight[7] = np.nan, 0.0
    loss, expected = lossary.MeanSquaredError(), 1.0 - 1.0 / 40_000
    value, gradient = loss.value_and_grad(y_true, y_pred, weight)
    assert value == pytest.approx(expected, rel=1e-6)
    assert (gradient[7] == 0).all()
    assert np.isnan(y_true[7]).all()
    arrays = [jnp.asarray(x) for x in (y_true, y_pred, weight)]
    value, gradient = jax.jit(jax.value_and_grad(loss, argnums=1))(*arrays)
    assert float(value) == pytest.approx(expected, rel=1e-6)
    assert (np.asarray(gradient[7]) == 0).all()
    tensor = torch.tensor(y_pred, requires_grad=True)
    loss(torch.tensor(y_true), tensor, torch.tensor(weight)).backward()
    assert tensor.grad is not None
    assert (tensor.grad[7] == 0).all()


def test_nan_beneath_a_mask_in_the_frameworks_own_gradient() -> None:
    y_true, y_pred = np.eye(3), np.full((3, 3), 1 / 3)
    y_true[1], y_pred[1] = np.nan, np.nan
    mask = [True, False, True]
    loss = lossary.CategoricalCrossentropy()
    leaf = torch.tensor(y_pred, requires_grad=True)
    loss(torch.tensor(y_true), leaf, where=torch.tensor(mask)).backward()
    assert leaf.grad is not None
    by_jax = jax.grad(lambda p: loss(jnp.asarray(y_true), p, where=jnp.asarray(mask)))(jnp.asarray(y_pred))
    variable = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        value = loss(tf.constant(y_true), variable, where=tf.constant(mask))
    # With p = 1/3 and rows that sum to one, d(-log(p_i / sum p))/dp_j is 1 - 3 [i = j], over two points.
    expected = [[-1.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.5, 0.5, -1.0]]
    for gradient in (leaf.grad.numpy(), by_jax, tape.gradient(value, variable)):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5)


@pytest.mark.parametrize("coding", ["int64", "bool", "uint8"])
def test_masked_integer_one_hot_rows(coding: str) -> None:
    loss = lossary.CategoricalCrossentropy()
    value = loss(np.eye(3).astype(coding), np.full((3, 3), 1 / 3), where=np.asarray([True, False, True]))
    assert float(value) == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("reduction", "weighted", "masked"), list(itertools.product(REDUCTIONS, (False, True), (False, True)))
)
def test_as_keras_reduces(reduction: Any, weighted: bool, masked: bool, rng: np.random.Generator) -> None:
    y_true, y_pred = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=(4, 3)).astype("float32")
    weight, mask = WEIGHT.astype("float32") if weighted else None, MASK if masked else None
    theirs = reduce_weighted_values(
        keras.losses.mean_squared_error(y_true, y_pred), sample_weight=weight, mask=mask, reduction=reduction
    )
    ours = lossary.MeanSquaredError(reduction=reduction)(y_true, y_pred, sample_weight=weight, where=mask)
    if reduction == "mean_with_sample_weight" and not weighted and masked:
        # Without weights Keras divides by the sum of the mask as well.
        assert ours == pytest.approx(lossary.MeanSquaredError()(y_true[MASK], y_pred[MASK]), rel=1e-6)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5)


def test_ignored_labels_count_nowhere(array: Maker) -> None:
    labels, y_pred = np.asarray([0, -1, 2, -1]), np.full((4, 4), 0.25)
    loss = lossary.SparseCategoricalCrossentropy(ignore_class=-1)
    assert float(number(loss(array(labels), array(y_pred)))) == pytest.approx(np.log(4), rel=1e-6)
    values = lossary.sparse_categorical_crossentropy(array(labels), array(y_pred), ignore_class=-1)
    np.testing.assert_allclose(number(values), [np.log(4), 0, np.log(4), 0], rtol=1e-6)
    _, gradient = lossary.value_and_grad(loss)(array(labels), array(y_pred))
    assert np.all(number(gradient)[[1, 3]] == 0)
    both = loss(array(labels), array(y_pred), where=array(np.asarray([True, True, False, False])))
    assert float(number(both)) == pytest.approx(np.log(4), rel=1e-6)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_axis_is_the_axis_of_the_outputs(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng, (2, 3, 4))
    expected = setting(y_true, y_pred)
    _, slope = lossary.value_and_grad(setting.configured())(y_true, y_pred)
    for axis in (0, 1, -2, 2):
        moved = y_true if y_true.ndim == 2 else np.moveaxis(y_true, -1, axis)
        np.testing.assert_allclose(setting(moved, np.moveaxis(y_pred, -1, axis), axis=axis), expected, rtol=1e-12)
        _, gradient = lossary.value_and_grad(setting.configured(axis=axis))(moved, np.moveaxis(y_pred, -1, axis))
        np.testing.assert_allclose(np.moveaxis(gradient, axis, -1), slope, rtol=1e-12, atol=1e-15)


def test_one_dimensional_inputs() -> None:
    # An object sees N points with one output each; a function sees one point with N outputs, as in Keras.
    y_true, y_pred = np.zeros(3), np.asarray([1.0, 2.0, 3.0])
    assert lossary.mean_squared_error(y_true, y_pred).shape == ()
    assert lossary.MeanSquaredError(reduction="none")(y_true, y_pred).tolist() == [1.0, 4.0, 9.0]
    assert lossary.MeanSquaredError()(y_true, y_pred, sample_weight=[1.0, 0.0, 1.0]) == pytest.approx(10 / 3)
    for true, pred in ((y_true, y_pred[:, None]), (y_true[:, None], y_pred)):
        assert lossary.mean_squared_error(true, pred).tolist() == [1.0, 4.0, 9.0]
        value, gradient = lossary.value_and_grad("mse")(true, pred)
        assert value == pytest.approx(14 / 3)
        assert gradient.shape == pred.shape
        assert gradient.ravel().tolist() == pytest.approx([2 / 3, 4 / 3, 2.0])
    _, gradient = lossary.MeanSquaredError(axis=0).value_and_grad(y_true[:, None], y_pred)
    assert gradient.shape == (3,)


# --- weights of every kind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reduction", "weight", "expected"),
    [
        ("sum_over_batch_size", 2.0, 2 * 30 / 4),
        ("mean_with_sample_weight", 2.0, 30 / 4),
        ("sum", 3, 90),
        ("none", 2.0, [2, 8, 18, 32]),
        ("sum_over_batch_size", np.asarray([1.0, -1.0, 0.5, 0.0]), (1 - 4 + 4.5) / 4),
        ("mean_with_sample_weight", np.asarray([1.0, -1.0, 1.0, 0.0]), (1 - 4 + 9) / 1),
        ("none", np.asarray([-1.0, 1.0, 1.0, 1.0]), [-1, 4, 9, 16]),
    ],
)
def test_one_weight_for_all_and_negative_weights(reduction: Any, weight: Any, expected: Any, array: Maker) -> None:
    loss = lossary.MeanSquaredError(reduction=reduction)
    given = array(weight) if np.ndim(weight) else weight
    np.testing.assert_allclose(number(loss(array(Y_TRUE), array(Y_PRED), sample_weight=given)), expected)


@pytest.mark.parametrize("weight", [[1.0, -2.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]])
def test_a_mean_is_not_divided_by_weights_without_a_sum(weight: Any) -> None:
    loss = lossary.MeanSquaredError(reduction="mean_with_sample_weight")
    with pytest.raises(lossary.DomainError, match="sample_weight sums to"):
        loss(Y_TRUE, Y_PRED, sample_weight=weight)


@pytest.mark.parametrize("from_function", [False, True], ids=["loss", "function"])
def test_what_has_no_weight_is_never_looked_at(array: Maker, from_function: bool) -> None:
    """As under a mask, but it counts: (1 + 9 + 16)/4."""
    spoiled = np.where(np.arange(4)[:, None] == 1, np.nan, Y_PRED)
    weight = array(np.asarray([1.0, 0.0, 1.0, 1.0]))
    loss = lossary.MeanSquaredError()
    if from_function:
        loss = lossary.get(lambda y_true, y_pred: (y_pred - y_true) ** 2)
    value, gradient = lossary.value_and_grad(loss)(array(Y_TRUE), array(spoiled), sample_weight=weight)
    np.testing.assert_allclose(number(value), 26 / 4)
    np.testing.assert_allclose(number(gradient)[:, 0], [0.5, 0, 1.5, 2])


def test_a_label_without_a_weight_may_be_anything(array: Maker) -> None:
    labels, shares = np.asarray([0, -7, 1]), np.asarray([[0.5, 0.5], [0.5, 0.5], [0.75, 0.25]])
    loss = lossary.SparseCategoricalCrossentropy(reduction="sum")
    value = loss(array(labels), array(shares), sample_weight=array(np.asarray([1.0, 0.0, 1.0])))
    np.testing.assert_allclose(number(value), np.log(2) + np.log(4))


# --- entries per element, with rows along another axis ----------------------------------------------------------------

FIRST_ROW = np.asarray([[True] * 3, [False] * 3, [False] * 3])
NINE = np.arange(9.0).reshape(3, 3)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("kind", ["where", "sample_weight"])
def test_entries_per_element_move_with_the_axis(axis: int, kind: str, array: Maker) -> None:
    """Squares of 0, 1 and 2 count, wherever the rows lie: 5/3, or 5/9 where the others count with weight 0."""
    entries = FIRST_ROW if kind == "where" else FIRST_ROW.astype(float)
    loss = lossary.MeanSquaredError(axis=axis)
    value, gradient = lossary.value_and_grad(loss)(array(NINE * 0), array(NINE), **{kind: array(entries)})
    size = 3 if kind == "where" else 9
    np.testing.assert_allclose(number(value), 5 / size)
    np.testing.assert_allclose(number(gradient), np.where(FIRST_ROW, 2 * NINE / size, 0))
    values = lossary.MeanSquaredError(axis=axis, reduction="none")
    found = number(values(array(NINE * 0), array(NINE), **{kind: array(entries)}))
    np.testing.assert_allclose(found, np.where(FIRST_ROW, NINE**2, 0))


def test_values_per_element_are_differentiated_where_they_lie() -> None:
    pred = torch.tensor(NINE, requires_grad=True)
    loss = lossary.MeanSquaredError(axis=0, reduction="none")
    values = loss(torch.zeros(3, 3, dtype=torch.float64), pred, sample_weight=torch.tensor(FIRST_ROW.astype(float)))
    (values * torch.tensor(NINE)).sum().backward()
    np.testing.assert_allclose(pred.grad, np.where(FIRST_ROW, 2 * NINE * NINE, 0))


@pytest.mark.parametrize(("dtype", "large"), [("float16", 6e4), ("float32", 3e38), ("float64", 1.7e308)])
@pytest.mark.parametrize("points", [300, 70000])
@pytest.mark.parametrize("name", ["mean_absolute_error", "hinge", "huber", "mean_squared_error"])
def test_a_sum_beyond_the_largest_number_is_infinite_without_a_warning(
    name: str, points: int, dtype: str, large: float
) -> None:
    loss = lossary.get(name, reduction="sum")
    y_true, y_pred = np.full((points, 1), -1.0, dtype), np.full((points, 1), large, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (
            loss(y_true, y_pred, sample_weight=np.full(points, 3.0)),
            lossary.value_and_grad(loss)(y_true, y_pred)[0],
        ):
            assert value == np.inf or dtype == "float16"
