"""Losses for two classes, one output each."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Bits, Positive, Real, Unit
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    exp,
    expm1,
    is_off,
    log,
    log1mexp,
    log1p,
    maximum,
    mean,
    minimum,
    power,
    sigmoid,
    softplus,
    square,
    weighted,
    where,
)
from ._clipped import CLIP
from ._focus import LEAST, per_part
from ._smoothing import beyond

_FROM_LOGITS = Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)")


def _smoothed(y_true: Any, label_smoothing: Any) -> Any:
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing


def _mixed(y_true: Any, of_one: Any, of_zero: Any) -> Any:
    return weighted(y_true, of_one) + weighted(1.0 - y_true, of_zero)


def _nats(y_pred: Any, epsilon: Any) -> tuple[Any, Any]:
    """What each class costs, ``-log`` of its probability."""
    # The clip of the probability, made on its logarithm: 1 - epsilon is not a float32.  What is nearer to 1 than half
    # of epsilon is clipped anyway; taken back to that, no logarithm is one of 0.
    yes, no = log(maximum(y_pred, epsilon)), log1p(-minimum(y_pred, 1.0 - 0.5 * epsilon))
    yes, no = (minimum(maximum(each, log(epsilon)), log1p(-epsilon)) for each in (yes, no))
    return -yes, -no


def _crossentropy(y_true: Any, y_pred: Any, from_logits: bool, epsilon: Any) -> Any:
    """The cross-entropy of one output."""
    if from_logits:
        wrong, odds = _trailing(y_true, y_pred)
        return weighted(wrong, where(y_pred > 0.0, y_pred, -y_pred)) + log1p(odds)
    return _mixed(y_true, *_nats(y_pred, epsilon))


def _crossentropy_slope(y_true: Any, y_pred: Any, from_logits: bool, epsilon: Any, label_smoothing: Any = 0.0) -> Any:
    """The slope of one output's cross-entropy."""
    given, y_true = y_true, _smoothed(y_true, label_smoothing)
    other = 1.0 - y_true
    if from_logits:
        # sigmoid(y_pred) - y_true without a difference of numbers close to 1: exp(-|z|) is the odds of the loser.
        leads = y_pred > 0.0
        odds = exp(where(leads, -y_pred, y_pred))
        return where(leads, other - y_true * odds, other * odds - y_true) / (1.0 + odds)
    # (1 - t)/(1 - p) - t/p over one denominator: (p - t)/(p (1 - p)), a difference that is exact where it is small,
    # and two terms for what a clip adds to p or 1 - p.
    yes, no = maximum(y_pred, epsilon), maximum(1.0 - y_pred, epsilon)
    above = yes - y_true if is_off(label_smoothing) else beyond(yes, given, label_smoothing)
    gap = above - y_true * ((yes - y_pred) + (no - (1.0 - y_pred)))
    product = yes * no
    certain = (product == 0.0) & (gap == 0.0)
    return where(certain, other - y_true, gap) / where(certain, 1.0, product)


def _binary_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, *, epsilon: Any = 1e-7
) -> Any:
    return _crossentropy_slope(y_true, y_pred, from_logits, epsilon, label_smoothing) / count(y_pred)


@loss(
    aliases=("BCE", "bce", "binary_cross_entropy"),
    target=Bits(),
    prediction=Unit(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "label_smoothing": Interval("Share s of each target replaced by 1/2: y (1 - s) + s/2", 0.0, 1.0, off=0.0),
        "epsilon": CLIP,
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
        "torch.nn.MultiLabelSoftMarginLoss": "Loss(from_logits=True)",
        "torch.nn.functional.multilabel_soft_margin_loss": "Loss(from_logits=True)",
        "optax.sigmoid_binary_cross_entropy": "Loss(from_logits=True)",
        "tensorflow.compat.v1.losses.sigmoid_cross_entropy": "Loss(from_logits=True)",
        "tensorflow.nn.sigmoid_cross_entropy_with_logits": "Loss(from_logits=True)",
        "sklearn.HalfBinomialLoss": "Loss(from_logits=True)",
        "sklearn.metrics.log_loss": "Loss(epsilon=0.0)   # of integer labels: SparseCategoricalCrossentropy, which "
        "divides rows by their sum",
        "sklearn.SGDClassifier.log_loss": "Loss(from_logits=True)   # of 0/1",
        "xgboost.reg:logistic": "Loss(from_logits=True)",
        "xgboost.binary:logistic": "Loss(from_logits=True)",
        "xgboost.binary:logitraw": "Loss(from_logits=True)",
        "lightgbm.binary": "Loss(from_logits=True)",
        "lightgbm.cross_entropy": "Loss(from_logits=True)",
        "lightgbm.xentropy": "Loss(from_logits=True)",
        "lightgbm.binary_logloss": "Loss()",
        "catboost.Logloss": "Loss(from_logits=True)",
        "catboost.CrossEntropy": "Loss(from_logits=True)",
        "catboost.MultiLogloss": "Loss(from_logits=True)",
        "catboost.MultiCrossEntropy": "Loss(from_logits=True)",
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
    return mean(_crossentropy(_smoothed(y_true, label_smoothing), y_pred, from_logits, epsilon))


def _balanced(y_true: Any, cost: Any, apply_class_balancing: bool, alpha: Any) -> Any:
    return weighted(alpha * y_true + (1.0 - alpha) * (1.0 - y_true), cost) if apply_class_balancing else cost


def _focused(focus: Any, cost: Any, size: Any) -> Any:
    # What is infinite stays so: its focus is above 0, however small.
    return where(size == math.inf, cost, focus * cost)


def _missed(y_true: Any, y_pred: Any, from_logits: bool, epsilon: Any) -> tuple[Any, Any]:
    """The probability of what is not the target, 1 - y_pred for class 1, as a quotient.

    Of raw scores it is the odds of the class that trails, weighed by the target, over 1 plus these odds.
    """
    if from_logits:
        wrong, odds = _trailing(y_true, y_pred)
        return wrong + (1.0 - wrong) * odds, 1.0 + odds
    return y_true * maximum(1.0 - y_pred, epsilon) + (1.0 - y_true) * maximum(y_pred, epsilon), 1.0


def _trailing(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """The target's share and the odds of the class whose raw score is the lower one."""
    leads = y_pred > 0.0
    return where(leads, 1.0 - y_true, y_true), exp(where(leads, -y_pred, y_pred))


def _steady_cost(y_true: Any, y_pred: Any, epsilon: Any) -> Any:
    """The cross-entropy by logarithms that have a derivative at 0 and 1 too, where they are clipped."""
    near_one = log(maximum(1.0 - y_pred, epsilon))
    no = where(y_pred < 0.5, log1p(-minimum(y_pred, 0.5)), near_one)
    yes, no = (minimum(x, log1p(-epsilon)) for x in (log(maximum(y_pred, epsilon)), no))
    return -_mixed(y_true, yes, no)


def _focal_slope(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    label_smoothing: Any = 0.0,
    *,
    epsilon: Any = 1e-7,
) -> Any:
    y_true = _smoothed(y_true, label_smoothing)
    part, whole = _missed(y_true, y_pred, from_logits, epsilon)
    cost = _crossentropy(y_true, y_pred, from_logits, epsilon) if from_logits else _steady_cost(y_true, y_pred, epsilon)
    cost = per_part(cost, part)
    # The slope of the weight over the weight itself, times the cost, and the slope of the cost.
    if from_logits:
        wrong, odds = _trailing(y_true, y_pred)
        steep = gamma * (2.0 * wrong - 1.0) * weighted(odds, cost) + (wrong - (1.0 - wrong) * odds)
        steep = where(y_pred > 0.0, steep, -steep)
    else:
        # Where the cost is infinite its slope is too, and far steeper.
        cost = where(cost == math.inf, 0.0, cost)
        steep = gamma * (1.0 - 2.0 * y_true) * cost + _crossentropy_slope(y_true, y_pred, from_logits, epsilon)
    focus = power(maximum(part, LEAST), gamma) / (power(whole, gamma + 1.0) if from_logits else 1.0)
    return _balanced(y_true, _focused(focus, steep, abs(steep)), apply_class_balancing, alpha) / count(y_pred)


@loss(
    aliases=("binary_focal_loss", "BinaryFocalLoss", "sigmoid_focal_cross_entropy"),
    target=Bits(),
    prediction=Unit(),
    parameters={
        "apply_class_balancing": Flag("Whether class 1 is weighted by alpha and class 0 by 1 - alpha"),
        "alpha": Interval("Weight of class 1 where classes are balanced", 0.0, 1.0),
        "gamma": Interval("How much less what is nearly right counts; 0 is binary_crossentropy", 0.0),
        "from_logits": _FROM_LOGITS,
        "label_smoothing": Interval("Share s of each target replaced by 1/2: y (1 - s) + s/2", 0.0, 1.0),
        "epsilon": CLIP,
    },
    slope=_focal_slope,
    definition="mean(-(1 - q)**gamma * (y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))), "
    "q = y_true * y_pred + (1 - y_true) * (1 - y_pred)",
    source="T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, Focal loss for dense object detection (2017), eq. 4, 5",
    peers={
        "keras.losses.BinaryFocalCrossentropy": "",
        "torchvision.ops.sigmoid_focal_loss": "Loss(apply_class_balancing=True, from_logits=True)",
        "optax.sigmoid_focal_loss": "Loss(from_logits=True)   # with alpha: apply_class_balancing=True, alpha=alpha",
        "kornia.losses.BinaryFocalLossWithLogits": "Loss(from_logits=True)   # with alpha: apply_class_balancing=True",
        "tensorflow_addons.losses.SigmoidFocalCrossEntropy": "Loss(apply_class_balancing=True)   # summed over outputs",
        "catboost.Focal": "Loss(apply_class_balancing=True, alpha=alpha, from_logits=True)",
    },
    cases=(
        Case([[1.0]], [[0.5]], (math.log(2.0) / 4.0,), "(1/2)^2 log 2"),
        Case([[1.0, 0.0]], [[0.5, 0.75]], (29.0 / 64.0 * math.log(2.0),),
             "(1/4 (1/2)^2 log 2 + 3/4 (3/4)^2 log 4)/2 = (2/32 + 27/32)/2 log 2", {"apply_class_balancing": True}),
        Case([[1.0, 0.0]], [[0.0, math.log(3.0)]], ((math.log(2.0) + 1.5 * math.log(4.0)) / 4.0,),
             "(1/2 log 2 + 3/4 log 4)/2", {"gamma": 1.0, "from_logits": True}),
        Case([[1.0]], [[0.25]], (0.625 * (0.75 * math.log(4.0) + 0.25 * math.log(4.0 / 3.0)),),
             "(3/4 3/4 + 1/4 1/4)(3/4 log 4 + 1/4 log(4/3))", {"gamma": 1.0, "label_smoothing": 0.5}),
    ),
)  # fmt: skip
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    *,
    epsilon: float = 1e-7,
) -> Any:
    """`binary_crossentropy` in which what is nearly right counts little, for imbalanced classes.

    For few positives among many easy negatives: a point to whose class a probability q is given is weighted by
    ``(1 - q)**gamma``.  Behind a sigmoid layer as it is; behind a linear layer with ``from_logits=True``, which is more
    accurate.  ``alpha`` is used with ``apply_class_balancing=True`` only, as in Keras; torchvision's function has that
    on, optax's has it off.  With ``gamma=0.0`` it is `binary_crossentropy`.  For one class among several see
    `categorical_focal_crossentropy`.  The probabilities are no longer calibrated: they lie closer to 1/2.

    >>> import lossary
    >>> print(lossary.binary_focal_crossentropy([[1.0, 0.0]], [[0.5, 0.75]]).round(4))
    [0.4765]
    """
    y_true = _smoothed(y_true, label_smoothing)
    part, whole = _missed(y_true, y_pred, from_logits, epsilon)
    focus = power(part, gamma) / (power(whole, gamma) if from_logits else 1.0)
    nats = _crossentropy(y_true, y_pred, from_logits, epsilon)
    cost = _focused(focus, nats, nats)
    return mean(_balanced(y_true, cost, apply_class_balancing, alpha))


def _poly_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, poly_weight: Any = 2.0, epsilon: Any = 1e-7
) -> Any:
    turn = poly_weight * (1.0 - 2.0 * y_true)
    if from_logits:
        odds = exp(-abs(y_pred))
        turn = turn * (odds / square(1.0 + odds))
    return (_crossentropy_slope(y_true, y_pred, from_logits, epsilon) + turn) / count(y_pred)


@loss(
    aliases=("poly_binary_cross_entropy", "poly1_bce"),
    target=Bits(),
    prediction=Unit(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "poly_weight": Interval("Weight of what the class's probability lacks to 1", -1.0),
        "epsilon": CLIP,
    },
    slope=_poly_slope,
    definition="mean(-log(q) + poly_weight * (1 - q)), q = y_pred if y_true == 1 else 1 - y_pred",
    source="Z. Leng et al., PolyLoss: a polynomial expansion perspective of classification losses (2022), eq. 6",
    peers={"timm.loss.PolyBinaryCrossEntropy": "Loss(from_logits=True)   # poly_weight is epsilon there"},
    cases=(
        Case([[1.0]], [[0.0]], (math.log(2.0) + 1.0,), "log 2 + 2 * 1/2", {"from_logits": True}),
        Case([[1.0, 0.0]], [[0.5, 0.75]], (1.5 * math.log(2.0) + 1.25,), "(log 2 + 2 * 1/2 + log 4 + 2 * 3/4)/2"),
    ),
)
def poly_binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, poly_weight: float = 2.0, epsilon: float = 1e-7
) -> Any:
    """`binary_crossentropy` with another weight of the first term of its series in the probability that is missing.

    A weight above 0 draws more on points that are nearly right, one below 0 less: the opposite of a focal loss.  The
    paper and other libraries call the weight epsilon, which here is the clip.  For one class among several see
    `poly_crossentropy`.

    >>> import lossary
    >>> print(lossary.poly_binary_crossentropy([[1.0, 0.0]], [[0.5, 0.75]]).round(4))
    [2.2897]
    """
    part, whole = _missed(y_true, y_pred, from_logits, epsilon)
    return mean(_crossentropy(y_true, y_pred, from_logits, epsilon) + poly_weight * (part / whole))


# Below this output softplus is the exponential, to the last digit of its logarithm.
_LOW = -40.0


def _rate(y_pred: Any, exposure: Any) -> tuple[Any, Any]:
    """The expected number of events, and whether it is too small to be computed with."""
    rate = exposure * softplus(y_pred)
    return rate, rate < 1e-30


def _lambda_slope(y_true: Any, y_pred: Any, exposure: Any) -> Any:
    rate, least = _rate(y_pred, exposure)
    growth = exposure * sigmoid(y_pred)
    low = y_pred < _LOW
    relative = where(low, 1.0, sigmoid(y_pred) / softplus(where(low, 0.0, y_pred)))
    drawn = where(least, relative, growth / expm1(where(least, 1.0, rate)))
    return ((1.0 - y_true) * growth - y_true * drawn) / count(y_pred)


@loss(
    aliases=("xentlambda",),
    target=Bits(),
    prediction=Real(),
    given={"exposure": Positive()},
    slope=_lambda_slope,
    definition="mean(-y_true * log(z) - (1 - y_true) * log(1 - z)), z = 1 - exp(-exposure * log(1 + exp(y_pred)))",
    source="LightGBM, Parameters, cross_entropy_lambda (2017)",
    peers={"lightgbm.cross_entropy_lambda": "Loss()   # the exposure is the weight"},
    cases=(
        Case([[0.0]], [[0.0]], [[3.0]], (3.0 * math.log(2.0),), "-log(1 - z) = 3 log(1 + exp(0))"),
        Case([[1.0]], [[0.0]], [[2.0]], (-math.log(0.75),), "z = 1 - exp(-2 log 2) = 3/4"),
        Case([[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]], (math.log(2.0),), "as binary_crossentropy of logits"),
    ),
)
def cross_entropy_lambda(y_true: Any, y_pred: Any, exposure: Any) -> Any:
    """Cross-entropy of whether anything happened during an exposure, for events whose rate is predicted.

    ``log(1 + exp(y_pred))`` is the rate of a Poisson process per unit of ``exposure``, as time at risk, area or number
    of trials, and the target whether at least one event was seen.  With an exposure of 1 it is `binary_crossentropy`
    with ``from_logits=True``.  An exposure is no weight: a point that was watched twice as long without an event costs
    twice as much, one with an event costs less.

    >>> import lossary
    >>> print(lossary.cross_entropy_lambda([[1.0]], [[0.0]], [[2.0]]).round(4))
    [0.2877]
    """
    rate, least = _rate(y_pred, exposure)
    low = y_pred < _LOW
    log_rate = log(exposure) + where(low, y_pred, log(softplus(where(low, 0.0, y_pred))))
    log_seen = where(least, log_rate, log1mexp(-where(least, 1.0, rate)))
    return mean(weighted(1.0 - y_true, rate) - weighted(y_true, log_seen))
