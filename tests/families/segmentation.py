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


def _jaccard(t: Row, p: Row, from_logits: bool = False, smooth: Any = 1e-7) -> Any:
    inside = [p for p, _ in sides(p, from_logits)]
    shared = mp.fsum(a * b for a, b in zip(t, inside, strict=True))
    whole = mp.fsum(t) + mp.fsum(inside) - shared + mp.mpf(smooth)
    return 1 - (shared + mp.mpf(smooth)) / whole if whole else mp.mpf(0)


def _focal_tversky(t: Row, p: Row, alpha: Any = 0.3, beta: Any = 0.7, gamma: Any = 0.75, **rest: Any) -> Any:
    return _tversky(t, p, alpha=alpha, beta=beta, **rest) ** mp.mpf(gamma)


def _focal_tversky_slope(
    t: Row, p: Row, alpha: Any = 0.3, beta: Any = 0.7, gamma: Any = 0.75, **rest: Any
) -> list[Any]:
    missed = _tversky(t, p, alpha=alpha, beta=beta, **rest)
    power = mp.mpf(0) if missed == 0 and gamma < 1 else gamma * missed ** (mp.mpf(gamma) - 1)
    return [power * slope for slope in oracle.slope("tversky", t, p, alpha=alpha, beta=beta, **rest)]


def _matthews(t: Row, p: Row, from_logits: bool = False) -> Any:
    pairs = list(zip(t, sides(p, from_logits), strict=True))
    found, region, size = mp.fsum(inside for _, (inside, _) in pairs), mp.fsum(t), len(t)
    # As the correlation of the two: the covariance over the roots of the variances of two yes/no variables.
    covariance = size * mp.fsum(a * inside for a, (inside, _) in pairs) - found * region
    variances = _variances(t, pairs)
    if variances == 0:
        return mp.mpf(1)
    return 1 - covariance / mp.sqrt(variances)


def _variances(t: Row, pairs: list[Any]) -> Any:
    found, missed = (mp.fsum(sides) for sides in zip(*(sides for _, sides in pairs), strict=True))
    return found * missed * mp.fsum(t) * (len(t) - mp.fsum(t))


def _matthews_slope(t: Row, p: Row, from_logits: bool = False) -> list[Any]:
    pairs = list(zip(t, sides(p, from_logits), strict=True))
    variances, region, size = _variances(t, pairs), mp.fsum(t), len(t)
    if variances == 0:
        return [mp.mpf(0)] * size
    found = mp.fsum(inside for _, (inside, _) in pairs)
    covariance = (1 - _matthews(t, p, from_logits)) * mp.sqrt(variances)
    common = covariance * region * (size - region) * (size - 2 * found) / (2 * variances)
    own = [inside * outside if from_logits else 1 for _, (inside, outside) in pairs]
    return [(common - (size * a - region)) / mp.sqrt(variances) * steep for a, steep in zip(t, own, strict=True)]


def _probabilities(rng: np.random.Generator, scale: float) -> list[Any]:
    t = bits(rng)
    p = np.minimum(rng.random((ROWS, WIDTH)) * min(scale, 1.0), 1.0)
    p[2:4] = np.abs(t[2:4] - np.minimum(1e-3 * scale, 1e-3) * rng.random((2, WIDTH)))  # Nearly the truth,
    p[0, 0] = 0.9  # and an empty region that is found.
    p[4] = 1.0 - t[4]  # Nothing is right.
    return [t, p]


def _logits(rng: np.random.Generator, scale: float) -> list[Any]:
    return [bits(rng), np.clip(rng.normal(size=(ROWS, WIDTH)) * scale, -80.0, 80.0)]


# What is below the least number before `smooth`, 1e-7, divides it.
_LEAST = float(np.finfo(np.float32).tiny) * 1e7 / EPSILON


def _torn(t: Row, p: Row, index: int, from_logits: bool) -> Any:
    """What a soft label subtracts: it pulls an element up and down at once."""
    if t[index] in (0, 1):
        return 0
    pairs = sides(p, from_logits)
    steep = pairs[index][0] * pairs[index][1] if from_logits else 1
    return 2 * t[index] * (1 - t[index]) * steep / mp.fsum(max(a, b) for a, (b, _) in zip(t, pairs, strict=True))


def _terms_of(name: str) -> Any:
    def terms(t: Any, p: Any, index: int | None, from_logits: bool = False, **parameters: Any) -> Any:
        if index is None:
            return _LEAST
        # The digits of the row's largest.
        largest = max(map(abs, oracle.slope(name, t, p, from_logits=from_logits, **parameters)))
        return max(largest, _torn(t, p, index, from_logits), _LEAST)

    return terms


def _terms_focal(t: Any, p: Any, index: int | None, from_logits: bool = False, gamma: Any = 0.75, **rest: Any) -> Any:
    # A power has its base's errors times itself.
    missed = _tversky(t, p, from_logits, **{"alpha": 0.3, "beta": 0.7, **rest})
    power = gamma * missed ** (mp.mpf(gamma) - 1) if missed else mp.mpf(0)
    if index is None:
        return power * (missed + 2 * _LEAST)
    slopes = [abs(x) for x in oracle.slope("focal_tversky", t, p, from_logits=from_logits, gamma=gamma, **rest)]
    lost = 2 * _LEAST * (power + max(slopes) / missed) if missed else 0
    return max(gamma, 1) * max(slopes) + power * _torn(t, p, index, from_logits) + lost


def _terms_matthews(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    pairs = list(zip(t, sides(p, from_logits), strict=True))
    variances = _variances(t, pairs)
    if index is None or variances == 0:
        return 0
    region, (inside, outside) = mp.fsum(t), pairs[index][1]
    soft = min(t[index] * (len(t) - region), (1 - t[index]) * region)
    largest = max(map(abs, _matthews_slope(t, p, from_logits)))
    return max(largest, 2 * soft / mp.sqrt(variances) * (inside * outside if from_logits else 1))


VALUES = {
    "dice": _dice,
    "tversky": _tversky,
    "jaccard": _jaccard,
    "focal_tversky": _focal_tversky,
    "matthews_correlation": _matthews,
}
SLOPES = {"focal_tversky": _focal_tversky_slope, "matthews_correlation": _matthews_slope}
SETTINGS = {"focal_tversky": [{"gamma": 2.0}]}
TERMS = {name: _terms_of(name) for name in ("dice", "tversky", "jaccard")}
TERMS |= {"focal_tversky": _terms_focal, "matthews_correlation": _terms_matthews}
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
