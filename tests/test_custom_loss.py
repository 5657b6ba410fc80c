"""A user's own losses: decorated formulas, and plain functions."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch

import lossary
from inputs import central_difference
from lossary import words
from lossary.domains import Interval, NonNegative
from lossary.objects.define import function

Maker = Callable[[Any], Any]
EAGER: dict[str, Maker] = {
    "numpy": np.asarray,
    "torch": lambda x: torch.tensor(np.asarray(x)),
    "jax": lambda x: jnp.asarray(np.asarray(x)),
    "tensorflow": lambda x: tf.constant(np.asarray(x)),
}
Y_TRUE = np.asarray([[0.0, 1.0, 2.0], [3.0, -1.0, 0.5]], "float32")
Y_PRED = np.asarray([[1.0, -1.25, 2.5], [0.0, 0.0, 4.0]], "float32")


@lossary.loss(name="tests_pinball", parameters={"tau": Interval("Quantile", 0.0, 1.0)})
def pinball(y_true: Any, y_pred: Any, *, tau: float = 0.3) -> Any:
    """Quantile loss."""
    d = y_true - y_pred
    return words.mean(words.where(d > 0, tau, 1.0 - tau) * abs(d))


@lossary.loss(name="tests_in_numpy")
def in_numpy(y_true: Any, y_pred: Any, *, scale: float = 2.0) -> Any:
    d = np.abs(y_pred - y_true)
    return np.mean(np.where(d < scale, np.square(d), np.maximum(d, 1.0) + np.sqrt(d) - np.log1p(np.exp(-d))), axis=-1)


@lossary.loss(name="tests_counting", target=NonNegative(), prediction=NonNegative())
def counting(y_true: Any, y_pred: Any) -> Any:
    return words.sum(y_pred) - words.sum(words.xlogy(y_true, y_pred))


def pinball_by_hand(y_true: Any, y_pred: Any, tau: float) -> Any:
    d = y_true - y_pred
    return np.mean(np.where(d > 0, tau * d, (tau - 1) * d), axis=-1)


def in_numpy_by_hand(y_true: Any, y_pred: Any, scale: float) -> Any:
    d = np.abs(np.float64(y_pred) - y_true)
    return np.mean(np.where(d < scale, d * d, np.maximum(d, 1) + np.sqrt(d) - np.log1p(np.exp(-d))), -1)


@pytest.fixture(params=EAGER)
def array(request: pytest.FixtureRequest) -> Maker:
    return EAGER[request.param]


@pytest.mark.parametrize(
    ("loss", "by_hand", "number"),
    [(pinball, pinball_by_hand, {"tau": 0.3}), (in_numpy, in_numpy_by_hand, {"scale": 2.0})],
    ids=["words", "numpy"],
)
def test_on_every_framework(loss: Any, by_hand: Any, number: dict[str, float], array: Maker) -> None:
    expected = by_hand(Y_TRUE, Y_PRED, *number.values())
    np.testing.assert_allclose(np.asarray(loss(array(Y_TRUE), array(Y_PRED))), expected, rtol=1e-6)
    other = dict.fromkeys(number, 0.8)
    np.testing.assert_allclose(
        np.asarray(loss(array(Y_TRUE), array(Y_PRED), **other)), by_hand(Y_TRUE, Y_PRED, 0.8), rtol=1e-6
    )
    value, gradient = lossary.value_and_grad(loss)(array(Y_TRUE), array(Y_PRED))
    np.testing.assert_allclose(np.asarray(value), expected.mean(), rtol=1e-6)
    slope = central_difference(lambda p: by_hand(Y_TRUE, p, *number.values()), Y_PRED.astype("float64")) / 2
    np.testing.assert_allclose(np.asarray(gradient), slope, rtol=1e-4, atol=1e-6)


def test_symbolically() -> None:
    true, pred = pt.fmatrix(), pt.fmatrix()
    value = pinball(true, pred, tau=0.25)
    run = pytensor.function([true, pred], [value, pytensor.grad(value.sum(), pred)], mode="FAST_COMPILE")
    got, slope = run(Y_TRUE, Y_PRED)
    np.testing.assert_allclose(got, pinball_by_hand(Y_TRUE, Y_PRED, 0.25), rtol=1e-6)
    np.testing.assert_allclose(slope, np.where(Y_TRUE > Y_PRED, -0.25, 0.75) / 3, rtol=1e-6)


def test_gradients_of_numbers() -> None:
    # d/dtau of the pinball loss is the mean of y_true - y_pred.
    slope = jax.grad(lambda tau: pinball(jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED), tau=tau).sum())(0.3)
    assert float(slope) == pytest.approx((Y_TRUE - Y_PRED).mean(-1).sum(), rel=1e-5)
    tau = torch.tensor(0.3, requires_grad=True)
    pinball(torch.tensor(Y_TRUE), torch.tensor(Y_PRED), tau=tau).sum().backward()
    assert tau.grad is not None
    assert tau.grad.item() == pytest.approx((Y_TRUE - Y_PRED).mean(-1).sum(), rel=1e-5)


def test_everything_a_built_in_has() -> None:
    assert "tests_pinball" in lossary.names()
    loss = lossary.get("TestsPinball", tau=0.1, reduction="sum")
    assert loss == lossary.get("tests_pinball", tau=0.1, reduction="sum") == pinball.cls(tau=0.1, reduction="sum")
    assert lossary.get(loss.get_config()) == copy.deepcopy(loss) == pickle.loads(pickle.dumps(loss)) == loss
    assert pickle.loads(pickle.dumps(pinball)) is pinball
    assert pinball.__name__ == "tests_pinball"
    assert "Quantile loss." in (pinball.__doc__ or "")
    with pytest.raises(lossary.ParameterError, match=r"tests_pinball: tau is 2.0; accepted is a number in \[0, 1\]"):
        pinball(Y_TRUE, Y_PRED, tau=2.0)
    with pytest.raises(lossary.DomainError, match=r"tests_counting: y_true\[1, 1\] is -1; accepted are numbers >= 0"):
        counting(Y_TRUE, np.abs(Y_PRED))
    masked = loss(Y_TRUE, np.where([[True], [False]], Y_PRED, np.nan), where=[True, False])
    assert masked == pytest.approx(pinball_by_hand(Y_TRUE, Y_PRED, 0.1)[0], rel=1e-6)


def test_derivative_with_respect_to_an_exponent() -> None:
    @lossary.loss(name="tests_power")
    def power(y_true: Any, y_pred: Any, *, k: float = 3.0) -> Any:
        return words.mean(abs(y_pred - y_true) ** k)

    d = np.abs(Y_PRED - Y_TRUE)
    slope = jax.grad(lambda k: power(jnp.asarray(Y_TRUE), jnp.asarray(Y_PRED), k=k).sum())(3.0)
    assert float(slope) == pytest.approx((d**3 * np.log(d)).mean(-1).sum(), rel=1e-5)


def test_numbers_choose_branches_and_infinities_stay() -> None:
    @lossary.loss(name="tests_choice")
    def choice(y_true: Any, y_pred: Any, *, alpha: float = 0.5, squared: bool = False) -> Any:
        d = y_pred - y_true
        d = words.square(d) if squared else abs(d)
        return words.mean(words.where(alpha > 0.2, d, 0.0) + words.where(y_true > 100.0, math.inf, 0.0))

    np.testing.assert_allclose(choice(Y_TRUE, Y_PRED), np.abs(Y_PRED - Y_TRUE).mean(-1), rtol=1e-6)
    np.testing.assert_allclose(choice(Y_TRUE, Y_PRED, squared=True), ((Y_PRED - Y_TRUE) ** 2).mean(-1), rtol=1e-6)
    assert choice(Y_TRUE, Y_PRED, alpha=0.1).tolist() == [0.0, 0.0]
    assert choice(Y_TRUE + 200, Y_PRED).tolist() == [np.inf, np.inf]


def _branch(y_true: Any, y_pred: Any) -> Any:
    return y_pred if y_pred > y_true else y_true


def _index(y_true: Any, y_pred: Any) -> Any:
    return y_pred[..., 0] - y_true[..., 0]


def _loop(y_true: Any, y_pred: Any) -> Any:
    return sum(p - t for p, t in zip(y_pred, y_true, strict=True))


def _number(y_true: Any, y_pred: Any) -> Any:
    return math.exp(y_pred) - y_true


def _method(y_true: Any, y_pred: Any) -> Any:
    return (y_pred - y_true).mean(-1)


def _unknown(y_true: Any, y_pred: Any) -> Any:
    return np.arcsinh(y_pred - y_true)


def _wrong_axis(y_true: Any, y_pred: Any) -> Any:
    return np.mean(y_pred - y_true, axis=0)


def _framework(y_true: Any, y_pred: Any) -> Any:
    return torch.abs(y_pred - y_true)


def _nothing(y_true: Any, y_pred: Any) -> None:
    return None


def _length(y_true: Any, y_pred: Any) -> Any:
    return words.sum(y_pred - y_true) / len(y_pred)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (_branch, r"branches on array values with Python's if.*lossary\.words\.where\(condition, a, b\)"),
        (_index, r"loops over or unpacks an array.*lossary\.words"),
        (_loop, r"loops over or unpacks an array.*lossary\.words"),
        (_length, r"loops over or unpacks an array.*lossary\.words"),
        (_number, r"turns an array into numbers.*lossary\.words"),
        (_method, r"stopped with AttributeError.*write mean\(x\) for x\.mean\(\)"),
        (_unknown, r"calls np\.arcsinh.*help\(lossary\.words\)"),
        (_wrong_axis, r"calls np\.mean.*reductions are over the last axis"),
        (_framework, r"stopped with TypeError.*lossary\.words"),
        (_nothing, r"the formula returned None"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_formulas_outside_the_vocabulary(formula: Any, text: str) -> None:
    loss = lossary.loss(name="tests_bad")(formula)
    with pytest.raises(lossary.TraceError, match="tests_bad: .*" + text):
        loss(Y_TRUE, Y_PRED)


def test_words_on_arrays_say_what_to_do() -> None:
    with pytest.raises(lossary.TraceError, match=r"decorate the function that uses it with @lossary\.loss"):
        lossary.words.mean(np.ones((2, 3)))  # type: ignore[arg-type]


def test_parameters_may_be_called_like_words() -> None:
    @lossary.loss(name="tests_named_like_words")
    def formula(y_true: Any, y_pred: Any, *, power: float = 3.0, v0: float = 1.0) -> Any:
        return lossary.words.mean(v0 * abs(y_pred - y_true) ** power)

    value, slope = lossary.value_and_grad(formula.cls(v0=2.0))(np.array([[0.0, 1.0]]), np.array([[2.0, 1.0]]))
    assert value == 8.0  # 2 * (2**3 + 0) / 2
    assert slope.tolist() == [[12.0, 0.0]]  # 2 * 3 * 2**2 / 2


def test_definitions_that_cannot_be_understood() -> None:
    with pytest.raises(lossary.ParameterError, match=r"swapped: a loss starts with \(y_true, y_pred\).*def swapped"):

        @lossary.loss
        def swapped(y_pred: Any, y_true: Any) -> Any:
            return y_pred - y_true

    with pytest.raises(lossary.ParameterError, match=r"further parameters have defaults.*def needs"):

        @lossary.loss
        def needs(y_true: Any, y_pred: Any, scale: float) -> Any:
            return scale * (y_pred - y_true)

    with pytest.raises(lossary.ParameterError, match=r"the name 'mse' belongs to the loss mean_squared_error"):
        lossary.loss(name="mse")(lambda y_true, y_pred: y_pred)
    lossary.loss(name="tests_owner")(lambda y_true, y_pred: y_pred - y_true)
    with pytest.raises(lossary.ParameterError, match="the name 'TestsOwner' belongs to the loss tests_owner"):
        lossary.loss(name="tests_other", class_name="TestsOwner")(lambda y_true, y_pred: y_pred - y_true)
    with pytest.raises(lossary.TraceError, match="outside a formula"):
        words.exp(1.0)


def test_a_custom_loss_can_be_defined_again() -> None:
    for factor in (1.0, 3.0):

        @lossary.loss(name="tests_again")
        def again(y_true: Any, y_pred: Any, factor: float = factor) -> Any:
            return words.mean(factor * abs(y_pred - y_true))

        np.testing.assert_allclose(
            function("tests_again")(Y_TRUE, Y_PRED), factor * abs(Y_PRED - Y_TRUE).mean(-1), 1e-6
        )


# --- plain functions ----------------------------------------------------------------------------------------------


def plain_for(framework: str) -> Callable[[Any, Any], Any]:
    mean = tf.reduce_mean if framework == "tensorflow" else lambda x, axis: x.mean(axis)
    return lambda y_true, y_pred: mean(abs(y_pred - y_true), -1)


@pytest.fixture(params=EAGER)
def plain(request: pytest.FixtureRequest) -> tuple[Any, Maker]:
    return lossary.get(plain_for(request.param)), EAGER[request.param]


def test_plain_functions_with_weights_and_masks(plain: tuple[Any, Maker]) -> None:
    loss, array = plain
    expected = np.abs(Y_PRED - Y_TRUE).mean(-1)
    inputs = array(Y_TRUE), array(Y_PRED)
    assert float(loss(*inputs)) == pytest.approx(expected.mean(), rel=1e-6)
    assert float(loss(*inputs, sample_weight=[1, 3])) == pytest.approx((expected * [1, 3]).mean(), rel=1e-6)
    dirty = np.where([[True], [False]], Y_PRED, np.nan)
    assert float(loss(inputs[0], array(dirty), where=[True, False])) == pytest.approx(expected[0], rel=1e-6)
    summed = lossary.get(loss, reduction="sum")
    assert float(summed(*inputs)) == pytest.approx(expected.sum(), rel=1e-6)
    assert "float32" in str(loss(Y_TRUE.tolist(), inputs[1]).dtype)


def test_plain_functions_see_equal_ranks(plain: tuple[Any, Maker]) -> None:
    loss, array = plain
    for true, pred in ((Y_TRUE[0], Y_PRED[0][:, None]), (Y_TRUE[0][:, None], Y_PRED[0])):
        assert float(loss(array(true), array(pred))) == pytest.approx(np.abs(Y_PRED[0] - Y_TRUE[0]).mean(), rel=1e-6)


def test_plain_functions_are_differentiated() -> None:
    for name, array in EAGER.items():
        function = (lambda t, p: np.mean(np.abs(p - t), axis=-1)) if name == "numpy" else plain_for(name)
        value, gradient = lossary.value_and_grad(function)(array(Y_TRUE), array(Y_PRED), sample_weight=[1, 3])
        expected = np.sign(Y_PRED - Y_TRUE) / 6 * [[1], [3]]
        np.testing.assert_allclose(np.asarray(gradient), expected, rtol=1e-6)
        assert float(value) == pytest.approx((np.abs(Y_PRED - Y_TRUE).mean(-1) * [1, 3]).mean(), rel=1e-6)
    true, pred = pt.fmatrix(), pt.fmatrix()
    value, gradient = lossary.value_and_grad(lambda t, p: abs(p - t).mean(-1))(true, pred)
    run = pytensor.function([true, pred], [value, gradient], mode="FAST_COMPILE")
    np.testing.assert_allclose(run(Y_TRUE, Y_PRED)[1], np.sign(Y_PRED - Y_TRUE) / 6, rtol=1e-6)


def test_plain_functions_are_checked() -> None:
    loss = lossary.get(plain_for("numpy"))
    with pytest.raises(lossary.DomainError, match=r"custom_loss: y_true\[0, 0\] is nan"):
        loss(Y_TRUE * np.nan, Y_PRED)
    with pytest.raises(lossary.DTypeError, match=r"custom_loss: y_true .* dtype str"):
        loss(["a"], Y_PRED)
    with pytest.raises(lossary.DomainError, match=r"custom_loss: sample_weight\[0\] is -inf"):
        loss(Y_TRUE, Y_PRED, sample_weight=[-np.inf, 1])
    with pytest.raises(lossary.BackendError, match="custom_loss"):
        loss(jnp.asarray(Y_TRUE), torch.tensor(Y_PRED))
    with pytest.raises(
        lossary.ShapeError, match=r"custom_loss: the function returned shape \(3,\).*one value per data"
    ):
        lossary.get(lambda t, p: abs(t - p).mean(0))(Y_TRUE, Y_PRED)
    with pytest.raises(lossary.DTypeError, match=r"custom_loss: the function returned NoneType.*ends in a return"):
        lossary.get(lambda t, p: None)(Y_TRUE, Y_PRED)
    with pytest.raises(lossary.ParameterError, match=r"custom_loss: a plain function has no name.*@lossary\.loss"):
        loss.get_config()


def _module_level(y_true: Any, y_pred: Any) -> Any:
    return abs(y_true - y_pred).mean(-1)


def test_plain_functions_are_copied_and_pickled() -> None:
    loss = lossary.get(_module_level, reduction="sum")
    assert copy.deepcopy(loss) == pickle.loads(pickle.dumps(loss)) == loss
    assert loss != lossary.get(_module_level)
    assert loss.record.name == "_module_level"


def test_plain_function_without_reduction_gives_a_slope_for_each_value() -> None:
    import torch

    loss = lossary.get(lambda t, p: ((p - t) ** 2).mean(-1), reduction="none")
    y_true, y_pred = torch.zeros(2, 2), torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    value, gradient = loss.value_and_grad(y_true, y_pred)
    assert value.tolist() == [2.5, 4.5]
    assert gradient.tolist() == [[1.0, 2.0], [3.0, 0.0]]
