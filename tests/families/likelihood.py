"""References for losses of distributions of numbers."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean, softmax
from families.hurt import EPSILON, LARGEST, ROWS, WIDTH, Hurt, clipped, guarded, real


def _gaussian_nll(y: Row, center: Row, variance: Row, full: bool = False, epsilon: Any = 1e-6) -> Any:
    constant = mp.log(2 * mp.pi) if full else 0
    rows = zip(y, center, clipped(epsilon, variance), strict=True)
    return mean((mp.log(v) + constant + (a - m) ** 2 / v) / 2 for a, m, v in rows)


def _laplace_nll(y: Row, center: Row, scale: Row, epsilon: Any = 1e-6) -> Any:
    rows = zip(y, center, clipped(epsilon, scale), strict=True)
    return -mean(mp.log(mp.exp(-abs(a - m) / s) / (2 * s)) for a, m, s in rows)


def _student_t_nll(y: Row, df: Row, center: Row, scale: Row, epsilon: Any = 1e-6) -> Any:
    def density(x: Any, n: Any) -> Any:
        peak = (
            mp.gammaprod([(n + 1) / 2], [n / 2]) if n < 1e6 else mp.exp(mp.loggamma((n + 1) / 2) - mp.loggamma(n / 2))
        )
        return peak / mp.sqrt(n * mp.pi) * mp.exp(-(n + 1) / 2 * mp.log(1 + x * x / n))

    rows = zip(y, clipped(epsilon, df), center, clipped(epsilon, scale), strict=True)
    return -mean(mp.log(density((a - m) / s, n)) - mp.log(s) for a, n, m, s in rows)


def _mixture_density_nll(y: Row, weight: Row, center: Row, scale: Row, epsilon: Any = 1e-6) -> Any:
    rows = zip(softmax(weight), center, clipped(epsilon, scale), strict=True)
    return -mp.log(mp.fsum(p * mp.exp(-(((y[0] - m) / s) ** 2) / 2) / s for p, m, s in rows) / mp.sqrt(2 * mp.pi))


def _vae_kl(center: Row, log_variance: Row) -> Any:
    return mp.fsum(m * m + mp.exp(v) - 1 - v for m, v in zip(center, log_variance, strict=True)) / 2


def _gaussian(rng: np.random.Generator, scale: float) -> list[Any]:
    y, mean = real(2)(rng, scale)
    # Errors of a hundredth of the deviation up to a hundred of them, and of exactly about one.
    z = 10.0 ** rng.uniform(-2, 2, (ROWS, WIDTH))
    z[0] = 1.0 + rng.integers(-4, 5, WIDTH) * EPSILON
    return [y, mean, np.minimum(((mean - y) / z) ** 2, LARGEST / 2)]


def spread(rng: np.random.Generator, scale: float, most: float = 2.0) -> list[Any]:
    """Targets, locations and scales: errors of a hundredth of a scale up to a hundred, and of about one."""
    y, center = real(2)(rng, scale)
    z = 10.0 ** rng.uniform(-2, most, (ROWS, WIDTH))
    z[0] = 1.0 + rng.integers(-4, 5, WIDTH) * EPSILON
    return [y, center, np.abs(center - y) / z]


def _student(rng: np.random.Generator, scale: float) -> list[Any]:
    y, center, width = spread(rng, scale)
    df = 10.0 ** rng.uniform(-3, 7, (ROWS, WIDTH))
    df[0] = [0.5, 1.0, 2.0, 4.0]
    return [y, df, center, width]


def _mixture(rng: np.random.Generator, scale: float) -> list[Any]:
    y = rng.normal(size=(ROWS, 1)) * scale
    weight = rng.normal(size=(ROWS, WIDTH)) * 3.0
    weight[0] = [30.0, 0.0, 1.0, -30.0]
    width = 10.0 ** rng.uniform(-2, 2, (ROWS, WIDTH)) * scale
    center = y + rng.normal(size=(ROWS, WIDTH)) * np.minimum(width * 3.0, scale)
    center[1:3] = rng.normal(size=(2, WIDTH)) * 10.0 * scale  # No component is near.
    return [y, weight, center, width]


def _latent(rng: np.random.Generator, scale: float) -> list[Any]:
    return [rng.normal(size=(ROWS, WIDTH)) * scale, np.clip(rng.normal(size=(ROWS, WIDTH)) * scale, -1e30, 80.0)]


def _terms_mixture(rows: Any, place: int | None, **_: Any) -> Any:
    (y,), weight, center, scale = rows
    z = [abs(y - m) / s for m, s in zip(center, scale, strict=True)]
    exponents = [w - max(weight) - mp.log(s) - e * e / 2 for w, s, e in zip(weight, scale, z, strict=True)]
    # What the exponents are rounded by, which changes how the row is shared.
    sizes = [max(weight) - w + abs(mp.log(s)) + e * e for w, s, e in zip(weight, scale, z, strict=True)]
    shares = softmax(exponents)
    moved = mp.fsum(p * a for p, a in zip(shares, sizes, strict=True))
    if place is None:
        return 1 + moved
    each = [
        (1, mp.mpf(1)) if place == 1 else (e / s if place == 2 else (1 + e * e) / s, s)
        for e, s in zip(z, scale, strict=True)
    ]
    return max(p * (1 + moved + a) * k for p, a, (k, _) in zip(shares, sizes, each, strict=True))


def _terms_laplace(rows: Any, place: int | None, epsilon: float = 1e-6) -> Any:
    kept = [(abs(y - m), max(s, mp.mpf(epsilon))) for y, m, s in zip(*rows, strict=True)]
    if place is None:
        return mean(abs(mp.log(2 * s)) + e / s for e, s in kept)
    return max(1 / s + e / s**2 for e, s in kept) / len(kept) if place == 2 else 0


def _terms_student(rows: Any, place: int | None, epsilon: float = 1e-6) -> Any:
    (y, df, center, scale), count = rows, len(rows[0])
    kept = [(abs(a - m) / s, n, s) for a, n, m, s in zip(y, df, center, scale, strict=True)]
    if place is None:
        return mean(1 + abs(mp.log(s)) + (n + 1) * mp.log(1 + z * z / n) for z, n, s in kept)
    if place == 1:
        return max(z * z / (n + z * z) / n + 1 / n**2 + (z * z / n) ** 2 / (1 + z * z / n) for z, n, _ in kept) / count
    return max((1 + z * z) / (1 + z * z / n) / s for z, n, s in kept) / count if place == 3 else 0


def _terms_gaussian(rows: Any, place: int | None, epsilon: float = 1e-6, **_: Any) -> Any:
    kept = [(y, m, max(v, mp.mpf(epsilon))) for y, m, v in zip(*rows, strict=True)]
    if place is None:
        return sum(abs(mp.log(v)) + (y - m) ** 2 / v for y, m, v in kept) / len(kept)
    # A variance pulls up and a square down: the slope is their difference.
    return max((1 + (y - m) ** 2 / v) / v for y, m, v in kept) / len(kept) if place == 2 else 0


VALUES = {
    "gaussian_nll": _gaussian_nll,
    "laplace_nll": _laplace_nll,
    "student_t_nll": _student_t_nll,
    "mixture_density_nll": _mixture_density_nll,
    "vae_kl": _vae_kl,
}
# Below its least value a variance has the slope that it has there.
GUARDED = {
    "gaussian_nll": guarded(2),
    "laplace_nll": guarded(2),
    "mixture_density_nll": guarded(3),
    "student_t_nll": guarded(1, 3),
}
HURT = [
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"epsilon": 0.0}, (1.0, 1e15, 1e-12)),
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"full": True}, (1.0, 1e-3, 1e-15)),
    Hurt("laplace_nll", spread, _terms_laplace, {"epsilon": 0.0}, (1.0, 1e15, 1e-15)),
    Hurt("student_t_nll", _student, _terms_student, {"epsilon": 0.0}, (1.0, 1e15, 1e-15)),
    Hurt("mixture_density_nll", _mixture, _terms_mixture, {"epsilon": 0.0}, (1.0, 1e15, 1e-15)),
    Hurt("vae_kl", _latent, scales=(1.0, 1e10, 1e-15)),
]
