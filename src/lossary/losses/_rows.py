"""Rows as vectors: their lengths, and what is left of one beside another."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..words import abs, first_max, max, residual, scale_to_one, square, sum, where


class Scaled(NamedTuple):
    """A row with a largest magnitude close to 1.

    ``scale`` made it so, ``squared`` is its squared length, or 1 of a row of zeros, and ``largest`` is true at the
    first element of the largest magnitude.
    """

    row: Any
    scale: Any
    squared: Any
    largest: Any


def scaled(row: Any) -> Scaled:
    """The row, scaled by a power of two."""
    scale, largest = scale_to_one(max(abs(row))), first_max(abs(row))
    made = row * scale
    squared = sum(square(made))
    return Scaled(made, scale, where(squared == 0.0, 1.0, squared), largest)


def aside(first: Scaled, second: Scaled) -> Any:
    """What is left of the first row without its part along the second.

    Called a and b, it is that of ``a b_j - a_j b`` over b_j, the largest of b: a difference in which all that nearly
    parallel rows have in common cancels exactly, and which is at an angle to b, so that taking its part along b away
    loses no digits.  The difference of two products as in W. Kahan, On the cost of floating-point computation without
    extra-precise arithmetic (2004), section 2.
    """
    a, (b, _, square_b, largest) = first.row, second
    a_j, b_j = sum(where(largest, a, 0.0)), sum(where(largest, b, 0.0))
    along = a_j * b
    across = residual(along, a_j, b) - residual(along, b_j, a)
    return residual(across, sum(across * b) / square_b, b) / where(b_j == 0.0, 1.0, b_j)
