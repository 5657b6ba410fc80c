"""References for losses of lists."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean
from families.hurt import ROWS, WIDTH, Hurt


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


VALUES = {"pairwise_logistic": _pairwise_logistic}
TERMS = {"pairwise_logistic": _terms_scores}
HURT = [Hurt("pairwise_logistic", _lists, _terms_lists, {}, (1.0, 30.0, 1e-15, 1e36))]
