"""References for losses of directions and distances."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, length, norm
from families.hurt import EPSILON, WIDTH, Hurt, real


def _cosine(t: Row, p: Row) -> Any:
    lengths = norm(t) * norm(p)
    return mp.mpf(0) if lengths == 0 else -mp.fsum(a * b for a, b in zip(t, p, strict=True)) / lengths


def _cosine_slope(t: Row, p: Row) -> list[Any]:
    nt, np_ = norm(t), norm(p)
    if nt == 0 or np_ == 0:
        return [mp.mpf(0)] * len(p)
    cosine = mp.fsum(a * b for a, b in zip(t, p, strict=True)) / (nt * np_)
    return [-(a / nt - cosine * b / np_) / np_ for a, b in zip(t, p, strict=True)]


def _triplet_margin(a: Row, p: Row, n: Row, margin: Any = 1.0, norm: Any = 2.0, swap: bool = False) -> Any:
    far = length(a, n, norm)
    return max(length(a, p, norm) - (min(far, length(p, n, norm)) if swap else far) + mp.mpf(margin), 0)


def _triplet(rng: np.random.Generator, scale: float) -> list[Any]:
    anchor, positive, negative = real(3)(rng, scale)
    positive[0] = anchor[0] * (1.0 + rng.integers(-3, 4, WIDTH) * EPSILON)
    negative[1] = anchor[1]
    positive[2] = anchor[2]
    return [anchor, positive, negative]


def _apart(rng: np.random.Generator, scale: float) -> list[Any]:
    # Of equal distances it is a rule which one counts.
    return real(3)(rng, scale)


def _terms_triplet(rows: Any, place: int | None, margin: float = 1.0, norm: float = 2.0, **_: Any) -> Any:
    a, p, n = rows
    lengths = [length(x, y, norm) for x, y in ((a, p), (a, n), (p, n))]
    return sum(lengths) + mp.mpf(margin) if place is None else 0


def _terms_cosine(t: Any, p: Any, index: int | None) -> Any:
    # Of nearly parallel rows the slope is what is left of two directions.  It has the digits of the row's largest.
    return 1 if index is None else max(*map(abs, _cosine_slope(t, p)), EPSILON / (norm(p) or 1))


VALUES = {"cosine_similarity": _cosine, "triplet_margin": _triplet_margin}
SLOPES = {"cosine_similarity": _cosine_slope}
TERMS = {"cosine_similarity": _terms_cosine}
HURT = [
    Hurt("triplet_margin", _triplet, _terms_triplet, {"margin": 1e30}, (1e30,)),
    Hurt("triplet_margin", _triplet, _terms_triplet, {}, (1.0, 1e-28)),  # XLA takes differences below 1e-38 for 0.
    Hurt("triplet_margin", _triplet, _terms_triplet, {"norm": 1.0}),
    Hurt("triplet_margin", _apart, _terms_triplet, {"norm": 3.5, "swap": True}),
]
