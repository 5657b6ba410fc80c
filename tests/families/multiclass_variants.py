"""References for relatives of cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp

from families.exact import Row, one_hot, softmax, xlogy

EPSILON = mp.mpf(1e-7)


def _shares(p: Row, from_logits: bool) -> list[Any]:
    return softmax(p) if from_logits else [x / mp.fsum(p) for x in p]


def _clipped(q: Row, from_logits: bool, epsilon: Any) -> list[Any]:
    return list(q) if from_logits else [min(max(x, epsilon), 1 - epsilon) for x in q]


def _through(outer: Row, p: Row, from_logits: bool) -> list[Any]:
    """Slopes in the shares of a row, carried through what makes the shares."""
    q = _shares(p, from_logits)
    inner = mp.fsum(a * b for a, b in zip(outer, q, strict=True))
    return [(a - inner) * (b if from_logits else 1 / mp.fsum(p)) for a, b in zip(outer, q, strict=True)]


def _focal(
    t: Row, p: Row, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, epsilon: Any = EPSILON
) -> Any:
    q = _clipped(_shares(p, from_logits), from_logits, epsilon)
    return -mp.mpf(alpha) * mp.fsum((1 - b) ** mp.mpf(gamma) * xlogy(a, b) for a, b in zip(t, q, strict=True))


def _focal_outer(
    t: Row, p: Row, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, epsilon: Any = EPSILON
) -> list[Any]:
    alpha, gamma = mp.mpf(alpha), mp.mpf(gamma)

    def steep(q: Any) -> Any:
        turn = gamma * (1 - q) ** (gamma - 1) * mp.log(q) if gamma and q < 1 else 0
        return turn - (1 - q) ** gamma / q

    q = _clipped(_shares(p, from_logits), from_logits, epsilon)
    return [alpha * a * steep(b) if a else mp.mpf(0) for a, b in zip(t, q, strict=True)]


def _slope(outer: Callable[..., Any]) -> Callable[..., Any]:
    """Slopes with the digits that a share next to 1 has."""

    def slopes(t: Row, p: Row, from_logits: bool = False, **settings: Any) -> list[Any]:
        with mp.workdps(300):
            return _through(outer(t, p, from_logits=from_logits, **settings), p, from_logits)

    return slopes


def _terms(outer: Callable[..., Any], always: Callable[..., bool] = lambda **_: False) -> Callable[..., Any]:
    """Differences of scores are rounded, and so are shares by that; the slopes of soft labels have two signs."""

    def terms(t: Row, p: Row, index: int | None, from_logits: bool = False, **settings: Any) -> Any:
        steep = outer(t, p, from_logits=from_logits, **settings)
        q = _shares(p, from_logits)
        inner = mp.fsum(abs(a * b) for a, b in zip(steep, q, strict=True))
        if from_logits:
            size = max(map(abs, p))
            slopes = _through(steep, p, True)
            if index is None:
                return mp.fsum(map(abs, slopes)) * size
            mixed = (abs(steep[index]) + inner) * q[index] if _is_soft(t) else abs(slopes[index])
            return mixed * (1 + size)
        if index is None:
            return 0
        # The epsilon of a clipped share is a rounded number itself.
        clipped = any(a > 0 and b < EPSILON for a, b in zip(t, q, strict=True))
        mixed = (abs(steep[index]) + inner) / mp.fsum(p)
        return mixed if _is_soft(t) or always(**settings) else clipped * abs(_through(steep, p, False)[index])

    return terms


def _is_soft(t: Row) -> bool:
    return any(0 < a < 1 for a in t)


def _of_labels(reference: Callable[..., Any]) -> Callable[..., Any]:
    """A reference of one-hot rows for integer labels."""

    def of_labels(t: Row, p: Row, *index: Any, **settings: Any) -> Any:
        return reference(one_hot(t[0], len(p)), p, *index, **settings)

    return of_labels


VALUES = {
    "categorical_focal_crossentropy": _focal,
    "sparse_categorical_focal_crossentropy": _of_labels(_focal),
}
SLOPES = {
    "categorical_focal_crossentropy": _slope(_focal_outer),
    "sparse_categorical_focal_crossentropy": _of_labels(_slope(_focal_outer)),
}
TERMS = {
    "categorical_focal_crossentropy": _terms(_focal_outer),
    "sparse_categorical_focal_crossentropy": _of_labels(_terms(_focal_outer)),
}
SOFT = ("categorical_focal_crossentropy",)
SETTINGS = {
    "categorical_focal_crossentropy": [{"gamma": 0.0, "alpha": 1.0, "from_logits": True}, {"gamma": 0.5}],
    "sparse_categorical_focal_crossentropy": [{"gamma": 0.5, "from_logits": True}],
}
