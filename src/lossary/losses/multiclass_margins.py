"""Losses of the scores of several classes: how far the right one lies above the others."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Classes, OneHot, Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import count, first_max, indicator, is_label, lead, max, maximum, mean, square, sum, take, weighted, where
from ..words import power as raised
from ..words import sparsemax as nearest


@loss(
    target=OneHot(),
    prediction=Real(),
    definition="max(1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred), 0)",
    source="J. Weston, C. Watkins, Support vector machines for multi-class pattern recognition (1999); Keras's variant",
    peers={
        "keras.losses.CategoricalHinge": "",
    },
    cases=(Case([[0.0, 1.0, 0.0]], [[2.0, 1.5, -1.0]], (1.5,), "1 + 2 - 1.5"),),
)
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Linear cost of a lead below 1 of the true class over the best other one, for scores and one-hot targets.

    As in Keras, the best other score counts as 0 if it is negative.

    >>> import lossary
    >>> print(lossary.categorical_hinge([[0.0, 1.0, 0.0]], [[2.0, 1.5, -1.0]]))
    [1.5]
    """
    own = sum(weighted(y_true, y_pred))
    other = max(weighted(1.0 - y_true, y_pred))
    return maximum(other - own + 1.0, 0.0)


def _missing(y_true: Any, y_pred: Any, margin: Any) -> Any:
    """What the true class lacks to its margin over every class; NaN if it names none."""
    return maximum(margin + (y_pred - take(y_pred, y_true)), 0.0)


def _multi_margin_slope(y_true: Any, y_pred: Any, power: Any = 1.0, *, margin: Any = 1.0) -> Any:
    hit, missing = is_label(y_true, y_pred), _missing(y_true, y_pred, margin)
    near = hit | (missing == 0.0)
    pushes = power * where(near, 0.0, raised(where(near, 1.0, missing), power - 1.0)) / count(y_pred)
    return take(indicator(hit), y_true) * where(hit, -sum(pushes), pushes)  # NaN for a label that names no class.


@loss(
    aliases=("weston_watkins",),
    target=Classes(),
    prediction=Real(),
    parameters={
        "power": Interval("1 or 2, in torch `p`: whether what lacks to the margin counts linearly or squared", 1.0),
        "margin": Interval("Lead of the true class over every other from which there is no cost"),
    },
    slope=_multi_margin_slope,
    definition="sum over k != y_true of max(margin - y_pred[y_true] + y_pred[k], 0)**power / C",
    source="J. Weston, C. Watkins, Support vector machines for multi-class pattern recognition (1999), eq. 4",
    peers={
        "torch.nn.MultiMarginLoss": "",
        "torch.nn.functional.multi_margin_loss": "",
    },
    cases=(
        Case([1], [[2.0, 1.5, -1.0]], (0.5,), "(1 - 1.5 + 2)/3"),
        Case([0], [[0.0, 1.0]], (4.5,), "(2 - 0 + 1)^2/2", {"power": 2.0, "margin": 2.0}),
    ),
)
def multi_margin(y_true: Any, y_pred: Any, power: float = 1.0, *, margin: float = 1.0) -> Any:
    """Cost of every class that comes too close to the true one, for integer labels and scores.

    All classes within the margin count, divided by the number of classes as in PyTorch; `multiclass_hinge` counts the
    closest one only.  With ``power=2.0`` it is smooth at the margin.  It stops caring once the true class leads by
    ``margin``.

    >>> import lossary
    >>> print(lossary.multi_margin([1], [[2.0, 1.5, -1.0]]))
    [0.5]
    """
    cost = raised(_missing(y_true, y_pred, margin), power)
    return mean(where(is_label(y_true, y_pred), 0.0, cost))


@loss(
    aliases=("crammer_singer", "multiclass_svm_loss"),
    target=Classes(),
    prediction=Real(),
    definition="max over k of (y_pred[k] + 1[k != y_true]) - y_pred[y_true]",
    source="K. Crammer, Y. Singer, On the algorithmic implementation of multiclass kernel-based vector machines (2001)",
    peers={
        "optax.losses.multiclass_hinge_loss": "",
    },
    cases=(
        Case([1], [[2.0, 1.5, -1.0]], (1.5,), "2 + 1 - 1.5"),
        Case([0, 2], [[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]], (0.0, 1.0), "a lead of 1 is enough; 0 + 1 - 0"),
    ),
)
def multiclass_hinge(y_true: Any, y_pred: Any) -> Any:
    """Linear cost of a lead below 1 of the true class over the best other one, for integer labels and scores.

    It is what scikit-learn's hinge_loss is for more than two classes.  `categorical_hinge`, Keras's, takes one-hot rows
    and counts the best other score as 0 where it is negative, so that values differ.  `multi_margin` counts all classes
    that come too close.

    >>> import lossary
    >>> print(lossary.multiclass_hinge([1], [[2.0, 1.5, -1.0]]))
    [1.5]
    """
    # The best other class by its score: the 1, and a far label, round small leads away.
    best = max(where(is_label(y_true, y_pred), -math.inf, y_pred))
    return maximum(1.0 + (best - take(y_pred, y_true)), 0.0)


@loss(
    target=Classes(),
    prediction=Real(),
    definition="max(y_pred) - y_pred[y_true]",
    source="M. Collins, Discriminative training methods for hidden Markov models (2002), sec. 2",
    peers={
        "optax.losses.multiclass_perceptron_loss": "",
    },
    cases=(
        Case([1], [[2.0, 1.5, -1.0]], (0.5,), "2 - 1.5"),
        Case([0], [[2.0, 1.5, -1.0]], (0.0,), "the true class leads"),
    ),
)
def multiclass_perceptron(y_true: Any, y_pred: Any) -> Any:
    """How far the leading class lies above the true one, with no margin asked for, for integer labels and scores.

    Value and slope are 0 where the true class leads; of classes that lead together the first counts as the leader.
    `multiclass_hinge` asks for a lead of 1.

    >>> import lossary
    >>> print(lossary.multiclass_perceptron([1], [[2.0, 1.5, -1.0]]))
    [0.5]
    """
    return take(_lag(y_pred), y_true)


def _lag(y_pred: Any) -> Any:
    """How far each score lies below the leader, which is 0 below itself, if it is infinite too."""
    return where(first_max(y_pred), 0.0, lead(y_pred) - y_pred)


def _sparse_shares(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """Marks the true class, the shares of the others, and their sum, which is what the true class lacks."""
    own = is_label(y_true, y_pred)
    others = where(own, 0.0, nearest(y_pred))
    return own, others, sum(others)


def _sparsemax_slope(y_true: Any, y_pred: Any) -> Any:
    own, others, missing = _sparse_shares(y_true, y_pred)
    known = take(indicator(own), y_true)  # NaN for a label that names no class.
    return known * where(own, -missing, others)


@loss(
    target=Classes(),
    prediction=Real(),
    slope=_sparsemax_slope,
    definition="sum(p * y_pred) - y_pred[y_true] + (1 - sum(p**2)) / 2, p = sparsemax(y_pred)",
    source="A. F. T. Martins, R. F. Astudillo, From softmax to sparsemax (2016), eq. 18",
    peers={
        "optax.losses.multiclass_sparsemax_loss": "",
        "jaxopt.loss.multiclass_sparsemax_loss": "",
        "entmax.SparsemaxLoss": "Loss()",
        "tensorflow_addons.losses.SparsemaxLoss": "Loss()   # of integer labels, not of one-hot rows",
    },
    cases=(
        Case([0], [[0.0, 0.0]], (0.25,), "p = (1/2, 1/2): 0 - 0 + (1 - 1/2)/2"),
        Case([1, 0], [[3.0, 1.0, 0.0], [1.0, 0.0, -5.0]], (2.0, 0.0), "p = (1, 0, 0): 3 - 1; a lead of 1 is enough"),
        Case([0], [[0.5, 0.0]], (0.0625,), "p = (3/4, 1/4): 3/8 - 1/2 + (1 - 5/8)/2"),
    ),
)
def sparsemax(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy's counterpart for probabilities of which most are exactly 0, for integer labels and scores.

    For many classes of which few come into question: the probabilities that belong to ``y_pred`` are the distribution
    nearest to it, `lossary.words.sparsemax`, and not a softmax.  It is convex and smooth, 0 once the true class leads
    by 1, where `sparse_categorical_crossentropy` never ends, and far from there close to the lead of the wrong class.
    Its slope is ``p - one_hot``, so that wrong classes without a share have none.  Of two classes it is
    `binary_sparsemax` of the difference of their scores, which optax calls sparsemax_loss.

    >>> import lossary
    >>> print(lossary.sparsemax([1, 0], [[0.0, 0.0], [2.0, 0.5]]))
    [0.25 0.  ]
    """
    _, others, missing = _sparse_shares(y_true, y_pred)
    # The same as the definition, but nothing cancels: half the squared distance of two distributions, and how far a
    # class without a share is from having one.
    gathered = sum(where(first_max(y_pred), 0.0, nearest(y_pred)))
    behind = 1.0 - take(_lag(y_pred), y_true)
    return 0.5 * (sum(square(others)) + square(missing)) + maximum(gathered - behind, 0.0)


def _apart(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """The nearest distribution, and how far it is from the target, at the leader by what the others have."""
    first, near = first_max(y_pred), nearest(y_pred)
    return near, where(first, (1.0 - y_true) - sum(where(first, 0.0, near)), near - y_true)


def _fenchel_young_slope(y_true: Any, y_pred: Any) -> Any:
    return _apart(y_true, y_pred)[1]


@loss(
    aliases=("fenchel_young_loss", "categorical_sparsemax"),
    target=OneHot(),
    prediction=Real(),
    slope=_fenchel_young_slope,
    definition="sum((y_true - p)**2) / 2 + sum over p[k] == 0 of y_true[k] * (t - y_pred[k]), p = sparsemax(y_pred), "
    "t = max(y_pred) - max(p)",
    source="M. Blondel, A. F. T. Martins, V. Niculae, Learning with Fenchel-Young losses (2020), eq. 14, with half the "
    "squared length as the regulariser",
    peers={
        "optax.losses.make_fenchel_young_loss": "Loss()   # where max_fun is the greatest <y, p> - sum(p**2) / 2 over "
        "distributions, and less sum(y_true**2) / 2; where it is logsumexp, "
        "lossary.CategoricalCrossentropy(from_logits=True)",
        "jaxopt.loss.make_fenchel_young_loss": "Loss()   # as optax.losses.make_fenchel_young_loss",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.0, 0.0]], (0.25,), "p = (1/2, 1/2): (1/4 + 1/4)/2"),
        Case([[0.25, 0.75]], [[0.0, 0.0]], (0.0625,), "p = (1/2, 1/2): (1/16 + 1/16)/2"),
        Case([[0.0, 0.5, 0.5]], [[3.0, 1.0, 0.0]], (2.25,),
             "p = (1, 0, 0), t = 2: (1 + 1/4 + 1/4)/2 + (2 - 1)/2 + (2 - 0)/2"),
        Case([[0.75, 0.25]], [[1.5, 1.0]], (0.0,), "p = (3/4, 1/4)"),
    ),
)  # fmt: skip
def fenchel_young(y_true: Any, y_pred: Any) -> Any:
    """The Fenchel-Young loss whose probabilities are sparse, for one-hot rows or targets that are distributions.

    For soft labels of which most are exactly 0, such as attention or votes: with integer labels it is `sparsemax`.  The
    probabilities that belong to ``y_pred`` are the distribution nearest to it, `lossary.words.sparsemax`; value and
    slope are 0 exactly where they are the target, and the slope is their difference.  The Fenchel-Young loss of a
    softmax is `categorical_crossentropy` with ``from_logits=True``, up to the entropy of the targets; for other
    regularisers write the formula with ``@lossary.loss``.

    >>> import lossary
    >>> print(lossary.fenchel_young([[0.25, 0.75], [1.0, 0.0]], [[0.0, 0.0], [2.0, 0.5]]))
    [0.0625 0.    ]
    """
    near, apart = _apart(y_true, y_pred)
    behind = maximum(_lag(y_pred) - max(near), 0.0)
    return 0.5 * sum(square(apart)) + sum(weighted(where(near == 0.0, y_true, 0.0), behind))
