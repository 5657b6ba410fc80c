"""Losses for two classes, one output each."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Bits, Flag, Interval, Unit
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, count, exp, log, log1p, maximum, mean, minimum, weighted, where


def _smoothed(y_true: Any, label_smoothing: Any) -> Any:
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


def _binary_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, *, epsilon: Any = 1e-7
) -> Any:
    y_true = _smoothed(y_true, label_smoothing)
    other = 1.0 - y_true
    if from_logits:
        # sigmoid(y_pred) - y_true without a difference of numbers close to 1: exp(-|z|) is the odds of the loser.
        leads = y_pred > 0.0
        odds = exp(where(leads, -y_pred, y_pred))
        return where(leads, other - y_true * odds, other * odds - y_true) / (1.0 + odds) / count(y_pred)
    # (1 - t)/(1 - p) - t/p over one denominator: (p - t)/(p (1 - p)), a difference that is exact where it is small,
    # and two terms for what a clip adds to p or 1 - p.
    yes, no = maximum(y_pred, epsilon), maximum(1.0 - y_pred, epsilon)
    gap = (yes - y_true) - y_true * ((yes - y_pred) + (no - (1.0 - y_pred)))
    product = yes * no
    certain = (product == 0.0) & (gap == 0.0)
    return where(certain, other - y_true, gap) / where(certain, 1.0, product) / count(y_pred)


@loss(
    aliases=("BCE", "bce", "binary_cross_entropy"),
    target=Bits(),
    prediction=Unit(),
    parameters={
        "from_logits": Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)"),
        "label_smoothing": Interval("Share s of each target replaced by 1/2: y (1 - s) + s/2", 0.0, 1.0),
        "epsilon": Interval("Probabilities are clipped to [epsilon, 1 - epsilon]; unused from logits", 0.0, 0.5),
    },
    slope=_binary_slope,
    definition="mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))",
    source="I. J. Good, Rational decisions (1952); negative log-likelihood of Bernoulli trials",
    peers={
        "keras.losses.BinaryCrossentropy": "",
        "torch.nn.BCELoss": "Loss()",
        "torch.nn.functional.binary_cross_entropy": "",
        "torch.nn.BCEWithLogitsLoss": "Loss(from_logits=True)",
        "torch.nn.functional.binary_cross_entropy_with_logits": "Loss(from_logits=True)",
        "optax.sigmoid_binary_cross_entropy": "Loss(from_logits=True)",
        "tensorflow.compat.v1.losses.sigmoid_cross_entropy": "Loss(from_logits=True)",
        "tensorflow.nn.sigmoid_cross_entropy_with_logits": "Loss(from_logits=True)",
        "sklearn.HalfBinomialLoss": "Loss(from_logits=True)",
        "sklearn.metrics.log_loss": "Loss(epsilon=0.0)   # of integer labels: SparseCategoricalCrossentropy",
        "sklearn.SGDClassifier.log_loss": "Loss(from_logits=True)   # of 0/1",
        "xgboost.reg:logistic": "Loss(from_logits=True)",
        "xgboost.binary:logistic": "Loss(from_logits=True)",
        "xgboost.binary:logitraw": "Loss(from_logits=True)",
        "lightgbm.binary": "Loss(from_logits=True)",
        "lightgbm.cross_entropy": "Loss(from_logits=True)",
        "lightgbm.xentropy": "Loss(from_logits=True)",
        "lightgbm.binary_logloss": "Loss()",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.5, 0.75]], (1.5 * math.log(2.0),), "(log 2 + log 4)/2"),
        Case([[1.0]], [[0.0]], (math.log(2.0),), "log(1 + e^0)", {"from_logits": True}),
        Case([[1.0]], [[0.25]], (1.5 * math.log(2.0) + 0.25 * math.log(4.0 / 3.0),),
             "3/4 log 4 + 1/4 log(4/3)", {"label_smoothing": 0.5}),
    ),
)  # fmt: skip
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, *, epsilon: float = 1e-7
) -> Any:
    """Negative log-likelihood of yes/no targets, for two classes or several independent ones.

    Behind a sigmoid layer as it is; behind a linear layer with ``from_logits=True``, which is more accurate.  Where a
    probability is clipped the value is the clipped one and the slope is the slope at the boundary, at most
    1/epsilon, so that no gradient dies.

    >>> import lossary
    >>> print(lossary.binary_crossentropy([[1.0, 0.0]], [[0.5, 0.75]]).round(4))
    [1.0397]
    """
    y_true = _smoothed(y_true, label_smoothing)
    if from_logits:
        wrong = where(y_pred > 0.0, 1.0 - y_true, y_true)
        return mean(weighted(wrong, abs(y_pred)) + log1p(exp(-abs(y_pred))))
    # The clip of the probability, made on its logarithm: 1 - epsilon is not a float32.
    yes = minimum(log(maximum(y_pred, epsilon)), log1p(-epsilon))
    no = minimum(maximum(log1p(-minimum(y_pred, 1.0)), log(epsilon)), log1p(-epsilon))
    return -mean(weighted(y_true, yes) + weighted(1.0 - y_true, no))
