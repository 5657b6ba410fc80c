"""References for losses of policies."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import ROWS, WIDTH, Hurt, real


def _policy_gradient(log_probability: Row, advantage: Row) -> Any:
    return mean(-a * x for x, a in zip(log_probability, advantage, strict=True))


def _ppo_clip(new: Row, old: Row, advantage: Row, epsilon_low: Any = 0.2, epsilon_high: Any = 0.2) -> Any:
    ratios = [mp.exp(a) / mp.exp(b) for a, b in zip(new, old, strict=True)]
    clipped = [min(max(r, 1 - mp.mpf(epsilon_low)), 1 + mp.mpf(epsilon_high)) for r in ratios]
    return -mean(min(r * a, c * a) for r, c, a in zip(ratios, clipped, advantage, strict=True))


def _steps(rng: np.random.Generator, scale: float) -> list[Any]:
    new, advantage = real(2)(rng, scale)
    return [new, new + rng.normal(size=(ROWS, WIDTH)) * min(scale, 1.0), advantage]


def _terms_gradient(rows: Any, place: int | None) -> Any:
    return max(abs(a * x) for x, a in zip(*rows, strict=True)) if place is None else 0


def _terms_ppo(rows: Any, place: int | None, **_: Any) -> Any:
    # A ratio is off by what the difference of two log-probabilities is rounded by.
    sizes = (abs(a) * (2 + mp.exp(x - y)) * (1 + abs(x) + abs(y)) for x, y, a in zip(*rows, strict=True))
    return max(sizes) / (1 if place is None else len(rows[0]))


VALUES = {"policy_gradient": _policy_gradient, "ppo_clip": _ppo_clip}
HURT = [
    Hurt("policy_gradient", real(2), _terms_gradient, {}, (1.0, 1e10, 1e-10)),
    Hurt("ppo_clip", _steps, _terms_ppo, {}, (1.0, 10.0, 1e-6)),
    Hurt("ppo_clip", _steps, _terms_ppo, {"epsilon_low": 0.5, "epsilon_high": 0.3}, (1.0,)),
]
