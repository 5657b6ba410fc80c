"""Losses over the regions of several classes at once: an image is one data point."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import Matrix
from ..facts.domain import Bits, Shares
from ..facts.record import Case
from ..facts.settings import Choice, Flag, Interval
from ..objects.define import loss
from ..words import exp, indicator, max, other, square, sum, where


def _of_classes(x: Any) -> Any:
    """One number per class, as a row."""
    return other(sum(x, over="output"))


def _weights(size: Any, size_weight: str) -> tuple[Any, Any]:
    """The weight of each class over that of the smallest, and the factor that this takes.

    An absent class weighs as much as the smallest of those that are there.
    """
    if size_weight == "uniform":
        return indicator(size == size), 1.0
    least = -max(where(size == 0.0, -math.inf, -size))
    least = where(least == math.inf, 1.0, least)
    share = least / where(size == 0.0, least, size)
    return (share, least) if size_weight == "simple" else (square(share), square(least))


def _leads(y_pred: Any) -> tuple[Any, Any]:
    """How far each score lies above the largest of its place (0 or less), and whether it is that."""
    lag = y_pred - max(y_pred, over="other")
    return lag, lag == 0.0


def _others(leads: Any, x: Any) -> Any:
    """The sum over the other classes of a place, without cancellation at the one that leads."""
    leading = sum(where(leads, x, 0.0), over="other")
    rest = sum(where(leads, 0.0, x), over="other")
    return where(leads, rest + (leading - x), (rest - where(leads, 0.0, x)) + leading)


def _inside_and_outside(y_pred: Any, from_logits: bool) -> tuple[Any, Any]:
    """The share of each class in its place, and what it lacks to 1."""
    if not from_logits:
        return y_pred, 1.0 - y_pred
    lag, leads = _leads(y_pred)
    odds = exp(lag)
    whole = sum(odds, over="other")
    whole = where(whole == 0.0, 1.0, whole)  # Of a place that is left out.
    return odds / whole, _others(leads, odds) / whole


def _sums(y_true: Any, sides: tuple[Any, Any], size_weight: str, smooth: Any) -> tuple[Any, Any, Any, Any]:
    """The weights of the classes, what is found and what is not, doubled, and all of it."""
    inside, outside = sides
    weight, factor = _weights(_of_classes(y_true), size_weight)
    found = sum(weight * _of_classes(2.0 * y_true * inside)) + smooth * factor
    missed = sum(weight * _of_classes(y_true * outside + (1.0 - y_true) * inside))
    return weight, found, missed, found + missed


def _generalized_dice_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, size_weight: str = "square", smooth: Any = 0.0
) -> Any:
    inside, outside = sides = _inside_and_outside(y_pred, from_logits)
    weight, found, _, whole = _sums(y_true, sides, size_weight, smooth)
    some = where(whole == 0.0, 1.0, whole)
    slope = other(weight) * ((found / some - 2.0 * y_true) / some)
    if not from_logits:
        return slope
    slope = slope - max(slope, over="other")  # What all classes of a place have in common moves no score.
    return inside * (outside * slope - _others(_leads(y_pred)[1], inside * slope))


@loss(
    aliases=("gdl", "generalized_dice_loss", "generalised_dice"),
    target=Matrix(Bits()),
    prediction=Matrix(Shares()),
    regions=True,
    parameters={
        "from_logits": Flag("Whether y_pred holds raw scores (no softmax over the classes in the last layer)"),
        "size_weight": Choice("Weight of a class of size n: 1/n^2, 1/n or 1", ("square", "simple", "uniform")),
        "smooth": Interval("Added to both sides of the quotient", 0.0, off=0.0),
    },
    slope=_generalized_dice_slope,
    definition="1 - (2 * sum_c(w_c * sum(y_true_c * y_pred_c)) + smooth) / (sum_c(w_c * sum(y_true_c + y_pred_c)) + "
    "smooth), w_c = 1 / sum(y_true_c)**2",
    source="C. H. Sudre et al., Generalised Dice overlap as a deep learning loss function (2017), eq. 1",
    peers={
        "monai.losses.GeneralizedDiceLoss": "Loss(axis=(2, 3), smooth=1e-5)",
        "optax.losses.multiclass_generalized_dice_loss": "lossary.Dice(axis=(1, 2), smooth=2.0)   # of the "
        "softmax; with sample_weight 1/n**2 of the classes of the batch, scaled to the mean 1: another loss than this",
    },
    cases=(
        Case([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], (5.0 / 9.0,),
             "w = 1/4, 1: 1 - 2 (1/4 + 1/2)/(7/8 + 5/2)"),
        Case([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], (0.45,),
             "w = 1/2, 1: 1 - (2 (1/2 + 1/2) + 3/4)/(7/4 + 5/2 + 3/4)", {"size_weight": "simple", "smooth": 0.75}),
        Case([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], (0.5,),
             "1 - 2 (1 + 1/2)/(7/2 + 5/2)", {"size_weight": "uniform"}),
        Case([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[2.0, -1.0, 3.0], [2.0, -1.0, 3.0]], (5.0 / 9.0,),
             "shares of 1/2, as the first", {"from_logits": True}),
        Case([[1.0, 0.0], [0.0, 1.0]], [[math.log(3.0), 0.0], [0.0, 0.0]], (0.375,),
             "shares 3/4 and 1/2 of the first class: 1 - 2 (3/4 + 1/2)/(9/4 + 7/4)", {"from_logits": True}),
        Case([[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]], (0.0,), "all right; one class is absent"),
        Case([[1.0, 1.0], [0.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]], (0.5,), "w = 1/4 for both: 1 - 2 * 1/(2 + 1 + 1)"),
    ),
)  # fmt: skip
def generalized_dice(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, size_weight: str = "square", smooth: float = 0.0
) -> Any:
    """One minus the Dice overlap of all classes of an image together, each weighed by how small it is.

    For segmentation with large and tiny classes: every class counts about the same, and those that an image lacks
    count only for what is wrongly found of them.  One value per image.  ``y_true`` is one-hot (or bits that overlap),
    ``y_pred`` has a probability per pixel and class, from a softmax, or a raw score with ``from_logits=True``.  Pixels
    lie along ``axis``, the classes along the last of the other axes: ``axis=(1, 2)`` for channels-last images,
    ``axis=(2, 3)`` for channels-first ones.  Pixels that nobody labelled have False in ``where``.

    A class that is absent weighs as much as the smallest one, as in MONAI.  There ``smooth`` is 1e-5, which for regions
    of more than a thousand pixels outweighs what is weighed by their squares; here it is 0, and a region of any size
    counts.  `dice` is the mean over classes of their own overlaps.

    >>> import lossary
    >>> y_true, y_pred = [[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], [[[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]]
    >>> print(lossary.generalized_dice(y_true, y_pred, axis=1).round(4))
    [0.5556]
    """
    _, _, missed, whole = _sums(y_true, _inside_and_outside(y_pred, from_logits), size_weight, smooth)
    return where(whole == 0.0, 0.0, missed / where(whole == 0.0, 1.0, whole))
