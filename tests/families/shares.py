"""What references of losses of classes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp

from families.exact import Row, one_hot, softmax

EPSILON = mp.mpf(1e-7)


def shares(p: Row, from_logits: bool) -> list[Any]:
    return softmax(p) if from_logits else [x / mp.fsum(p) for x in p]


def clipped_shares(q: Row, from_logits: bool, epsilon: Any) -> list[Any]:
    return list(q) if from_logits else [min(max(x, epsilon), 1 - epsilon) for x in q]


def through(outer: Row, p: Row, from_logits: bool) -> list[Any]:
    """Slopes in the shares of a row, carried through what makes the shares."""
    q = shares(p, from_logits)
    inner = mp.fsum(a * b for a, b in zip(outer, q, strict=True))
    return [(a - inner) * (b if from_logits else 1 / mp.fsum(p)) for a, b in zip(outer, q, strict=True)]


def sloped(outer: Callable[..., Any]) -> Callable[..., Any]:
    """Slopes with the digits that a share next to 1 has."""

    def slopes(t: Row, p: Row, from_logits: bool = False, **settings: Any) -> list[Any]:
        with mp.workdps(300):
            return through(outer(t, p, from_logits=from_logits, **settings), p, from_logits)

    return slopes


def terms_of(outer: Callable[..., Any], always: Callable[..., bool] = lambda **_: False) -> Callable[..., Any]:
    """Differences of scores are rounded, and so are shares by that; the slopes of soft labels have two signs."""

    def terms(t: Row, p: Row, index: int | None, from_logits: bool = False, **settings: Any) -> Any:
        steep = outer(t, p, from_logits=from_logits, **settings)
        soft = is_soft(t) or settings.get("label_smoothing", 0.0) > 0.0
        q = shares(p, from_logits)
        inner = mp.fsum(abs(a * b) for a, b in zip(steep, q, strict=True))
        if from_logits:
            size = max(map(abs, p))
            slopes = through(steep, p, True)
            if index is None:
                return mp.fsum(map(abs, slopes)) * size
            mixed = (abs(steep[index]) + inner) * q[index] if soft else abs(slopes[index])
            return mixed * (1 + size)
        if index is None:
            return 0
        # The epsilon of a clipped share is a rounded number itself.
        clipped = any(a > 0 and b < EPSILON for a, b in zip(t, q, strict=True))
        mixed = (abs(steep[index]) + inner) / mp.fsum(p)
        return mixed if soft or always(**settings) else clipped * abs(through(steep, p, False)[index])

    return terms


def is_soft(t: Row) -> bool:
    return any(0 < a < 1 for a in t)


def of_labels(reference: Callable[..., Any]) -> Callable[..., Any]:
    """A reference of one-hot rows for integer labels."""

    def of_labels(t: Row, p: Row, *index: Any, **settings: Any) -> Any:
        return reference(one_hot(t[0], len(p)), p, *index, **settings)

    return of_labels
