"""References for losses of counts."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, each_slope, mean, xlogy
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, bits


def _poisson(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return p - xlogy(t, p + epsilon)


def _poisson_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return mp.mpf(1) if t == 0 else 1 - t / (p + epsilon)


def _terms_poisson(t: Any, p: Any, index: int | None) -> Any:
    if index is not None:
        return 0
    return sum(abs(b) + abs(xlogy(a, b + mp.mpf(1e-7))) for a, b in zip(t, p, strict=True)) / len(p)


def _tweedie(t: Any, p: Any, power: Any = 1.5) -> Any:
    q = mp.mpf(power)
    if q == 1:
        return 2 * (xlogy(t, t / p) - t + p)
    if q == 2:
        return 2 * (t / p - 1 - mp.log(t / p))
    constant = t ** (2 - q) / ((1 - q) * (2 - q)) if t or q < 2 else mp.inf
    return 2 * (constant - t * p ** (1 - q) / (1 - q) + p ** (2 - q) / (2 - q))


def _generalized_kl(t: Row, p: Row) -> Any:
    return mp.fsum((a * mp.log(a / b) if a else 0) - a + b for a, b in zip(t, p, strict=True))


def _cross_entropy_lambda(t: Row, f: Row, exposure: Row) -> Any:
    def each_one(y: Any, f: Any, exposure: Any) -> Any:
        rest = (1 + mp.exp(f)) ** -exposure  # The probability of no event.
        return -(xlogy(y, 1 - rest) + xlogy(1 - y, rest))

    return mean(each_one(*one) for one in zip(t, f, exposure, strict=True))


def _exposures(rng: np.random.Generator, scale: float) -> list[Any]:
    f = rng.normal(size=(ROWS, WIDTH)) * scale
    f[3], f[4] = np.linspace(-100.0, 100.0, WIDTH), -30.0
    return [bits(rng), f, 10.0 ** rng.uniform(-3, 3, (ROWS, WIDTH))]


def _terms_lambda(rows: Any, place: int | None, **_: Any) -> Any:
    """The rounding of the expected number of events, which an exponential magnifies."""
    found = []
    for y, f, exposure in zip(*rows, strict=True):
        rate = exposure * mp.log(1 + mp.exp(f))
        growth = exposure / (1 + mp.exp(-f))
        # Of the value in the rate, and of the slope: y growth / (exp(rate) - 1).
        moved = rate / mp.expm1(rate)
        found.append(y * moved * (1 if place is None else growth * (1 + rate) / rate))
    return max(found) / len(found)


def _terms_tweedie(t: Row, p: Row, index: int | None, power: Any = 1.5) -> Any:
    """The rounding of exponents to floats, which a power of large and small numbers magnifies."""
    rounded = max(abs(float(np.float32(x)) - x) for x in (power, 1.0 - power, 2.0 - power)) / EPSILON
    if index is not None:
        slope = 2 * abs(p[index] - t[index]) * p[index] ** -mp.mpf(power) / len(p)
        return rounded * abs(mp.log(p[index])) * slope
    logs = [abs(mp.log(b)) + (abs(mp.log(a)) if a else 0) for a, b in zip(t, p, strict=True)]
    return rounded * mean(log * _tweedie(a, b, power) for log, a, b in zip(logs, t, p, strict=True))


VALUES = {
    "poisson": each(_poisson),
    "gamma_deviance": each(lambda t, p: _tweedie(t, p, 2)),
    "tweedie_deviance": each(_tweedie),
    "generalized_kl_divergence": _generalized_kl,
    "cross_entropy_lambda": _cross_entropy_lambda,
}
SLOPES = {"poisson": each_slope(_poisson_slope)}
TERMS = {"poisson": _terms_poisson, "tweedie_deviance": _terms_tweedie}
# From 2 on a target of 0 costs infinitely much: `test_peers_counts.py` measures those without.
SETTINGS = {
    "tweedie_deviance": [
        {"power": power} for power in (-1.0, 0.0, 0.5, 1.0, 1.01, 1.9, 1.99)
    ],
}
HURT = [Hurt("cross_entropy_lambda", _exposures, _terms_lambda, {}, (1.0, 10.0, 1e-10))]
