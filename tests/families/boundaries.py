"""References for losses of boundaries."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean, sides
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, bits, no_terms

LEAST = float(np.finfo(np.float32).tiny) / EPSILON


def _boundary(t: Row, p: Row, from_logits: bool = False) -> Any:
    return mean(a * inside for a, (inside, _) in zip(t, sides(p, from_logits), strict=True))


def _terms_boundary(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    if index is None:
        return mean(abs(a) * inside for a, (inside, _) in zip(t, sides(p, from_logits), strict=True))
    # A sigmoid's slope has the errors of two exponentials, and none below the least number.
    return abs(oracle.slope("boundary_loss", t, p, from_logits=from_logits)[index]) + abs(t[index]) * LEAST


def _hausdorff(t: Row, p: Row, true: Row, predicted: Row, from_logits: bool = False, alpha: Any = 2.0) -> Any:
    weights = [a ** mp.mpf(alpha) + b ** mp.mpf(alpha) for a, b in zip(true, predicted, strict=True)]
    errors = [a - inside for a, (inside, _) in zip(t, sides(p, from_logits), strict=True)]
    return mean(w * e**2 for w, e in zip(weights, errors, strict=True))


def _maps(rng: np.random.Generator) -> list[Any]:
    return [rng.gamma(2.0, 5.0, (ROWS, WIDTH)) * (rng.random((ROWS, WIDTH)) < 0.8) for _ in range(2)]


def _probabilities(rng: np.random.Generator, scale: float) -> list[Any]:
    t = bits(rng)
    return [t, np.abs(t - min(scale, 1.0) * rng.random((ROWS, WIDTH))), *_maps(rng)]


def _scores(rng: np.random.Generator, scale: float) -> list[Any]:
    return [bits(rng), rng.normal(size=(ROWS, WIDTH)) * scale, *_maps(rng)]


VALUES = {"boundary_loss": _boundary, "hausdorff_distance_transform": _hausdorff}
TERMS = {"boundary_loss": _terms_boundary}
HURT = [
    Hurt("hausdorff_distance_transform", _probabilities, no_terms, {}, (1.0, 1e-4, 1e-12)),
    Hurt("hausdorff_distance_transform", _probabilities, no_terms, {"alpha": 0.5}, (1.0,)),
    Hurt("hausdorff_distance_transform", _scores, no_terms, {"from_logits": True}, (1.0, 10.0)),
]
