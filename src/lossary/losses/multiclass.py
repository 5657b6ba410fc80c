"""Losses for one class among several."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Classes, LogProbabilities, OneHot, Probabilities
from ..facts.record import Case
from ..facts.settings import Flag
from ..facts.shared import IGNORED
from ..objects.define import loss
from ..words import (
    exp,
    indicator,
    is_label,
    is_off,
    log1p,
    sum,
    take,
    weighted,
    where,
)
from ._clipped import CLIP
from ._smoothing import SMOOTHING, smoothed_slope
from ._softmax import odds, shares, smoothed, surprise

_FROM_LOGITS = Flag("Whether y_pred holds raw scores (no softmax in the last layer)")


def _categorical_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, *, epsilon: Any = 1e-7
) -> Any:
    return smoothed_slope(y_true, y_pred, label_smoothing, from_logits, epsilon)


@loss(
    aliases=("softmax_cross_entropy", "categorical_cross_entropy", "CCE", "cce"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "label_smoothing": SMOOTHING,
        "epsilon": CLIP,
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
    y_true, whole_true = smoothed(y_true, y_pred, label_smoothing)
    if from_logits:
        _, lag, _, rest = odds(y_pred)
        return whole_true * log1p(rest) - sum(weighted(y_true, lag))
    return sum(weighted(y_true, surprise(y_pred, epsilon)))


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
        first, lag, against, rest = odds(y_pred)
        share = where(first, 1.0, against) / (1.0 + rest)
        missed = where(first & hit, -(rest / (1.0 + rest)), share - indicator(hit))
        return missed + 0.0 * exp(take(lag, y_true))  # NaN for a label that names no class.
    first, _, others, total, share = shares(y_pred)
    own = take(share, y_true)
    clipped = own < epsilon
    at = where(clipped, epsilon, own)
    toward = where(first, -(others / total) / at, (own - 1.0) / at)
    # A label that names no class has no share, neither below nor above the clip.
    return where(hit, toward, where(own >= epsilon, 1.0, own / at)) / total


@loss(
    aliases=("sparse_softmax_cross_entropy", "sparse_categorical_cross_entropy", "SCCE", "scce"),
    target=Classes(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "ignore_class": IGNORED,
        "label_smoothing": SMOOTHING,
        "epsilon": CLIP,
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
        "catboost.MultiClass": "Loss(from_logits=True)",
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
        _, lag, _, rest = odds(y_pred)
        return log1p(rest) - take(lag, y_true)
    return take(surprise(y_pred, epsilon), y_true)


@loss(
    target=Classes(),
    prediction=LogProbabilities(),
    parameters={"ignore_class": IGNORED},
    definition="-y_pred[y_true]",
    source="R. A. Fisher, On the mathematical foundations of theoretical statistics (1922), sec. 6",
    peers={
        "torch.nn.NLLLoss": "",
        "torch.nn.AdaptiveLogSoftmaxWithLoss": "Loss()   # of its log_prob(hidden); lossary.torch has the layer",
        "torch.nn.functional.nll_loss": "",
    },
    cases=(
        Case([1], [[math.log(0.25), math.log(0.75)]], (math.log(4.0 / 3.0),), "-log(3/4)"),
        Case([-1, 0], [[-1.0, -2.0], [-1.0, -2.0]], (0.0, 1.0), "left out; 1", {"ignore_class": -1}),
    ),
)
def negative_log_likelihood(y_true: Any, y_pred: Any, ignore_class: int | None = None) -> Any:
    """Negative log-likelihood of one class among several, for integer labels and logarithms of probabilities.

    The last layer is a log_softmax.  Raw scores and probabilities give numbers too that mean nothing: for those there
    is `sparse_categorical_crossentropy`, with ``from_logits=True`` and without.  PyTorch's loss of this name has the
    classes along axis 1.

    >>> import lossary
    >>> print(lossary.negative_log_likelihood([1], [[-1.5, -0.25]]))
    [0.25]
    """
    return -take(y_pred, y_true)
