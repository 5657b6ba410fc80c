"""References for losses of preferences."""

from __future__ import annotations

from typing import Any

import mpmath as mp

import oracle
from families.exact import Row, mean
from families.hurt import Hurt, real


def _dpo(
    chosen: Row, rejected: Row, ref_chosen: Row, ref_rejected: Row, beta: Any = 0.1, label_smoothing: Any = 0.0
) -> Any:
    wrong = mp.mpf(label_smoothing)
    gains = [mp.mpf(beta) * ((a - c) - (b - d)) for a, b, c, d in zip(chosen, rejected, ref_chosen, ref_rejected)]  # noqa: B905
    return mean((1 - wrong) * mp.log(1 + mp.exp(-g)) + wrong * mp.log(1 + mp.exp(g)) for g in gains)


def _terms_dpo(rows: Any, place: int | None, beta: float = 0.1, label_smoothing: float = 0.0) -> Any:
    # The exponent is off by what the sums of log-probabilities are rounded by.
    size = 1 + mp.mpf(beta) * max(abs(x - r) for x, r in zip([*rows[0], *rows[1]], [*rows[2], *rows[3]], strict=True))
    parameters = {"beta": beta, "label_smoothing": label_smoothing}
    steep = max(map(abs, oracle.slopes("dpo", rows, 0, **parameters)))
    smooth = mp.mpf(label_smoothing) * mp.mpf(beta)
    return (steep + smooth) * size / (mp.mpf(beta) if place is None else 1)


VALUES = {"dpo": _dpo}
HURT = [
    Hurt("dpo", real(4), _terms_dpo, {}, (1.0, 100.0, 1e-10)),
    Hurt("dpo", real(4), _terms_dpo, {"label_smoothing": 0.2, "beta": 1.0}, (1.0, 20.0)),
]
