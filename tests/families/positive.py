"""References for likelihoods of amounts and shares."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, clipped, guarded


def _lognormal_nll(y: Row, mu: Row, sigma: Row, epsilon: Any = 1e-6) -> Any:
    def density(x: Any, m: Any, s: Any) -> Any:
        return mp.npdf(mp.log(x), m, s) / x

    return -mean(mp.log(density(*each)) for each in zip(y, mu, clipped(epsilon, sigma), strict=True))


def _gamma_nll(y: Row, shape: Row, rate: Row, epsilon: Any = 1e-7) -> Any:
    rows = zip(y, clipped(epsilon, shape), clipped(epsilon, rate), strict=True)
    return mean(mp.loggamma(a) - a * mp.log(b) - (a - 1) * mp.log(x) + b * x for x, a, b in rows)


def _beta_nll(y: Row, a: Row, b: Row, epsilon: Any = 1e-7) -> Any:
    def one(x: Any, p: Any, q: Any) -> Any:
        gammas = mp.loggamma(p) + mp.loggamma(q) - mp.loggamma(p + q)
        inside = min(max(x, mp.mpf(epsilon)), 1 - mp.mpf(epsilon))
        return gammas - (p - 1) * mp.log(inside) - (q - 1) * mp.log(1 - inside)

    return mean(one(*each) for each in zip(y, clipped(epsilon, a), clipped(epsilon, b), strict=True))


def _sizes(rng: np.random.Generator, low: float, high: float) -> Any:
    return 10.0 ** rng.uniform(low, high, (ROWS, WIDTH))


def _lognormal(rng: np.random.Generator, scale: float) -> list[Any]:
    y = np.exp(rng.normal(size=(ROWS, WIDTH)) * scale)
    z = _sizes(rng, -2, 2) * rng.choice([-1.0, 1.0], (ROWS, WIDTH))
    sigma = _sizes(rng, -2, 1)
    return [y, np.log(y) + z * sigma, sigma]


def _gamma(rng: np.random.Generator, scale: float) -> list[Any]:
    shape, mean = _sizes(rng, -3, 6), _sizes(rng, -2, 2) * scale
    # Targets as far from the mean as they come, and much farther.
    off = rng.normal(size=(ROWS, WIDTH)) / np.sqrt(shape)
    off[0] = rng.integers(-4, 5, WIDTH) * EPSILON
    y = mean * np.exp(np.clip(off, -20.0, 5.0))
    y[1] = mean[1] * [1e-6, 1e-2, 30.0, 1e3]
    return [y, shape, shape / mean]


def _beta(rng: np.random.Generator, scale: float) -> list[Any]:
    a, b = _sizes(rng, -3, 5), _sizes(rng, -3, 5)
    a[0] = b[0]
    center = a / (a + b)
    y = np.clip(center + rng.normal(size=(ROWS, WIDTH)) * np.sqrt(center * (1.0 - center) / (a + b + 1.0)), 0.0, 1.0)
    y[1] = rng.uniform(0.0, 1.0, WIDTH)
    y[2, :2], a[2, :2], b[2, :2] = (0.0, 1.0), (0.2, 1e4), (1e4, 0.2)  # Moved inside by epsilon, and far from there.
    return [y, a, b]


def _terms_lognormal(rows: Any, place: int | None, **_: Any) -> Any:
    kept = [(abs(mp.log(y)), abs(m), abs(mp.log(y) - m) / s, s) for y, m, s in zip(*rows, strict=True)]
    if place is None:
        return mean(x + abs(mp.log(s)) + 1 + z * z + z * (x + m) / s for x, m, z, s in kept)
    width = [(x + m) / s / s for x, m, _, s in kept]
    if place == 1:
        return max(width) / len(kept)
    return max((1 + z * z + z * w * s) / s for (_, _, z, s), w in zip(kept, width, strict=True)) / len(kept)


def _terms_gamma(rows: Any, place: int | None, **_: Any) -> Any:
    kept = [(y, a, b, b * y / a) for y, a, b in zip(*rows, strict=True)]
    if place is None:
        return mean(1 + abs(mp.log(y)) + abs(mp.log(a)) + a * abs(t - 1 - mp.log(t)) for y, a, _, t in kept)
    if place == 1:
        return max(1 / a + abs(mp.log(t)) for _, a, _, t in kept) / len(kept)
    return 0


def _terms_beta(rows: Any, place: int | None, epsilon: float = 1e-7) -> Any:
    least = mp.mpf(epsilon)
    kept = [(max(y, least), max(1 - y, least), a, b) for y, a, b in zip(*rows, strict=True)]
    # What the two sides of the mean are rounded by counts times the slope in it.
    off = [max(b * y, a * x) * abs((b * y - a * x) / (y * x)) / (a + b) for y, x, a, b in kept]
    if place is None:
        logs = (abs(mp.log(y)) + abs(mp.log(x)) + abs(mp.log(a)) + abs(mp.log(b)) for y, x, a, b in kept)
        return mean(1 + one for one in logs) + mean(off)
    sides = [(y, x, a, b) if place == 1 else (x, y, b, a) for y, x, a, b in kept]
    return max(1 / a + (b * y + a * x) / a + abs(mp.log((a + b) * y / a)) for y, x, a, b in sides) / len(kept)


def _inside(y: Row, a: Row, b: Row, epsilon: Any = 1e-7) -> list[Row]:
    least = mp.mpf(epsilon)
    return [[min(max(x, least), 1 - least) for x in y], clipped(epsilon, a), clipped(epsilon, b)]


VALUES = {"lognormal_nll": _lognormal_nll, "gamma_nll": _gamma_nll, "beta_nll": _beta_nll}
GUARDED = {"lognormal_nll": guarded(2), "gamma_nll": guarded(1, 2, least=1e-7), "beta_nll": _inside}
HURT = [
    Hurt("lognormal_nll", _lognormal, _terms_lognormal, {"epsilon": 0.0}, (1.0, 20.0, 1e-6)),
    Hurt("gamma_nll", _gamma, _terms_gamma, {"epsilon": 0.0}, (1.0, 1e15, 1e-15)),
    Hurt("beta_nll", _beta, _terms_beta, {}, (1.0,)),
    Hurt("beta_nll", _beta, _terms_beta, {"epsilon": 0.25}, (1.0,)),
]
