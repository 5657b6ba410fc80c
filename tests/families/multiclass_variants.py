"""References for relatives of cross-entropy."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, one_hot, softmax, xlogy
from families.shares import EPSILON, clipped_shares, shares, sloped, terms_of, through


def _spread(t: Row, share: float) -> Row:
    """Targets of which a share lies on all classes alike."""
    return [a * (1 - mp.mpf(share)) + mp.mpf(share) / len(t) for a in t]


def _poly(
    t: Row,
    p: Row,
    from_logits: bool = False,
    poly_weight: float = 2.0,
    label_smoothing: float = 0.0,
    epsilon: Any = EPSILON,
) -> Any:
    t, q = _spread(t, label_smoothing), shares(p, from_logits)
    by_log = -mp.fsum(xlogy(a, b) for a, b in zip(t, clipped_shares(q, from_logits, epsilon), strict=True))
    return by_log + mp.mpf(poly_weight) * mp.fsum(a * (1 - b) for a, b in zip(t, q, strict=True))


def _poly_outer(
    t: Row,
    p: Row,
    from_logits: bool = False,
    poly_weight: float = 2.0,
    label_smoothing: float = 0.0,
    epsilon: Any = EPSILON,
) -> list[Any]:
    t = _spread(t, label_smoothing)
    q = clipped_shares(shares(p, from_logits), from_logits, epsilon)
    return [-a / b - mp.mpf(poly_weight) * a if a else mp.mpf(0) for a, b in zip(t, q, strict=True)]


def _generalized(t: Row, p: Row, q: float = 0.5, from_logits: bool = False) -> Any:
    chance = softmax(p)[int(t[0])] if from_logits else p[int(t[0])]
    return (1 - chance ** mp.mpf(q)) / mp.mpf(q)


def _generalized_outer(t: Row, p: Row, q: float = 0.5, from_logits: bool = False) -> list[Any]:
    chance = softmax(p)[int(t[0])] if from_logits else max(p[int(t[0])], EPSILON)
    return [a and -(chance ** (mp.mpf(q) - 1)) for a in one_hot(t[0], len(p))]


def _generalized_slope(t: Row, p: Row, q: float = 0.5, from_logits: bool = False) -> list[Any]:
    with mp.workdps(300):
        outer = _generalized_outer(t, p, q, from_logits)
        return through(outer, p, True) if from_logits else outer


def _terms_generalized(t: Row, p: Row, index: int | None, q: float = 0.5, from_logits: bool = False) -> Any:
    slopes, size = _generalized_slope(t, p, q, from_logits), max(map(abs, p))
    return (sum(map(abs, slopes)) * size if index is None else abs(slopes[index]) * (1 + size)) if from_logits else 0


def _brier(t: Row, p: Row, from_logits: bool = False) -> Any:
    return mp.fsum((b - a) ** 2 for a, b in zip(t, softmax(p) if from_logits else p, strict=True))


def _terms_brier(t: Row, p: Row, index: int | None, from_logits: bool = False) -> Any:
    if not from_logits:
        return 0
    q, size = softmax(p), max(map(abs, p))
    # Beside a soft target a share is rounded, beside 0 or 1 what it differs by.
    errors = [b if 0 < a < 1 else abs(b - a) for a, b in zip(t, q, strict=True)]
    inner = mp.fsum(a * b for a, b in zip(errors, q, strict=True))
    pulls = [2 * b * (a + inner) for a, b in zip(errors, q, strict=True)]
    return sum(pulls) * size if index is None else pulls[index] * (1 + size)


def _z_loss(t: Row, p: Row, z_weight: float = 1e-4) -> Any:
    total = max(p) + mp.log(mp.fsum(mp.exp(x - max(p)) for x in p))
    return total - p[int(t[0])] + mp.mpf(z_weight) * total**2


def _terms_z_loss(t: Row, p: Row, index: int | None, z_weight: float = 1e-4) -> Any:
    """The log-sum of scores above and below 0 is a difference."""
    weight, q, size = mp.mpf(z_weight), softmax(p), max(map(abs, p))
    total = abs(max(p)) + mp.log(len(p))
    apart = [abs(b - a) for a, b in zip(one_hot(t[0], len(p)), q, strict=True)]
    if index is None:
        return sum(apart) * size + 2 * weight * total * abs(max(p) + mp.log(mp.fsum(mp.exp(x - max(p)) for x in p)))
    return (apart[index] + 2 * weight * q[index] * total) * (1 + size)


def _one_vs_all(t: Row, p: Row) -> Any:
    return mp.fsum(mp.log(1 + mp.exp(-x if i == int(t[0]) else x)) for i, x in enumerate(p))


VALUES = {
    "poly_crossentropy": _poly,
    "generalized_crossentropy": _generalized,
    "brier": _brier,
    "z_loss_crossentropy": _z_loss,
    "one_vs_all_logistic": _one_vs_all,
}
SLOPES = {
    "poly_crossentropy": sloped(_poly_outer),
    "generalized_crossentropy": _generalized_slope,
}
TERMS = {
    "poly_crossentropy": terms_of(_poly_outer, lambda poly_weight=2.0, **_: poly_weight < 0),
    "generalized_crossentropy": _terms_generalized,
    "brier": _terms_brier,
    "z_loss_crossentropy": _terms_z_loss,
}
SOFT = ("poly_crossentropy", "brier")
SETTINGS = {
    "poly_crossentropy": [{"poly_weight": -0.5}, {"label_smoothing": 0.25, "from_logits": True}],
    "generalized_crossentropy": [{"q": 1e-6}, {"q": 1.0, "from_logits": True}],
    "z_loss_crossentropy": [{"z_weight": 1.0}],
}
