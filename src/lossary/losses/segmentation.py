"""Losses over regions: how well a predicted region covers the true one."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Bits, Unit
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import count, less, maximum, mean, minimum, power, sigmoid, sqrt, square, sum, where

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


def _missed(y_true: Any, y_pred: Any, from_logits: bool, alpha: Any, beta: Any, smooth: Any) -> Any:
    """The weighted errors as a share of them and what is found."""
    inside, outside = _inside_and_outside(y_pred, from_logits)
    missed = alpha * sum((1.0 - y_true) * inside) + beta * sum(y_true * outside)
    return _share(missed, sum(y_true * inside) + missed + smooth)


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
        "optax.losses.dice_loss": "Loss(axis=(1, 2), from_logits=True, smooth=2.0)   # of one class per pixel: softmax",
        "optax.losses.binary_dice_loss": "Loss(axis=(1, 2), from_logits=True, smooth=2.0)",
        "monai.losses.DiceLoss": "Loss(axis=(2, 3), smooth=1e-5)   # jaccard=True: Jaccard",
        "segmentation_models_pytorch.losses.DiceLoss": "Loss(axis=(0, 2, 3), from_logits=True, smooth=0.0)",
        "kornia.losses.dice_loss": "Loss(axis=(1, 2, 3), smooth=0.0)   # of the softmax of y_pred and one-hot y_true; "
        "average='macro': (2, 3)",
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
        "keras.losses.Tversky": "Loss(axis=None, alpha=beta, beta=alpha)   # before Keras 3.16; then "
        "alpha=alpha, beta=beta",
        "monai.losses.TverskyLoss": "Loss(axis=(2, 3), alpha=alpha, beta=beta, smooth=1e-5)",
        "segmentation_models_pytorch.losses.TverskyLoss": "Loss(axis=(0, 2, 3), from_logits=True, smooth=0.0)   # "
        "gamma: FocalTversky",
        "kornia.losses.tversky_loss": "Loss(axis=(2, 3), alpha=alpha, beta=beta, smooth=0.0)   # of the softmax of "
        "y_pred and one-hot y_true",
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

    ``alpha`` weighs false positives and ``beta`` false negatives, as in the paper (Keras before 3.16 has them the other
    way round): ``beta`` above ``alpha`` finds more of a small region.  With both 1/2 it is `dice`, with both 1 the
    Jaccard distance.  For ``axis`` and empty regions see `dice`.

    >>> import lossary
    >>> print(lossary.tversky([[1.0, 0.0]], [[1.0, 0.5]], alpha=1.0, beta=0.0).round(4))
    [0.3333]
    """
    return _missed(y_true, y_pred, from_logits, alpha, beta, smooth)


def _jaccard_slope(y_true: Any, y_pred: Any, from_logits: bool = False, *, smooth: Any = 1e-7) -> Any:
    return _tversky_slope(y_true, y_pred, from_logits, alpha=1.0, beta=1.0, smooth=smooth)


@loss(
    aliases=("jaccard_loss", "JaccardLoss", "jaccard_distance", "soft_jaccard", "soft_iou"),
    target=Bits(),
    prediction=Unit(),
    regions=True,
    parameters={"from_logits": _LOGITS, "smooth": _SMOOTH},
    slope=_jaccard_slope,
    definition="1 - (i + smooth) / (sum(y_true) + sum(y_pred) - i + smooth), i = sum(y_true * y_pred)",
    source="M. A. Rahman, Y. Wang, Optimizing intersection-over-union in deep neural networks (2016), eq. 4",
    peers={
        "segmentation_models_pytorch.losses.JaccardLoss": "Loss(axis=(0, 2, 3), from_logits=True, smooth=0.0)",
        "keras_contrib.losses.jaccard_distance": "100.0 * Loss(smooth=100.0)",
    },
    cases=(
        Case([[1.0, 0.0]], [[1.0, 0.5]], (1.0 / 3.0,), "1 - 1/(1 + 1.5 - 1)", {"smooth": 0.0}),
        Case([[1.0, 0.0]], [[1.0, 0.5]], (0.2,), "1 - 2/(1.5 + 1)", {"smooth": 1.0}),
        Case([[1.0, 1.0]], [[0.0, 0.0]], (0.5,), "1 - 1/(2 + 1 - 1)", {"from_logits": True, "smooth": 0.0}),
        Case([[0.0, 0.0]], [[0.0, 0.0]], (0.0,), "nothing to find, nothing found", {"smooth": 0.0}),
    ),
)
def jaccard(y_true: Any, y_pred: Any, from_logits: bool = False, *, smooth: float = 1e-7) -> Any:
    """One minus the intersection over union of a true and a predicted region.

    For masks that are judged by their intersection over union, the Jaccard index: 0 and 1 at the same overlaps as
    `dice`, of which it is ``2 * dice / (1 + dice)``, and harder on those between.  For ``axis`` and empty regions see
    `dice`; boxes have `iou_loss`.

    >>> import lossary
    >>> print(lossary.jaccard([[1.0, 0.0]], [[1.0, 0.5]]).round(4))
    [0.3333]
    """
    return _missed(y_true, y_pred, from_logits, 1.0, 1.0, smooth)


def _focal_tversky_slope(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    alpha: Any = 0.3,
    beta: Any = 0.7,
    gamma: Any = 0.75,
    smooth: Any = 1e-7,
) -> Any:
    missed = _missed(y_true, y_pred, from_logits, alpha, beta, smooth)
    slope = _tversky_slope(y_true, y_pred, from_logits, alpha=alpha, beta=beta, smooth=smooth)
    # Where nothing is missed, only the first power has a slope.
    none = missed == 0.0
    flat, part = none & (less(gamma, 1.0) | less(1.0, gamma)), where(none, 1.0, missed)
    # The power gamma - 1.  Below 0 it is a quotient, as its derivative would be a power that no float holds.
    up = where(part < 1e-18, 1e30, 1.0)
    steep = power(part, minimum(gamma, 1.0)) * up / (part * up) * power(part, maximum(gamma, 1.0) - 1.0)
    return where(flat, 0.0, gamma * steep) * slope


@loss(
    aliases=("focal_tversky_loss", "FocalTverskyLoss"),
    target=Bits(),
    prediction=Unit(),
    regions=True,
    parameters={
        "from_logits": _LOGITS,
        "alpha": Interval("Weight of false positives", 0.0),
        "beta": Interval("Weight of false negatives", 0.0),
        "gamma": Interval("The power; below 1 regions that are nearly right count more", 0.0, open_below=True),
        "smooth": _SMOOTH,
    },
    slope=_focal_tversky_slope,
    definition="tversky(y_true, y_pred, alpha, beta, smooth)**gamma",
    source="N. Abraham, N. M. Khan, A novel focal Tversky loss function (2019), eq. 4, with gamma and "
    "1/gamma, alpha and beta exchanged",
    cases=(
        Case([[1.0, 0.0]], [[1.0, 0.5]], (1.0 / 9.0,), "(1/3)^2",
             {"alpha": 1.0, "beta": 0.0, "gamma": 2.0, "smooth": 0.0}),
        Case([[1.0, 1.0]], [[0.0, 0.0]], (0.5,), "(1 - 1/(1 + 1/3))^(1/2)",
             {"from_logits": True, "alpha": 1.0, "beta": 1.0 / 3.0, "gamma": 0.5, "smooth": 0.0}),
        Case([[1.0, 0.0]], [[1.0, 0.0]], (0.0,), "nothing is missed"),
    ),
)  # fmt: skip
def focal_tversky(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    smooth: float = 1e-7,
) -> Any:
    """A power of `tversky`, for small regions some of which are much harder to find than others.

    With ``gamma`` above 1 regions that are nearly right cost less and those that are missed keep their weight; below 1,
    as in the paper, it is the other way round, and the slope grows without bound towards a perfect region, where it is
    taken as 0.  ``gamma`` is the power itself; the paper writes ``1/gamma``.  For ``axis`` see `dice`.

    >>> import lossary
    >>> print(lossary.focal_tversky([[1.0, 0.0]], [[1.0, 0.5]]).round(4))
    [0.217]
    """
    return power(_missed(y_true, y_pred, from_logits, alpha, beta, smooth), gamma)


def _shares(y_true: Any, y_pred: Any, from_logits: bool) -> tuple[Any, Any, Any, Any]:
    """The shares of true positives, false positives, false negatives and true negatives."""
    inside, outside = _inside_and_outside(y_pred, from_logits)
    background = 1.0 - y_true
    return mean(y_true * inside), mean(background * inside), mean(y_true * outside), mean(background * outside)


def _spread_of_both(tp: Any, fp: Any, fn: Any, tn: Any) -> tuple[Any, Any]:
    """The geometric mean of two variances, and whether one of them is 0."""
    # As a product of roots it does not vanish where regions are tiny.
    sides = tp + fp, fn + tn, tp + fn, fp + tn
    predicted, left, true, background = (sqrt(_at_least_something(side)) for side in sides)
    none = minimum(minimum(sides[0], sides[1]), minimum(sides[2], sides[3])) == 0.0
    return predicted * left * (true * background), none


def _matthews_slope(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    tp, fp, fn, tn = _shares(y_true, y_pred, from_logits)
    spread, undefined = _spread_of_both(tp, fp, fn, tn)
    common = 0.5 * (tp * tn - fp * fn)
    # Of the mean of y_pred, which stands in the root.
    pull = common / _at_least_something(tp + fp) - common / _at_least_something(fn + tn)
    slope = (pull + (1.0 - y_true) * (tp + fn) - y_true * (fp + tn)) / spread / count(y_pred)
    if from_logits:
        inside, outside = _inside_and_outside(y_pred, from_logits)
        slope = slope * inside * outside
    return where(undefined, 0.0, slope)


@loss(
    aliases=("mcc", "mcc_loss", "phi_coefficient_loss"),
    target=Bits(),
    prediction=Unit(),
    regions=True,
    parameters={"from_logits": _LOGITS},
    slope=_matthews_slope,
    definition="1 - (tp * tn - fp * fn) / sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)), tp = sum(y_true * "
    "y_pred), fp = sum((1 - y_true) * y_pred), fn = sum(y_true * (1 - y_pred)), tn = sum((1 - y_true) * (1 - y_pred))",
    source="K. Abhishek, G. Hamarneh, Matthews correlation coefficient loss (2021), eq. 3",
    peers={
        "monai.losses.MCCLoss": "Loss(axis=(2, 3))   # 1e-5 is added to the denominator there",
        "segmentation_models_pytorch.losses.MCCLoss": "Loss(axis=None)   # 1e-5 is added to both sides there",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.75, 0.25]], (0.5,), "1 - (9/16 - 1/16)/sqrt(1 * 1 * 1 * 1)"),
        Case([[1.0, 0.0]], [[0.0, 0.0]], (1.0,), "1 - (1/4 - 1/4)/1", {"from_logits": True}),
        Case([[1.0, 0.0, 1.0]], [[1.0, 0.0, 1.0]], (0.0,), "all right"),
        Case([[1.0, 0.0]], [[0.0, 1.0]], (2.0,), "all wrong: 1 + 1/1"),
        Case([[0.0, 0.0]], [[0.0, 0.5]], (1.0,), "no region: the correlation counts as 0"),
    ),
)
def matthews_correlation(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """One minus the Matthews correlation of a true and a predicted region.

    For masks in which the background counts too: unlike `dice` it asks for true negatives, and is the same if region
    and background change places.  Between 0 and 2; 1 is as good as chance.  Where a region is empty or covers all, in
    the target or in the prediction, the correlation is undefined and counts as 0: the value is 1 whatever is predicted
    and the slope 0, so it goes with a loss of pixels, as in ``lossary.MatthewsCorrelation(axis=(1, 2)) +
    lossary.BinaryCrossentropy()``.  For ``axis`` see `dice`.

    >>> import lossary
    >>> print(lossary.matthews_correlation([[1.0, 0.0]], [[0.75, 0.25]]))
    [0.5]
    """
    tp, fp, fn, tn = _shares(y_true, y_pred, from_logits)
    spread, undefined = _spread_of_both(tp, fp, fn, tn)
    correlation = where(undefined, 0.0, (tp * tn - fp * fn) / spread)
    # Its square is a product of two numbers, each of which lacks two shares of errors to 1.
    by_prediction = _share(fp, tp + fp) + _share(fn, fn + tn)
    by_truth = _share(fn, tp + fn) + _share(fp, fp + tn)
    lacking = by_prediction + by_truth * (1.0 - by_prediction)
    good = correlation > 0.5
    return where(good, lacking / where(good, 1.0 + correlation, 1.0), 1.0 - correlation)
