"""Values: the hand-worked cases of every record, and Keras in float64 on ordinary inputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from sklearn._loss import loss as sklearn_losses

from inputs import BUILTIN, Setting, arguments, few, jax_with
from lossary.facts.record import Record
from lossary.objects.define import function, loss_class


@pytest.mark.parametrize("record", BUILTIN, ids=lambda record: record.name)
def test_hand_worked_cases(record: Record) -> None:
    for case in record.cases:
        values = function(record.name)(*map(np.asarray, case.arrays), **case.parameters)
        np.testing.assert_allclose(values, case.value, rtol=1e-6, atol=1e-12, err_msg=case.working)


def test_every_loss_has_a_case_and_a_source() -> None:
    for record in BUILTIN:
        assert record.cases, record.name
        assert record.source, record.name
        assert record.definition, record.name


KERAS = {record.name: getattr(keras.losses, record.name, None) for record in BUILTIN}
# Those that compare points have rows of length 1 there: `test_compared`.
IN_KERAS = [record for record in BUILTIN if KERAS[record.name] is not None and not record.compared]
VARIANTS: dict[str, list[dict[str, object]]] = {
    "huber": [{}, {"delta": 2.5}],
    "binary_crossentropy": [{}, {"from_logits": True}, {"label_smoothing": 0.2}, {"from_logits": True, "axis": 0}],
    "categorical_crossentropy": [{}, {"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 1}],
    "sparse_categorical_crossentropy": [{}, {"from_logits": True}, {"ignore_class": 1}],
    "cosine_similarity": [{}, {"axis": 0}],
    "dice": [{"axis": None}, {"axis": (0,)}],
    "tversky": [{"axis": None}, {"axis": (0,)}],
}


def in_float64(loss: Any, y_true: Any, y_pred: Any, parameters: dict[str, object]) -> Any:
    """Keras's value, computed in float64 whichever backend it runs on."""
    keras.config.set_floatx("float64")
    try:
        with jax_with(x64=True):
            return np.asarray(loss(y_true, y_pred, **parameters), np.float64)
    finally:
        keras.config.set_floatx("float32")


@pytest.mark.parametrize(
    ("record", "parameters"),
    # What Keras computes step by step takes long; it stands beside ours in single precision elsewhere.
    few(
        lambda pair: pair[0].depth == 1,
        [(record, parameters) for record in IN_KERAS for parameters in VARIANTS.get(record.name, [{}])],
    ),
    ids=lambda x: getattr(x, "name", None) or str(x),
)
def test_value_is_that_of_keras_in_float64(record: Record, parameters: dict[str, object]) -> None:
    rng = np.random.default_rng(7)
    shape = (40, 6)
    y_true, y_pred = arguments(record, rng, shape, parameters)
    expected = in_float64(KERAS[record.name], y_true, y_pred, parameters)
    values = function(record.name)(y_true, y_pred, **parameters)
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("record", BUILTIN, ids=lambda r: r.name)
def test_reduced_value_is_the_mean_over_data_points(record: Record) -> None:
    rng = np.random.default_rng(8)
    drawn = arguments(record, rng, (9, 4))
    values = function(record.name)(*drawn)
    assert values.shape == (9,)
    np.testing.assert_allclose(Setting(record).configured()(*drawn), values.mean(), rtol=1e-12)


def test_clipped_probability_keeps_its_value_and_its_slope() -> None:
    value, gradient = __import__("lossary").value_and_grad("bce")(np.array([[1.0]]), np.array([[0.0]]))
    np.testing.assert_allclose(value, -np.log(1e-7), rtol=1e-12)
    np.testing.assert_allclose(gradient, [[-1e7]], rtol=1e-12)


# scikit-learn's losses of raw predictions, the factor and the parameters that make ours theirs, and the inverse link.
SCIKIT_LEARN = {
    "HalfSquaredError": ("mean_squared_error", 0.5, {}, np.positive),
    "AbsoluteError": ("mean_absolute_error", 1.0, {}, np.positive),
    "HuberLoss": ("huber", 1.0, {"delta": 1.5}, np.positive),
    "HalfPoissonLoss": ("poisson", 1.0, {"epsilon": 0.0}, np.exp),
    "HalfBinomialLoss": ("binary_crossentropy", 1.0, {"from_logits": True}, np.positive),
    "HalfMultinomialLoss": ("sparse_categorical_crossentropy", 1.0, {"from_logits": True}, np.positive),
}


@pytest.mark.parametrize("theirs", SCIKIT_LEARN)
def test_value_and_gradient_are_those_of_scikit_learn(theirs: str) -> None:
    name, factor, parameters, inverse = SCIKIT_LEARN[theirs]
    settings = {"HuberLoss": {"delta": 1.5}, "HalfMultinomialLoss": {"n_classes": 5}}.get(theirs, {})
    record, rng = function(name).record, np.random.default_rng(9)
    shape = (200, 5) if record.labels_are_integers else (200, 1)
    y_true, raw = record.target.sample(rng, shape).astype(np.float64), 2.0 * rng.normal(size=shape)
    value, slope = getattr(sklearn_losses, theirs)(**settings).loss_gradient(y_true.ravel(), np.squeeze(raw))
    loss = loss_class(name)(**parameters, reduction="none")
    y_pred = inverse(raw)
    np.testing.assert_allclose(factor * loss(y_true, y_pred), value, rtol=1e-12, atol=1e-15)
    _, gradient = loss.replaced(reduction="sum").value_and_grad(y_true, y_pred)
    through_the_link = y_pred if inverse is np.exp else 1.0
    np.testing.assert_allclose(np.squeeze(factor * gradient * through_the_link), slope, rtol=1e-12, atol=1e-15)
