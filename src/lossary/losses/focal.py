"""Cross-entropies of one class among several in which what is nearly right counts little."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Classes, OneHot, Probabilities
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..facts.shared import IGNORED
from ..objects.define import loss
from ..words import indicator, is_label, maximum, power, sum, take, weighted, where
from ._clipped import CLIP
from ._focus import LEAST, per_part
from ._softmax import lacking_of, shares, sides, smoothed, sums, surprise

_FROM_LOGITS = Flag("Whether y_pred holds raw scores (no softmax in the last layer)")
_ALPHA = Interval("Factor of the loss", 0.0)
_GAMMA = Interval("How much less what is nearly right counts; 0 is cross-entropy", 0.0)


def _focal_costs(y_pred: Any, gamma: Any, from_logits: bool, epsilon: Any) -> Any:
    """What each class would cost if it were the true one."""
    if from_logits:
        _, _, others, whole, nats = sides(y_pred)
        return power(others, gamma) / power(whole, gamma) * nats
    return power(maximum(lacking_of(y_pred), epsilon), gamma) * surprise(y_pred, epsilon)


def _focal_slope_of(y_true: Any, y_pred: Any, alpha: Any, gamma: Any, from_logits: bool, epsilon: Any) -> Any:
    # A class's share times the slope of its cost in the share; what it pulls at its own score is multiplied with what
    # the share lacks to 1, what it pulls at the others with theirs.  Clipped shares have the slope at the boundary.
    if from_logits:
        first, own, others, whole, nats = sides(y_pred)
        turn = gamma * per_part(weighted(own, nats), others) + 1.0
        pulls = weighted(y_true, power(maximum(others, LEAST), gamma) / power(whole, gamma) * turn)
        return alpha * ((own * sums(first, pulls)[1] - pulls * others) / whole)
    first, _, _, total, share = shares(y_pred)
    lacking = lacking_of(y_pred)
    least, most, nats = maximum(share, epsilon), maximum(lacking, epsilon), surprise(y_pred, epsilon)
    weight = power(maximum(most, LEAST), gamma)
    turn, none = gamma * per_part(nats, most), least == 0.0
    steep = turn + 1.0 / least
    pulls = weighted(share, turn) + where(none, 1.0, share / where(none, 1.0, least))
    of_others = sums(first, weighted(y_true, weight * pulls))[1]
    return alpha * (of_others - weighted(y_true, weight * steep) * lacking) / total


def _focal_slope(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    label_smoothing: Any = 0.0,
    *,
    epsilon: Any = 1e-7,
) -> Any:
    y_true, _ = smoothed(y_true, y_pred, label_smoothing)
    return _focal_slope_of(y_true, y_pred, alpha, gamma, from_logits, epsilon)


def _sparse_focal_slope(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    ignore_class: int | None = None,
    *,
    epsilon: Any = 1e-7,
) -> Any:
    return _focal_slope_of(_row(y_true, y_pred), y_pred, alpha, gamma, from_logits, epsilon)


def _row(label: Any, like: Any) -> Any:
    """The label as a one-hot row, of NaN where it names no class."""
    found = indicator(is_label(label, like))
    return found + 0.0 * take(found, label)


@loss(
    aliases=("categorical_focal_loss", "softmax_focal_loss"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={
        "alpha": _ALPHA,
        "gamma": _GAMMA,
        "from_logits": _FROM_LOGITS,
        "label_smoothing": Interval("Share s of each target spread over all C classes: y (1 - s) + s/C", 0.0, 1.0),
        "epsilon": CLIP,
    },
    slope=_focal_slope,
    definition="-alpha * sum(y_true * (1 - q)**gamma * log(q)), q = y_pred / sum(y_pred)",
    source="T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, Focal loss for dense object detection (2017), eq. 4, 5",
    peers={
        "keras.losses.CategoricalFocalCrossentropy": "Loss()   # a list of alphas is class_weight=alphas, alpha=1.0",
        "monai.losses.softmax_focal_loss": "Loss(alpha=1.0, from_logits=True)   # classes lie along axis 1 there, and "
        "are not summed",
    },
    cases=(
        Case([[0.0, 1.0]], [[0.5, 0.5]], (math.log(2.0) / 4.0,), "(1 - 1/2)^2 log 2", {"alpha": 1.0}),
        Case([[0.0, 1.0]], [[0.25, 0.75]], (0.25 * 0.25 * math.log(4.0 / 3.0),),
             "1/4 (1 - 3/4) log(4/3)", {"gamma": 1.0}),
        Case([[1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], (math.log(3.0) / 9.0,), "1/4 (1 - 1/3)^2 log 3",
             {"from_logits": True}),
        Case([[1.0, 0.0]], [[0.5, 0.5]], (math.log(2.0) / 16.0,), "1/4 (3/4 + 1/4) (1/2)^2 log 2",
             {"label_smoothing": 0.5}),
    ),
)  # fmt: skip
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    *,
    epsilon: float = 1e-7,
) -> Any:
    """`categorical_crossentropy` in which what is nearly right counts little, for imbalanced classes.

    A point whose class has the share q is weighted by ``(1 - q)**gamma``.  ``alpha`` is Keras's: one factor of the
    whole loss, 1/4 unless told otherwise, so that ``alpha=1.0, gamma=0.0`` is `categorical_crossentropy`.  Behind a
    softmax layer as it is; behind a linear layer with ``from_logits=True``, which is more accurate.  For integer
    labels use `sparse_categorical_focal_crossentropy`, for yes/no targets `binary_focal_crossentropy`.

    >>> import lossary
    >>> print(lossary.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4))
    [0.0433]
    """
    y_true, _ = smoothed(y_true, y_pred, label_smoothing)
    return alpha * sum(weighted(y_true, _focal_costs(y_pred, gamma, from_logits, epsilon)))


@loss(
    aliases=("sparse_categorical_focal_loss",),
    target=Classes(),
    prediction=Probabilities(),
    parameters={
        "alpha": _ALPHA,
        "gamma": _GAMMA,
        "from_logits": _FROM_LOGITS,
        "ignore_class": IGNORED,
        "epsilon": CLIP,
    },
    slope=_sparse_focal_slope,
    definition="-alpha * (1 - q)**gamma * log(q), q = y_pred[y_true] / sum(y_pred)",
    source="T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, Focal loss for dense object detection (2017), eq. 4, 5",
    peers={
        "kornia.losses.focal_loss": "Loss(alpha=1.0, from_logits=True)   # classes lie along axis 1 there, and a mean "
        "is over them too",
        "focal_loss.SparseCategoricalFocalLoss": "Loss(alpha=1.0)   # slopes are as if q were not divided in (1 - q)",
    },
    cases=(
        Case([1, 0], [[0.5, 0.5], [0.25, 0.75]], (math.log(2.0) / 4.0, 9.0 / 16.0 * math.log(4.0)),
             "(1 - 1/2)^2 log 2; (1 - 1/4)^2 log 4", {"alpha": 1.0}),
        Case([2], [[0.0, 0.0, 0.0]], (math.log(3.0) / 9.0,), "1/4 (1 - 1/3)^2 log 3", {"from_logits": True}),
        Case([-1, 1], [[0.5, 0.5], [0.5, 0.5]], (0.0, math.log(2.0) / 8.0), "left out; 1/4 (1/2) log 2",
             {"ignore_class": -1, "gamma": 1.0}),
    ),
)  # fmt: skip
def sparse_categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    ignore_class: int | None = None,
    *,
    epsilon: float = 1e-7,
) -> Any:
    """`categorical_focal_crossentropy` for integer labels.

    ``alpha`` is 1/4 as there, where kornia and others have 1.

    >>> import lossary
    >>> print(lossary.sparse_categorical_focal_crossentropy([1], [[0.5, 0.5]]).round(4))
    [0.0433]
    """
    return alpha * take(_focal_costs(y_pred, gamma, from_logits, epsilon), y_true)
