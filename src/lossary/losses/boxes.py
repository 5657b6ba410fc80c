"""Losses for boxes: rectangles given by the corners of least and of largest coordinates."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Parts, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import maximum, mean, minimum, scale_to_one, where

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


def _not_shared(across: _Lengths, along: _Lengths) -> Any:
    """The share of the union that lies in one of the boxes alone."""
    return _share(*_alone_and_shared(_scaled(across, _of_boxes(across)), _scaled(along, _of_boxes(along))))


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
    left, top, right, bottom = y_true
    x1, y1, x2, y2 = y_pred
    across, along = _covered(left, right, x1, x2), _covered(top, bottom, y1, y2)
    return mean(_not_shared(across, along) + _not_covered(across, along))
