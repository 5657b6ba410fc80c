"""Reference values of losses with several inputs, in high precision and from their definitions alone.

A reference takes one row of each input that the formula sees, exactly as the library sees it, and returns the loss of
that data point.  Slopes are the central differences of the same definitions, with 160 digits and a step of 1e-30: they
have 40 digits and more, and at a kink they are the mean of both sides, which is the library's 0 for a magnitude.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import mpmath as mp

Row = Sequence[Any]
_DIGITS = 160
_STEP = mp.mpf(10) ** -30


def _mean(terms: Any) -> Any:
    terms = list(terms)
    return mp.fsum(terms) / len(terms)


def _gaussian_nll(y: Row, mean: Row, variance: Row, full: bool = False, epsilon: Any = 1e-6) -> Any:
    constant = mp.log(2 * mp.pi) if full else 0
    clipped = [max(v, mp.mpf(epsilon)) for v in variance]
    return _mean((mp.log(v) + constant + (a - m) ** 2 / v) / 2 for a, m, v in zip(y, mean, clipped, strict=True))


def _crps_ensemble(y: Row, members: Row, fair: bool = False) -> Any:
    count = len(members)
    spread = mp.fsum(abs(a - b) for a, b in itertools.product(members, members))
    return _mean(abs(x - y[0]) for x in members) - spread / (2 * count * (count - 1 if fair else count))


def _interval_score(y: Row, lower: Row, upper: Row, alpha: Any = 0.1) -> Any:
    # Twice the pinball losses at the two levels, over alpha: the score by another way.
    def pinball(a: Any, q: Any, level: Any) -> Any:
        return level * (a - q) if a >= q else (1 - level) * (q - a)

    alpha = mp.mpf(alpha)
    return _mean(
        2 / alpha * (pinball(a, low, alpha / 2) + pinball(a, high, 1 - alpha / 2))
        for a, low, high in zip(y, lower, upper, strict=True)
    )


def _giou(l1: Any, t1: Any, r1: Any, b1: Any, l2: Any, t2: Any, r2: Any, b2: Any) -> Any:
    second = max(r2 - l2, 0) * max(b2 - t2, 0)
    common = max(min(r1, r2) - max(l1, l2), 0) * max(min(b1, b2) - max(t1, t2), 0)
    union = (r1 - l1) * (b1 - t1) + second - common
    hull = (max(r1, r2, l2) - min(l1, l2, r2)) * (max(b1, b2, t2) - min(t1, t2, b2))
    return (1 - common / union if union else 0) + (1 - union / hull if hull else 0)


def _generalized_iou(*sides: Row) -> Any:
    return _mean(_giou(*box) for box in zip(*sides, strict=True))


def _length(a: Row, b: Row, norm: Any) -> Any:
    return mp.fsum(abs(x - y) ** mp.mpf(norm) for x, y in zip(a, b, strict=True)) ** (1 / mp.mpf(norm))


def _triplet_margin(a: Row, p: Row, n: Row, margin: Any = 1.0, norm: Any = 2.0, swap: bool = False) -> Any:
    far = _length(a, n, norm)
    return max(_length(a, p, norm) - (min(far, _length(p, n, norm)) if swap else far) + mp.mpf(margin), 0)


def _dpo(
    chosen: Row, rejected: Row, ref_chosen: Row, ref_rejected: Row, beta: Any = 0.1, label_smoothing: Any = 0.0
) -> Any:
    wrong = mp.mpf(label_smoothing)
    gains = [mp.mpf(beta) * ((a - c) - (b - d)) for a, b, c, d in zip(chosen, rejected, ref_chosen, ref_rejected)]  # noqa: B905
    return _mean((1 - wrong) * mp.log(1 + mp.exp(-g)) + wrong * mp.log(1 + mp.exp(g)) for g in gains)


def _sides(scores: Row, from_logits: bool) -> list[tuple[Any, Any]]:
    if from_logits:
        return [(1 / (1 + mp.exp(-z)), 1 / (1 + mp.exp(z))) for z in scores]
    return [(p, 1 - p) for p in scores]


def _dice(t: Row, p: Row, from_logits: bool = False, squared: bool = False, smooth: Any = 1e-7) -> Any:
    inside = [p for p, _ in _sides(p, from_logits)]
    degree = 2 if squared else 1
    whole = mp.fsum(a**degree + b**degree for a, b in zip(t, inside, strict=True)) + mp.mpf(smooth)
    shared = 2 * mp.fsum(a * b for a, b in zip(t, inside, strict=True)) + mp.mpf(smooth)
    return 1 - shared / whole if whole else mp.mpf(0)


def _tversky(t: Row, p: Row, from_logits: bool = False, alpha: Any = 0.5, beta: Any = 0.5, smooth: Any = 1e-7) -> Any:
    sides = list(zip(t, _sides(p, from_logits), strict=True))
    hit = mp.fsum(a * inside for a, (inside, _) in sides) + mp.mpf(smooth)
    false_positive = mp.fsum((1 - a) * inside for a, (inside, _) in sides)
    false_negative = mp.fsum(a * outside for a, (_, outside) in sides)
    whole = hit + mp.mpf(alpha) * false_positive + mp.mpf(beta) * false_negative
    return 1 - hit / whole if whole else mp.mpf(0)


def _pairwise_logistic(t: Row, p: Row, temperature: Any = 1.0) -> Any:
    pairs = [(a, b) for a, b in itertools.permutations(range(len(t)), 2) if t[a] > t[b]]
    scale = mp.mpf(temperature)
    return _mean(mp.log(1 + mp.exp((p[b] - p[a]) / scale)) for a, b in pairs) if pairs else mp.mpf(0)


VALUES: dict[str, Callable[..., Any]] = {
    "gaussian_nll": _gaussian_nll,
    "crps_ensemble": _crps_ensemble,
    "interval_score": _interval_score,
    "generalized_iou": _generalized_iou,
    "triplet_margin": _triplet_margin,
    "dpo": _dpo,
    "dice": _dice,
    "tversky": _tversky,
    "pairwise_logistic": _pairwise_logistic,
}


def value(name: str, rows: Sequence[Row], **parameters: Any) -> Any:
    """The loss of one row of each input."""
    with mp.workdps(_DIGITS):
        return +VALUES[name](*rows, **parameters)


def slopes(name: str, rows: Sequence[Row], place: int, **parameters: Any) -> list[Any]:
    """The slopes of one row in every element of one of the inputs."""
    if name == "gaussian_nll":  # Below its least value a variance has the slope that it has there.
        rows = [*rows[:2], [max(v, mp.mpf(parameters.get("epsilon", 1e-6))) for v in rows[2]]]
        parameters = {**parameters, "epsilon": 0.0}
    return list(_slopes(name, tuple(map(tuple, rows)), place, tuple(parameters.items())))


@lru_cache(maxsize=64)
def _slopes(name: str, rows: Sequence[Row], place: int, parameters: tuple[tuple[str, Any], ...]) -> list[Any]:
    with mp.workdps(_DIGITS):
        return [_slope(VALUES[name], rows, place, index, dict(parameters)) for index in range(len(rows[place]))]


def _slope(function: Callable[..., Any], rows: Sequence[Row], place: int, index: int, parameters: Any) -> Any:
    step = _STEP * (abs(rows[place][index]) or min((abs(x) for row in rows for x in row if x), default=mp.mpf(1)))
    ends = []
    for sign in (1, -1):
        moved = [list(row) for row in rows]
        moved[place][index] += sign * step
        ends.append(function(*moved, **parameters))
    return (ends[0] - ends[1]) / (2 * step)
