"""References for losses of numbers."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import each, each_slope, sign


def _mape(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return 100 * abs(p - t) / max(abs(t), epsilon)


def _msle(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return (mp.log(1 + max(p, epsilon)) - mp.log(1 + max(t, epsilon))) ** 2


def _msle_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    p = max(p, epsilon)
    return 2 * (mp.log(1 + p) - mp.log(1 + max(t, epsilon))) / (1 + p)


VALUES = {
    "mean_squared_error": each(lambda t, p: (p - t) ** 2),
    "mean_absolute_error": each(lambda t, p: abs(p - t)),
    "mean_absolute_percentage_error": each(_mape),
    "mean_squared_logarithmic_error": each(_msle),
}
SLOPES = {
    "mean_squared_error": each_slope(lambda t, p: 2 * (p - t)),
    "mean_absolute_error": each_slope(lambda t, p: sign(p - t)),
    "mean_absolute_percentage_error": each_slope(
        lambda t, p, epsilon=mp.mpf(1e-7): 100 * sign(p - t) / max(abs(t), epsilon)
    ),
    "mean_squared_logarithmic_error": each_slope(_msle_slope),
}
