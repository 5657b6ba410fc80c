"""Powers that keep a sign."""

from __future__ import annotations

from typing import Any

from ..words import abs, power, sign, where


def signed_power(x: Any, exponent: Any) -> Any:
    """``sign(x) * abs(x)**exponent``, 0 at 0, where its slope is 1 if the exponent is."""
    none = x == 0.0
    return where(none, where(exponent == 1.0, x, 0.0), sign(x) * power(where(none, 1.0, abs(x)), exponent))
