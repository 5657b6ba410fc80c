"""References for losses of two classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import each, each_slope, xlogy


def _bce(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return t * mp.log(1 + mp.exp(-p)) + (1 - t) * mp.log(1 + mp.exp(p))
    q = min(max(p, epsilon), 1 - epsilon)
    return -xlogy(t, q) - xlogy(1 - t, 1 - q)


def _bce_slope(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return (1 - t) / (1 + mp.exp(-p)) - t / (1 + mp.exp(p))
    return (1 - t) / max(1 - p, epsilon) - t / max(p, epsilon)


def _terms_bce(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    return 2 * t[index] * (1 - t[index]) / len(p) if from_logits and index is not None else 0


VALUES = {
    "binary_crossentropy": each(_bce),
}
SLOPES = {
    "binary_crossentropy": each_slope(_bce_slope),
}
TERMS = {"binary_crossentropy": _terms_bce}
SOFT = ("binary_crossentropy",)
