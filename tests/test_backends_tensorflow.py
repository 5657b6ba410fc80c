"""TensorFlow: eager, tf.function with and without XLA, nested tapes, unknown shapes, dtypes."""

from __future__ import annotations

import inspect
import traceback
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import lossary
from inputs import FEWEST, FLOAT_TARGETS, REDUCED, SETTINGS, WITNESSES, Setting, assert_ulps, central_difference, every

DTYPES = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-24 * 16, "float64": 2**-53 * 16}


def tensors(setting: Setting, rng: np.random.Generator, dtype: str = "float64", **kwargs: Any) -> Any:
    y_true, y_pred = setting.draw(rng, **kwargs)
    true = tf.constant(y_true)
    return (tf.cast(true, dtype) if true.dtype.is_floating else true), tf.cast(y_pred, dtype)


def gradient(function: Any, at: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at)


@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_agrees_with_numpy(setting: Setting, rng: np.random.Generator) -> None:
    for dtype in ("float64", "float32"):
        y_true, y_pred = tensors(setting, rng, dtype)
        value, slope = lossary.value_and_grad(setting.configured(reduction="none"))(y_true.numpy(), y_pred.numpy())
        values = setting(y_true, y_pred)
        got = gradient(lambda p: setting(y_true, p), y_pred)  # noqa: B023
        assert values.dtype == got.dtype == dtype
        if dtype == "float64":
            np.testing.assert_allclose(values, value, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(got, slope, rtol=1e-12, atol=1e-14)
        else:
            assert_ulps(values, value, ulps=8)
            assert_ulps(got, slope, ulps=8)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_nested_tapes(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng, shape=(1, 3))
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(y_pred)
        first = gradient(lambda p: setting(y_true, p), y_pred)
    second = outer.jacobian(first, y_pred, unconnected_gradients="zero", experimental_use_pfor=False)
    step = np.zeros((1, 3))
    expected = []
    with lossary.check("off"):
        for i in range(3):
            step[:] = np.eye(3)[i] * 1e-6
            above, below = (gradient(lambda p: setting(y_true, p), y_pred + s * step) for s in (1, -1))
            expected.append((above - below)[0] / 2e-6)
    np.testing.assert_allclose(np.asarray(second)[0, :, 0], np.stack(expected, -1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("setting", every(FLOAT_TARGETS), ids=str)
def test_derivative_with_respect_to_targets(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = setting.draw_inside(rng, (2, 3))
    with lossary.check("off"):
        got = gradient(lambda t: setting(t, tf.constant(y_pred)), tf.constant(y_true))
        expected = central_difference(lambda t: setting(t, y_pred), y_true)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_graph_with_unknown_shapes(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng)
    loss = setting.configured(reduction="mean_with_sample_weight")
    weight, mask = tf.constant([1.0, 2.0, 0.0, 3.0]), tf.constant([True, True, True, False])
    signature = [
        tf.TensorSpec([None] * len(y_true.shape), y_true.dtype),
        tf.TensorSpec([None, None], y_pred.dtype),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None], tf.bool),
    ]

    def step(true: Any, pred: Any, weights: Any, where: Any) -> Any:
        return lossary.value_and_grad(loss)(true, pred, sample_weight=weights, where=where), setting(true, pred)

    (value, slope), values = tf.function(step, input_signature=signature)(y_true, y_pred, weight, mask)
    (eager, eager_slope), eager_values = step(y_true, y_pred, weight, mask)
    np.testing.assert_allclose(value, eager, rtol=1e-12)
    np.testing.assert_allclose(slope, eager_slope, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(values, eager_values, rtol=1e-12)


@pytest.mark.parametrize("points", [(3,), (2, 3)])
def test_lists_beside_sequences_of_unknown_shape(points: tuple[int, ...]) -> None:
    """Three of the four paths of two steps, all equally likely, spell the one label."""
    labels, scores = tf.ones((*points, 1), tf.int32), tf.zeros((*points, 2, 2))
    signature = [tf.TensorSpec([None] * len(x.shape), x.dtype) for x in (labels, scores)]
    step = tf.function(lossary.CTC(), input_signature=signature, autograph=False)
    assert float(step(labels, scores)) == pytest.approx(np.log(4 / 3), rel=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ctc"):
        step(labels[:1], scores)


# What reads, explains or draws is called on arrays, not in a step.
OUTSIDE = {"diagnose", "explain", "plot", "suggest", "verify", "loss"}


@pytest.mark.parametrize("call", [lossary.get, lossary.value_and_grad, lambda own: lossary.get(own).total])
def test_autograph_rewrites_the_step_alone(call: Any) -> None:
    """Rewriting what a loss calls, functions by the hundred, took ten seconds at the first step of a process."""
    rewritten: list[str] = []

    def own(y_true: Any, y_pred: Any) -> Any:
        files = [frame.filename for frame in traceback.extract_stack()]
        rewritten.extend(name for name in files if "__autograph_generated" in name)
        return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)

    @tf.function
    def step(y_true: Any, y_pred: Any) -> Any:
        return call(own)(y_true, y_pred)

    step(tf.zeros((2, 3)), tf.ones((2, 3)))
    assert len(set(rewritten)) == 1
    assert len(rewritten) <= 2  # A step is traced twice where it might have variables.


def test_autograph_leaves_every_entry_as_it_is() -> None:
    public = {name: getattr(lossary, name) for name in lossary.__all__ if name not in OUTSIDE}
    entries = {name: entry for name, entry in public.items() if inspect.isroutine(entry)}
    for name, entry in public.items():
        if inspect.isclass(entry) and issubclass(entry, lossary.Loss | lossary.Total | lossary.TotalOfTerms):
            entries |= {f"{name}.{key}": value for key, value in vars(entry).items() if inspect.isfunction(value)}
    assert {"huber", "get", "value_and_grad", "Loss.value_and_grad", "WeightedSum.total", "Total.mean"} <= set(entries)
    assert [name for name, entry in entries.items() if not hasattr(entry, "autograph_info__")] == []


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
def test_xla(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng)

    @tf.function(jit_compile=True)
    def step(true: Any, pred: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(pred)
            value = setting.configured()(true, pred)
        return value, tape.gradient(value, pred)

    value, slope = step(y_true, y_pred)
    expected, expected_slope = lossary.value_and_grad(setting.configured())(y_true.numpy(), y_pred.numpy())
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
def test_xla_in_float32_keeps_digits_and_differentiates_twice(setting: Setting, rng: np.random.Generator) -> None:
    """XLA has spellings of its own for some words; rows hold an equal pair, because a maximum decides between them."""
    y_true, y_pred = tensors(setting, rng, "float32", shape=(3, 4))
    y_pred = tf.concat([y_pred[:, :2], y_pred[:, :1], y_pred[:, :1]], -1)

    def step(true: Any, pred: Any) -> Any:
        with tf.GradientTape() as outer:
            outer.watch(pred)
            with tf.GradientTape() as tape:
                tape.watch(pred)
                value = setting(true, pred)
            slope = tape.gradient(value, pred)
        return value, slope, outer.gradient(slope, pred, unconnected_gradients="zero")

    with lossary.check("off"):
        found = tf.function(step, jit_compile=True)(y_true, y_pred)
        exact = step(tf.cast(y_true, "float64") if y_true.dtype.is_floating else y_true, tf.cast(y_pred, "float64"))
    for got, wanted in zip(found, exact, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=2e-6)


def test_gradient_of_a_parameter() -> None:
    # huber beyond delta is delta |d| - delta**2 / 2, so its derivative with respect to delta is |d| - delta = 3 - 0.5
    zero = tf.zeros((1, 1), tf.float64)
    slope = gradient(lambda delta: lossary.huber(zero, zero + 3.0, delta=delta), tf.constant(0.5, tf.float64))
    assert float(slope) == pytest.approx(2.5, rel=1e-12)


def test_variables_are_differentiated() -> None:
    prediction = tf.Variable([[1.0, 3.0]])
    with tf.GradientTape() as tape:
        value = lossary.MeanSquaredError()(tf.constant([[0.0, 1.0]]), prediction)
    np.testing.assert_allclose(tape.gradient(value, prediction), [[1.0, 2.0]], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_result_has_the_dtype_of_the_predictions(setting: Setting, dtype: str, rng: np.random.Generator) -> None:
    y_true, y_pred = tensors(setting, rng, dtype)
    with lossary.check("shapes"):  # Rows rounded to half precision no longer sum to one.
        exact = setting(np.asarray(y_true, "int64" if y_true.dtype.is_integer else "float64"), np.float64(y_pred))
        value, slope = lossary.value_and_grad(setting.configured())(y_true, y_pred)
        values = setting(y_true, y_pred)
    assert values.dtype == slope.dtype == dtype
    assert value.dtype == REDUCED[dtype]
    np.testing.assert_allclose(np.float64(values), exact, rtol=2 * DTYPES[dtype], atol=DTYPES[dtype])


def test_half_precision_is_reduced_in_float32() -> None:
    y_true, y_pred = tf.zeros((70000, 1), tf.float16), tf.ones((70000, 1), tf.float16)
    assert float(lossary.MeanSquaredError()(y_true, y_pred)) == 1.0


def test_unknown_lengths_are_compared_when_they_are_known() -> None:
    unknown = [tf.TensorSpec([None, None]), tf.TensorSpec([None, None])]
    step = tf.function(lossary.MeanSquaredError(), input_signature=unknown)
    assert float(step(tf.zeros((3, 2)), tf.ones((3, 2)))) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="mean_squared_error: y_true and y_pred turned out"):
        step(tf.zeros((3, 1)), tf.ones((3, 2)))
    column = tf.function(
        lossary.MeanSquaredError(), input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None, None])]
    )
    assert float(column(tf.zeros(3), tf.ones((3, 1)))) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="nothing is broadcast"):
        column(tf.zeros(3), tf.ones((3, 3)))


def test_shape_checks_run_in_a_graph() -> None:
    with pytest.raises(lossary.ShapeError, match=r"mean_squared_error: y_true has shape \(3, 2\) and y_pred \(3, 4\)"):
        tf.function(lossary.mean_squared_error)(tf.zeros((3, 2)), tf.zeros((3, 4)))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_out_of_range_label_is_nan_in_a_graph(jit_compile: bool) -> None:
    step = tf.function(lossary.sparse_categorical_crossentropy, jit_compile=jit_compile)
    values = step(tf.constant([0, -1, 3]), tf.fill((3, 3), 1 / 3))
    assert np.isnan(values).tolist() == [False, True, True]


def test_lists_take_the_dtype_of_tensors() -> None:
    value = lossary.MeanSquaredError()([[0.0, 0.0]], tf.ones((1, 2)), sample_weight=[2])
    assert value.dtype == tf.float32
    assert float(value) == 2.0


def test_graph_of_one_setting_is_not_that_of_another(rng: np.random.Generator) -> None:
    """AutoGraph reads generated functions back from their source; each setting has its own."""
    y_true, y_pred = tf.constant([[1.0, 0.0]]), tf.constant([[0.25, 0.5]])
    plain = lossary.value_and_grad(lossary.BinaryCrossentropy())
    scores = lossary.value_and_grad(lossary.BinaryCrossentropy(from_logits=True))
    eager = [float(one(y_true, y_pred)[0]) for one in (plain, scores)]
    np.testing.assert_allclose(
        eager, [1.5 * np.log(2), (np.log1p(np.exp(-0.25)) + np.log1p(np.exp(0.5))) / 2], rtol=1e-6
    )
    graph = [float(tf.function(one)(y_true, y_pred)[0]) for one in (plain, scores)]
    np.testing.assert_allclose(graph, eager, rtol=1e-6)
