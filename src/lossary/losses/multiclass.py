"""Losses for one class among several."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Classes, Flag, Interval, OneHot, Probabilities
from ..facts.record import Case
from ..facts.shared import IGNORED
from ..objects.define import loss
from ..words import (
    count,
    exp,
    first_max,
    indicator,
    is_label,
    is_off,
    lead,
    log,
    log1p,
    maximum,
    minimum,
    sum,
    take,
    weighted,
    where,
)

_FROM_LOGITS = Flag("Whether y_pred holds raw scores (no softmax in the last layer)")
_SMOOTHING = Interval("Share s of each target spread over all C classes: y (1 - s) + s/C", 0.0, 1.0, off=0.0)
_EPSILON = Interval("Probabilities are clipped to [epsilon, 1 - epsilon]; unused from logits", 0.0, 0.5)


def _odds(scores: Any) -> tuple[Any, Any, Any, Any]:
    """The leader, how far each score lies above its (0 or less), every other class's odds against it, and their sum.

    The probability of the leader is 1/(1 + rest).  Nothing is lost when it leads by 100: rest is then e^-100.  Its
    score may be infinite.
    """
    first, lag = first_max(scores), scores - lead(scores)
    odds = where(first, 0.0, exp(lag))
    return first, where(first, 0.0, lag), odds, sum(odds)


def _shares(row: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The leader, its value, the sum of the others, the sum of all, and each element's share of that."""
    first, top = first_max(row), lead(row)
    others = sum(where(first, 0.0, row))
    total = others + top
    total = where(total == 0.0, 1.0, total)
    return first, where(top == 0.0, 1.0, top), others, total, row / total


def _sums(first: Any, row: Any) -> tuple[Any, Any]:
    """The sum of the row, and for each element that of the others, without cancellation at the leader."""
    others, own = sum(where(first, 0.0, row)), sum(where(first, row, 0.0))
    whole = others + own
    return whole, where(first, others, whole - row)


def _surprise(row: Any, epsilon: Any) -> Any:
    """``-log(share)`` clipped to shares in [epsilon, 1 - epsilon], accurate for shares near 1."""
    first, top, others, _, share = _shares(row)
    surprise = where(first, minimum(log1p(others / top), -log(epsilon)), -log(maximum(share, epsilon)))
    return maximum(surprise, -log1p(-epsilon))


def _smoothed(y_true: Any, y_pred: Any, label_smoothing: Any) -> tuple[Any, Any]:
    """The smoothed targets and their sum."""
    if is_off(label_smoothing):
        return y_true, sum(y_true)
    kept = 1.0 - label_smoothing
    return y_true * kept + label_smoothing / count(y_pred), sum(y_true) * kept + label_smoothing


def _categorical_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, *, epsilon: Any = 1e-7
) -> Any:
    y_true, whole_true = _smoothed(y_true, y_pred, label_smoothing)
    if from_logits:
        first, _, odds, rest = _odds(y_pred)
        # softmax - y_true; at the leader 1/(1 + rest) - y over one denominator, so that nothing cancels there.
        missing = sum(where(first, 0.0, y_true))
        whole = 1.0 + rest
        return where(first, (missing - y_true * rest) / whole, whole_true * (odds / whole) - y_true)
    first, _, _, total, share = _shares(y_pred)
    # sum(t) - t/share, with t less where a share is clipped.  As a fraction its numerator is made of the differences of
    # y_pred and t, exact where they are small, and of sums over all other classes, in which nothing cancels.
    clipped = share < epsilon
    per_share = y_true / where(clipped, epsilon, 1.0)
    used = where(clipped, per_share * share, y_true)
    whole, used_by_others = _sums(first, used)
    gap = y_pred - used
    crossed = gap * used_by_others - used * _sums(first, gap)[1]
    certain = (y_pred == 0.0) & (crossed == 0.0)
    toward = where(certain, whole, crossed) / where(certain, 1.0, y_pred)
    return where(clipped, whole - per_share, toward) / total


@loss(
    aliases=("softmax_cross_entropy", "categorical_cross_entropy", "CCE", "cce"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "label_smoothing": _SMOOTHING,
        "epsilon": _EPSILON,
    },
    slope=_categorical_slope,
    definition="-sum(y_true * log(y_pred / sum(y_pred)))",
    source="J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs (1990), eq. 11",
    peers={
        "keras.losses.CategoricalCrossentropy": "",
        "optax.softmax_cross_entropy": "Loss(from_logits=True)",
        "optax.safe_softmax_cross_entropy": "Loss(from_logits=True)",
        "tensorflow.nn.softmax_cross_entropy_with_logits": "Loss(from_logits=True)",
    },
    cases=(
        Case([[0.0, 1.0, 0.0]], [[0.25, 0.5, 0.25]], (math.log(2.0),), "-log(1/2)"),
        Case([[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]], (math.log(3.0),), "-log(1/3)", {"from_logits": True}),
        Case([[1.0, 0.0]], [[0.25, 0.75]], (1.75 * math.log(2.0) - 0.25 * math.log(1.5),),
             "3/4 log 4 + 1/4 log(4/3) = 3/2 log 2 + 1/2 log 2 - 1/4 log 3", {"label_smoothing": 0.5}),
    ),
)  # fmt: skip
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, *, epsilon: float = 1e-7
) -> Any:
    """Negative log-likelihood of one class among several, for one-hot or soft targets.

    Behind a softmax layer as it is; behind a linear layer with ``from_logits=True``, which is more accurate.
    Predictions are divided by the sum of their row.  For integer labels use `sparse_categorical_crossentropy`, for
    several classes at once `binary_crossentropy`.  Where a probability is clipped the value is the clipped one and
    the slope is the slope at the boundary, at most 1/epsilon, so that no gradient dies.

    >>> import lossary
    >>> print(lossary.categorical_crossentropy([[0.0, 1.0, 0.0]], [[0.25, 0.5, 0.25]]).round(4))
    [0.6931]
    """
    return _crossentropy(y_true, y_pred, from_logits, label_smoothing, epsilon)


def _crossentropy(y_true: Any, y_pred: Any, from_logits: bool, label_smoothing: Any, epsilon: Any) -> Any:
    y_true, whole_true = _smoothed(y_true, y_pred, label_smoothing)
    if from_logits:
        _, lag, _, rest = _odds(y_pred)
        return whole_true * log1p(rest) - sum(weighted(y_true, lag))
    return sum(weighted(y_true, _surprise(y_pred, epsilon)))


def _one_hot(label: Any, like: Any) -> Any:
    """The row of an integer label; NaN for one that names no class."""
    row = indicator(is_label(label, like))
    return row * take(row, label)


def _sparse_slope(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    *,
    label_smoothing: Any = 0.0,
    epsilon: Any = 1e-7,
) -> Any:
    if not is_off(label_smoothing):
        return _categorical_slope(_one_hot(y_true, y_pred), y_pred, from_logits, label_smoothing, epsilon=epsilon)
    hit = is_label(y_true, y_pred)
    if from_logits:
        first, lag, odds, rest = _odds(y_pred)
        share = where(first, 1.0, odds) / (1.0 + rest)
        missed = where(first & hit, -(rest / (1.0 + rest)), share - indicator(hit))
        return missed + 0.0 * exp(take(lag, y_true))  # NaN for a label that names no class.
    first, _, others, total, share = _shares(y_pred)
    own = take(share, y_true)
    toward = where(hit, where(first, -(others / total), own - 1.0), own)
    return toward / maximum(own, epsilon) / total


@loss(
    aliases=("sparse_softmax_cross_entropy", "sparse_categorical_cross_entropy", "SCCE", "scce"),
    target=Classes(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "ignore_class": IGNORED,
        "label_smoothing": _SMOOTHING,
        "epsilon": _EPSILON,
    },
    slope=_sparse_slope,
    definition="-log(y_pred[y_true] / sum(y_pred))",
    source="J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs (1990), eq. 11",
    peers={
        "keras.losses.SparseCategoricalCrossentropy": "",
        "torch.nn.CrossEntropyLoss": "Loss(from_logits=True)   # of rows: CategoricalCrossentropy",
        "torch.nn.functional.cross_entropy": "Loss(from_logits=True)   # of rows: CategoricalCrossentropy",
        "optax.softmax_cross_entropy_with_integer_labels": "Loss(from_logits=True)",
        "tensorflow.nn.sparse_softmax_cross_entropy_with_logits": "Loss(from_logits=True)",
        "sklearn.HalfMultinomialLoss": "Loss(from_logits=True)",
        "sklearn.deviance": "Loss()   # of integer labels and rows of probabilities",
        "xgboost.multi:softmax": "Loss(from_logits=True)",
        "xgboost.multi:softprob": "Loss(from_logits=True)",
        "xgboost.mlogloss": "Loss()",
        "lightgbm.multiclass": "Loss(from_logits=True)",
        "lightgbm.softmax": "Loss(from_logits=True)",
        "lightgbm.multi_logloss": "Loss()",
    },
    cases=(
        Case([1, 0], [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]], (math.log(2.0), math.log(4.0)), "-log(1/2); -log(1/4)"),
        Case([2], [[0.0, 0.0, math.log(2.0)]], (math.log(2.0),), "-log(2/(1 + 1 + 2))", {"from_logits": True}),
        Case(
            [1],
            [[0.75, 0.25]],
            (2.0 * math.log(2.0) - 0.25 * math.log(3.0),),
            "3/4 log 4 + 1/4 log(4/3)",
            {"label_smoothing": 0.5},
        ),
        Case([-1, 1], [[0.5, 0.5], [0.5, 0.5]], (0.0, math.log(2.0)), "left out; -log(1/2)", {"ignore_class": -1}),
    ),
)
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    *,
    label_smoothing: float = 0.0,
    epsilon: float = 1e-7,
) -> Any:
    """Negative log-likelihood of one class among several, for integer labels.

    The value of `categorical_crossentropy` without the memory of one-hot rows.  Behind a softmax layer as it is;
    behind a linear layer with ``from_logits=True``, which is more accurate.  A label outside 0..C-1 is an error where
    values are checked and NaN where they cannot be (under jit); it never wraps around.

    >>> import lossary
    >>> print(lossary.sparse_categorical_crossentropy([1, 0], [[0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]).round(4))
    [0.6931 1.3863]
    """
    if not is_off(label_smoothing):
        return _crossentropy(_one_hot(y_true, y_pred), y_pred, from_logits, label_smoothing, epsilon)
    if from_logits:
        _, lag, _, rest = _odds(y_pred)
        return log1p(rest) - take(lag, y_true)
    return take(_surprise(y_pred, epsilon), y_true)
