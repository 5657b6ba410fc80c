"""Losses of a batch of embeddings and their labels: who is near whom."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Labels, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import detach, exp, log, max, maximum, sigmoid, softplus, sum, where


def _largest(x: Any, chosen: Any) -> Any:
    """The largest of those that are chosen; 0 if there are none."""
    largest = max(where(chosen, x, -math.inf))
    return where(largest == -math.inf, 0.0, largest)


def _log_sum(x: Any, chosen: Any) -> tuple[Any, Any]:
    """The logarithm of the sum of exponentials of those that are chosen, and its slope."""
    largest = _largest(x, chosen)
    # What is not chosen may be so much larger that its exponential has no slope.
    shares = where(chosen, exp(where(chosen, x - largest, 0.0)), 0.0)
    total = sum(shares)
    some = where(total == 0.0, 1.0, total)
    return where(total == 0.0, -math.inf, largest + log(some)), shares / some


def _by_pairs(y_true: Any, y_pred: Any, temperature: Any) -> tuple[Any, Any, Any, Any]:
    """How far each relative is behind all strangers, relatives and their number, and the shares of the strangers."""
    near, far = y_true == 1.0, y_true == 0.0
    nearest = _largest(y_pred, far)
    shares = where(far, exp(where(far, y_pred - nearest, 0.0) / temperature), 0.0)
    total = sum(shares)
    some = where(total == 0.0, 1.0, total)
    behind = where(total == 0.0, -math.inf, (nearest - y_pred) / temperature + log(some))
    return behind, near, maximum(sum(y_true), 1.0), shares / some


def _ntxent_slope(y_true: Any, y_pred: Any, *, temperature: Any = 0.07) -> Any:
    behind, near, relatives, shares = _by_pairs(y_true, y_pred, temperature)
    pull = where(near, sigmoid(behind), 0.0)
    return (shares * sum(pull) - pull) / (relatives * temperature)


@loss(
    class_name="NTXent",
    aliases=("nt_xent", "NTXentLoss", "normalized_temperature_crossentropy", "SimCLRLoss"),
    target=PerRow(Labels()),
    prediction=Real(),
    compared="cosine",
    parameters={"temperature": Interval("What cosines are divided by", 0.0, open_below=True)},
    slope=_ntxent_slope,
    definition="mean over p of log(exp(s[p]) + sum over n of exp(s[n])) - s[p], s = cos(y_pred, y_pred) / temperature, "
    "p: other points with the same label, n: those with another",
    source="K. Sohn, Improved deep metric learning with multi-class N-pair loss (2016); T. Chen et al., A simple "
    "framework for contrastive learning of visual representations (2020), eq. 1",
    peers={
        "optax.losses.ntxent": "Loss()   # where labels are equally frequent; else a mean over pairs there, here with "
        "sample_weight = the number of each one's relatives and reduction='mean_with_sample_weight'",
        "pytorch_metric_learning.losses.NTXentLoss": "Loss()   # with the arguments the other way round",
        "lightly.loss.NTXentLoss": "Loss(temperature=0.5)   # of both views one after the other, labels 0..n-1 twice",
    },
    cases=(
        Case([0, 0, 1], [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]], (math.log1p(math.exp(-1)), math.log1p(math.exp(-1)), 0.0),
             "log(e^1 + e^0) - 1, twice; the third has no relative", {"temperature": 1.0}),
        Case([0, 0, 1, 1], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]],
             (math.log(2 + math.exp(2)), math.log(2 + math.exp(-2)),
              math.log(2 + math.exp(2)), math.log(2 + math.exp(-2))),
             "log(e^0 + e^(1/T) + e^0), log(e^0 + e^0 + e^(-1/T)), and again", {"temperature": 0.5}),
        Case([0, 0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
             ((math.log1p(math.exp(-1)) + math.log(2)) / 2, (math.log1p(math.exp(-1)) + math.log(2)) / 2,
              math.log(1 + math.e), 0.0),
             "the mean of log(e + 1) - 1 and log(1 + 1) - 0, twice; log(1 + e) - 0, twice", {"temperature": 1.0}),
    ),
)  # fmt: skip
def ntxent(y_true: Any, y_pred: Any, *, temperature: float = 0.07) -> Any:
    """How much of an embedding's similarity goes to its relatives: softmax crossentropy of cosines within the batch.

    For contrastive learning, as in SimCLR: ``y_pred`` are the embeddings of a batch (N, D), of any length, and
    ``y_true`` (N,) says which belong together, as the two views of one image do.  Every point is held against all
    others: its value is the mean over its relatives, each beside all strangers; other relatives are not in its
    denominator.  Points without a relative cost 0 and leave the mean.  Points of weight 0 are strangers and relatives
    to others still; those that ``where`` leaves out are not.

    PyTorch Metric Learning and optax take the mean over all pairs of relatives, which is the same where all labels are
    equally frequent.  A larger batch has more strangers, so the values of two batch sizes cannot be compared.

    >>> import lossary
    >>> embeddings = [[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]]
    >>> print(lossary.ntxent([0, 0, 1], embeddings, temperature=1.0).round(4))
    [0.3133 0.3133 0.    ]
    """
    behind, near, relatives, _ = _by_pairs(y_true, y_pred, temperature)
    return sum(where(near, softplus(behind), 0.0)) / relatives


def _circle_terms(
    y_true: Any, y_pred: Any, gamma: Any, margin: Any, constant_weights: bool
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Weights and exponents of relatives and strangers, and who they are."""
    pull, push = maximum(1.0 + margin - y_pred, 0.0), maximum(y_pred + margin, 0.0)
    if constant_weights:
        pull, push = detach(pull), detach(push)
    behind, ahead = gamma * pull * ((1.0 - margin) - y_pred), gamma * push * (y_pred - margin)
    return pull, push, behind, ahead, y_true == 1.0, y_true == 0.0


def _circle_slope(
    y_true: Any, y_pred: Any, *, gamma: Any = 80.0, margin: Any = 0.4, constant_weights: bool = True
) -> Any:
    pull, push, behind, ahead, near, far = _circle_terms(y_true, y_pred, gamma, margin, constant_weights)
    below, shares = _log_sum(behind, near)
    above, shares_of_far = _log_sum(ahead, far)
    if not constant_weights:
        pull, push = 2.0 * (1.0 - y_pred), where(push == 0.0, 0.0, 2.0 * y_pred)
    return gamma * sigmoid(below + above) * where(near, -(shares * pull), shares_of_far * push)


@loss(
    aliases=("circle_loss", "CircleLoss"),
    target=PerRow(Labels()),
    prediction=Real(),
    compared="cosine",
    parameters={
        "gamma": Interval("How steep it is", 0.0, open_below=True),
        "margin": Interval("How far from 1 and 0 cosines of relatives and strangers may be", 0.0, 1.0),
        "constant_weights": Flag("Whether the weights of cosines count as constants in the slope, as in the paper"),
    },
    slope=_circle_slope,
    definition="log(1 + sum over p of exp(-gamma * a[p] * (s[p] - 1 + margin)) * sum over n of exp(gamma * a[n] * "
    "(s[n] - margin))), s = cos(y_pred, y_pred), a[p] = max(1 + margin - s[p], 0), a[n] = max(s[n] + margin, 0), p: "
    "other points with the same label, n: those with another",
    source="Y. Sun et al., Circle loss: a unified perspective of pair similarity optimization (2020), eq. 6 and 8",
    peers={
        "keras.losses.Circle": "Loss(constant_weights=False)   # of embeddings of length 1, without others to "
        "compare with",
        "pytorch_metric_learning.losses.CircleLoss": "Loss()   # with the arguments the other way round",
        "tensorflow_similarity.losses.CircleLoss": "Loss(constant_weights=False)   # of log(1 + a * b); there it is "
        "log(1 + a) + log(1 + b), another loss",
    },
    cases=(
        Case([0, 0, 1], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], (math.log(1 + math.exp(2)), math.log(1 + math.e), 0.0),
             "exponents 1 * (1 - 0) and 1 * (1 - 0); 1 and 0; no relative", {"gamma": 1.0, "margin": 0.0}),
        Case([0, 0, 1], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], (math.log(1 + math.exp(3)), math.log(1 + math.e), 0.0),
             "2 * 3/2 * 1/2 twice; 3/2 and 2 * 1/2 * (-1/2)", {"gamma": 2.0, "margin": 0.5}),
        Case([0, 0, 0, 1, 1], [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]],
             (math.log(1 + 4 * math.exp(2)), math.log(3 + 2 * math.e), math.log(3 + 2 * math.e), math.log(3 + math.e),
              math.log(3 + math.e)),
             "1 + 2e * 2e; 1 + (e + 1) * 2, twice; 1 + 1 * (e + 1 + 1), twice", {"gamma": 1.0, "margin": 0.0}),
    ),
)  # fmt: skip
def circle(y_true: Any, y_pred: Any, *, gamma: float = 80.0, margin: float = 0.4, constant_weights: bool = True) -> Any:
    """How far an embedding's relatives and strangers are from cosines of 1 and 0, the farthest counting most.

    For faces, products and other things that are found by their embeddings: ``y_pred`` are the embeddings of a batch
    (N, D), of any length, and ``y_true`` (N,) their labels.  Every point is held against all others, and each pair has
    a weight that grows with its distance from its goal.  Points without a relative cost 0 and leave the mean; the rest
    is as in `ntxent`.

    The weights count as constants where slopes are computed, as in the paper; Keras differentiates them too, which
    ``constant_weights=False`` does.  The values are the same.

    >>> import lossary
    >>> embeddings = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> print(lossary.circle([0, 0, 1], embeddings, gamma=1.0, margin=0.0).round(4))
    [2.1269 1.3133 0.    ]
    """
    _, _, behind, ahead, near, far = _circle_terms(y_true, y_pred, gamma, margin, constant_weights)
    return softplus(_log_sum(behind, near)[0] + _log_sum(ahead, far)[0])
