"""Losses of what detectors score: where an object is, and how good its box."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Bits, NonNegative, Real, Unit
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    log,
    log1p,
    maximum,
    mean,
    minimum,
    position,
    power,
    sigmoid,
    softplus,
    square,
    sum,
    weighted,
    where,
)
from ._powers import signed_power
from ._softmax import crossentropy_slope, odds


def _missed(y_true: Any, y_pred: Any, from_logits: bool, epsilon: Any) -> tuple[Any, Any, Any]:
    """Of a pixel that is a center or is not: the probability of the other, what is left of it to 1, and its cost."""
    center = y_true == 1.0
    if from_logits:
        score = where(center, -y_pred, y_pred)
        return sigmoid(score), sigmoid(-score), softplus(score)
    missed = where(center, 1.0 - y_pred, y_pred)
    left = where(center, y_pred, 1.0 - y_pred)
    # Each logarithm has a slope where the other is meant, too, and where it is clipped.
    background = where(center, 0.0, y_pred)
    close = log(maximum(1.0 - background, epsilon))
    off = where(background < 0.5, log1p(-minimum(background, 0.5)), close)
    nats = where(center, -log(maximum(where(center, y_pred, 1.0), epsilon)), -maximum(off, log(epsilon)))
    return missed, maximum(left, epsilon), nats


def _near_centers(y_true: Any, gamma: Any) -> Any:
    """The weight of a pixel that is no center: the less, the nearer it is to one."""
    center = y_true == 1.0
    return where(center, 1.0, power(where(center, 1.0, 1.0 - y_true), gamma))


def _gaussian_focal_slope(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    alpha: Any = 2.0,
    gamma: Any = 4.0,
    epsilon: Any = 1e-7,
) -> Any:
    missed, left, nats = _missed(y_true, y_pred, from_logits, epsilon)
    weight = where(y_true == 1.0, -1.0, 1.0) * _near_centers(y_true, gamma) * power(missed, alpha)
    if from_logits:
        return weight * (alpha * weighted(left, nats) + missed) / count(y_pred)
    none = missed == 0.0
    return weight * (alpha * where(none, 1.0, nats / where(none, 1.0, missed)) + 1.0 / left) / count(y_pred)


@loss(
    aliases=("gaussian_focal_loss", "GaussianFocalLoss", "centernet_focal", "penalty_reduced_focal"),
    target=Bits(),
    prediction=Unit(),
    parameters={
        "from_logits": Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)"),
        "alpha": Interval("The power of the probability that is missed", 0.0),
        "gamma": Interval("The power by which pixels near a center count less", 0.0),
        "epsilon": Interval("Least probability under a logarithm; unused from logits", 0.0, 0.5),
    },
    slope=_gaussian_focal_slope,
    best=lambda y_true: y_true == 1.0,
    definition="mean(-(1 - y_pred)**alpha * log(y_pred) if y_true == 1 else -(1 - y_true)**gamma * y_pred**alpha * "
    "log(1 - y_pred))",
    source="H. Law, J. Deng, CornerNet: Detecting objects as paired keypoints (2018), eq. 1; X. Zhou, D. Wang, P. "
    "Kraehenbuehl, Objects as points (2019), eq. 1",
    peers={
        "mmdet.models.losses.GaussianFocalLoss": "Loss()   # and its sum is divided by the number of centers there",
        "keras_cv.losses.BinaryPenaltyReducedFocalCrossEntropy": "Loss()   # sums over the classes there",
    },
    cases=(
        Case([[1.0]], [[0.5]], (0.25 * math.log(2.0),), "(1 - 1/2)^2 log 2"),
        Case([[0.5, 0.0]], [[0.5, 0.75]], (0.5 * (math.log(2.0) / 64.0 + 9.0 / 16.0 * math.log(4.0)),),
             "((1 - 1/2)^4 (1/2)^2 log 2 + (3/4)^2 log 4)/2"),
        Case([[1.0, 0.0]], [[0.0, 0.0]], (0.5 * math.log(2.0),), "2 (1/2) log 2 / 2", {"from_logits": True,
             "alpha": 1.0}),
        Case([[1.0]], [[0.0]], (math.log(10.0),), "(1 - 0)^2 log 10", {"epsilon": 0.1}),
    ),
)  # fmt: skip
def gaussian_focal(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    alpha: float = 2.0,
    gamma: float = 4.0,
    epsilon: float = 1e-7,
) -> Any:
    """Focal loss of heat maps whose centers are 1 and surrounded by bumps: pixels near a center may be wrong.

    For detectors of keypoints and centers, such as CornerNet and CenterNet.  Only a target of exactly 1 is a center, so
    a map computed in float32 has to be set to 1 there; everything else is background, weighted by
    ``(1 - y_true)**gamma``.  It is the mean over pixels; detectors divide the sum by the number of centers, which is
    this times pixels per center.  Below ``epsilon`` a probability counts as that in the logarithm, with the slope it
    has there.

    >>> import lossary
    >>> print(lossary.gaussian_focal([[1.0, 0.5]], [[0.5, 0.5]]).round(4))
    [0.0921]
    """
    missed, _, nats = _missed(y_true, y_pred, from_logits, epsilon)
    return mean(weighted(_near_centers(y_true, gamma) * power(missed, alpha), nats))


def _beyond(y_true: Any, y_pred: Any) -> Any:
    """``sigmoid(y_pred) - y_true``, with all its digits where the quality is 0 or 1."""
    return (1.0 - y_true) * sigmoid(y_pred) - y_true * sigmoid(-y_pred)


def _crossentropy(y_true: Any, y_pred: Any) -> Any:
    return weighted(y_true, softplus(-y_pred)) + weighted(1.0 - y_true, softplus(y_pred))


def _quality_slope(y_true: Any, y_pred: Any, *, beta: Any = 2.0) -> Any:
    beyond = _beyond(y_true, y_pred)
    steep = beta * weighted(sigmoid(y_pred) * sigmoid(-y_pred), _crossentropy(y_true, y_pred)) + square(beyond)
    return signed_power(beyond, beta - 1.0) * steep / count(y_pred)


def _as_scores(y_true: Any) -> Any:
    return 60.0 * y_true - 30.0


@loss(
    aliases=("quality_focal_loss", "QualityFocalLoss", "qfl"),
    target=Bits(),
    prediction=Real(),
    parameters={"beta": Interval("The power of the distance to the quality", 0.0)},
    slope=_quality_slope,
    best=_as_scores,
    definition="mean(abs(y_true - p)**beta * (y_true * log(1 + exp(-y_pred)) + (1 - y_true) * log(1 + exp(y_pred)))), "
    "p = sigmoid(y_pred)",
    source="X. Li et al., Generalized focal loss: Learning qualified and distributed bounding boxes for dense object "
    "detection (2020), eq. 5",
    peers={
        "mmdet.models.losses.QualityFocalLoss": "Loss()   # of one map of qualities per class; sums over them there",
        "pytorch_toolbelt.losses.QualityFocalLoss": "Loss()",
    },
    cases=(
        Case([[1.0]], [[0.0]], (0.25 * math.log(2.0),), "(1 - 1/2)^2 log 2"),
        Case([[0.25]], [[0.0]], (0.25 * math.log(2.0),), "|1/4 - 1/2| log 2", {"beta": 1.0}),
        Case([[0.75, 0.0]], [[math.log(3.0), math.log(3.0)]], (9.0 / 32.0 * math.log(4.0),), "(0 + (3/4)^2 log 4)/2"),
    ),
)
def quality_focal(y_true: Any, y_pred: Any, *, beta: float = 2.0) -> Any:
    """Focal loss of qualities: scores that are to say how good a box is, not only whether there is one.

    For dense detectors whose classification score is the overlap with the true box: ``y_true`` is that overlap for the
    class that is there and 0 for all others, ``y_pred`` raw scores (no sigmoid).  It is the binary cross-entropy,
    weighted by the distance of score and quality, and least where the two agree; there its slope is 0.

    >>> import lossary
    >>> print(lossary.quality_focal([[1.0, 0.25]], [[0.0, 0.0]]).round(4))
    [0.1083]
    """
    return mean(weighted(power(abs(_beyond(y_true, y_pred)), beta), _crossentropy(y_true, y_pred)))


def _varifocal_slope(y_true: Any, y_pred: Any, *, alpha: Any = 0.75, gamma: Any = 2.0) -> Any:
    score = sigmoid(y_pred)
    background = alpha * power(score, gamma) * (gamma * weighted(sigmoid(-y_pred), softplus(y_pred)) + score)
    return where(y_true > 0.0, y_true * _beyond(y_true, y_pred), background) / count(y_pred)


@loss(
    aliases=("varifocal_loss", "VarifocalLoss", "vfl"),
    target=Bits(),
    prediction=Real(),
    parameters={
        "alpha": Interval("Weight of background", 0.0),
        "gamma": Interval("The power of the scores of background", 0.0),
    },
    slope=_varifocal_slope,
    best=_as_scores,
    definition="mean((y_true if y_true > 0 else alpha * sigmoid(y_pred)**gamma) * (y_true * log(1 + exp(-y_pred)) + (1 "
    "- y_true) * log(1 + exp(y_pred))))",
    source="H. Zhang et al., VarifocalNet: An IoU-aware dense object detector (2021), eq. 2",
    peers={
        "mmdet.models.losses.VarifocalLoss": "",
        "ultralytics.utils.loss.VarifocalLoss": 'Loss(reduction="sum")',
    },
    cases=(
        Case([[0.0]], [[0.0]], (0.5 * math.log(2.0),), "1/2 log 2", {"alpha": 1.0, "gamma": 1.0}),
        Case([[0.5, 0.0]], [[0.0, math.log(3.0)]], (0.25 * math.log(2.0) + 27.0 / 128.0 * math.log(4.0),),
             "(1/2 log 2 + 3/4 (3/4)^2 log 4)/2"),
    ),
)  # fmt: skip
def varifocal(y_true: Any, y_pred: Any, *, alpha: float = 0.75, gamma: float = 2.0) -> Any:
    """Cross-entropy of qualities in which only background is focal: the few good boxes keep their weight.

    For dense detectors, as `quality_focal`: ``y_true`` is the overlap with the true box for the class that is there and
    0 for all others, ``y_pred`` raw scores (no sigmoid).  Boxes are weighted by their quality, background by
    ``alpha * sigmoid(y_pred)**gamma``.  Of qualities below 1 the least value is not 0.

    >>> import lossary
    >>> print(lossary.varifocal([[1.0, 0.0]], [[0.0, 0.0]]).round(4))
    [0.4116]
    """
    weight = where(y_true > 0.0, y_true, alpha * power(sigmoid(y_pred), gamma))
    return mean(weighted(weight, _crossentropy(y_true, y_pred)))


def _two_hot(y_true: Any, y_pred: Any) -> Any:
    """The weights of the two bins that a number lies between, and 0 for all others."""
    place = minimum(y_true, count(y_pred) - 1.0)
    return maximum(1.0 - abs(position(y_pred) - place), 0.0)


def _distribution_focal_slope(y_true: Any, y_pred: Any) -> Any:
    return crossentropy_slope(_two_hot(y_true, y_pred), 1.0, y_pred, from_logits=True, epsilon=0.0)


@loss(
    aliases=("distribution_focal_loss", "DistributionFocalLoss", "dfl", "DFLoss", "two_hot_crossentropy"),
    target=PerRow(NonNegative()),
    prediction=Real(),
    slope=_distribution_focal_slope,
    definition="-(1 - r) * log(q[i]) - r * log(q[i + 1]), q = exp(y_pred) / sum(exp(y_pred)), i = floor(y_true), r = "
    "y_true - i",
    source="X. Li et al., Generalized focal loss: Learning qualified and distributed bounding boxes for dense object "
    "detection (2020), eq. 6",
    peers={
        "mmdet.models.losses.DistributionFocalLoss": "",
        "ultralytics.utils.loss.DFLoss": "Loss()",
    },
    cases=(
        Case([0.5], [[0.0, 0.0]], (math.log(2.0),), "(log 2 + log 2)/2"),
        Case([1.25, 2.0], [[0.0, math.log(2.0), 0.0], [0.0, 0.0, 0.0]],
             (0.75 * math.log(2.0) + 0.25 * math.log(4.0), math.log(3.0)), "3/4 log 2 + 1/4 log 4; the last bin"),
        Case([9.0], [[0.0, math.log(3.0)]], (math.log(4.0 / 3.0),), "beyond the last bin: as 1"),
    ),
)  # fmt: skip
def distribution_focal(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy of a number between two bins, for a box's side that is predicted as a distribution.

    For detectors that give each side of a box as scores of the distances 0, 1, ..., C - 1: ``y_true`` has one number
    per row in [0, C - 1], shape (N,), which is shared between its two neighbours, and ``y_pred`` the scores of the C
    bins, (N, C) from a linear layer.  Of a distance beyond the last bin it is the last one.  The prediction is the mean
    of the distribution.  It is `categorical_crossentropy` of the two shares, from logits, and its least value between
    two bins is not 0.

    >>> import lossary
    >>> print(lossary.distribution_focal([0.25], [[0.0, 0.0, 0.0]]).round(4))
    [1.0986]
    """
    _, lag, _, rest = odds(y_pred)
    return log1p(rest) - sum(weighted(_two_hot(y_true, y_pred), lag))
