"""Weighted sums of losses."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
import lossary.keras

SUM = lossary.Huber() + 0.5 * lossary.MeanSquaredError()
Y_TRUE = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]], "float32")
Y_PRED = np.array([[1.0, 4.0], [0.5, 0.0], [4.0, 1.0]], "float32")
# By row: (0 + 3/2)/2 + (0 + 4)/4, (1/8)/2 + (1/4)/4, (5/2)/2 + 9/4; slopes: (clipped d + d)/2.
VALUES = np.array([1.75, 0.125, 3.5])
SLOPES = np.array([[0.0, 1.5], [0.5, 0.0], [2.0, 0.0]])
ARRAYS: dict[str, Callable[[Any], Any]] = {
    "numpy": np.asarray,
    "torch": torch.tensor,
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_values_and_gradients(array: Callable[[Any], Any]) -> None:
    y_true, y_pred = array(Y_TRUE), array(Y_PRED)
    weights, mask = np.array([1.0, 2.0, 4.0], "float32"), [True, False, True]
    assert float(SUM(y_true, y_pred)) == pytest.approx(VALUES.mean())
    assert float(SUM(y_true, y_pred, array(weights))) == pytest.approx((VALUES * weights).mean())
    assert float(SUM(y_true, y_pred, where=mask)) == pytest.approx((1.75 + 3.5) / 2)
    np.testing.assert_allclose(np.asarray(SUM.replaced(reduction="none")(y_true, y_pred)), VALUES)
    value, gradient = lossary.value_and_grad(SUM.replaced(reduction="sum"))(y_true, y_pred)
    assert float(value) == pytest.approx(VALUES.sum())
    np.testing.assert_allclose(np.asarray(gradient), SLOPES)


def test_gradients_in_pytorch() -> None:
    leaf = torch.tensor(Y_PRED, requires_grad=True)
    SUM(torch.tensor(Y_TRUE), leaf).backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad, SLOPES / 3, rtol=1e-6)


def test_arithmetic() -> None:
    huber, square = lossary.Huber(), lossary.MeanSquaredError()
    assert repr(SUM) == "Huber() + 0.5 * MeanSquaredError()"
    assert SUM == huber + np.float64(0.5) * square == huber + square / 2 == eval(repr(SUM), vars(lossary))
    assert sum([huber, square]) == huber + square
    assert 2.0 * huber + square * 1.0 == 2 * SUM
    assert repr(huber - square) == "Huber() + -1.0 * MeanSquaredError()"
    assert SUM not in (huber, huber + square, SUM.replaced(name="mine"), SUM.replaced(reduction="sum"))
    assert float((-lossary.CosineSimilarity())([[1.0, 0.0]], [[3.0, 4.0]])) == pytest.approx(0.6)
    for wrong in ("mse", 3, None, [1]):
        with pytest.raises(TypeError):
            huber + wrong
    with pytest.raises(lossary.ParameterError, match="weighted_sum: unknown parameter 'delta'"):
        SUM.replaced(delta=2.0)
    for weight in (float("inf"), float("nan"), 1j):
        with pytest.raises(lossary.ParameterError, match="weighted_sum: weight is"):
            weight * huber


def test_copies() -> None:
    named = SUM.replaced(name="mine", reduction="sum", check="shapes")
    for loss in (SUM, named, lossary.BinaryCrossentropy(from_logits=True) * 3.0):
        copies = [copy.copy(loss), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]
        copies += [lossary.get(loss.get_config()), lossary.get(json.loads(json.dumps(loss.get_config())))]
        copies += [lossary.get(loss), lossary.get(loss, name=loss.name)]
        for other in copies:
            assert other == loss
            assert hash(other) == hash(loss)
    assert float(named(Y_TRUE, Y_PRED)) == pytest.approx(VALUES.sum())
    learned = torch.tensor(0.5, requires_grad=True)
    (lossary.Huber() + learned * lossary.MeanSquaredError())(torch.tensor(Y_TRUE), torch.tensor(Y_PRED)).backward()
    assert learned.grad is not None
    assert learned.grad.item() == pytest.approx((2.0 + 0.125 + 4.5) / 3)  # The mean of the squares.


def test_own_functions_are_terms() -> None:
    loss = lossary.get(lambda y_true, y_pred: abs(y_true - y_pred).mean(-1)) + lossary.MeanSquaredError()
    assert float(loss(Y_TRUE, Y_PRED)) == pytest.approx((1.0 + 0.25 + 1.5 + 2.0 + 0.125 + 4.5) / 3)
    with pytest.raises(lossary.ParameterError, match="has no name to be found by again"):
        loss.get_config()


@pytest.mark.parametrize("model", [keras.Sequential, lossary.keras.Sequential])
def test_in_keras(model: Any) -> None:
    layers = [keras.Input((2,)), keras.layers.Dense(2, kernel_initializer="identity")]
    made, weights = model(layers), np.array([1.0, 2.0, 4.0], "float32")
    made.compile(loss=SUM, optimizer="sgd")
    assert made.evaluate(Y_PRED, Y_TRUE, verbose=0) == pytest.approx(VALUES.mean(), rel=1e-6)
    weighted = made.evaluate(Y_PRED, Y_TRUE, sample_weight=weights, verbose=0)
    assert weighted == pytest.approx((VALUES * weights).mean(), rel=1e-6)


def test_the_doctor() -> None:
    labels, scores = np.array([[0.0], [1.0]] * 20), np.array([[-2.0], [3.0]] * 20)
    report = lossary.diagnose(lossary.BinaryCrossentropy() + lossary.LogCosh(), labels, scores)
    assert report.loss == "BinaryCrossentropy() + LogCosh()"
    assert report.findings[0].code == "LS102"
    assert report.findings[0].message.startswith("the term BinaryCrossentropy(): y_pred[0, 0] = -2 is no probability")
    assert lossary.verify(SUM).ok
    assert lossary.explain(SUM).floor == "0"


def test_the_kernels_are_told_of_term_by_term() -> None:
    y = np.zeros((256, 256), "float32")
    start, *terms = lossary.kernels.explain(lossary.Huber() + 2.0 * lossary.MeanSquaredError(), y, y).split(": ", 1)
    assert start == "weighted_sum runs term by term"
    huber, squared = terms[0].split("; ")
    assert huber.startswith("huber runs in a fused kernel on numpy")
    assert squared.startswith("mean_squared_error runs in a fused kernel on numpy")


def test_sums_of_several_arguments_are_one_formula() -> None:
    margins = lossary.TripletMargin() + lossary.TripletMargin(margin=2.0)
    assert lossary.kernels.source(margins).startswith("def weighted_sum_rows_gradient(given_anchor, given_positive")
    assert "def weighted_sum_value(anchor, positive, negative_)" in str(lossary.explain(margins))
    axes = lossary.plot(margins).axes
    # The usual path leads along a loss and its slope; where both margins are met, both are 0.
    assert min(axes[0].lines[0].get_ydata()) == 0.0
    with pytest.raises(lossary.LossError, match="takes y_true, y_pred's mean, y_pred's variance, and a raw score"):
        lossary.grad_and_hess(lossary.GaussianNLL() + lossary.GaussianNLL(full=True))


@pytest.mark.parametrize("array", [np.asarray, torch.as_tensor, jnp.asarray, tf.constant])
def test_what_each_term_adds(array: Callable[[Any], Any]) -> None:
    loss = lossary.Huber(name="smooth") + 0.5 * lossary.MeanSquaredError() + 2.0 * lossary.MeanSquaredError()
    y, p, weight = array(np.zeros((2, 1))), array(np.array([[3.0], [9.0]])), array(np.array([1.0, 0.0]))
    terms = loss.by_term(y, p, sample_weight=weight)
    # (3 - 1/2)/2 of Huber's two points, and 9/2 of the squares, times 1/2 and 2.
    assert {name: float(value) for name, value in terms.items()} == {
        "smooth": 1.25,
        "mean_squared_error": 2.25,
        "mean_squared_error#2": 9.0,
    }
    assert float(loss(y, p, sample_weight=weight)) == 12.5
