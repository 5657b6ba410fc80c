"""Losses that compare whole rows that are distributions."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Interval, Probabilities
from ..facts.record import Case
from ..objects.define import loss
from ..words import guard, log1p, maximum, minimum, sum, where

# A target below this adds nothing, and its inverse may be infinite.
_LEAST = 1e-37


# A quotient beyond 2**60 is divided by 2**24 before its logarithm is taken: float32 holds none beyond 2**128.
_FAR, _NEARER = 2.0**60, 2.0**24


def _clipped(row: Any, epsilon: Any) -> Any:
    return minimum(1.0, guard(row, epsilon))


def _divergence_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    y_true = _clipped(y_true, epsilon)
    return -(y_true / where(y_true == 0.0, 1.0, _clipped(y_pred, epsilon)))


@loss(
    class_name="KLDivergence",
    aliases=("kullback_leibler_divergence", "KLD", "kld"),
    target=Probabilities(),
    prediction=Probabilities(),
    parameters={"epsilon": Interval("Both arguments are clipped to [epsilon, 1]", 0.0, 0.5)},
    slope=_divergence_slope,
    definition="sum(y_true * log(y_true / y_pred))",
    source="S. Kullback, R. A. Leibler, On information and sufficiency (1951), eq. 2.4",
    peers={
        "keras.losses.KLDivergence": "",
        "torch.nn.KLDivLoss": "Loss()   # y_pred = log_probabilities.exp(); the mean is batchmean",
        "torch.nn.functional.kl_div": "Loss()   # y_pred = log_probabilities.exp(); the mean is batchmean",
        "optax.kl_divergence": "Loss()   # of probabilities: y_pred = jnp.exp(log_probabilities)",
        "optax.kl_divergence_with_log_targets": "Loss()   # of probabilities: the exponentials of both",
    },
    cases=(
        Case([[0.5, 0.5]], [[0.25, 0.75]], (math.log(2.0) - 0.5 * math.log(3.0),), "1/2 log 2 + 1/2 log(2/3)"),
        Case([[1.0, 0.0]], [[0.5, 0.5]], (math.log(2.0),), "1 log 2 + 0 log 0", {"epsilon": 0.0}),
        Case([[1.0, 0.0]], [[2.0**-70, 1.0]], (70.0 * math.log(2.0),), "1 log 2^70 + 0 log 0", {"epsilon": 0.0}),
    ),
)
def kl_divergence(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Kullback-Leibler divergence of predicted from true distributions, for soft targets such as a teacher's.

    Its minimum is 0, where the two agree; otherwise it is `categorical_crossentropy` less the entropy of the targets.
    The last layer should be a softmax.  With ``epsilon=0.0`` it is the plain definition, with 0 log 0 = 0.  Where
    ``y_pred`` is clipped the slope is the slope at the boundary.  The slope in ``y_true`` falls without bound towards a
    target of 0; below 1e-37 it stays near ``log(1e-37 / y_pred)``.

    >>> import lossary
    >>> print(lossary.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).round(4))
    [0.1438]
    """
    y_true, y_pred = _clipped(y_true, epsilon), _clipped(y_pred, epsilon)
    # As one logarithm of 1 plus the relative gap to the smaller of the two, nothing cancels.
    below = y_true <= y_pred
    gap = where(below, y_pred - y_true, y_true - y_pred)
    smaller = where(below, maximum(y_true, _LEAST), y_pred)
    far = gap > _FAR * smaller
    ratio = log1p(gap / where(far, _NEARER * smaller, smaller)) + where(far, math.log(_NEARER), 0.0)
    return sum(where(below, -(y_true * ratio), y_true * ratio))
