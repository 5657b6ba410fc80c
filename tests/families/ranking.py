"""References for losses of lists."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean, softmax
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, real


def _pairwise_logistic(t: Row, p: Row, temperature: Any = 1.0) -> Any:
    pairs = [(a, b) for a, b in itertools.permutations(range(len(t)), 2) if t[a] > t[b]]
    scale = mp.mpf(temperature)
    return mean(mp.log(1 + mp.exp((p[b] - p[a]) / scale)) for a, b in pairs) if pairs else mp.mpf(0)


def _lists(rng: np.random.Generator, scale: float) -> list[Any]:
    t = rng.integers(0, 3, (ROWS, WIDTH)).astype(float)
    p = rng.normal(size=(ROWS, WIDTH)) * min(scale, 1e36)
    t[0], p[1] = 1.0, 2.0  # A list without a pair, and equal scores.
    return [t, p]


def _terms_lists(rows: Any, place: int | None, temperature: float = 1.0) -> Any:
    size = 1 + 2 * max(map(abs, rows[1])) / mp.mpf(temperature)
    steep = max(map(abs, oracle.slopes("pairwise_logistic", rows, 1, temperature=temperature)))
    return steep * size * (mp.mpf(temperature) if place is None else 1)


def _terms_scores(t: Any, p: Any, index: int | None) -> Any:
    # Differences of scores of 100 are rounded by 4e-6.
    return max(map(abs, oracle.slope("pairwise_logistic", t, p))) * (1 + 2 * max(map(abs, p)))


def _margin_ranking(y: Row, first: Row, second: Row, margin: Any = 0.0) -> Any:
    better = [(a, b) if t == 1 else (b, a) for t, a, b in zip(y, first, second, strict=True)]
    return mean(max(mp.mpf(margin) + b - a, 0) for a, b in better)


def _bpr(positive: Row, negative: Row) -> Any:
    return mean(-mp.log(1 / (1 + mp.exp(b - a))) for a, b in zip(positive, negative, strict=True))


def _margin_mse(y: Row, positive: Row, negative: Row) -> Any:
    return mean(((a - b) - t) ** 2 for t, a, b in zip(y, positive, negative, strict=True))


def _duels(rng: np.random.Generator, scale: float) -> list[Any]:
    first, second = real(2)(rng, scale)
    second[0] = first[0] * (1.0 + rng.integers(1, 4, WIDTH) * EPSILON)
    return [rng.choice([-1.0, 0.0, 1.0], (ROWS, WIDTH)), first, second]


def _terms_duels(rows: Any, place: int | None, margin: float = 0.0) -> Any:
    return mp.mpf(margin) + max(abs(a - b) for a, b in zip(*rows[1:], strict=True)) if place is None else 0


def _terms_bpr(rows: Any, place: int | None) -> Any:
    # The exponent is off by what a difference of scores is rounded by.
    return max(map(abs, oracle.slopes("bpr", rows, 0))) * (1 + max(abs(a - b) for a, b in zip(*rows, strict=True)))


def _terms_leads(rows: Any, place: int | None) -> Any:
    leads = [(abs((a - b) - t), abs(a - b) + abs(t)) for t, a, b in zip(*rows, strict=True)]
    if place is None:
        return 2 * mean(wrong * size for wrong, size in leads)
    return 2 * max(size for _, size in leads) / len(leads)


def _ranking_softmax(t: Row, p: Row, normalize: bool = False) -> Any:
    total = mp.fsum(t) if normalize and any(t) else mp.mpf(1)
    return -mp.fsum(a / total * mp.log(q) for a, q in zip(t, softmax(p), strict=True))


def _terms_softmax(t: Any, p: Any, index: int | None, normalize: bool = False) -> Any:
    if index is None:
        return 0
    total, share = mp.fsum(t), softmax(p)[index]
    # A share is off by what the difference of two scores is rounded by; what it lacks is the sum of the others.
    moved = min(share, 1 - share) * (1 + max(p) - min(p)) if share < 1 else 0
    return (total * moved + min(t[index] * (1 - share), total * share)) / (total if normalize and total else 1)


VALUES = {
    "ranking_softmax": _ranking_softmax,
    "pairwise_logistic": _pairwise_logistic,
    "margin_ranking": _margin_ranking,
    "bpr": _bpr,
    "margin_mse": _margin_mse,
}
TERMS = {"ranking_softmax": _terms_softmax, "pairwise_logistic": _terms_scores}
HURT = [
    Hurt("pairwise_logistic", _lists, _terms_lists, {}, (1.0, 30.0, 1e-15, 1e36)),
    Hurt("margin_ranking", _duels, _terms_duels, {}, (1.0, 1e30, 1e-20)),
    Hurt("margin_ranking", _duels, _terms_duels, {"margin": 0.7}, (1.0, 1e30, 1e-20)),
    Hurt("bpr", real(2), _terms_bpr, {}, (1.0, 40.0, 1e-20, 1e30)),
    Hurt("margin_mse", real(3), _terms_leads, {}, (1.0, 1e18, 1e-12)),
]
SETTINGS = {"ranking_softmax": [{"normalize": True}]}
