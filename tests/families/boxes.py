"""References for losses of boxes."""

from __future__ import annotations

from typing import Any

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
    sides[6][2] = sides[4][2] - scale  # and with its corners in each other's place.
    return sides


VALUES = {"generalized_iou": _generalized_iou}
HURT = [Hurt("generalized_iou", _boxes, no_terms, {}, (1.0, 1e20, 1e-20))]
