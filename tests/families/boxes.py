"""References for losses of boxes."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, no_terms


def _giou(l1: Any, t1: Any, r1: Any, b1: Any, l2: Any, t2: Any, r2: Any, b2: Any) -> Any:
    second = max(r2 - l2, 0) * max(b2 - t2, 0)
    common = max(min(r1, r2) - max(l1, l2), 0) * max(min(b1, b2) - max(t1, t2), 0)
    union = (r1 - l1) * (b1 - t1) + second - common
    hull = (max(r1, r2, l2) - min(l1, l2, r2)) * (max(b1, b2, t2) - min(t1, t2, b2))
    return (1 - common / union if union else 0) + (1 - union / hull if hull else 0)


def _generalized_iou(*sides: Row) -> Any:
    return mean(_giou(*box) for box in zip(*sides, strict=True))


def _boxes(rng: np.random.Generator, scale: float) -> list[Any]:
    x, y = (np.sort(rng.normal(size=(2, 2, ROWS, WIDTH)), axis=1) * scale for _ in range(2))
    sides = [x[0, 0], y[0, 0], x[0, 1], y[0, 1], x[1, 0], y[1, 0], x[1, 1], y[1, 1]]
    for side in range(4):
        sides[4 + side][0] = sides[side][0] * (1.0 + rng.integers(1, 9, WIDTH) * EPSILON)  # Nearly the true box,
        sides[4 + side][1] += 1e6 * scale  # far away,
    for start, end in ((0, 2), (1, 3)):
        length = sides[end][5] - sides[start][5]
        sides[4 + start][5], sides[4 + end][5] = sides[start][5] + 0.3 * length, sides[end][5] + 0.5 * length
    sides[6][2] = sides[4][2] - scale  # and with its corners in each other's place.
    return sides


def _iou(l1: Any, t1: Any, r1: Any, b1: Any, l2: Any, t2: Any, r2: Any, b2: Any) -> Any:
    common = max(min(r1, r2) - max(l1, l2), 0) * max(min(b1, b2) - max(t1, t2), 0)
    union = (r1 - l1) * (b1 - t1) + max(r2 - l2, 0) * max(b2 - t2, 0) - common
    return common / union if union else mp.mpf(1)


def _iou_loss(*sides: Row, logarithm: bool = False, epsilon: Any = 1e-6) -> Any:
    shares = [_iou(*box) for box in zip(*sides, strict=True)]
    return mean(-mp.log(max(x, mp.mpf(epsilon))) if logarithm else 1 - x for x in shares)


def _hull(l1: Any, t1: Any, r1: Any, b1: Any, l2: Any, t2: Any, r2: Any, b2: Any) -> tuple[Any, Any]:
    return max(r1, r2, l2) - min(l1, l2, r2), max(b1, b2, t2) - min(t1, t2, b2)


def _diou(*box: Any) -> Any:
    width, height = _hull(*box)
    (x1, y1), (x2, y2) = (((box[i] + box[i + 2]) / 2, (box[i + 1] + box[i + 3]) / 2) for i in (0, 4))
    diagonal = width**2 + height**2
    return 1 - _iou(*box) + (((x1 - x2) ** 2 + (y1 - y2) ** 2) / diagonal if diagonal else 0)


def _eiou(*box: Any) -> Any:
    wider, higher = ((box[i + 6] - box[i + 4]) - (box[i + 2] - box[i]) for i in (0, 1))
    sides = zip((wider, higher), _hull(*box), strict=True)
    return _diou(*box) + mp.fsum((change / side) ** 2 for change, side in sides if side)


def _turn(l1: Any, t1: Any, r1: Any, b1: Any, l2: Any, t2: Any, r2: Any, b2: Any) -> Any:
    angles = [mp.atan2(max(right - left, 0), max(bottom - top, 0)) for left, top, right, bottom in
              ((l1, t1, r1, b1), (l2, t2, r2, b2))]  # fmt: skip
    points = [max(r1 - l1, b1 - t1) <= 0, max(r2 - l2, b2 - t2) <= 0]
    return mp.mpf(0) if any(points) else (2 / mp.pi * (angles[0] - angles[1])) ** 2


def _weights(*sides: Row) -> tuple[Any, ...]:
    ratios = [(1 - _iou(*box), _turn(*box)) for box in zip(*sides, strict=True)]
    return tuple(v / (missed + v) if missed + v else mp.mpf(0) for missed, v in ratios)


def _complete_iou(*sides: Row, weights: Any = None) -> Any:
    boxes = list(zip(*sides, strict=True))
    weights = weights or _weights(*sides)
    return mean(_diou(*box) + a * _turn(*box) for a, box in zip(weights, boxes, strict=True))


VALUES = {
    "complete_iou": _complete_iou,
    "generalized_iou": _generalized_iou,
    "iou_loss": _iou_loss,
    "distance_iou": lambda *sides: mean(_diou(*box) for box in zip(*sides, strict=True)),
    "efficient_iou": lambda *sides: mean(_eiou(*box) for box in zip(*sides, strict=True)),
}
# The weights of the ratios count as constants in slopes.
HELD = {"complete_iou": lambda *sides: {"weights": _weights(*sides)}}
HURT = [
    Hurt("complete_iou", _boxes, no_terms, {}, (1.0, 1e15, 1e-15)),
    Hurt("generalized_iou", _boxes, no_terms, {}, (1.0, 1e20, 1e-20)),
    Hurt("iou_loss", _boxes, no_terms, {}, (1.0, 1e20, 1e-20)),
    Hurt("iou_loss", _boxes, no_terms, {"logarithm": True}, (1.0, 1e20, 1e-20)),
    Hurt("distance_iou", _boxes, no_terms, {}, (1.0, 1e20, 1e-20)),
    Hurt("efficient_iou", _boxes, no_terms, {}, (1.0, 1e20, 1e-20)),
]
