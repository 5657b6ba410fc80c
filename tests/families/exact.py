"""What references of several families share: sums, logarithms and shares in high precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mpmath as mp

mp.mp.dps = 60
Row = Sequence[Any]
Reference = Callable[..., Any]


def mean(terms: Any) -> Any:
    """Mean of a row."""
    terms = list(terms)
    return mp.fsum(terms) / len(terms)


def each(value: Reference) -> Reference:
    """The value of a row that is the mean over its elements, of which a difference moves one at a time."""

    @lru_cache(maxsize=256)
    def element(a: Any, b: Any, precision: int, **parameters: Any) -> Any:
        return value(a, b, **parameters)

    def row_value(t: Row, p: Row, **parameters: Any) -> Any:
        return mean(element(a, b, mp.mp.prec, **parameters) for a, b in zip(t, p, strict=True))

    return row_value


def each_slope(slope: Reference) -> Reference:
    """The slopes of such a row."""

    def row_slope(t: Row, p: Row, **parameters: Any) -> list[Any]:
        return [slope(a, b, **parameters) / len(p) for a, b in zip(t, p, strict=True)]

    return row_slope


def sign(x: Any) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)


def xlogy(x: Any, y: Any) -> Any:
    """``x log y``, and 0 where x is 0."""
    return mp.mpf(0) if x == 0 else x * mp.log(y)


def clip(x: Any, epsilon: Any) -> Any:
    """Within [epsilon, 1]."""
    return min(max(x, epsilon), 1)


def norm(x: Row) -> Any:
    """Length of a row."""
    return mp.sqrt(mp.fsum(a * a for a in x))


def length(a: Row, b: Row, norm: Any) -> Any:
    """Distance of two rows by a norm."""
    return mp.fsum(abs(x - y) ** mp.mpf(norm) for x, y in zip(a, b, strict=True)) ** (1 / mp.mpf(norm))


def softmax(z: Row) -> list[Any]:
    """Shares of scores."""
    top = max(z)
    terms = [mp.exp(x - top) for x in z]
    total = mp.fsum(terms)
    return [x / total for x in terms]


def one_hot(label: int, length: int) -> list[Any]:
    """A label as a row."""
    return [mp.mpf(1) if i == int(label) else mp.mpf(0) for i in range(length)]


def sides(scores: Row, from_logits: bool) -> list[tuple[Any, Any]]:
    """Probabilities and what is left to 1."""
    if from_logits:
        return [(1 / (1 + mp.exp(-z)), 1 / (1 + mp.exp(z))) for z in scores]
    return [(p, 1 - p) for p in scores]


def clipped(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7), **_: Any) -> tuple[Row, Row]:
    """A row of a loss that clips probabilities."""
    return t, p if from_logits else [min(max(x, epsilon), 1 - epsilon) for x in p]


def chances(p: Any, from_logits: bool, epsilon: Any) -> tuple[Any, Any]:
    """The probability of class 1 and that of class 0."""
    if from_logits:
        return 1 / (1 + mp.exp(-p)), 1 / (1 + mp.exp(p))
    q = min(max(p, epsilon), 1 - epsilon)
    return q, 1 - q
