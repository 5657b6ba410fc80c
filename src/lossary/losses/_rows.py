"""Rows as vectors: their lengths, and what is left of one beside another."""

from __future__ import annotations

from typing import Any

from ..words import abs, max, residual, scale_to_one, square, sum, where


def scaled(row: Any) -> tuple[Any, Any, Any]:
    """The row with a largest magnitude close to 1, the factor that made it so, and its squared length."""
    scale = scale_to_one(max(abs(row)))
    made = row * scale
    squared = sum(square(made))
    return made, scale, where(squared == 0.0, 1.0, squared)


def aside(a: Any, b: Any, square_b: Any) -> Any:
    """What is left of a without its part along b.

    Each time a rounding of that part remains, which of nearly parallel rows is as large as the rest, and the next time
    takes it away.
    """
    rest = a
    for _ in range(3):
        rest = residual(rest, sum(rest * b) / square_b, b)
    return rest
