"""References for losses of regions."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, sides
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, bits, no_terms


def _dice(t: Row, p: Row, from_logits: bool = False, squared: bool = False, smooth: Any = 1e-7) -> Any:
    inside = [p for p, _ in sides(p, from_logits)]
    degree = 2 if squared else 1
    whole = mp.fsum(a**degree + b**degree for a, b in zip(t, inside, strict=True)) + mp.mpf(smooth)
    shared = 2 * mp.fsum(a * b for a, b in zip(t, inside, strict=True)) + mp.mpf(smooth)
    return 1 - shared / whole if whole else mp.mpf(0)


def _tversky(t: Row, p: Row, from_logits: bool = False, alpha: Any = 0.5, beta: Any = 0.5, smooth: Any = 1e-7) -> Any:
    pairs = list(zip(t, sides(p, from_logits), strict=True))
    hit = mp.fsum(a * inside for a, (inside, _) in pairs) + mp.mpf(smooth)
    false_positive = mp.fsum((1 - a) * inside for a, (inside, _) in pairs)
    false_negative = mp.fsum(a * outside for a, (_, outside) in pairs)
    whole = hit + mp.mpf(alpha) * false_positive + mp.mpf(beta) * false_negative
    return 1 - hit / whole if whole else mp.mpf(0)


def _probabilities(rng: np.random.Generator, scale: float) -> list[Any]:
    t = bits(rng)
    p = np.minimum(rng.random((ROWS, WIDTH)) * min(scale, 1.0), 1.0)
    p[2:4] = np.abs(t[2:4] - np.minimum(1e-3 * scale, 1e-3) * rng.random((2, WIDTH)))  # Nearly the truth,
    p[0, 0] = 0.9  # and an empty region that is found.
    p[4] = 1.0 - t[4]  # Nothing is right.
    return [t, p]


def _logits(rng: np.random.Generator, scale: float) -> list[Any]:
    return [bits(rng), np.clip(rng.normal(size=(ROWS, WIDTH)) * scale, -80.0, 80.0)]


def _terms_of(name: str) -> Any:
    def terms(t: Any, p: Any, index: int | None, **parameters: Any) -> Any:
        # The digits of the row's largest; and what is below the least number before `smooth`, 1e-7, divides it.
        largest = 0 if index is None else max(map(abs, oracle.slope(name, t, p, **parameters)))
        return max(largest, float(np.finfo(np.float32).tiny) * 1e7 / EPSILON)

    return terms


VALUES = {"dice": _dice, "tversky": _tversky}
TERMS = {name: _terms_of(name) for name in VALUES}
HURT = [
    Hurt("dice", _probabilities, no_terms, {}, (1.0, 1e-4, 1e-10)),
    Hurt("dice", _probabilities, no_terms, {"squared": True}, (1.0, 1e-4, 1e-10)),
    Hurt("dice", _logits, no_terms, {"from_logits": True}, (1.0, 30.0, 200.0)),
    Hurt("dice", _logits, no_terms, {"from_logits": True, "squared": True}, (1.0, 30.0, 200.0)),
    *(
        Hurt(name, draw, no_terms, {**switches, "smooth": 1.0}, (1.0,))
        for name, draw, switches in [
            ("dice", _probabilities, {}),
            ("dice", _probabilities, {"squared": True}),
            ("dice", _logits, {"from_logits": True}),
            ("dice", _logits, {"from_logits": True, "squared": True}),
            ("tversky", _probabilities, {}),
            ("tversky", _logits, {"from_logits": True}),
        ]
    ),
    Hurt("tversky", _probabilities, no_terms, {"alpha": 0.3, "beta": 0.7}, (1.0, 1e-4, 1e-10)),
    Hurt("tversky", _logits, no_terms, {"from_logits": True}, (1.0, 30.0, 200.0)),
]
