"""References for losses of quantiles and intervals."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, each, each_slope, mean, sign
from families.hurt import ROWS, WIDTH, Hurt, no_terms, real


def _interval_score(y: Row, lower: Row, upper: Row, alpha: Any = 0.1) -> Any:
    # Twice the pinball losses at the two levels, over alpha: the score by another way.
    def pinball(a: Any, q: Any, level: Any) -> Any:
        return level * (a - q) if a >= q else (1 - level) * (q - a)

    alpha = mp.mpf(alpha)
    return mean(
        2 / alpha * (pinball(a, low, alpha / 2) + pinball(a, high, 1 - alpha / 2))
        for a, low, high in zip(y, lower, upper, strict=True)
    )


def _pinball(t: Any, p: Any, quantile: Any = 0.5) -> Any:
    quantile = mp.mpf(quantile)
    return max(quantile * (t - p), (quantile - 1) * (t - p))


def _pinball_slope(t: Any, p: Any, quantile: Any = 0.5) -> Any:
    return sign(p - t) * (1 - mp.mpf(quantile) if p > t else mp.mpf(quantile))


def _expectile(t: Any, p: Any, expectile: Any = 0.5) -> Any:
    return abs(mp.mpf(expectile) - (1 if t < p else 0)) * (t - p) ** 2


def _quantile_huber(t: Any, p: Any, quantile: Any = 0.5, delta: Any = 1) -> Any:
    e, delta = t - p, mp.mpf(delta)
    huber = e * e / 2 if abs(e) <= delta else delta * (abs(e) - delta / 2)
    return abs(mp.mpf(quantile) - (1 if e < 0 else 0)) * huber / delta


def _implicit(t: Row, p: Row, level: Row) -> Any:
    return mean(_pinball(a, b, u) for a, b, u in zip(t, p, level, strict=True))


def _with_levels(rng: np.random.Generator, scale: float) -> list[Any]:
    return [*real(2)(rng, scale), rng.uniform(0.001, 0.999, (ROWS, WIDTH))]


VALUES = {
    "pinball": each(_pinball),
    "expectile": each(_expectile),
    "quantile_huber": each(_quantile_huber),
    "implicit_quantile": _implicit,
    "interval_score": _interval_score,
}
# At a difference of 0 any number between both slopes of a pinball loss would do; it is 0.
SLOPES = {
    "pinball": each_slope(_pinball_slope),
    "expectile": each_slope(lambda t, p, expectile=0.5: 2 * abs(mp.mpf(expectile) - (1 if t < p else 0)) * (p - t)),
    "quantile_huber": each_slope(
        lambda t, p, quantile=0.5, delta=1: (
            abs(mp.mpf(quantile) - (1 if t < p else 0)) * max(min((p - t) / mp.mpf(delta), 1), -1)
        )
    ),
}
SETTINGS = {
    "pinball": [{"quantile": 0.9}, {"quantile": 0.01}],
    "expectile": [{"expectile": 0.99}],
    "quantile_huber": [{"quantile": 0.9, "delta": 0.01}, {"quantile": 0.01, "delta": 30.0}],
}
HURT = [
    Hurt("interval_score", real(3), no_terms, {}, (1.0, 1e30, 1e-30)),
    Hurt("implicit_quantile", _with_levels, no_terms, {}, (1.0, 1e30, 1e-30)),
]
