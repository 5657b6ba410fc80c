"""References for losses of distributions of numbers."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import EPSILON, LARGEST, ROWS, WIDTH, Hurt, real


def _gaussian_nll(y: Row, center: Row, variance: Row, full: bool = False, epsilon: Any = 1e-6) -> Any:
    constant = mp.log(2 * mp.pi) if full else 0
    clipped = [max(v, mp.mpf(epsilon)) for v in variance]
    return mean((mp.log(v) + constant + (a - m) ** 2 / v) / 2 for a, m, v in zip(y, center, clipped, strict=True))


def _crps_ensemble(y: Row, members: Row, fair: bool = False) -> Any:
    count = len(members)
    spread = mp.fsum(abs(a - b) for a, b in itertools.product(members, members))
    return mean(abs(x - y[0]) for x in members) - spread / (2 * count * (count - 1 if fair else count))


def _gaussian(rng: np.random.Generator, scale: float) -> list[Any]:
    y, mean = real(2)(rng, scale)
    # Errors of a hundredth of the deviation up to a hundred of them, and of exactly about one.
    z = 10.0 ** rng.uniform(-2, 2, (ROWS, WIDTH))
    z[0] = 1.0 + rng.integers(-4, 5, WIDTH) * EPSILON
    return [y, mean, np.minimum(((mean - y) / z) ** 2, LARGEST / 2)]


def _crps(rng: np.random.Generator, scale: float) -> list[Any]:
    members = rng.normal(size=(ROWS, WIDTH)) * scale
    members[0] = 1e6 * scale + np.arange(WIDTH) * scale  # A sharp ensemble far away,
    members[1, 1:] = members[1, 0]  # one whose members agree,
    members[2] = scale * (1.0 + np.arange(WIDTH) * EPSILON)  # and neighbours in float32.
    return [rng.normal(size=(ROWS, 1)) * scale, members]


def _terms_gaussian(rows: Any, place: int | None, epsilon: float = 1e-6, **_: Any) -> Any:
    kept = [(y, m, max(v, mp.mpf(epsilon))) for y, m, v in zip(*rows, strict=True)]
    if place is None:
        return sum(abs(mp.log(v)) + (y - m) ** 2 / v for y, m, v in kept) / len(kept)
    # A variance pulls up and a square down: the slope is their difference.
    return max((1 + (y - m) ** 2 / v) / v for y, m, v in kept) / len(kept) if place == 2 else 0


def _terms_crps(rows: Any, place: int | None, **_: Any) -> Any:
    (y,), members = rows
    return sum(abs(x - y) for x in members) / len(members) if place is None else mp.mpf(1) / len(members)


def _at_the_least_variance(y: Row, mean: Row, variance: Row, epsilon: Any = 1e-6, **_: Any) -> list[Row]:
    return [y, mean, [max(v, mp.mpf(epsilon)) for v in variance]]


VALUES = {"gaussian_nll": _gaussian_nll, "crps_ensemble": _crps_ensemble}
# Below its least value a variance has the slope that it has there.
GUARDED = {"gaussian_nll": _at_the_least_variance}
HURT = [
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"epsilon": 0.0}, (1.0, 1e15, 1e-12)),
    Hurt("gaussian_nll", _gaussian, _terms_gaussian, {"full": True}, (1.0, 1e-3, 1e-15)),
    Hurt("crps_ensemble", _crps, _terms_crps, {}, (1.0, 1e30, 1e-25)),
    Hurt("crps_ensemble", _crps, _terms_crps, {"fair": True}),
]
