"""Shapes, dtypes, masks and weights of every kind, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossary
from inputs import REDUCED, SETTINGS, Setting

pytestmark = pytest.mark.usefixtures("formula_in")
ordinary = settings(max_examples=150, deadline=None)
loss_settings = st.sampled_from(SETTINGS)
shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(["sum_over_batch_size", "mean_with_sample_weight", "sum"])


def drawn(setting: Setting, shape: tuple[int, ...], seed: int, dtype: str = "float64") -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    y_true, y_pred = setting.draw(rng, shape)
    return rng, y_true if y_true.dtype.kind == "i" else y_true.astype(dtype), y_pred.astype(dtype)


@ordinary
@given(loss_settings, shapes, seeds)
def test_one_value_per_data_point_and_each_by_itself(setting: Setting, shape: tuple[int, ...], seed: int) -> None:
    _, y_true, y_pred = drawn(setting, shape, seed)
    values = setting(y_true, y_pred)
    assert values.shape == shape[:-1]
    assert np.all(np.isfinite(values))
    for index in np.ndindex(shape[:-1]):
        alone = setting(np.asarray(y_true[index])[None], y_pred[index][None])
        np.testing.assert_allclose(alone, [values[index]], rtol=1e-12, atol=1e-14)


@ordinary
@given(loss_settings, shapes, seeds, reductions)
def test_a_mask_is_removal(setting: Setting, shape: tuple[int, ...], seed: int, reduction: str) -> None:
    rng, y_true, y_pred = drawn(setting, shape, seed)
    mask, weight = rng.random(shape[:-1]) < 0.7, rng.uniform(0.1, 3.0, size=shape[:-1])
    loss = setting.configured(reduction=reduction)
    value, gradient = lossary.value_and_grad(loss)(y_true, y_pred, sample_weight=weight, where=mask)
    assert gradient.shape == y_pred.shape
    assert np.all(gradient[~mask] == 0)
    if mask.any():
        kept, slope = lossary.value_and_grad(loss)(y_true[mask], y_pred[mask], sample_weight=weight[mask])
        np.testing.assert_allclose(value, kept, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gradient[mask], slope, rtol=1e-12, atol=1e-14)
    else:
        assert value == 0.0


@ordinary
@given(loss_settings, shapes, seeds, reductions, st.floats(0.1, 8.0))
def test_weights_scale(setting: Setting, shape: tuple[int, ...], seed: int, reduction: str, factor: float) -> None:
    rng, y_true, y_pred = drawn(setting, shape, seed)
    weight = rng.uniform(0.1, 3.0, size=shape[:1])
    loss = setting.configured(reduction=reduction)
    once, twice = (loss(y_true, y_pred, sample_weight=w) for w in (weight, weight * factor))
    expected = once if reduction == "mean_with_sample_weight" else once * factor
    np.testing.assert_allclose(twice, expected, rtol=1e-10, atol=1e-13)
    whole = rng.integers(0, 4, size=shape[:1])
    if whole.any():
        # A whole weight is as many copies of the data point.
        copies = loss(np.repeat(y_true, whole, axis=0), np.repeat(y_pred, whole, axis=0))
        weighted = loss(y_true, y_pred, sample_weight=whole)
        size = copies * whole.sum() / len(whole) if reduction == "sum_over_batch_size" else copies
        np.testing.assert_allclose(weighted, size, rtol=1e-10, atol=1e-13)


@ordinary
@given(loss_settings, shapes, seeds, st.sampled_from(["float16", "float32", "float64"]))
def test_dtype_and_order_of_data_points(setting: Setting, shape: tuple[int, ...], seed: int, dtype: str) -> None:
    rng, y_true, y_pred = drawn(setting, shape, seed, dtype)
    order = rng.permutation(shape[0])
    with lossary.check("shapes"):  # Rows rounded to half precision no longer sum to one.
        values = setting(y_true, y_pred)
        value, gradient = lossary.value_and_grad(setting.configured())(y_true, y_pred)
        mixed, mixed_gradient = lossary.value_and_grad(setting.configured())(y_true[order], y_pred[order])
    assert values.dtype == gradient.dtype == dtype
    assert value.dtype == REDUCED[dtype]
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(mixed, value, rtol=4 * eps, atol=4 * eps)
    np.testing.assert_array_equal(mixed_gradient, gradient[order])


@ordinary
@given(loss_settings, shapes, shapes, seeds)
def test_shapes_that_differ_never_broadcast(
    setting: Setting, first: tuple[int, ...], second: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y_true, _ = setting.draw(rng, first)
    _, y_pred = setting.draw(rng, second)
    wanted = second if setting.has_float_targets else second[:-1]
    as_meant = y_true.shape in (wanted, (*second[:-1], 1) if not setting.has_float_targets else wanted)
    column = len(y_true.shape) == 1 and second == (*y_true.shape, 1)
    try:
        values = setting(y_true, y_pred, check="shapes")
    except lossary.ShapeError:
        assert not as_meant
    else:
        assert as_meant or column
        assert values.shape == second[:-1]


@ordinary
@given(loss_settings, shapes, seeds, st.data())
def test_weights_fit_leading_axes_or_nothing(
    setting: Setting, shape: tuple[int, ...], seed: int, data: st.DataObject
) -> None:
    _, y_true, y_pred = drawn(setting, shape, seed)
    weight = np.ones(data.draw(st.lists(st.integers(1, 4), max_size=4).map(tuple)))
    points = shape[:-1]
    leading = 0 < weight.ndim <= len(points) and weight.shape == points[: weight.ndim]
    fits = weight.ndim == 0 or leading or weight.shape == (*points, 1)
    try:
        value = setting.configured()(y_true, y_pred, sample_weight=weight)
    except lossary.ShapeError:
        assert not fits
    else:
        assert fits or weight.shape == shape
        np.testing.assert_allclose(value, setting.configured()(y_true, y_pred), rtol=1e-12, atol=1e-14)
