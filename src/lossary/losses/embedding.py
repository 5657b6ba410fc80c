"""Losses for embeddings: vectors whose distances are to mean something."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Flag, Interval, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, max, maximum, minimum, power, scale_to_one, sum, where


def _distance(a: Any, b: Any, norm: Any) -> Any:
    """The length of a difference, which neither overflows nor vanishes; its slope where the two meet is 0."""
    difference = abs(a - b)
    scale = scale_to_one(max(difference))
    total = sum(power(difference * scale, norm))
    nothing = total == 0.0
    return where(nothing, 0.0, power(where(nothing, 1.0, total), 1.0 / norm) / scale)


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
    definition="max(norm(anchor - positive) - norm(anchor - negative) + margin, 0)",
    source="F. Schroff, D. Kalenichenko, J. Philbin, FaceNet (2015), eq. 1; K. Q. Weinberger, L. K. Saul (2009)",
    cases=(
        Case([[0.0]], [[3.0]], [[1.0]], (3.0,), "3 - 1 + 1"),
        Case([[0.0, 0.0]], [[3.0, 4.0]], [[6.0, 8.0]], (0.0,), "5 - 10 + 1 < 0"),
        Case([[0.0, 0.0]], [[3.0, 4.0]], [[1.0, 1.0]], (6.0,), "7 - 2 + 1", {"norm": 1.0}),
        Case([[0.0]], [[3.0]], [[4.0]], (3.0,), "3 - min(4, 1) + 1", {"swap": True}),
    ),
)
def triplet_margin(
    anchor: Any, positive: Any, negative: Any, *, margin: float = 1.0, norm: float = 2.0, swap: bool = False
) -> Any:
    """How far an anchor is from being nearer to its positive than to a negative, by a margin.

    For embeddings of faces, sentences or products: three arrays of vectors, of which the first two belong together.
    There are no targets; all three have a gradient.  Where two vectors coincide, the slope of their distance is 0.

    >>> import lossary
    >>> print(lossary.triplet_margin([[0.0, 0.0]], [[3.0, 4.0]], [[1.0, 0.0]]))
    [5.]
    """
    near, far = _distance(anchor, positive, norm), _distance(anchor, negative, norm)
    if swap:
        far = minimum(far, _distance(positive, negative, norm))
    return maximum(near - far + margin, 0.0)
