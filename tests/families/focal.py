"""References for focal losses of classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, xlogy
from families.shares import EPSILON, clipped_shares, of_labels, shares, sloped, terms_of


def _focal(
    t: Row, p: Row, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, epsilon: Any = EPSILON
) -> Any:
    q = clipped_shares(shares(p, from_logits), from_logits, epsilon)
    return -mp.mpf(alpha) * mp.fsum((1 - b) ** mp.mpf(gamma) * xlogy(a, b) for a, b in zip(t, q, strict=True))


def _focal_outer(
    t: Row, p: Row, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, epsilon: Any = EPSILON
) -> list[Any]:
    alpha, gamma = mp.mpf(alpha), mp.mpf(gamma)

    def steep(q: Any) -> Any:
        turn = gamma * (1 - q) ** (gamma - 1) * mp.log(q) if gamma and q < 1 else 0
        return turn - (1 - q) ** gamma / q

    q = clipped_shares(shares(p, from_logits), from_logits, epsilon)
    return [alpha * a * steep(b) if a else mp.mpf(0) for a, b in zip(t, q, strict=True)]


VALUES = {
    "categorical_focal_crossentropy": _focal,
    "sparse_categorical_focal_crossentropy": of_labels(_focal),
}
SLOPES = {
    "categorical_focal_crossentropy": sloped(_focal_outer),
    "sparse_categorical_focal_crossentropy": of_labels(sloped(_focal_outer)),
}
TERMS = {
    "categorical_focal_crossentropy": terms_of(_focal_outer),
    "sparse_categorical_focal_crossentropy": of_labels(terms_of(_focal_outer)),
}
SOFT = ("categorical_focal_crossentropy",)
SETTINGS = {
    "categorical_focal_crossentropy": [{"gamma": 0.0, "alpha": 1.0, "from_logits": True}, {"gamma": 0.5}],
    "sparse_categorical_focal_crossentropy": [{"gamma": 0.5, "from_logits": True}],
}
