"""References for losses of one class among several."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, one_hot, softmax, xlogy


def _cce(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        top = max(p)
        log_sum = mp.log(mp.fsum(mp.exp(x - top) for x in p))
        return mp.fsum(a * (log_sum + top - x) for a, x in zip(t, p, strict=True))
    total = mp.fsum(p)
    shares = [min(max(x / total, epsilon), 1 - epsilon) for x in p]
    return -mp.fsum(xlogy(a, q) for a, q in zip(t, shares, strict=True))


def _cce_slope(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    if from_logits:
        weight = mp.fsum(t)
        return [weight * s - a for a, s in zip(t, softmax(p), strict=True)]
    total = mp.fsum(p)
    shares = [x / total for x in p]
    # The derivative of -log at the clipped share, carried through the division by the row's sum.
    outer = [mp.mpf(0) if a == 0 else -a / max(q, epsilon) for a, q in zip(t, shares, strict=True)]
    inner = mp.fsum(g * q for g, q in zip(outer, shares, strict=True))
    return [(g - inner) / total for g in outer]


def _terms_scores(slope: Any, p: Any, index: int | None) -> Any:
    # The difference of scores of 100 is rounded by 4e-6, and a probability moves by that share of itself.
    size = max(map(abs, p))
    return sum(map(abs, slope)) * size if index is None else softmax(p)[index] * (1 + size)


def _terms_cce(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    if from_logits:
        return _terms_scores(_cce_slope(t, p, from_logits=True), p, index)
    if index is None or p[index] < mp.mpf(1e-7) * sum(p):
        return 0
    gaps = [abs(a - b) for a, b in zip(t, p, strict=True)]
    return (gaps[index] * sum(t) + t[index] * sum(gaps)) / (p[index] * sum(p))


def _terms_sparse(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    return _terms_cce(one_hot(t[0], len(p)), p, index, from_logits) if from_logits else 0


VALUES = {
    "negative_log_likelihood": lambda t, p: -p[int(t[0])],
    "categorical_crossentropy": _cce,
    "sparse_categorical_crossentropy": lambda t, p, **kw: _cce(one_hot(t[0], len(p)), p, **kw),
}
SLOPES = {
    "categorical_crossentropy": _cce_slope,
    "sparse_categorical_crossentropy": lambda t, p, **kw: _cce_slope(one_hot(t[0], len(p)), p, **kw),
}
TERMS = {
    "categorical_crossentropy": _terms_cce,
    "sparse_categorical_crossentropy": _terms_sparse,
}
SOFT = ("categorical_crossentropy",)
