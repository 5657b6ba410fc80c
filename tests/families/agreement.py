"""References for losses of whole rows."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, mean, norm
from families.hurt import EPSILON

LEAST = mp.mpf(1e-6)


def _moments(t: Row, p: Row) -> tuple[Any, ...]:
    a, b = mean(t), mean(p)
    both = mean((x - a) * (y - b) for x, y in zip(t, p, strict=True))
    return a, b, both, mean((x - a) ** 2 for x in t), mean((y - b) ** 2 for y in p)


def _pearson(t: Row, p: Row) -> Any:
    _, _, both, of_t, of_p = _moments(t, p)
    return 1 - both / mp.sqrt(of_t * of_p) if of_t and of_p else mp.mpf(1)


def _pearson_slopes(t: Row, p: Row) -> list[Any]:
    a, b, both, of_t, of_p = _moments(t, p)
    if not of_t or not of_p:
        return [mp.mpf(0)] * len(p)
    r = both / mp.sqrt(of_t * of_p)
    turns = [(x - a) / mp.sqrt(of_t) - r * (y - b) / mp.sqrt(of_p) for x, y in zip(t, p, strict=True)]
    return [-turn / len(p) / mp.sqrt(of_p) for turn in turns]


def _concordance(t: Row, p: Row) -> Any:
    a, b, both, of_t, of_p = _moments(t, p)
    whole = of_t + of_p + (a - b) ** 2
    return 1 - 2 * both / whole if whole else mp.mpf(0)


def _silog(t: Row, p: Row, variance_focus: Any = 0.5, epsilon: Any = LEAST) -> Any:
    d = [mp.log(max(y, epsilon)) - mp.log(max(x, epsilon)) for x, y in zip(t, p, strict=True)]
    return mp.sqrt(abs(mean(x * x for x in d) - mp.mpf(variance_focus) * mean(d) ** 2))


def _silog_slope(t: Row, p: Row, variance_focus: Any = 0.5, epsilon: Any = LEAST) -> list[Any]:
    p = [max(y, epsilon) for y in p]
    d = [mp.log(y) - mp.log(max(x, epsilon)) for x, y in zip(t, p, strict=True)]
    root, middle = _silog(t, p, variance_focus, epsilon), mean(d)
    if root < mp.mpf(10) ** -50:
        return [mp.mpf(0)] * len(p)
    return [(x - mp.mpf(variance_focus) * middle) / (root * len(p) * y) for x, y in zip(d, p, strict=True)]


def _turned(t: Row, p: Row) -> tuple[Any, Any]:
    """How far the rounding of both rows turns their centred ones, and the length of the second of these."""
    of_t, of_p = (mp.sqrt(len(t) * x) for x in _moments(t, p)[3:])
    return (norm(t) / of_t + norm(p) / of_p) / 2 if of_t and of_p else 0, of_p


def _terms_pearson(t: Row, p: Row, index: int | None) -> Any:
    turned, length = _turned(t, p)
    if index is None:
        return turned * (mp.sqrt(2 * abs(_pearson(t, p))) + mp.mpf(EPSILON) * turned)
    return turned / length if length else 0


def _terms_concordance(t: Row, p: Row, index: int | None) -> Any:
    """A difference from the target and one from its mean, of which the first is one of close numbers itself."""
    a, b, _, of_t, of_p = _moments(t, p)
    whole = of_t + of_p + (a - b) ** 2
    if index is None or not whole:
        return 0
    value = _concordance(t, p)
    # Rows that are alike differ from each other, and others from their means.
    far = abs(p[index] - a)
    close, apart = abs(p[index] - t[index]) + value * far, abs(t[index] - a) + abs(1 - value) * far
    sizes = (close if value < 0.5 else apart) + max(map(abs, t if value >= 0.5 else [*t, *p]))
    return 2 * sizes / whole / len(p)


def _terms_silog(t: Row, p: Row, index: int | None, variance_focus: Any = 0.5, epsilon: Any = LEAST) -> Any:
    d = [mp.log(max(y, epsilon)) - mp.log(max(x, epsilon)) for x, y in zip(t, p, strict=True)]
    if index is None:
        return abs(mean(d)) if variance_focus == 1 else 0
    root = _silog(t, p, variance_focus, epsilon)
    least = mp.mpf(10) ** -50
    size = (abs(d[index]) + mp.mpf(variance_focus) * mean(map(abs, d))) / len(p) / max(p[index], epsilon)
    # Of the root itself, too, where only deviations from the mean are left in it.
    return size / root * (1 + abs(mean(d)) / root * (variance_focus == 1)) if root > least else 0


VALUES = {
    "pearson_correlation": _pearson,
    "concordance_correlation": _concordance,
    "scale_invariant_logarithmic_error": _silog,
}
# A constant row has no correlation, and the slope 0.
SLOPES = {"pearson_correlation": _pearson_slopes, "scale_invariant_logarithmic_error": _silog_slope}
TERMS = {
    "pearson_correlation": _terms_pearson,
    "concordance_correlation": _terms_concordance,
    "scale_invariant_logarithmic_error": _terms_silog,
}
SETTINGS = {
    "scale_invariant_logarithmic_error": [{"variance_focus": 0.0}, {"variance_focus": 1.0}],
}
