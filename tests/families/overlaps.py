"""References for losses of regions of several classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.hurt import ROWS, Hurt

CLASSES, PIXELS = 3, 5


def _softmax(scores: Any) -> Any:
    places = [[mp.exp(z) for z in place] for place in zip(*scores, strict=True)]
    return list(zip(*([e / mp.fsum(place) for e in place] for place in places), strict=True))


def _generalized_dice(t: Any, p: Any, from_logits: bool = False, size_weight: str = "square", smooth: Any = 0.0) -> Any:
    p = _softmax(p) if from_logits else p
    degree = {"square": 2, "simple": 1, "uniform": 0}[size_weight]
    present = [mp.fsum(row) ** -degree for row in t if any(row)]
    weights = [mp.fsum(row) ** -degree if any(row) else max(present, default=mp.mpf(1)) for row in t]
    shared = [mp.fsum(a * b for a, b in zip(*rows, strict=True)) for rows in zip(t, p, strict=True)]
    both = [mp.fsum([*true, *predicted]) for true, predicted in zip(t, p, strict=True)]
    whole = mp.fdot(weights, both) + mp.mpf(smooth)
    return 1 - (2 * mp.fdot(weights, shared) + mp.mpf(smooth)) / whole if whole else mp.mpf(0)


def _regions(rng: np.random.Generator, scale: float) -> list[Any]:
    t = np.moveaxis(np.eye(CLASSES)[rng.integers(0, CLASSES, (ROWS, PIXELS))], -1, 1)
    t[0] = np.array([1.0, 0.0, 0.0])[:, None]  # Two classes are absent,
    t[1] = rng.random((CLASSES, PIXELS)) * min(scale, 1.0)  # one is soft,
    t[2] = 0.0  # and one image has nothing at all.
    p = rng.random((ROWS, CLASSES, PIXELS)) * min(scale, 1.0)
    p[3] = np.abs(t[3] - np.minimum(1e-3 * scale, 1e-3) * rng.random((CLASSES, PIXELS)))  # Nearly the truth.
    p[4] = 1.0 - t[4]
    return [t, p]


def _scores(rng: np.random.Generator, scale: float) -> list[Any]:
    t = _regions(rng, 1.0)[0]
    z = rng.normal(size=(ROWS, CLASSES, PIXELS)) * scale
    z[3] = 20.0 * t[3] + rng.normal(size=(CLASSES, PIXELS))  # Surely right,
    z[4] = -20.0 * t[4]  # surely wrong, by two classes that lead together.
    return [t, z]


def _terms(rows: Any, place: int | None, **parameters: Any) -> Any:
    """A slope has the digits of the largest; a soft target pulls an element up and down."""
    if place is None:
        return 0
    return max(map(abs, oracle.slopes("generalized_dice", rows, place, **parameters)))


VALUES = {"generalized_dice": _generalized_dice}
_SIZES = ("square", "simple", "uniform")
HURT = [
    *(Hurt("generalized_dice", _regions, _terms, {"size_weight": size}, (1.0, 1e-4, 1e-10)) for size in _SIZES),
    *(Hurt("generalized_dice", _regions, _terms, {"size_weight": size, "smooth": 0.5}, (1.0,)) for size in _SIZES),
    Hurt("generalized_dice", _scores, _terms, {"from_logits": True}, (1.0, 1e-4, 300.0)),
    Hurt("generalized_dice", _scores, _terms, {"from_logits": True, "smooth": 0.5}, (1.0,)),
]
