"""PyTensor: compiled functions, first and second gradients, integer labels, unknown shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

import lossary
from inputs import FEWEST, FLOAT_TARGETS, REDUCED, SETTINGS, Setting, assert_ulps, central_difference, every


@pytest.fixture(autouse=True)
def cheap_linker(request: pytest.FixtureRequest) -> Iterator[None]:
    """Python instead of compiled C, except where a test is about the default."""
    if request.node.name == "test_default_linker":
        yield
        return
    with pytensor.config.change_flags(mode="FAST_COMPILE", cxx="", floatX="float64"):
        yield


def variables(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Symbolic arrays of the same ranks and dtypes, whose lengths are unknown."""
    return tuple(pt.tensor(dtype=x.dtype, shape=(None,) * x.ndim) for x in (y_true, y_pred))  # type: ignore[return-value]


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_value_and_gradients_agree_with_numpy(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng, (3, 4))
    true, pred = variables(y_true, y_pred)
    values = setting(true, pred)
    slope = pytensor.grad(values.sum(), pred)
    value, direct = lossary.value_and_grad(setting.configured(reduction="sum"))(true, pred)
    run = pytensor.function([true, pred], [values, slope, value, direct])
    got = run(y_true, y_pred)
    expected = setting(y_true, y_pred)
    total, expected_slope = lossary.value_and_grad(setting.configured(reduction="sum"))(y_true, y_pred)
    for mine, theirs in zip(got, (expected, expected_slope, total, expected_slope), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-14)
        assert mine.dtype == np.float64


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_second_gradient(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng, (2, 3))
    true, pred = variables(y_true, y_pred)
    slope = pytensor.grad(setting(true, pred).sum(), pred)
    direction = np.asarray([[1.0, -2.0, 0.5], [0.3, 1.0, 2.0]])
    twice = pytensor.grad((slope * direction).sum(), pred, disconnected_inputs="ignore")
    got = pytensor.function([true, pred], twice, on_unused_input="ignore")(y_true, y_pred)
    gradient = lossary.value_and_grad(setting.configured(reduction="sum", check="off"))

    def along(at: Any) -> Any:
        return (gradient(y_true, at)[1] * direction).sum()

    np.testing.assert_allclose(got, central_difference(along, y_pred), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("setting", every(FLOAT_TARGETS), ids=str)
def test_derivative_with_respect_to_targets(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw_inside(rng, (2, 3))
    true, pred = variables(y_true, y_pred)
    got = pytensor.function([true, pred], pytensor.grad(setting(true, pred).sum(), true))(y_true, y_pred)
    with lossary.check("off"):
        expected = central_difference(lambda t: setting(t, y_pred), y_true)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_result_has_the_dtype_of_the_predictions(setting: Setting, dtype: str, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw(rng, (3, 4))
    y_true, y_pred = (y_true if y_true.dtype.kind == "i" else y_true.astype(dtype)), y_pred.astype(dtype)
    true, pred = variables(y_true, y_pred)
    value, slope = lossary.value_and_grad(setting.configured())(true, pred)
    assert setting(true, pred).dtype == slope.dtype == dtype
    assert value.dtype == REDUCED[dtype]
    with lossary.check("shapes"):
        exact, exact_slope = lossary.value_and_grad(setting.configured())(
            y_true if y_true.dtype.kind == "i" else y_true.astype("float64"), y_pred.astype("float64")
        )
    got, got_slope = pytensor.function([true, pred], [value, slope])(y_true, y_pred)
    assert_ulps(got, exact, ulps=8, dtype=dtype)
    assert_ulps(got_slope, exact_slope, ulps=8, dtype=dtype)


def test_weights_masks_and_nan_beneath() -> None:
    y_true, y_pred = np.zeros((3, 1)), np.asarray([[1.0], [2.0], [np.nan]])
    weight, mask = np.asarray([1.0, 3.0, 5.0]), np.asarray([True, True, False])
    true, pred = variables(y_true, y_pred)
    w, m = pt.dvector(), pt.vector(dtype="bool")
    loss = lossary.MeanSquaredError()
    value = loss(true, pred, sample_weight=w, where=m)
    run = pytensor.function([true, pred, w, m], [value, pytensor.grad(value, pred)])
    got, slope = run(y_true, y_pred, weight, mask)
    assert float(got) == (1 * 1 + 3 * 4) / 2
    np.testing.assert_allclose(slope, [[1.0], [6.0], [0.0]])


def test_gradient_of_a_parameter() -> None:
    # huber beyond delta is delta |d| - delta**2 / 2, so its derivative with respect to delta is |d| - delta = 3 - 0.5
    delta, zero = pt.dscalar(), np.zeros((1, 1))
    value = lossary.huber(pt.as_tensor(zero), pt.as_tensor(zero + 3.0), delta=delta).sum()
    assert float(pytensor.function([delta], pytensor.grad(value, delta))(0.5)) == pytest.approx(2.5, rel=1e-12)


def test_out_of_range_label_is_nan() -> None:
    labels, pred = pt.lvector(), pt.dmatrix()
    run = pytensor.function([labels, pred], lossary.sparse_categorical_crossentropy(labels, pred))
    values = run(np.asarray([0, -1, 3]), np.full((3, 3), 1 / 3))
    assert np.isnan(values).tolist() == [False, True, True]


def test_different_lengths_fail_when_they_are_known() -> None:
    true, pred = pt.dmatrix(), pt.dmatrix()
    run = pytensor.function([true, pred], lossary.mean_squared_error(true, pred))
    with pytest.raises(ValueError, match=r"[Bb]roadcast|Incompatible|shape"):
        run(np.zeros((3, 1)), np.ones((3, 2)))
    with pytest.raises(lossary.ShapeError, match=r"mean_squared_error: y_true has shape \(3, 1\) and y_pred \(3, 2\)"):
        lossary.mean_squared_error(pt.tensor(shape=(3, 1)), pt.tensor(shape=(3, 2)))


def test_shared_variables_are_trained() -> None:
    weights = pytensor.shared(np.zeros((2, 1)))
    x, y = pt.dmatrix(), pt.dmatrix()
    value = lossary.MeanSquaredError()(y, x @ weights)
    step = pytensor.function([x, y], value, updates=[(weights, weights - 0.5 * pytensor.grad(value, weights))])
    inputs = np.eye(2)
    values = [float(step(inputs, inputs @ [[1.0], [2.0]])) for _ in range(3)]
    # Each step halves the error, so the value goes from (1 + 4)/2 down by a factor of four.
    np.testing.assert_allclose(values, [2.5, 0.625, 0.15625])


def test_default_linker(rng: np.random.Generator) -> None:
    y_true, y_pred = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    true, pred = variables(y_true, y_pred)
    value, slope = lossary.value_and_grad("log_cosh")(true, pred)
    got = pytensor.function([true, pred], [value, slope])(y_true, y_pred)
    np.testing.assert_allclose(got[0], np.log(np.cosh(y_pred - y_true)).mean(), rtol=1e-12)
    np.testing.assert_allclose(got[1], np.tanh(y_pred - y_true) / 12, rtol=1e-12)
