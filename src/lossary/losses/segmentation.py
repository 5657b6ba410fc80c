"""Losses over regions: how well a predicted region covers the true one."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Bits, Flag, Interval, Unit
from ..facts.record import Case
from ..objects.define import loss
from ..words import sigmoid, square, sum, where

_SMOOTH = Interval("Added to both sides of the quotient", 0.0)
_LOGITS = Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)")


def _inside_and_outside(y_pred: Any, from_logits: bool) -> tuple[Any, Any]:
    """The probability of the region and that of the rest, both with all their digits."""
    return (sigmoid(y_pred), sigmoid(-y_pred)) if from_logits else (y_pred, 1.0 - y_pred)


def _share(part: Any, whole: Any) -> Any:
    """A share of a whole, and 0 where there is nothing."""
    return where(whole == 0.0, 0.0, part / _at_least_something(whole))


def _at_least_something(whole: Any) -> Any:
    return where(whole == 0.0, 1.0, whole)


# In the slopes below, what is shared and what is not are both sums: where one of the two is nearly the whole, the
# other keeps the digits that it would lose as a difference from 1.


def _dice_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, squared: bool = False, smooth: Any = 1e-7
) -> Any:
    inside, outside = _inside_and_outside(y_pred, from_logits)
    shared = 2.0 * sum(y_true * inside) + smooth
    if squared:
        whole = _at_least_something(sum(square(y_true) + square(inside)) + smooth)
        missed = outside + inside * (sum(square(y_true - inside)) / whole)
        slope = 2.0 * ((1.0 - y_true) * inside * (shared / whole) - y_true * missed) / whole
    else:
        whole = _at_least_something(sum(y_true + inside) + smooth)
        slope = (shared / whole - 2.0 * y_true) / whole
    return slope * inside * outside if from_logits else slope


def _tversky_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, alpha: Any = 0.5, beta: Any = 0.5, smooth: Any = 1e-7
) -> Any:
    inside, outside = _inside_and_outside(y_pred, from_logits)
    shared = sum(y_true * inside)
    missed = alpha * sum((1.0 - y_true) * inside) + beta * sum(y_true * outside)
    whole = _at_least_something(shared + missed + smooth)
    found, lost = (shared + smooth) / whole, missed / whole
    slope = (alpha * (1.0 - y_true) * found - y_true * (beta * found + lost)) / whole
    return slope * inside * outside if from_logits else slope


@loss(
    aliases=("dice_loss", "DiceLoss", "binary_dice_loss", "soft_dice", "sorensen_dice"),
    target=Bits(),
    prediction=Unit(),
    regions=True,
    parameters={
        "from_logits": _LOGITS,
        "squared": Flag("Whether the elements of the denominator are squared, as in V-Net"),
        "smooth": _SMOOTH,
    },
    slope=_dice_slope,
    definition="1 - (2 * sum(y_true * y_pred) + smooth) / (sum(y_true) + sum(y_pred) + smooth)",
    source="F. Milletari, N. Navab, S.-A. Ahmadi, V-Net (2016) (squared); C. H. Sudre et al., Generalised Dice overlap "
    "(2017)",
    peers={
        "keras.losses.Dice": "Loss(axis=None)   # empty regions cost 1 there, 0 here",
    },
    cases=(
        Case([[1.0, 0.0]], [[1.0, 0.5]], (0.2,), "1 - 2/(1 + 1.5)", {"smooth": 0.0}),
        Case([[1.0, 0.0]], [[1.0, 0.5]], (1.0 / 9.0,), "1 - 2/(1 + 1.25)", {"smooth": 0.0, "squared": True}),
        Case([[0.0, 0.0]], [[0.0, 0.0]], (0.0,), "nothing to find, nothing found", {"smooth": 0.0}),
        Case([[1.0, 0.0]], [[0.0, 0.0]], (1.0 / 3.0,), "1 - (1 + 1)/(1 + 1 + 1)", {"from_logits": True, "smooth": 1.0}),
    ),
)
def dice(y_true: Any, y_pred: Any, from_logits: bool = False, *, squared: bool = False, smooth: float = 1e-7) -> Any:
    """One minus the Dice overlap of a true and a predicted region.

    For masks that cover little of an image: between 0 and 1, whatever their size.  ``y_pred`` has a probability per
    pixel, from a sigmoid, or a raw score with ``from_logits=True``.  A region lies along ``axis``, or several of them:
    ``axis=(1, 2)`` for channels-last images, ``axis=(2, 3)`` for channels-first ones, ``axis=None`` for the whole batch
    as one region.  Pixels that nobody labelled have False in ``where``.  An empty region that is predicted empty costs
    0 (Keras: 1).  The gradient is steadier with a loss of pixels beside it, as in
    ``0.5 * lossary.Dice(axis=(1, 2)) + lossary.BinaryCrossentropy()``.

    >>> import lossary
    >>> print(lossary.dice([[1.0, 0.0]], [[1.0, 0.5]]).round(4))
    [0.2]
    """
    inside, outside = _inside_and_outside(y_pred, from_logits)
    # What the two do not share, as a sum without a difference that could lose its digits.
    if squared:
        return _share(sum(square(y_true - inside)), sum(square(y_true) + square(inside)) + smooth)
    return _share(sum(y_true * outside + (1.0 - y_true) * inside), sum(y_true + inside) + smooth)


@loss(
    aliases=("tversky_loss", "TverskyLoss"),
    target=Bits(),
    prediction=Unit(),
    regions=True,
    parameters={
        "from_logits": _LOGITS,
        "alpha": Interval("Weight of false positives", 0.0),
        "beta": Interval("Weight of false negatives", 0.0),
        "smooth": _SMOOTH,
    },
    slope=_tversky_slope,
    definition="1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth), tp = sum(y_true * y_pred), "
    "fp = sum((1 - y_true) * y_pred), fn = sum(y_true * (1 - y_pred))",
    source="S. S. M. Salehi, D. Erdogmus, A. Gholipour, Tversky loss function for image segmentation (2017), eq. 4",
    peers={
        "keras.losses.Tversky": "Loss(axis=None, alpha=beta, beta=alpha)   # the other way round there",
    },
    cases=(
        Case([[1.0, 0.0]], [[1.0, 0.5]], (1.0 / 3.0,), "1 - 1/(1 + 0.5)", {"alpha": 1.0, "beta": 0.0, "smooth": 0.0}),
        Case([[1.0, 0.0]], [[1.0, 0.5]], (0.0,), "no false negative", {"alpha": 0.0, "beta": 1.0, "smooth": 0.0}),
        Case([[1.0, 1.0]], [[0.0, 0.0]], (1.0 / 3.0,), "1 - 1/(1 + 1/2 * 1)", {"from_logits": True, "smooth": 0.0}),
    ),
)
def tversky(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, alpha: float = 0.5, beta: float = 0.5, smooth: float = 1e-7
) -> Any:
    """The Dice overlap with weights of its own for what is found too much and too little.

    ``alpha`` weighs false positives and ``beta`` false negatives, as in the paper (Keras has them the other way
    round): ``beta`` above ``alpha`` finds more of a small region.  With both 1/2 it is `dice`, with both 1 the Jaccard
    distance.  For ``axis`` and empty regions see `dice`.

    >>> import lossary
    >>> print(lossary.tversky([[1.0, 0.0]], [[1.0, 0.5]], alpha=1.0, beta=0.0).round(4))
    [0.3333]
    """
    inside, outside = _inside_and_outside(y_pred, from_logits)
    missed = alpha * sum((1.0 - y_true) * inside) + beta * sum(y_true * outside)
    return _share(missed, sum(y_true * inside) + missed + smooth)
