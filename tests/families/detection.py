"""References for losses of what detectors score."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import each, each_slope, xlogy
from families.hurt import ROWS, WIDTH, Hurt

MOST = mp.mpf(1e-7)


def _probability(p: Any, from_logits: bool) -> tuple[Any, Any]:
    return (1 / (1 + mp.exp(-p)), 1 / (1 + mp.exp(p))) if from_logits else (p, 1 - p)


def _gaussian_focal(
    t: Any, p: Any, from_logits: bool = False, alpha: Any = 2.0, gamma: Any = 4.0, epsilon: Any = MOST
) -> Any:
    inside, outside = _probability(p, from_logits)
    least = 0 if from_logits else epsilon
    if t == 1:
        return -(outside ** mp.mpf(alpha)) * mp.log(max(inside, least))
    return -((1 - t) ** mp.mpf(gamma)) * inside ** mp.mpf(alpha) * mp.log(max(outside, least))


def _gaussian_focal_slope(
    t: Any, p: Any, from_logits: bool = False, alpha: Any = 2.0, gamma: Any = 4.0, epsilon: Any = MOST
) -> Any:
    inside, outside = _probability(p, from_logits)
    missed, left, sign = (outside, inside, -1) if t == 1 else (inside, outside, 1)
    clipped, steep = (left, missed * left) if from_logits else (max(left, epsilon), 1)
    weight = sign * (1 if t == 1 else (1 - t) ** mp.mpf(gamma))
    rising = -mp.mpf(alpha) * missed ** (mp.mpf(alpha) - 1) * mp.log(clipped) if missed else 0
    return weight * (rising + missed ** mp.mpf(alpha) / clipped) * steep


def _crossentropy(t: Any, z: Any) -> Any:
    inside, outside = _probability(z, from_logits=True)
    return -xlogy(t, inside) - xlogy(1 - t, outside)


def _quality_focal(t: Any, z: Any, beta: Any = 2.0) -> Any:
    return abs(t - _probability(z, from_logits=True)[0]) ** mp.mpf(beta) * _crossentropy(t, z)


def _varifocal(t: Any, z: Any, alpha: Any = 0.75, gamma: Any = 2.0) -> Any:
    inside = _probability(z, from_logits=True)[0]
    return (t if t > 0 else mp.mpf(alpha) * inside ** mp.mpf(gamma)) * _crossentropy(t, z)


def _distribution_focal(y: Any, z: Any) -> Any:
    place = min(y[0], mp.mpf(len(z) - 1))
    low = int(mp.floor(place))
    log_sum = mp.log(mp.fsum(mp.exp(x) for x in z))
    above = (log_sum - z[low + 1]) * (place - low) if place > low else 0
    return (log_sum - z[low]) * (low + 1 - place) + above


def _bins(rng: np.random.Generator, scale: float) -> list[Any]:
    y = rng.uniform(0.0, WIDTH - 1.0, (ROWS, 1))
    y[0], y[1], y[2] = 0.0, WIDTH - 1.0, WIDTH + 2.0
    scores = rng.normal(size=(ROWS, WIDTH)) * scale
    scores[0, 0] += 20.0 * scale
    return [y, scores]


def _terms_bins(rows: Any, place: int | None) -> Any:
    """Differences of scores are rounded, and a share that lies between two bins is subtracted from its weight."""
    spread = max(rows[1]) - min(rows[1])
    return spread if place is None else max(map(abs, oracle.slopes("distribution_focal", rows, 1))) * (1 + spread)


# A power has its base's errors times itself, and for a small probability the cost is one power more.


def _terms_gaussian(t: Any, p: Any, index: int | None, alpha: Any = 2.0, gamma: Any = 4.0, **rest: Any) -> Any:
    settings = {"alpha": alpha, "gamma": gamma, **rest}
    size = max(alpha, gamma / 2) + 1
    if index is None:
        return size * VALUES["gaussian_focal"](t, p, **settings)
    return size * abs(SLOPES["gaussian_focal"](t, p, **settings)[index])


def _terms_quality(t: Any, z: Any, index: int | None, beta: Any = 2.0) -> Any:
    """A soft label and its probability are subtracted."""
    beta, sizes = mp.mpf(beta), []
    for a, b in zip(t, z, strict=True):
        inside, outside = _probability(b, from_logits=True)
        gap, cost, torn = abs(a - inside), _crossentropy(a, b), 2 * a * (1 - a)
        if index is None:
            sizes.append(beta * gap**beta * cost + (beta * gap ** (beta - 1) * torn * cost if gap else 0))
            continue
        steep = beta * inside * outside * cost
        turn = abs(beta - 1) * gap ** (beta - 2) * steep + (beta + 1) * gap**beta if gap else 0
        sizes.append((beta + 1) * (gap ** (beta - 1) * (steep + gap**2) if gap else 0) + torn * turn)
    return sum(sizes) / len(t) if index is None else sizes[index] / len(t)


def _terms_varifocal(t: Any, z: Any, index: int | None, alpha: Any = 0.75, gamma: Any = 2.0) -> Any:
    settings = {"alpha": alpha, "gamma": gamma}
    if index is None:
        return (gamma + 1) * VALUES["varifocal"](t, z, **settings)
    torn = 2 * t[index] ** 2 * (1 - t[index]) / len(t)
    return max((gamma + 1) * abs(oracle.slope("varifocal", t, z, **settings)[index]), torn)


VALUES = {
    "gaussian_focal": each(_gaussian_focal),
    "quality_focal": each(_quality_focal),
    "varifocal": each(_varifocal),
    "distribution_focal": _distribution_focal,
}
SLOPES = {"gaussian_focal": each_slope(_gaussian_focal_slope)}
TERMS = {"gaussian_focal": _terms_gaussian, "quality_focal": _terms_quality, "varifocal": _terms_varifocal}
SETTINGS = {"quality_focal": [{"beta": 1.0}], "gaussian_focal": [{"alpha": 1.0}]}
SOFT = ("gaussian_focal", "quality_focal", "varifocal")
HURT = [Hurt("distribution_focal", _bins, _terms_bins, {}, (1.0, 30.0, 1e-6))]
