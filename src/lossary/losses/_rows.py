"""Rows as vectors: their lengths, and what is left of one beside another."""

from __future__ import annotations

from typing import Any

from ..words import abs, first_max, max, residual, scale_to_one, square, sum, where


def scaled(row: Any) -> tuple[Any, Any, Any]:
    """The row with a largest magnitude close to 1, the factor that made it so, and its squared length."""
    scale = scale_to_one(max(abs(row)))
    made = row * scale
    squared = sum(square(made))
    return made, scale, where(squared == 0.0, 1.0, squared)


def aside(a: Any, b: Any, square_b: Any) -> Any:
    """What is left of a without its part along b.

    It is that of ``a b_j - a_j b`` over b_j, the largest of b: a difference in which all that nearly parallel rows have
    in common cancels exactly, and which is at an angle to b, so that taking its part along b away loses no digits.
    The difference of two products as in W. Kahan, On the cost of floating-point computation without extra-precise
    arithmetic (2004), section 2.
    """
    largest = first_max(abs(b))
    a_j, b_j = sum(where(largest, a, 0.0)), sum(where(largest, b, 0.0))
    along = a_j * b
    across = residual(along, a_j, b) - residual(along, b_j, a)
    return residual(across, sum(across * b) / square_b, b) / where(b_j == 0.0, 1.0, b_j)
