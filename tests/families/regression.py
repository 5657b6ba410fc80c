"""References for losses of numbers."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, each, each_slope, mean, sign


def _mape(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return 100 * abs(p - t) / max(abs(t), epsilon)


def _msle(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return (mp.log(1 + max(p, epsilon)) - mp.log(1 + max(t, epsilon))) ** 2


def _msle_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    p = max(p, epsilon)
    return 2 * (mp.log(1 + p) - mp.log(1 + max(t, epsilon))) / (1 + p)


def _smape(t: Any, p: Any) -> Any:
    return 2 * abs(p - t) / (abs(t) + abs(p)) if t or p else mp.mpf(0)


def _smape_slope(t: Any, p: Any) -> Any:
    # By the rule for quotients, with the slope 0 of a magnitude at 0.
    both = abs(t) + abs(p)
    return 2 * (sign(p - t) * both - abs(p - t) * sign(p)) / both**2 if both else mp.mpf(0)


def _beyond(t: Any, p: Any, epsilon: Any = 0.1) -> Any:
    return max(abs(p - t) - mp.mpf(epsilon), 0)


def _terms_beyond(t: Row, p: Row, index: int | None, epsilon: Any = 0.1) -> Any:
    """The rounding of the inputs, and of the tolerance."""
    if index is not None:
        return 0
    return mean(abs(a) + abs(b) + mp.mpf(epsilon) for a, b in zip(t, p, strict=True)) / 2


def _terms_beyond_squared(t: Row, p: Row, index: int | None, epsilon: Any = 0.1) -> Any:
    places = range(len(p)) if index is None else [index]
    found = []
    for i in places:
        size = (abs(t[i]) + abs(p[i]) + mp.mpf(epsilon)) / 2
        beyond = _beyond(t[i], p[i], epsilon)
        found.append((2 * beyond if index is None else 2 if beyond else 0) * size)
    return mp.fsum(found) / len(p)


VALUES = {
    "root_mean_squared_error": lambda t, p: mp.sqrt(mean((b - a) ** 2 for a, b in zip(t, p, strict=True))),
    "symmetric_mean_absolute_percentage_error": each(_smape),
    "epsilon_insensitive": each(_beyond),
    "squared_epsilon_insensitive": each(lambda t, p, epsilon=0.1: _beyond(t, p, epsilon) ** 2),
    "mean_squared_error": each(lambda t, p: (p - t) ** 2),
    "mean_absolute_error": each(lambda t, p: abs(p - t)),
    "mean_absolute_percentage_error": each(_mape),
    "mean_squared_logarithmic_error": each(_msle),
}
SLOPES = {
    "symmetric_mean_absolute_percentage_error": each_slope(_smape_slope),
    "mean_squared_error": each_slope(lambda t, p: 2 * (p - t)),
    "mean_absolute_error": each_slope(lambda t, p: sign(p - t)),
    "mean_absolute_percentage_error": each_slope(
        lambda t, p, epsilon=mp.mpf(1e-7): 100 * sign(p - t) / max(abs(t), epsilon)
    ),
    "mean_squared_logarithmic_error": each_slope(_msle_slope),
}
TERMS = {"epsilon_insensitive": _terms_beyond, "squared_epsilon_insensitive": _terms_beyond_squared}
SETTINGS = {
    "epsilon_insensitive": [{"epsilon": 0.0}, {"epsilon": 3.0}],
    "squared_epsilon_insensitive": [{"epsilon": 0.0}, {"epsilon": 3.0}],
}
