"""References for losses of numbers with outliers."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import each, each_slope


def _huber(t: Any, p: Any, delta: Any = 1) -> Any:
    d = abs(p - t)
    return d * d / 2 if d <= delta else delta * (d - mp.mpf(delta) / 2)


def _smooth_l1(t: Any, p: Any, beta: Any = 1) -> Any:
    return _huber(t, p, beta) / beta


def _pseudo_huber(t: Any, p: Any, delta: Any = 1) -> Any:
    delta = mp.mpf(delta)
    return delta**2 * (mp.sqrt(1 + ((p - t) / delta) ** 2) - 1)


def _fair(t: Any, p: Any, c: Any = 1) -> Any:
    u = abs(p - t) / mp.mpf(c)
    return mp.mpf(c) ** 2 * (u - mp.log(1 + u))


def _balanced_l1(t: Any, p: Any, alpha: Any = 0.5, gamma: Any = 1.5, beta: Any = 1) -> Any:
    # The integral of its slope alpha log(1 + b u) by hand, as the paper has it.
    alpha, gamma, beta = mp.mpf(alpha), mp.mpf(gamma), mp.mpf(beta)
    b, d = mp.exp(gamma / alpha) - 1, abs(p - t)
    if d >= beta:
        return gamma * d + gamma * beta / b - alpha * beta
    return alpha / b * (b * d + beta) * mp.log(b * d / beta + 1) - alpha * d


def _wing(t: Any, p: Any, width: Any = 10, curvature: Any = 2) -> Any:
    width, curvature = mp.mpf(width), mp.mpf(curvature)
    d = abs(p - t)
    return width * mp.log(1 + d / curvature) if d < width else d - (width - width * mp.log(1 + width / curvature))


VALUES = {
    "huber": each(_huber),
    "log_cosh": each(lambda t, p: mp.log(mp.cosh(p - t))),
    "smooth_l1": each(_smooth_l1),
    "pseudo_huber": each(_pseudo_huber),
    "fair_loss": each(_fair),
    "charbonnier": each(lambda t, p, epsilon=1e-3: mp.sqrt((p - t) ** 2 + mp.mpf(epsilon) ** 2)),
    "balanced_l1": each(_balanced_l1),
    "wing_loss": each(_wing),
}
SLOPES = {
    "huber": each_slope(lambda t, p, delta=1: max(min(p - t, delta), -delta)),
    "log_cosh": each_slope(lambda t, p: mp.tanh(p - t)),
}
# Wide and narrow against the errors that are drawn.
SETTINGS = {
    "smooth_l1": [{"beta": 0.01}, {"beta": 30.0}],
    "pseudo_huber": [{"delta": 0.01}, {"delta": 30.0}],
    "fair_loss": [{"c": 0.01}, {"c": 30.0}],
    "charbonnier": [{"epsilon": 1.0}],
    "balanced_l1": [{"alpha": 5.0, "beta": 30.0}, {"alpha": 0.7, "beta": 0.01}, {"alpha": 0.1, "gamma": 8.0}],
    "wing_loss": [{"width": 5.0, "curvature": 0.5}],
}
