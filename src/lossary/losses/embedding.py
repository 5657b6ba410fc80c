"""Losses for embeddings: vectors whose distances are to mean something."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Flag, Interval, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, less, max, maximum, minimum, power, sign, sum, where


def _shares(a: Any, b: Any) -> tuple[Any, Any]:
    """The magnitudes of a difference as shares of the largest, whose powers neither overflow nor all vanish."""
    size = abs(a - b)
    largest = max(size)
    return size / where(largest == 0.0, 1.0, largest), largest


def _total(shares: Any, norm: Any) -> Any:
    total = sum(power(shares, norm))
    return where(total == 0.0, 1.0, total)


def _distance(a: Any, b: Any, norm: Any) -> Any:
    """The length of a difference."""
    shares, largest = _shares(a, b)
    return largest * power(_total(shares, norm), 1.0 / norm)


def _direction(a: Any, b: Any, norm: Any) -> Any:
    """The slope of the length in ``a``, 0 where the two meet; that in ``b`` is its opposite."""
    shares, _ = _shares(a, b)
    return sign(a - b) * power(shares, norm - 1.0) * power(_total(shares, norm), 1.0 / norm - 1.0)


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
        "norm": Interval("The degree of the norm: 2 is the Euclidean length", 1.0),
        "swap": Flag("Whether the nearer one of anchor and positive is held against the negative"),
    },
    slope=_triplet_slopes,
    definition="max(norm(anchor - positive) - norm(anchor - negative) + margin, 0)",
    source="F. Schroff, D. Kalenichenko, J. Philbin, FaceNet (2015), eq. 1; K. Q. Weinberger, L. K. Saul (2009)",
    peers={
        "torch.nn.TripletMarginLoss": "",
        "torch.nn.functional.triplet_margin_loss": "",
        "optax.triplet_margin_loss": "Loss()",
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
