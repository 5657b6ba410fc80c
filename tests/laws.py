"""Laws that every loss obeys, as functions of a loss object and a backend; each raises AssertionError when broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import inputs
from everywhere import computed, run
from lossary.backends import by_name
from lossary.facts.record import Record
from lossary.objects.define import Loss

ROWS, WIDTH = 12, 5
Law = Callable[[Loss, str], None]


def draw(loss: Loss, seed: int = 0, rows: int = ROWS) -> tuple[Any, Any]:
    """Targets and predictions from the declared domains, in float64."""
    return inputs.arguments(loss.record, np.random.default_rng(seed), (rows, WIDTH), loss.parameters)


def evaluate(loss: Loss, backend: str, y_true: Any, y_pred: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Value and gradient on a backend, as NumPy arrays."""
    own = by_name(backend)
    arrays = [own.asarray(np.asarray(x)) for x in (y_true, y_pred)]
    extra = {name: own.asarray(np.asarray(x)) for name, x in kwargs.items()}
    value, gradient = loss.value_and_grad(*arrays, **extra)
    if backend == "pytensor":
        return tuple(computed([value, gradient]))
    return np.asarray(value), np.asarray(gradient)


def agrees_with_numpy(loss: Loss, backend: str) -> None:
    """One program gives what the laws look at: values, weights, masks, gradients and single precision, as on NumPy.

    What agrees with NumPy obeys the laws that NumPy's answers obey, for the price of one compilation.
    """
    y_true, y_pred = draw(loss, 12)
    rng = np.random.default_rng(13)
    keep, weights = rng.random(ROWS) < 0.6, rng.uniform(0.1, 2.0, ROWS)
    single = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in (y_true, y_pred)]
    arrays = (y_true, np.where(keep[:, None], y_pred, np.nan), weights, keep, *single)

    def program(t: Any, spoiled: Any, w: Any, kept: Any, small_t: Any, small_p: Any) -> list[Any]:
        masked = loss.value_and_grad(t, spoiled, sample_weight=w, where=kept)
        return [*masked, *unreduced(loss).value_and_grad(small_t, small_p)]

    got = run(backend, program, *arrays)
    for number, (mine, wanted) in enumerate(zip(got, program(*arrays), strict=True)):
        exact = number < 2  # Those of the first call are in double precision.
        assert mine.dtype == wanted.dtype == (np.float64 if exact else np.float32)
        tolerance = {"rtol": 1e-10, "atol": 1e-14} if exact else {"rtol": 3e-5, "atol": 1e-6}
        np.testing.assert_allclose(mine, wanted, **tolerance, err_msg=f"answer {number}")
    assert np.all(got[1][~keep] == 0)


def unreduced(loss: Loss) -> Loss:
    """The same loss with one value per data point."""
    return type(loss)(**{**loss.parameters, "reduction": "none"})


def finite_differences(loss: Loss, backend: str) -> None:
    """The gradient is the slope of the value."""
    y_true, y_pred = draw(loss, 1, rows=3)
    _, gradient = evaluate(loss, backend, y_true, y_pred)
    step = 1e-6
    for index in np.ndindex(*y_pred.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = y_pred.copy()
            moved[index] += sign * step
            ends.append(float(evaluate(loss, "numpy", y_true, moved)[0]))
        np.testing.assert_allclose(gradient[index], (ends[0] - ends[1]) / (2 * step), rtol=2e-4, atol=1e-8)


def truth(record: Record, y_true: Any, parameters: dict[str, Any]) -> Any:
    """The prediction that the loss should like best."""
    if record.best is not None:
        best = np.asarray(record.best(y_true), float)
        return 60.0 * best - 30.0 if parameters.get("from_logits") else best
    if record.labels_are_integers:
        y_true = np.eye(WIDTH)[y_true]
    if record.prediction.name == "LogProbabilities":
        return 30.0 * (y_true - 1.0)
    if parameters.get("from_logits") and record.target.name == "Probabilities":
        return np.log(np.maximum(y_true, 1e-30))
    of_classes = record.target.name in ("Bits", "OneHot", "Classes")
    if parameters.get("from_logits") or (record.prediction.name == "Real" and of_classes):
        return 60.0 * y_true - 30.0
    return 30.0 * y_true if record.target.name == "Signs" else y_true


def minimum_at_the_truth(loss: Loss, backend: str) -> None:
    """No prediction is better than the truth, and ordinary ones are worse."""
    y_true, y_pred = draw(loss, 2)
    best, _ = evaluate(unreduced(loss), backend, y_true, truth(loss.record, y_true, loss.parameters))
    other, _ = evaluate(unreduced(loss), backend, y_true, y_pred)
    assert np.all(best <= other + 1e-9)
    assert np.any(best < other - 1e-3)


def weights_scale(loss: Loss, backend: str) -> None:
    """Twice the weight is twice the loss; a weighted sum is the sum of weighted values."""
    y_true, y_pred = draw(loss, 3)
    weights = np.random.default_rng(4).uniform(0.1, 2.0, ROWS)
    one, slope_one = evaluate(loss, backend, y_true, y_pred, sample_weight=weights)
    two, slope_two = evaluate(loss, backend, y_true, y_pred, sample_weight=2.0 * weights)
    np.testing.assert_allclose(two, 2.0 * one, rtol=1e-12)
    np.testing.assert_allclose(slope_two, 2.0 * slope_one, rtol=1e-12)
    values, _ = evaluate(unreduced(loss), backend, y_true, y_pred)
    np.testing.assert_allclose(one, np.mean(values * weights), rtol=1e-12)


def mask_is_removal(loss: Loss, backend: str) -> None:
    """A masked data point, whatever it holds, is as if it were not there."""
    y_true, y_pred = draw(loss, 5)
    keep = np.random.default_rng(6).random(ROWS) < 0.6
    spoiled = np.where(keep[:, None], y_pred, np.nan)
    value, gradient = evaluate(loss, backend, y_true, spoiled, where=keep)
    wanted, slope = evaluate(loss, backend, y_true[keep], y_pred[keep])
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient[keep], slope, rtol=1e-12)
    assert np.all(gradient[~keep] == 0)


def permutation(loss: Loss, backend: str) -> None:
    """The order of data points, and of outputs, does not matter."""
    y_true, y_pred = draw(loss, 7)
    rng = np.random.default_rng(8)
    rows, columns = rng.permutation(ROWS), rng.permutation(WIDTH)
    value, gradient = evaluate(loss, backend, y_true, y_pred)
    again, slope = evaluate(loss, backend, y_true[rows], y_pred[rows])
    np.testing.assert_allclose(again, value, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient[rows], rtol=1e-12)
    moved = np.argsort(columns)[y_true] if loss.record.labels_are_integers else y_true[:, columns]
    again, slope = evaluate(loss, backend, moved, y_pred[:, columns])
    np.testing.assert_allclose(again, value, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient[:, columns], rtol=1e-9, atol=1e-15)


def gradient_of_a_row_ignores_other_rows(loss: Loss, backend: str) -> None:
    """Rows are independent: a batch of one gives the same slope, up to the denominator."""
    y_true, y_pred = draw(loss, 9)
    _, gradient = evaluate(loss, backend, y_true, y_pred)
    _, alone = evaluate(loss, backend, y_true[:1], y_pred[:1])
    np.testing.assert_allclose(alone / ROWS, gradient[:1], rtol=1e-12)


def float32_agrees_with_float64(loss: Loss, backend: str) -> None:
    """Single precision gives the digits it has, in the dtype of the prediction."""
    y_true, y_pred = draw(loss, 10)
    if not loss.record.labels_are_integers:
        y_true = y_true.astype(np.float32)
    y_pred = y_pred.astype(np.float32)
    single, slope = evaluate(loss, backend, y_true, y_pred)
    double, wanted = evaluate(loss, "numpy", y_true.astype(np.float64), y_pred.astype(np.float64))
    assert single.dtype == slope.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=3e-6)
    np.testing.assert_allclose(slope, wanted, rtol=3e-5, atol=1e-7)


LAWS: tuple[Law, ...] = (
    finite_differences,
    minimum_at_the_truth,
    weights_scale,
    mask_is_removal,
    permutation,
    gradient_of_a_row_ignores_other_rows,
    float32_agrees_with_float64,
)
