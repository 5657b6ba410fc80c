"""Relatives of cross-entropy for one class among several."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Classes, OneHot, Probabilities, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    exp,
    expm1,
    is_label,
    lead,
    log,
    log1p,
    maximum,
    power,
    sigmoid,
    softplus,
    square,
    sum,
    take,
    weighted,
    where,
)
from ._clipped import CLIP
from ._smoothing import SMOOTHING, smoothed_slope
from ._softmax import lacking_of, odds, shares, sides, smoothed, sums, surprise

_FROM_LOGITS = Flag("Whether y_pred holds raw scores (no softmax in the last layer)")


def _poly_slope(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    poly_weight: Any = 2.0,
    label_smoothing: Any = 0.0,
    epsilon: Any = 1e-7,
) -> Any:
    by_log = smoothed_slope(y_true, y_pred, label_smoothing, from_logits, epsilon)
    y_true, _ = smoothed(y_true, y_pred, label_smoothing)
    if from_logits:
        first, own, others, whole, _ = sides(y_pred)
        pulls = y_true * own
        return by_log + poly_weight * ((own * sums(first, pulls)[1] - pulls * others) / square(whole))
    first, _, _, total, share = shares(y_pred)
    return by_log + poly_weight * (sums(first, y_true * share)[1] - y_true * lacking_of(y_pred)) / total


@loss(
    aliases=("poly_cross_entropy", "poly1_cross_entropy", "poly_loss", "PolyLoss"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _FROM_LOGITS,
        "poly_weight": Interval("Weight of what the true class's share lacks to 1", -1.0),
        "label_smoothing": SMOOTHING,
        "epsilon": CLIP,
    },
    slope=_poly_slope,
    definition="sum(y_true * (-log(q) + poly_weight * (1 - q))), q = y_pred / sum(y_pred)",
    source="Z. Leng et al., PolyLoss: a polynomial expansion perspective of classification losses (2022), eq. 6",
    peers={
        "optax.losses.poly_loss_cross_entropy": "Loss(from_logits=True)   # poly_weight is epsilon there",
        "timm.loss.PolyCrossEntropy": "Loss(from_logits=True)   # of integer labels there",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.0, 0.0]], (math.log(2.0) + 1.0,), "log 2 + 2 (1 - 1/2)", {"from_logits": True}),
        Case([[0.0, 1.0]], [[0.25, 0.75]], (math.log(4.0 / 3.0) - 0.125,), "log(4/3) - 1/2 (1 - 3/4)",
             {"poly_weight": -0.5}),
        Case([[0.0, 1.0]], [[0.25, 0.75]],
             (0.25 * math.log(4.0) + 0.75 * math.log(4.0 / 3.0) + 2.0 * (0.25 * 0.75 + 0.75 * 0.25),),
             "1/4 (log 4 + 2 (3/4)) + 3/4 (log(4/3) + 2 (1/4))", {"label_smoothing": 0.5}),
    ),
)  # fmt: skip
def poly_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    poly_weight: float = 2.0,
    label_smoothing: float = 0.0,
    epsilon: float = 1e-7,
) -> Any:
    """`categorical_crossentropy` with another weight of the first term of its series in the share that is missing.

    A weight above 0 draws more on points that are nearly right, one below 0 less.  The paper and other libraries call
    the weight epsilon, which here is the clip.  For yes/no targets see `poly_binary_crossentropy`.

    >>> import lossary
    >>> print(lossary.poly_crossentropy([[1.0, 0.0]], [[0.5, 0.5]]).round(4))
    [1.6931]
    """
    y_true, _ = smoothed(y_true, y_pred, label_smoothing)
    if from_logits:
        _, _, others, whole, nats = sides(y_pred)
        lacking = others / whole
    else:
        nats, lacking = surprise(y_pred, epsilon), lacking_of(y_pred)
    return sum(weighted(y_true, nats + poly_weight * lacking))


def _generalized_slope(
    y_true: Any, y_pred: Any, q: Any = 0.5, from_logits: bool = False, *, epsilon: Any = 1e-7
) -> Any:
    hit = is_label(y_true, y_pred)
    if from_logits:
        _, own, others, whole, nats = sides(y_pred)
        toward = where(hit, -others, own) / whole
        return toward * exp(-(q * take(nats, y_true)))
    own = take(y_pred, y_true)
    return where(hit, -power(maximum(own, epsilon), q - 1.0), 0.0 * own)  # NaN for a label that names no class.


@loss(
    aliases=("generalized_cross_entropy", "GCE", "lq_loss"),
    target=Classes(),
    prediction=Probabilities(),
    parameters={
        "q": Interval(
            "0 is cross-entropy, its limit; 1 is the absolute error of the class's probability", 0.0, 1.0, True
        ),
        "from_logits": _FROM_LOGITS,
        "epsilon": Interval("Below this probability the slope is that at it; the value is not clipped", 0.0, 0.5),
    },
    slope=_generalized_slope,
    definition="(1 - y_pred[y_true]**q) / q",
    source="Z. Zhang, M. R. Sabuncu, Generalized cross entropy loss for training deep neural networks with noisy "
    "labels (2018), eq. 6",
    peers={"keras.losses.CategoricalGeneralizedCrossEntropy": ""},
    cases=(
        Case([0, 1], [[0.25, 0.75], [1.0, 0.0]], (1.0, 2.0), "(1 - 1/2)/(1/2); (1 - 0)/(1/2)"),
        Case([1], [[0.0, math.log(3.0)]], (0.25,), "1 - 3/4", {"q": 1.0, "from_logits": True}),
    ),
)
def generalized_crossentropy(
    y_true: Any, y_pred: Any, q: float = 0.5, from_logits: bool = False, *, epsilon: float = 1e-7
) -> Any:
    """Between cross-entropy and the absolute error of the true class's probability, for labels of which some are wrong.

    The larger ``q``, the less a point pulls that the model finds unlikely; the paper has 0.7.  It lies between 0 and
    1/q.  Labels are integers, in Keras too, whose name for it says otherwise.  Predictions are not divided by the sum
    of their row.  Behind a linear layer with ``from_logits=True``.

    >>> import lossary
    >>> print(lossary.generalized_crossentropy([0], [[0.25, 0.75]]))
    [1.]
    """
    nats = sides(y_pred)[-1] if from_logits else -log(y_pred)
    return -expm1(-(q * take(nats, y_true))) / q


def _errors(y_true: Any, scores: Any) -> Any:
    """Every share less its target."""
    first, _, against, rest = odds(scores)
    whole = 1.0 + rest
    return where(first, (1.0 - y_true) - y_true * rest, against - y_true * whole) / whole


def _brier_slope(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    if not from_logits:
        return 2.0 * (y_pred - y_true)
    first, own, others, whole, _ = sides(y_pred)
    error, share = _errors(y_true, y_pred), own / whole
    return 2.0 * share * (others / whole * error - sums(first, share * error)[1])


@loss(
    aliases=("brier_score", "quadratic_score"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={"from_logits": _FROM_LOGITS},
    slope=_brier_slope,
    definition="sum((y_pred - y_true)**2)",
    source="G. W. Brier, Verification of forecasts expressed in terms of probability (1950), eq. 2",
    cases=(
        Case([[1.0, 0.0, 0.0]], [[0.5, 0.25, 0.25]], (0.375,), "1/4 + 1/16 + 1/16"),
        Case([[0.0, 1.0]], [[0.0, math.log(3.0)]], (0.125,), "(1/4)^2 + (3/4 - 1)^2", {"from_logits": True}),
    ),
)
def brier(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Squared error of a row of probabilities, a proper score that no single surprise dominates: between 0 and 2.

    It is `mean_squared_error` times the number of classes; of two classes in one output, where half as much is usual,
    it is `mean_squared_error`.  Behind a linear layer with ``from_logits=True``; a model that is surely wrong then
    learns slowly, because the slope falls with the share of the true class.

    >>> import lossary
    >>> print(lossary.brier([[1.0, 0.0, 0.0]], [[0.5, 0.25, 0.25]]))
    [0.375]
    """
    return sum(square(_errors(y_true, y_pred) if from_logits else y_pred - y_true))


def _z_slope(y_true: Any, y_pred: Any, z_weight: Any = 1e-4) -> Any:
    hit = is_label(y_true, y_pred)
    _, own, others, whole, nats = sides(y_pred)
    size = lead(y_pred) + log1p(whole - 1.0)
    return (where(hit, -others, own) + 2.0 * z_weight * weighted(own, size)) / whole + 0.0 * exp(-take(nats, y_true))


@loss(
    aliases=("z_loss", "max_z_loss"),
    target=Classes(),
    prediction=Real(),
    parameters={"z_weight": Interval("Weight of the square", 0.0)},
    slope=_z_slope,
    definition="lse - y_pred[y_true] + z_weight * lse**2, lse = log(sum(exp(y_pred)))",
    source="A. de Brebisson, P. Vincent, The z-loss: a shift and scale invariant classification loss belonging to the "
    "spherical family (2016); A. Chowdhery et al., PaLM (2022), sec. 5",
    peers={"liger_kernel.transformers.LigerCrossEntropyLoss": "Loss(z_weight=0.0)   # lse_square_scale"},
    cases=(
        Case([0], [[0.0, 0.0]], (math.log(2.0) + math.log(2.0) ** 2,), "log 2 + (log 2)^2", {"z_weight": 1.0}),
        Case([1], [[0.0, math.log(3.0)]], (math.log(4.0 / 3.0) + 0.5 * math.log(4.0) ** 2,),
             "log 4 - log 3 + (log 4)^2/2", {"z_weight": 0.5}),
    ),
)  # fmt: skip
def z_loss_crossentropy(y_true: Any, y_pred: Any, z_weight: float = 1e-4) -> Any:
    """`sparse_categorical_crossentropy` from raw scores with a pull of their log-sum towards 0, for large vocabularies.

    A softmax does not see a number added to all scores; in long training and in half precision they drift away unless
    something holds them.  ``y_pred`` holds raw scores.

    >>> import lossary
    >>> print(lossary.z_loss_crossentropy([0], [[0.0, 0.0]], z_weight=1.0).round(4))
    [1.1736]
    """
    _, lag, _, rest = odds(y_pred)
    above = log1p(rest)
    size = lead(y_pred) + above
    # The weight first: a square that is too large for a float may fit once it is weighed.
    return above - take(lag, y_true) + z_weight * size * size


def _one_vs_all_slope(y_true: Any, y_pred: Any) -> Any:
    hit = is_label(y_true, y_pred)
    return where(hit, -sigmoid(-y_pred), sigmoid(y_pred)) + 0.0 * take(sigmoid(y_pred), y_true)


@loss(
    aliases=("one_vs_rest_logistic",),
    target=Classes(),
    prediction=Real(),
    slope=_one_vs_all_slope,
    definition="sum over k of log(1 + exp(-y_pred[k])) if k = y_true else log(1 + exp(y_pred[k]))",
    source="R. Rifkin, A. Klautau, In defense of one-vs-all classification (2004), sec. 3",
    peers={
        "lightgbm.multiclassova": "",
        "lightgbm.multiclass_ova": "",
        "lightgbm.ova": "",
        "lightgbm.ovr": "",
        "catboost.MultiClassOneVsAll": "Loss()   # divided by the number of classes there",
    },
    cases=(
        Case([0], [[0.0, 0.0]], (2.0 * math.log(2.0),), "log 2 + log 2"),
        Case([1], [[math.log(3.0), -math.log(3.0), 0.0]], (math.log(32.0),), "log 4 + log 4 + log 2"),
    ),
)
def one_vs_all_logistic(y_true: Any, y_pred: Any) -> Any:
    """A yes/no question for each class, of which one is answered yes, for integer labels and raw scores.

    It is `binary_crossentropy` of the one-hot row with ``from_logits=True``, times the number of classes.  Classes do
    not compete, so that all scores of a point may be low where it is like none of them; probabilities are sigmoids.

    >>> import lossary
    >>> print(lossary.one_vs_all_logistic([0], [[0.0, 0.0]]).round(4))
    [1.3863]
    """
    others = where(is_label(y_true, y_pred), 0.0, softplus(y_pred))
    return take(softplus(-y_pred), y_true) + sum(others)
