"""References for losses of quantiles and intervals."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, mean
from families.hurt import Hurt, no_terms, real


def _interval_score(y: Row, lower: Row, upper: Row, alpha: Any = 0.1) -> Any:
    # Twice the pinball losses at the two levels, over alpha: the score by another way.
    def pinball(a: Any, q: Any, level: Any) -> Any:
        return level * (a - q) if a >= q else (1 - level) * (q - a)

    alpha = mp.mpf(alpha)
    return mean(
        2 / alpha * (pinball(a, low, alpha / 2) + pinball(a, high, 1 - alpha / 2))
        for a, low, high in zip(y, lower, upper, strict=True)
    )


VALUES = {"interval_score": _interval_score}
HURT = [Hurt("interval_score", real(3), no_terms, {}, (1.0, 1e30, 1e-30))]
