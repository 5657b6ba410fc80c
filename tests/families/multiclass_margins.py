"""References for losses of the scores of several classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row


def _categorical_hinge(t: Row, p: Row) -> Any:
    own = mp.fsum(a * b for a, b in zip(t, p, strict=True))
    return max(1 + max((1 - a) * b for a, b in zip(t, p, strict=True)) - own, 0)


def _categorical_hinge_slope(t: Row, p: Row) -> list[Any]:
    if _categorical_hinge(t, p) == 0:
        return [mp.mpf(0)] * len(p)
    others = [(1 - a) * b for a, b in zip(t, p, strict=True)]
    best = others.index(max(others))
    return [(1 - a if i == best else 0) - a for i, a in enumerate(t)]


def _multi_margin(t: Row, p: Row, power: float = 1.0, margin: float = 1.0) -> Any:
    own = p[int(t[0])]
    others = [max(mp.mpf(margin) - own + x, mp.mpf(0)) for i, x in enumerate(p) if i != int(t[0])]
    return mp.fsum(x ** mp.mpf(power) for x in others) / len(p)


def _multi_margin_slope(t: Row, p: Row, power: float = 1.0, margin: float = 1.0) -> list[Any]:
    label, power = int(t[0]), mp.mpf(power)
    missing = [0 if i == label else max(mp.mpf(margin) - p[label] + x, mp.mpf(0)) for i, x in enumerate(p)]
    pushes = [power * x ** (power - 1) / len(p) if x else mp.mpf(0) for x in missing]
    return [-mp.fsum(pushes) if i == label else x for i, x in enumerate(pushes)]


def _terms_multi_margin(t: Row, p: Row, index: int | None, power: float = 1.0, margin: float = 1.0) -> Any:
    """The difference of two scores and a margin, and powers of it."""
    label, power = int(t[0]), mp.mpf(power)
    moved = []
    for i, x in enumerate(p):
        missing = mp.mpf(margin) - p[label] + x
        size = abs(mp.mpf(margin)) + abs(p[label]) + abs(x)
        order = power if index is None else power * (power - 1)
        moved.append(
            order * missing ** (power - (1 if index is None else 2)) * size / len(p)
            if i != label and missing > 0
            else 0
        )
    return sum(moved) if index in (None, label) else moved[index]


def _multiclass_hinge(t: Row, p: Row) -> Any:
    label = int(t[0])
    return max(x + (i != label) for i, x in enumerate(p)) - p[label]


def _onto(t: Row, scores: Row) -> list[Any]:
    """1 at the first best score and -1 at the label, 0 if they are one."""
    best, label = scores.index(max(scores)), int(t[0])
    return [mp.mpf((i == best) - (i == label)) for i in range(len(scores))]


def _multiclass_hinge_slope(t: Row, p: Row) -> list[Any]:
    label = int(t[0])
    ahead = [mp.mpf(0) if i == label else 1 + x - p[label] for i, x in enumerate(p)]
    # A lead of exactly 1 is enough, whichever class it is over.
    return _onto(t, ahead) if max(ahead) > 0 else [mp.mpf(0)] * len(p)


def _nearest(p: Row) -> list[Any]:
    """The nearest distribution: what is above the level at which the rest is 1, which is found among all there are."""
    levels = [(mp.fsum(sorted(p, reverse=True)[:k]) - 1) / k for k in range(1, len(p) + 1)]
    level = min(levels, key=lambda x: abs(mp.fsum(max(y - x, 0) for y in p) - 1))
    return [max(y - level, mp.mpf(0)) for y in p]


def _sparsemax(t: Row, p: Row) -> Any:
    shares, own = _nearest(p), p[int(t[0])]
    return mp.fsum(a * x for a, x in zip(shares, p, strict=True)) - own + (1 - mp.fsum(a * a for a in shares)) / 2


def _sparsemax_slope(t: Row, p: Row) -> list[Any]:
    return [a - (i == int(t[0])) for i, a in enumerate(_nearest(p))]


def _terms_sparsemax(t: Row, p: Row, index: int | None) -> Any:
    # What leads of less than 1 are rounded by, which only counts where the score is shared.
    shares = _nearest(p)
    return 2 * (1 - shares[int(t[0])]) if index is None else (1 if max(shares) < 1 else 0)


def _fenchel_young(t: Row, p: Row) -> Any:
    """The conjugate of half the squared length over distributions, it, and less both's product, at the level 0."""
    shares = _nearest(p)
    level = max(p) - max(shares)
    scores = [x - level for x in p]
    conjugate = mp.fsum(a * x for a, x in zip(shares, scores, strict=True)) - mp.fsum(a * a for a in shares) / 2
    return conjugate + mp.fsum(y * y for y in t) / 2 - mp.fsum(y * x for y, x in zip(t, scores, strict=True))


def _terms_fenchel_young(t: Row, p: Row, index: int | None) -> Any:
    shares = _nearest(p)
    apart = mp.fsum(abs(y - a) for y, a in zip(t, shares, strict=True))
    return 2 * apart if index is None else (1 if max(shares) < 1 else 0)


VALUES = {
    "sparsemax": _sparsemax,
    "fenchel_young": _fenchel_young,
    "categorical_hinge": _categorical_hinge,
    "multi_margin": _multi_margin,
    "multiclass_hinge": _multiclass_hinge,
    "multiclass_perceptron": lambda t, p: max(p) - p[int(t[0])],
}
SLOPES = {
    "sparsemax": _sparsemax_slope,
    "fenchel_young": lambda t, p: [a - y for a, y in zip(_nearest(p), t, strict=True)],
    "categorical_hinge": _categorical_hinge_slope,
    "multi_margin": _multi_margin_slope,
    "multiclass_hinge": _multiclass_hinge_slope,
    "multiclass_perceptron": lambda t, p: _onto(t, list(p)),
}
TERMS = {
    "sparsemax": _terms_sparsemax,
    "fenchel_young": _terms_fenchel_young,
    "multi_margin": _terms_multi_margin,
    "multiclass_hinge": lambda t, p, index: 1 + sum(map(abs, p)) if index is None else 0,
    "categorical_hinge": lambda t, p, index: 1 + sum(map(abs, p)) if index is None else 0,
}
SETTINGS = {
    "multi_margin": [{"power": 2.0, "margin": 0.5}],
}
