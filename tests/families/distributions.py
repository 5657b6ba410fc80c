"""References for losses of distributions."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, clip


def _kl(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> Any:
    pairs = [(clip(a, epsilon), clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return mp.fsum(mp.mpf(0) if a == 0 else a * mp.log(a / b) for a, b in pairs)


def _kl_slope(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    pairs = [(clip(a, epsilon), clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return [mp.mpf(0) if a == 0 else -a / b for a, b in pairs]


def _terms_kl(t: Any, p: Any, index: int | None) -> Any:
    return sum(abs(_kl([a], [b])) for a, b in zip(t, p, strict=True)) if index is None else 0


VALUES = {"kl_divergence": _kl}
SLOPES = {"kl_divergence": _kl_slope}
TERMS = {"kl_divergence": _terms_kl}
