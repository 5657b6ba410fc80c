"""Differences in units of a scale, bounded so that their squares fit."""

from __future__ import annotations

from typing import Any

from ..words import maximum, minimum

# Further out a loss of such a difference is its asymptote or limit to the last digit of a double, where a quotient
# might overflow; the square still fits in a float.
FAR = 2.0**60


def in_bounded_units(y_true: Any, y_pred: Any, unit: Any) -> Any:
    """The difference in units, of at most `FAR`."""
    return maximum(minimum((y_pred - y_true) / unit, FAR), -FAR)
