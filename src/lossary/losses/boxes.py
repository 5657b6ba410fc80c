"""Losses for boxes: rectangles given by the corners of least and of largest coordinates."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Parts, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import maximum, mean, minimum, where

_ORDERED = (("x1", "x2"), ("y1", "y2"))
_BOX = Parts(x1=Real(), y1=Real(), x2=Real(), y2=Real(), ordered=_ORDERED)
_ANY_BOX = Parts(x1=Real(), y1=Real(), x2=Real(), y2=Real())


@loss(
    aliases=("giou", "giou_loss", "GIoULoss", "generalized_box_iou_loss", "BoxGIoULoss", "generalized_iou_loss"),
    class_name="GeneralizedIoU",
    target=_BOX,
    prediction=_ANY_BOX,
    definition="mean(1 - intersection / union + (hull - union) / hull), boxes are (x1, y1, x2, y2)",
    source="H. Rezatofighi et al., Generalized intersection over union (2019), alg. 1",
    cases=(
        Case([[[0.0, 0.0, 1.0, 1.0]]], [[[2.0, 0.0, 3.0, 1.0]]], (4.0 / 3.0,), "1 - 0/2 + (3 - 2)/3"),
        Case([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]], (2.0 / 3.0,), "1 - 2/6 + (6 - 6)/6"),
        Case([[[1.0, 1.0, 1.0, 1.0]]], [[[1.0, 1.0, 1.0, 1.0]]], (0.0,), "the same empty box"),
    ),
)
def generalized_iou(y_true: Any, y_pred: Any) -> Any:
    """One minus the generalized intersection over union of a true and a predicted box.

    Between 0 for the same box and 2 for boxes far apart; unlike one minus the plain intersection over union it draws
    boxes together that do not meet.  Both arrays hold ``(x1, y1, x2, y2)`` along their last axis, or are tuples of four
    arrays.  A predicted box whose corners have changed places is empty; two empty boxes at one place cost 0.

    >>> import lossary
    >>> print(lossary.generalized_iou([[[0.0, 0.0, 2.0, 2.0]]], [[[1.0, 0.0, 3.0, 2.0]]]).round(4))
    [0.6667]
    """
    left, top, right, bottom = y_true
    x1, y1, x2, y2 = y_pred
    true = (right - left) * (bottom - top)
    pred = maximum(x2 - x1, 0.0) * maximum(y2 - y1, 0.0)
    width = maximum(minimum(right, x2) - maximum(left, x1), 0.0)
    height = maximum(minimum(bottom, y2) - maximum(top, y1), 0.0)
    common = width * height
    union = true + pred - common
    hull = (maximum(right, maximum(x1, x2)) - minimum(left, minimum(x1, x2))) * (
        maximum(bottom, maximum(y1, y2)) - minimum(top, minimum(y1, y2))
    )
    apart = where(union == 0.0, 0.0, (union - common) / where(union == 0.0, 1.0, union))
    return mean(apart + where(hull == 0.0, 0.0, (hull - union) / where(hull == 0.0, 1.0, hull)))
