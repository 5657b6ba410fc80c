"""Losses for boxes: rectangles given by the corners of least and of largest coordinates."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Parts, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import abs, arctan, detach, guard, log, log1p, maximum, mean, minimum, scale_to_one, sign, square, where

_ORDERED = (("x1", "x2"), ("y1", "y2"))
_BOX = Parts(x1=Real(), y1=Real(), x2=Real(), y2=Real(), ordered=_ORDERED)
_ANY_BOX = Parts(x1=Real(), y1=Real(), x2=Real(), y2=Real())
# Lengths along one axis: what only the true box covers, what only the predicted one, what both do, the gap between.
_Lengths = tuple[Any, Any, Any, Any]


def _covered(low: Any, high: Any, start: Any, end: Any) -> _Lengths:
    """The lengths along one axis of a true side (low, high) and a predicted one (start, end).

    Each is a difference of coordinates.  Areas are sums of products of them, so that where two boxes nearly meet
    nothing is subtracted that would lose its digits.
    """
    only_true = minimum(high - low, maximum(start - low, 0.0) + maximum(high - end, 0.0))
    only_pred = minimum(maximum(end - start, 0.0), maximum(low - start, 0.0) + maximum(end - high, 0.0))
    common = maximum(minimum(high, end) - maximum(low, start), 0.0)
    return only_true, only_pred, common, maximum(start - high, 0.0) + maximum(low - end, 0.0)


def _scaled(lengths: _Lengths, whole: Any) -> _Lengths:
    """The lengths once the whole is about 1: a product of two then neither overflows nor vanishes."""
    scale = scale_to_one(whole)
    only_true, only_pred, common, gap = (length * scale for length in lengths)
    return only_true, only_pred, common, gap


def _alone_and_shared(across: _Lengths, along: _Lengths) -> tuple[Any, Any]:
    """The areas that one of the boxes covers, and that both do."""
    (true_x, pred_x, both_x, _), (true_y, pred_y, both_y, _) = across, along
    return true_x * (true_y + both_y) + pred_x * (pred_y + both_y) + both_x * (true_y + pred_y), both_x * both_y


def _union(across: _Lengths, along: _Lengths) -> tuple[Any, Any]:
    """The areas that one of the boxes covers, and that both do, once the union is about 1."""
    return _alone_and_shared(_scaled(across, _of_boxes(across)), _scaled(along, _of_boxes(along)))


def _not_shared(across: _Lengths, along: _Lengths) -> Any:
    """The share of the union that lies in one of the boxes alone."""
    return _share(*_union(across, along))


def _not_covered(across: _Lengths, along: _Lengths) -> Any:
    """The share of the hull that lies in neither box."""
    across = _scaled(across, _of_boxes(across) + across[3])
    along = _scaled(along, _of_boxes(along) + along[3])
    (true_x, pred_x, _, gap_x), (true_y, pred_y, _, gap_y) = across, along
    neither = true_x * pred_y + pred_x * true_y + gap_x * (_of_boxes(along) + gap_y) + gap_y * _of_boxes(across)
    alone, shared = _alone_and_shared(across, along)
    return _share(neither, alone + shared)


def _of_boxes(lengths: _Lengths) -> Any:
    return lengths[0] + lengths[1] + lengths[2]


def _share(part: Any, rest: Any) -> Any:
    """``part / (part + rest)``, and 0 where there is nothing; its slopes have the digits of the smaller of the two."""
    whole = part + rest
    whole = where(whole == 0.0, 1.0, whole)
    return where(rest < part, 1.0 - rest / whole, part / whole)


class _Boxes:
    """Two boxes: their lengths along both axes, and how their sides lie to each other."""

    def __init__(self, y_true: Any, y_pred: Any) -> None:
        left, top, right, bottom = y_true
        x1, y1, x2, y2 = y_pred
        self.across, self.along = _covered(left, right, x1, x2), _covered(top, bottom, y1, y2)
        # By how much the predicted sides lie beyond the true ones.
        self.starts, self.ends = (x1 - left, y1 - top), (x2 - right, y2 - bottom)

    def hull(self) -> tuple[Any, Any]:
        """The sides of the smallest box around both."""
        return _of_boxes(self.across) + self.across[3], _of_boxes(self.along) + self.along[3]

    def apart(self) -> Any:
        """The squared distance of the centers in units of the diagonal of the hull."""
        width, height = self.hull()
        scale = scale_to_one(maximum(width, height))
        x, y = (0.5 * (start + end) * scale for start, end in zip(self.starts, self.ends, strict=True))
        diagonal = square(width * scale) + square(height * scale)
        return (square(x) + square(y)) / where(diagonal == 0.0, 1.0, diagonal)

    def turn(self) -> Any:
        """The angle between the diagonals of both boxes, 0 where one has none: the difference of their slants."""
        (true_x, pred_x, both_x, _), (true_y, pred_y, both_y, _) = self.across, self.along
        wide, high, pred_wide, pred_high = true_x + both_x, true_y + both_y, pred_x + both_x, pred_y + both_y
        size, pred_size = maximum(wide, high), maximum(pred_wide, pred_high)
        scale, pred_scale = scale_to_one(size), scale_to_one(pred_size)
        smaller = pred_size < size
        # Sides of the smaller box times differences to the larger, which keep the digits of boxes that nearly agree.
        base, other = where(smaller, pred_scale, scale), where(smaller, scale, pred_scale)
        base_wide, base_high = where(smaller, pred_wide, wide) * base, where(smaller, pred_high, high) * base
        sine = base_wide * ((pred_y - true_y) * other) - (pred_x - true_x) * other * base_high
        cosine = (wide * scale) * (pred_wide * pred_scale) + (high * scale) * (pred_high * pred_scale)
        point = minimum(size, pred_size) == 0.0
        steep = cosine < abs(sine)
        slant = where(steep, cosine, sine) / where(point, 1.0, where(steep, sine, cosine))
        angle = where(steep, 0.5 * math.pi * sign(sine) - arctan(slant), arctan(slant))
        return where(point, 0.0, angle)

    def stretch(self) -> Any:
        """The squared differences of widths and of heights, in units of those of the hull."""
        shares = (
            (end - start) / where(side == 0.0, 1.0, side)
            for start, end, side in zip(self.starts, self.ends, self.hull(), strict=True)
        )
        width, height = shares
        return square(width) + square(height)


@loss(
    aliases=("giou", "giou_loss", "GIoULoss", "generalized_box_iou_loss", "BoxGIoULoss", "generalized_iou_loss"),
    class_name="GeneralizedIoU",
    target=_BOX,
    prediction=_ANY_BOX,
    definition="mean(1 - intersection / union + (hull - union) / hull), boxes are (x1, y1, x2, y2)",
    source="H. Rezatofighi et al., Generalized intersection over union (2019), alg. 1",
    peers={
        "torchvision.ops.generalized_box_iou_loss": "",
    },
    cases=(
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (4.0 / 3.0,), "1 - 0/2 + (3 - 2)/3"),
        Case([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]], (2.0 / 3.0,), "1 - 2/6 + (6 - 6)/6"),
        Case([[[1.0, 1.0, 1.0, 1.0]]], [[[1.0, 1.0, 1.0, 1.0]]], (0.0,), "the same empty box"),
        Case([[[1.0, 2.0, 4.0, 6.0]]], [[[2.0, 3.0, 6.0, 5.0]]], (0.95,), "1 - 4/(12 + 8 - 4) + (20 - 16)/20"),
    ),
)
def generalized_iou(y_true: Any, y_pred: Any) -> Any:
    """One minus the generalized intersection over union of a true and a predicted box.

    For detectors.  Between 0 for the same box and 2 for boxes far apart; unlike one minus the plain intersection over
    union it draws boxes together that do not meet.  It has no unit: boxes in pixels and in shares of the image cost the
    same, whatever their size.  Both arrays hold ``(x1, y1, x2, y2)`` along their last axis, (N, 4) from a linear layer
    of four units or (N, K, 4) for K boxes, or are tuples of four arrays.  Boxes of a center and a size are written
    ``(x - w/2, y - h/2, x + w/2, y + h/2)`` first.  A predicted box whose corners have changed places is empty; two
    empty boxes at one place cost 0.

    >>> import lossary
    >>> print(lossary.generalized_iou([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]]).round(4))
    [0.6667]
    """
    boxes = _Boxes(y_true, y_pred)
    return mean(_not_shared(boxes.across, boxes.along) + _not_covered(boxes.across, boxes.along))


@loss(
    class_name="IoULoss",
    aliases=("intersection_over_union_loss", "box_iou_loss", "unitbox"),
    target=_BOX,
    prediction=_ANY_BOX,
    parameters={
        "logarithm": Flag("Whether to take -log(iou) instead of 1 - iou"),
        "epsilon": Interval("Least iou under the logarithm", 0.0, 1.0),
    },
    definition="mean(1 - intersection / union), with logarithm=True mean(-log(intersection / union)), boxes are (x1, "
    "y1, x2, y2)",
    source="J. Yu et al., UnitBox: An advanced object detection network (2016), eq. 1",
    peers={
        "mmdet.models.losses.IoULoss": "Loss(logarithm=True)   # mode='linear' is Loss()",
        "keras_cv.losses.IoULoss": "Loss(logarithm=True)   # of one box; there the mean of several comes first, and "
        "mode='linear' is Loss()",
    },
    cases=(
        Case([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]], (2.0 / 3.0,), "1 - 2/6"),
        Case([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]], (math.log(3.0),), "-log(2/6)", {"logarithm": True}),
        Case([[[0.0, 0.0, 4.0, 2.0]]], [[[0.0, 0.0, 3.0, 2.0]]], (math.log(4.0 / 3.0),), "-log(6/8)",
             {"logarithm": True}),
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (math.log(100.0),), "-log(1/100), for 0",
             {"logarithm": True, "epsilon": 0.01}),
    ),
)  # fmt: skip
def iou_loss(y_true: Any, y_pred: Any, logarithm: bool = False, *, epsilon: float = 1e-6) -> Any:
    """One minus the intersection over union of a true and a predicted box, or the logarithm of their quotient.

    For boxes that already meet: those that do not have the slope 0, whatever their distance, so detectors are trained
    with `generalized_iou`, `distance_iou` or `complete_iou`.  With ``logarithm=True`` it is ``-log(iou)``, steeper for
    boxes that hardly meet; an intersection over union below ``epsilon`` counts as ``epsilon``, with the slope it has
    there.  For how boxes are given see `generalized_iou`; regions of pixels have `jaccard`.

    >>> import lossary
    >>> print(lossary.iou_loss([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]]).round(4))
    [0.6667]
    """
    boxes = _Boxes(y_true, y_pred)
    alone, shared = _union(boxes.across, boxes.along)
    if not logarithm:
        return mean(_share(alone, shared))
    # Of boxes that are nearly the same, what lacks to 1 has the digits.
    near, whole = alone <= shared, alone + shared
    whole = where(whole == 0.0, 1.0, whole)
    lacking, iou = where(near, alone / whole, 0.0), where(near, 1.0, shared / whole)
    return mean(-log1p(-lacking) - log(guard(iou, epsilon)))


@loss(
    class_name="DistanceIoU",
    aliases=("diou", "diou_loss", "DIoULoss"),
    target=_BOX,
    prediction=_ANY_BOX,
    definition="mean(1 - iou + distance_of_centers**2 / diagonal_of_hull**2), boxes are (x1, y1, x2, y2)",
    source="Z. Zheng et al., Distance-IoU loss: Faster and better learning for bounding box regression (2020), eq. 7",
    peers={
        "torchvision.ops.distance_box_iou_loss": "",
        "mmdet.models.losses.DIoULoss": "",
    },
    cases=(
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (1.4,), "1 - 0 + 4/(9 + 1)"),
        Case([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]], (2.0 / 3.0 + 1.0 / 13.0,), "1 - 2/6 + 1/(9 + 4)"),
        Case([[[1.0, 1.0, 1.0, 1.0]]], [[[1.0, 1.0, 1.0, 1.0]]], (0.0,), "the same empty box"),
    ),
)
def distance_iou(y_true: Any, y_pred: Any) -> Any:
    """One minus the intersection over union of two boxes, and how far their centers are apart.

    For detectors.  Between 0 for the same box and 2; boxes that do not meet are drawn together along the straight line
    between their centers, faster than by `generalized_iou`.  Of two boxes with one center it is `iou_loss`.  For how
    boxes are given see `generalized_iou`.

    >>> import lossary
    >>> print(lossary.distance_iou([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]]))
    [1.4]
    """
    boxes = _Boxes(y_true, y_pred)
    return mean(_not_shared(boxes.across, boxes.along) + boxes.apart())


@loss(
    class_name="EfficientIoU",
    aliases=("eiou", "eiou_loss"),
    target=_BOX,
    prediction=_ANY_BOX,
    definition="mean(distance_iou + (w_pred - w_true)**2 / w_hull**2 + (h_pred - h_true)**2 / h_hull**2), boxes are "
    "(x1, y1, x2, y2)",
    source="Y.-F. Zhang et al., Focal and efficient IOU loss for accurate bounding box regression (2022), eq. 9",
    cases=(
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[0.0, 0.0, 2.0, 1.0]]], (0.8,), "1 - 1/2 + (1/4)/(4 + 1) + 1/4 + 0"),
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (1.4,), "1 - 0 + 4/(9 + 1) + 0 + 0"),
        Case([[[0.0, 0.0, 2.0, 4.0]]], [[[0.0, 0.0, 4.0, 2.0]]], (2.0 / 3.0 + 1.0 / 16.0 + 0.5,),
             "1 - 4/12 + (1 + 1)/(16 + 16) + 4/16 + 4/16"),
    ),
)  # fmt: skip
def efficient_iou(y_true: Any, y_pred: Any) -> Any:
    """`distance_iou`, and how much widths and heights differ.

    For detectors of long or thin boxes: sides are corrected directly, where `complete_iou` only sees their quotient.
    Between 0 for the same box and 4.  MMDetection's ``EIoULoss`` is another loss.  For how boxes are given see
    `generalized_iou`.

    >>> import lossary
    >>> print(lossary.efficient_iou([[[0.0, 0.0, 1.0, 1.0]]], [[[0.0, 0.0, 2.0, 1.0]]]).round(4))
    [0.8]
    """
    boxes = _Boxes(y_true, y_pred)
    return mean(_not_shared(boxes.across, boxes.along) + boxes.apart() + boxes.stretch())


@loss(
    class_name="CompleteIoU",
    aliases=("ciou", "ciou_loss"),
    target=_BOX,
    prediction=_ANY_BOX,
    definition="mean(distance_iou + a * v), v = 4 / pi**2 * (arctan(w_true / h_true) - arctan(w_pred / h_pred))**2, a "
    "= v / (1 - iou + v), a constant for the slope, boxes are (x1, y1, x2, y2)",
    source="Z. Zheng et al., Distance-IoU loss: Faster and better learning for bounding box regression (2020), eq. "
    "8-11",
    peers={
        "torchvision.ops.complete_box_iou_loss": "",
        "mmdet.models.losses.CIoULoss": "Loss()   # a is 0 there where iou < 1/2",
        "keras_cv.losses.CIoULoss": "Loss()   # of boxes of one shape; v is 4 / pi**2 of this there",
    },
    cases=(
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[0.0, 0.0, math.sqrt(3.0), 1.0]]],
             (1.0 - math.sqrt(1.0 / 3.0) + (math.sqrt(3.0) - 1.0) ** 2 / 16.0
              + (1.0 / 36.0) ** 2 / (1.0 - math.sqrt(1.0 / 3.0) + 1.0 / 36.0),),
             "1 - 1/sqrt(3) + ((sqrt(3) - 1)/2)^2/(3 + 1) + v^2/(1 - iou + v), v = 4 (1/4 - 1/3)^2 = 1/36"),
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (1.4,), "distance_iou: both are squares"),
        Case([[[1.0, 1.0, 1.0, 1.0]]], [[[1.0, 1.0, 1.0, 1.0]]], (0.0,), "the same empty box"),
    ),
)  # fmt: skip
def complete_iou(y_true: Any, y_pred: Any) -> Any:
    """`distance_iou`, and how much the two differ in their ratio of width to height.

    For detectors; the one of the YOLO family.  Between 0 for the same box and 3.  The weight ``a`` of the ratio grows
    as the boxes come to meet and counts as a constant: the slope is not the derivative of the value.  For long boxes
    see `efficient_iou`, for how boxes are given `generalized_iou`.  A box that is a point has any
    ratio.

    >>> import lossary
    >>> print(lossary.complete_iou([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]]).round(4))
    [0.7436]
    """
    boxes = _Boxes(y_true, y_pred)
    missed = _not_shared(boxes.across, boxes.along)
    ratio = square(2.0 / math.pi * boxes.turn())
    weight = detach(ratio / where(missed + ratio == 0.0, 1.0, missed + ratio))
    return mean(missed + boxes.apart() + weight * ratio)
