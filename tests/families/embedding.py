"""References for losses of directions and distances."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, each_slope, length, norm
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, real


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
    return 1 if index is None else max(map(abs, _cosine_slope(t, p)))


def _cosine_embedding(label: Row, a: Row, b: Row, margin: Any = 0.0) -> Any:
    return 1 + _cosine(a, b) if label[0] == 1 else max(-_cosine(a, b) - mp.mpf(margin), 0)


def _cosine_similarity_mse(grade: Row, a: Row, b: Row) -> Any:
    return (grade[0] + _cosine(a, b)) ** 2


def _pairs(rng: np.random.Generator, scale: float) -> list[Any]:
    first, second = real(2)(rng, scale)
    second[0] = first[0] * (1.0 + rng.integers(-3, 4, WIDTH) * EPSILON)  # Nearly one direction,
    second[1] = -2.0 * first[1] * (1.0 + 1e-3 * rng.normal(size=WIDTH))  # and the opposite one.
    second[2] = 3.0 * first[2] * (1.0 + 1e-3 * rng.normal(size=WIDTH))
    second[3] += 2.0 * first[3]
    second[4] -= 2.0 * first[4]
    return [first, second]


def _labelled(rng: np.random.Generator, scale: float) -> list[Any]:
    return [np.array([[1.0], [-1.0], [-1.0], [1.0], [1.0], [0.0]]), *_pairs(rng, scale)]


def _graded(rng: np.random.Generator, scale: float) -> list[Any]:
    grades = rng.uniform(-1.0, 1.0, (ROWS, 1))
    grades[0], grades[1] = 1.0 - 2.0**-20, -1.0
    return [grades, *_pairs(rng, scale)]


def _from_one(a: Row, b: Row) -> Any:
    """By how much a cosine, and what it is compared with, are below 1 in magnitude."""
    return 1 - abs(_cosine(a, b))


def _terms_labelled(rows: Any, place: int | None, margin: float = 0.0) -> Any:
    (label,), a, b = rows
    return 0 if place is not None or label == 1 else _from_one(a, b) + 1 - abs(mp.mpf(margin))


def _terms_graded(rows: Any, place: int | None) -> Any:
    (grade,), a, b = rows
    cosine = -_cosine(a, b)
    wrong = _from_one(a, b) + (1 - grade if cosine > 0 else 1 + grade)
    steep = 2 * abs(cosine - grade) if place is None else 2 * mp.sqrt(1 - cosine**2) / (norm(rows[place]) or 1)
    return wrong * steep


VALUES = {"cosine_similarity": _cosine, "triplet_margin": _triplet_margin}
VALUES |= {
    "hinge_embedding": each(lambda t, d, margin=1: d if t == 1 else max(mp.mpf(margin) - d, 0)),
    "contrastive": each(lambda t, d, margin=1: t * d**2 + (1 - t) * max(mp.mpf(margin) - d, 0) ** 2),
}
VALUES |= {"cosine_embedding": _cosine_embedding, "cosine_similarity_mse": _cosine_similarity_mse}
SLOPES = {
    "cosine_similarity": _cosine_slope,
    # A stranger just at the margin is far enough.
    "hinge_embedding": each_slope(lambda t, d, margin=1: 1 if t == 1 else -1 if d < mp.mpf(margin) else 0),
    # Where the margin ends a square has the slope 0.
    "contrastive": each_slope(lambda t, d, margin=1: 2 * (t * d - (1 - t) * max(mp.mpf(margin) - d, 0))),
}
TERMS = {"cosine_similarity": _terms_cosine}
HURT = [
    Hurt("triplet_margin", _triplet, _terms_triplet, {"margin": 1e30}, (1e30,)),
    Hurt("triplet_margin", _triplet, _terms_triplet, {}, (1.0, 1e-28)),  # XLA takes differences below 1e-38 for 0.
    Hurt("triplet_margin", _triplet, _terms_triplet, {"norm": 1.0}),
    Hurt("triplet_margin", _apart, _terms_triplet, {"norm": 3.5, "swap": True}),
    Hurt("cosine_embedding", _labelled, _terms_labelled, {}, (1.0, 1e17, 1e-17)),
    Hurt("cosine_embedding", _labelled, _terms_labelled, {"margin": 0.5}),
    Hurt("cosine_embedding", _labelled, _terms_labelled, {"margin": -1.0}, (1.0,)),
    Hurt("cosine_similarity_mse", _graded, _terms_graded, {}, (1.0, 1e17, 1e-17)),
]
