"""References for losses of counts."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import each, each_slope, xlogy


def _poisson(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return p - xlogy(t, p + epsilon)


def _poisson_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return mp.mpf(1) if t == 0 else 1 - t / (p + epsilon)


def _terms_poisson(t: Any, p: Any, index: int | None) -> Any:
    if index is not None:
        return 0
    return sum(abs(b) + abs(xlogy(a, b + mp.mpf(1e-7))) for a, b in zip(t, p, strict=True)) / len(p)


VALUES = {"poisson": each(_poisson)}
SLOPES = {"poisson": each_slope(_poisson_slope)}
TERMS = {"poisson": _terms_poisson}
