"""Losses for embeddings: vectors whose distances are to mean something."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Bits, Distance, Real, Signs
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    hypot1,
    is_off,
    less,
    max,
    maximum,
    mean,
    mean_square,
    minimum,
    power,
    sqrt,
    sum,
    where,
)
from ._powers import signed_power


def _shares(a: Any, b: Any) -> tuple[Any, Any]:
    """A difference in shares of its largest magnitude, whose powers neither overflow nor all vanish."""
    apart = a - b
    largest = max(abs(apart))
    return apart / where(largest == 0.0, 1.0, largest), largest


def _total(shares: Any, norm: Any) -> Any:
    total = sum(power(abs(shares), norm))
    return where(total == 0.0, 1.0, total)


def _distance(a: Any, b: Any, norm: Any) -> Any:
    """The length of a difference."""
    shares, largest = _shares(a, b)
    return largest * power(_total(shares, norm), 1.0 / norm)


def _direction(a: Any, b: Any, norm: Any) -> Any:
    """The slope of the length in ``a``, 0 where the two meet; that in ``b`` is its opposite."""
    shares, _ = _shares(a, b)
    total = _total(shares, norm)
    powers = shares if is_off(norm) else signed_power(shares, norm - 1.0)
    return powers * (power(total, 1.0 / norm) / total)


def _triplet_slopes(
    anchor: Any, positive: Any, negative: Any, *, margin: Any = 1.0, norm: Any = 2.0, swap: bool = False
) -> Any:
    near, far = _distance(anchor, positive, norm), _distance(anchor, negative, norm)
    nearer, from_anchor = _direction(anchor, positive, norm), _direction(anchor, negative, norm)
    from_positive: Any = 0.0
    if swap:
        other = _distance(positive, negative, norm)
        from_anchor = where(less(far, other), from_anchor, 0.0)
        from_positive = where(less(far, other), 0.0, _direction(positive, negative, norm))
        far = minimum(far, other)
    slopes = nearer - from_anchor, -nearer - from_positive, from_anchor + from_positive
    return tuple(where(less(0.0, near - far + margin), slope, 0.0) for slope in slopes)


@loss(
    aliases=(
        "triplet_margin_loss",
        "TripletMarginLoss",
        "TripletMarginWithDistanceLoss",
        "TripletLoss",
        "triplet_loss",
    ),
    target=None,
    predictions={"anchor": Real(), "positive": Real(), "negative": Real()},
    parameters={
        "margin": Interval("How much nearer the positive is to be than the negative", 0.0),
        "norm": Interval("The degree of the norm: 2 is the Euclidean length", 1.0, off=2.0),
        "swap": Flag("Whether the nearer one of anchor and positive is held against the negative"),
    },
    slope=_triplet_slopes,
    definition="max(norm(anchor - positive) - norm(anchor - negative) + margin, 0)",
    source="F. Schroff, D. Kalenichenko, J. Philbin, FaceNet (2015), eq. 1; K. Q. Weinberger, L. K. Saul (2009)",
    peers={
        "torch.nn.TripletMarginLoss": "",
        "torch.nn.TripletMarginWithDistanceLoss": "",
        "torch.nn.functional.triplet_margin_with_distance_loss": "",
        "torch.nn.functional.triplet_margin_loss": "",
        "optax.losses.triplet_margin_loss": "Loss()",
    },
    cases=(
        Case([[0.0]], [[3.0]], [[1.0]], (3.0,), "3 - 1 + 1"),
        Case([[0.0, 0.0]], [[3.0, 4.0]], [[6.0, 8.0]], (0.0,), "5 - 10 + 1 < 0"),
        Case([[0.0, 0.0]], [[3.0, 4.0]], [[1.0, 1.0]], (6.0,), "7 - 2 + 1", {"norm": 1.0}),
        Case([[0.0]], [[3.0]], [[4.0]], (3.0,), "3 - min(4, 1) + 1", {"swap": True}),
        Case([[1.0, 1.0]], [[4.0, 5.0]], [[1.0, 3.0]], (4.0,), "5 - 2 + 1"),
    ),
)
def triplet_margin(
    anchor: Any, positive: Any, negative: Any, *, margin: float = 1.0, norm: float = 2.0, swap: bool = False
) -> Any:
    """How far an anchor is from being nearer to its positive than to a negative, by a margin.

    For embeddings of faces, sentences or products: three arrays of vectors (N, D), of which the first two belong
    together.  There are no targets; all three have a gradient.  Where two vectors coincide, the slope of their distance
    is 0.  ``norm`` may be ``math.inf``, for the largest difference of all.

    A model of Keras returns the three in one array (N, 3, D), ``keras.ops.stack([anchor, positive, negative],
    axis=-2)``; its targets are not looked at.

    >>> import lossary
    >>> print(lossary.triplet_margin([[0.0, 0.0]], [[3.0, 4.0]], [[1.0, 0.0]]))
    [5.]
    """
    near, far = _distance(anchor, positive, norm), _distance(anchor, negative, norm)
    if swap:
        far = minimum(far, _distance(positive, negative, norm))
    return maximum(near - far + margin, 0.0)


def _near_or_far(y_true: Any) -> Any:
    return 1e3 * (1.0 - y_true)


@loss(
    target=Signs(),
    prediction=Distance(),
    parameters={"margin": Interval("Distance from which strangers cost nothing", 0.0)},
    best=_near_or_far,
    definition="mean(y_pred if y_true == 1 else max(margin - y_pred, 0)), y_pred = distances",
    source="R. Hadsell, S. Chopra, Y. LeCun, Dimensionality reduction by learning an invariant mapping (2006), without "
    "its squares",
    peers={
        "torch.nn.HingeEmbeddingLoss": "",
        "torch.nn.functional.hinge_embedding_loss": "",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.5, 0.25]], (0.625,), "(1/2 + (1 - 1/4))/2"),
        Case([[1.0, 0.0]], [[0.5, 0.25]], (1.125,), "(1/2 + (2 - 1/4))/2, 0 read as -1", {"margin": 2.0}),
        Case([[-1.0, -1.0]], [[1.5, 7.0]], (0.0,), "both are far enough"),
    ),
)
def hinge_embedding(y_true: Any, y_pred: Any, *, margin: float = 1.0) -> Any:
    """Distance of pairs that belong together, and what strangers lack to a distance of ``margin``.

    For distances that were computed from two embeddings: ``y_true`` is 1 for a pair that belongs together and -1 (or 0)
    for strangers.  Every stranger that is too near is pushed equally hard; `contrastive` has the squares of both sides,
    `cosine_embedding` takes the vectors themselves.  PyTorch gives a label of 0 the cost of both sides.

    >>> import lossary
    >>> print(lossary.hinge_embedding([[1, -1]], [[0.5, 0.25]]))
    [0.625]
    """
    return mean(where(y_true == 1.0, y_pred, maximum(margin - y_pred, 0.0)))


def _contrastive_slope(y_true: Any, y_pred: Any, *, margin: Any = 1.0) -> Any:
    lacking = maximum(margin - y_pred, 0.0)
    return 2.0 * ((y_true * y_pred - (1.0 - y_true) * lacking) / count(y_pred))


@loss(
    target=Bits(),
    prediction=Distance(),
    parameters={"margin": Interval("Distance from which strangers cost nothing", 0.0, open_below=True)},
    slope=_contrastive_slope,
    best=_near_or_far,
    definition="mean(y_true * y_pred**2 + (1 - y_true) * max(margin - y_pred, 0)**2), y_pred = distances",
    source="R. Hadsell, S. Chopra, Y. LeCun, Dimensionality reduction by learning an invariant mapping (2006), eq. 4, "
    "which has half of it and 0 for pairs that belong together",
    peers={
        "tensorflow_addons.losses.ContrastiveLoss": "Loss()",
        "sentence_transformers.losses.ContrastiveLoss": "0.5 * Loss(margin=0.5)   # of cosine distances",
    },
    cases=(
        Case([[1.0, 0.0]], [[2.0, 0.5]], (2.125,), "(4 + (1 - 1/2)^2)/2"),
        Case([[0.0, 0.0]], [[1.0, 3.0]], (0.5,), "((2 - 1)^2 + 0)/2", {"margin": 2.0}),
        Case([[0.5]], [[0.25]], (0.3125,), "(1/16 + 9/16)/2"),
    ),
)
def contrastive(y_true: Any, y_pred: Any, *, margin: float = 1.0) -> Any:
    """Squared distance of pairs that belong together, and the square of what strangers lack to ``margin``.

    For siamese networks: ``y_pred`` is the distance of two embeddings, not the vectors, and ``y_true`` is 1 for a pair
    that belongs together and 0 for strangers (the paper has them the other way round, and half the value).  The
    distance's own slope at coinciding vectors has to be a number, 0, where it is computed.  Labels are given: a slope
    in those that are exactly 0 or 1 is NaN, as squares are formed of roots of them.

    >>> import lossary
    >>> print(lossary.contrastive([[1, 0]], [[2.0, 0.5]]))
    [2.125]
    """
    near, far = sqrt(y_true) * y_pred, sqrt(1.0 - y_true) * maximum(margin - y_pred, 0.0)
    longer = maximum(near, far)
    # As squares of one length each, inside a mean that does not overflow where it fits.
    return mean_square(longer * hypot1(minimum(near, far) / where(longer == 0.0, 1.0, longer)))
