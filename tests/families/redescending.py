"""References for losses of numbers with gross outliers."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Reference, Row, each


def _u(t: Any, p: Any, c: Any) -> Any:
    return ((p - t) / mp.mpf(c)) ** 2


def _tukey(t: Any, p: Any, c: Any = 4.685) -> Any:
    return mp.mpf(c) ** 2 / 6 * (1 - max(1 - _u(t, p, c), 0) ** 3)


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
}
TERMS = {
    "geman_mcclure": _terms(_geman_mcclure_slope, 1, (0, -1)),
    "welsch": _terms(_welsch_slope, 1, (0, -1)),
    "tukey_biweight": _terms(_tukey_slope, 4.685, (2, 1)),
}
SETTINGS = {
    "cauchy": [{"c": 0.01}, {"c": 30.0}],
    "geman_mcclure": [{"c": 0.01}, {"c": 30.0}],
    "welsch": [{"c": 30.0}],
    "tukey_biweight": [{"c": 30.0}],
}
