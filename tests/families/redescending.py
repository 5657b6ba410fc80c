"""References for losses of numbers with gross outliers."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp

from families.exact import Reference, Row, each


def _u(t: Any, p: Any, c: Any) -> Any:
    return ((p - t) / mp.mpf(c)) ** 2


def _tukey(t: Any, p: Any, c: Any = 4.685) -> Any:
    return mp.mpf(c) ** 2 / 6 * (1 - max(1 - _u(t, p, c), 0) ** 3)


def _general(t: Any, p: Any, alpha: Any = 1, c: Any = 1) -> Any:
    u, alpha = _u(t, p, c), mp.mpf(alpha)
    if alpha == 2:
        return u / 2
    if alpha == 0:
        return mp.log(1 + u / 2)
    if alpha == -mp.inf:
        return 1 - mp.exp(-u / 2)
    b = abs(alpha - 2)
    return b / alpha * ((u / b + 1) ** (alpha / 2) - 1)


def _terms_general(t: Row, p: Row, index: int | None, alpha: Any = 1, c: Any = 1) -> Any:
    b = 2 - mp.mpf(alpha)
    if b == 0 or b == mp.inf:
        return _terms((lambda u: u) if b == 0 else _welsch_slope, 1, (0, -1))(t, p, index, c)

    def slope(u: Any) -> Any:
        return u * (1 + u * u / b) ** (-b / 2)

    moved = _terms(slope, 1, (0, -1))(t, p, index, c)
    if index is None:
        return moved
    # The rounding of the exponent b, too.
    u = abs(p[index] - t[index]) / mp.mpf(c)
    return moved + slope(u) * (b / 2) * mp.log(1 + u * u / b) / 2 / len(p) / mp.mpf(c)


def _welsch_slope(u: Any) -> Any:
    return u * mp.exp(-u * u / 2)


def _tukey_slope(u: Any) -> Any:
    return u * max(1 - u * u, 0) ** 2


def _geman_mcclure_slope(u: Any) -> Any:
    return 16 * u / (u * u + 4) ** 2


def _terms(slope: Reference, default: Any, powers: tuple[int, int]) -> Reference:
    """What the rounding of the inputs and of the scale moves: by many units, where a slope falls steeply.

    ``slope`` is that of the value in units of the scale; value and slope have the scale to these powers before them.
    """

    def terms(t: Row, p: Row, index: int | None, c: Any = default) -> Any:
        c, moved = mp.mpf(c), []
        for a, b in zip(t, p, strict=True) if index is None else [(t[index], p[index])]:
            u, inputs = abs(b - a) / c, (abs(a) + abs(b)) / c
            moved.append(abs(slope(u)) * inputs if index is None else abs(mp.diff(slope, u)) * (inputs + u))
        return mp.fsum(moved) / 2 / len(p) * c ** powers[index is not None]

    return terms


VALUES = {
    "cauchy": each(lambda t, p, c=1: mp.log(1 + _u(t, p, c) / 2)),
    "geman_mcclure": each(lambda t, p, c=1: 2 * _u(t, p, c) / (_u(t, p, c) + 4)),
    "welsch": each(lambda t, p, c=1: 1 - mp.exp(-_u(t, p, c) / 2)),
    "tukey_biweight": each(_tukey),
    "general_robust": each(_general),
}
TERMS = {
    "geman_mcclure": _terms(_geman_mcclure_slope, 1, (0, -1)),
    "welsch": _terms(_welsch_slope, 1, (0, -1)),
    "tukey_biweight": _terms(_tukey_slope, 4.685, (2, 1)),
    "general_robust": _terms_general,
}
SETTINGS = {
    "cauchy": [{"c": 0.01}, {"c": 30.0}],
    "geman_mcclure": [{"c": 0.01}, {"c": 30.0}],
    "welsch": [{"c": 30.0}],
    "tukey_biweight": [{"c": 30.0}],
    # The limits, their neighbours, and what lies between.
    "general_robust": [{"alpha": alpha} for alpha in (2.0, 2.0 - 1e-7, 0.5, 0.0, -1e-7, -50.0, -math.inf)],
}
