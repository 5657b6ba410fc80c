"""JAX: jit, forward and reverse derivatives of any order, vmap, gradients of parameters, dtypes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossary
from inputs import FEWEST, FLOAT_TARGETS, REDUCED, SETTINGS, Setting, assert_ulps, central_difference, every, jax_with

DTYPES = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-24 * 16, "float64": 2**-53 * 16}
pytestmark = pytest.mark.usefixtures("x64")


def arrays(setting: Setting, rng: np.random.Generator, dtype: str = "float64", **kwargs: Any) -> Any:
    y_true, y_pred = setting.draw(rng, **kwargs)
    true = jnp.asarray(y_true)
    return (true if true.dtype.kind == "i" else true.astype(dtype)), jnp.asarray(y_pred, dtype)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST[:1]), ids=str)
def test_agrees_with_numpy(setting: Setting, rng: np.random.Generator) -> None:
    for dtype in ("float64", "float32"):
        y_true, y_pred = arrays(setting, rng, dtype)
        value, slope = lossary.value_and_grad(setting.configured(reduction="none"))(
            np.asarray(y_true), np.asarray(y_pred)
        )
        values = jax.jit(setting)(y_true, y_pred)
        gradient = jax.jit(jax.grad(lambda p, t: setting(t, p).sum()))(y_pred, y_true)
        assert values.dtype == gradient.dtype == dtype
        if dtype == "float64":
            np.testing.assert_allclose(values, value, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(gradient, slope, rtol=1e-12, atol=1e-14)
        else:
            assert_ulps(values, value, ulps=8)
            assert_ulps(gradient, slope, ulps=8)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST[:1]), ids=str)
def test_derivatives_of_every_mode_agree(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = arrays(setting, rng, shape=(3,))
    if not setting.has_float_targets:
        y_true = y_true.reshape(1)[0:1] if y_true.shape else y_true[None]

    def value(p: Any) -> Any:
        return setting(y_true, p).sum()

    # All in one program: JAX would compile every operation of each by itself.
    derivatives = (jax.jacrev(value), jax.jacfwd(value), jax.hessian(value), jax.jacrev(jax.jacrev(value)))
    reverse, forward, hessian, twice = jax.jit(lambda p: [each(p) for each in derivatives])(y_pred)
    with lossary.check("off"):
        expected = central_difference(jax.jit(value), np.asarray(y_pred))
        slope, steps = jax.jit(derivatives[0]), 1e-6 * np.eye(3)
        second = np.stack([(slope(y_pred + step) - slope(y_pred - step)) / 2e-6 for step in steps])
    np.testing.assert_allclose(reverse, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(forward, reverse, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(hessian, second, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(twice, hessian, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("setting", every(FLOAT_TARGETS, FEWEST), ids=str)
def test_derivative_with_respect_to_targets(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw_inside(rng, (2, 3))
    with lossary.check("off"):
        gradient = jax.jit(jax.grad(lambda t: setting(t, jnp.asarray(y_pred)).sum()))(jnp.asarray(y_true))
        expected = central_difference(lambda t: setting(t, y_pred), y_true)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_vmap_over_rows_and_batches(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = arrays(setting, rng, shape=(2, 3, 4))
    whole = setting(y_true, y_pred)
    np.testing.assert_allclose(jax.vmap(jax.jit(setting))(y_true, y_pred), whole, rtol=1e-14)
    np.testing.assert_allclose(jax.vmap(jax.vmap(setting))(y_true, y_pred), whole, rtol=1e-14)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_value_and_grad_is_jax_grad_also_jitted(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = arrays(setting, rng)
    weight, mask = jnp.asarray([1.0, 2.0, 0.0, 3.0]), jnp.asarray([True, True, True, False])
    loss = setting.configured(reduction="mean_with_sample_weight")
    expected = jax.jit(jax.value_and_grad(lambda p: loss(y_true, p, sample_weight=weight, where=mask)))(y_pred)
    got = jax.jit(lossary.value_and_grad(loss))(y_true, y_pred, weight, mask)
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-13)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-12, atol=1e-16)


def test_gradient_of_parameters() -> None:
    # huber beyond delta is delta |d| - delta**2 / 2, so its derivative with respect to delta is |d| - delta = 3 - 0.5
    zero = jnp.zeros((1, 1))
    slope = jax.jit(jax.grad(lambda delta: lossary.huber(zero, zero + 3.0, delta=delta).sum()))(0.5)
    assert float(slope) == pytest.approx(2.5, rel=1e-12)
    # Smoothing s turns the target (1, 0) into (1 - s/2, s/2): the loss changes by (log p_0 - log p_1) / 2 per s.
    y_true, y_pred = jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.8, 0.2]])
    smoothed = jax.grad(lambda s: lossary.categorical_crossentropy(y_true, y_pred, label_smoothing=s).sum())
    slope = jax.jit(smoothed)(0.1)
    assert float(slope) == pytest.approx((np.log(0.8) - np.log(0.2)) / 2, rel=1e-12)
    # The derivative of -log(p + e) with respect to e is -1 / (p + e) at y = 1.
    one = jnp.ones((1, 1))
    slope = jax.grad(lambda e: lossary.poisson(one, one, epsilon=e).sum())(0.5)
    assert float(slope) == pytest.approx(-1 / 1.5, rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_result_has_the_dtype_of_the_predictions(setting: Setting, dtype: str, rng: np.random.Generator) -> None:
    y_true, y_pred = arrays(setting, rng, dtype)
    with lossary.check("shapes"):  # Rows rounded to half precision no longer sum to one.
        exact = setting(
            np.asarray(y_true, "int64" if y_true.dtype.kind == "i" else "float64"), np.asarray(y_pred, "float64")
        )
        value, gradient = lossary.value_and_grad(setting.configured())(y_true, y_pred)
        values = setting(y_true, y_pred)
    assert values.dtype == gradient.dtype == dtype
    assert value.dtype == REDUCED[dtype]
    np.testing.assert_allclose(np.asarray(values, "float64"), exact, rtol=2 * DTYPES[dtype], atol=DTYPES[dtype])


def test_half_precision_is_reduced_in_float32() -> None:
    y_true, y_pred = jnp.zeros((70000, 1), jnp.float16), jnp.ones((70000, 1), jnp.float16)
    assert float(lossary.MeanSquaredError()(y_true, y_pred)) == 1.0


def test_shape_checks_run_under_jit() -> None:
    with pytest.raises(lossary.ShapeError, match=r"mean_squared_error: y_true has shape \(3, 2\) and y_pred \(3, 4\)"):
        jax.jit(lossary.mean_squared_error)(jnp.zeros((3, 2)), jnp.zeros((3, 4)))
    with pytest.raises(lossary.DTypeError, match="complex"):
        jax.jit(lossary.mean_squared_error)(jnp.zeros((3, 2)), jnp.zeros((3, 2), jnp.complex64))


def test_out_of_range_label_is_nan_under_jit() -> None:
    for from_logits in (False, True):
        values = jax.jit(lambda t, p, f=from_logits: lossary.sparse_categorical_crossentropy(t, p, from_logits=f))(
            jnp.asarray([0, -1, 3]), jnp.full((3, 3), 1 / 3)
        )
        assert np.isnan(values).tolist() == [False, True, True]


def test_fractional_label_is_nan_under_jit() -> None:
    values = jax.jit(lossary.sparse_categorical_crossentropy)(jnp.asarray([0.0, 0.5]), jnp.full((2, 3), 1 / 3))
    assert np.isnan(values).tolist() == [False, True]


def test_without_x64_everything_is_float32() -> None:
    with jax_with(x64=False):
        value, gradient = lossary.value_and_grad("mse")([[0.0, 1.0]], jnp.asarray([[1.0, 3.0]]))
        assert value.dtype == gradient.dtype == jnp.float32
        labels = jnp.asarray([2], jnp.uint8)
        assert lossary.sparse_categorical_crossentropy(labels, jnp.full((1, 4), 0.25)).dtype == jnp.float32


def test_a_class_to_ignore_beyond_31_bits() -> None:
    labels, scores = np.array([1, 2**31], np.uint32), np.log(np.array([[0.75, 0.25], [0.5, 0.5]], np.float32))
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2**31)
    assert float(loss(jnp.asarray(labels), jnp.asarray(scores))) == pytest.approx(np.log(4.0))
