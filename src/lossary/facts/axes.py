"""The axes that a number of a formula varies along: the only shape information a loss needs.

What a formula computes with varies along a set of axes; an expression varies along the axes of all its operands, and
a reduction takes some away.

* ``NUMBER``, no axis: a Python number, computed from parameters alone before any array is touched;
* ``ROW``: one number per data point, an array of shape ``(..., 1)``;
* ``ELEMENT``: one number per output of a data point, an array of shape ``(..., C)``;
* ``OTHERS``: the same numbers once more along a second axis, an array of shape ``(..., C, 1)``;
* ``PAIR``: one number per pair of outputs, an array of shape ``(..., C, C)`` whose last axis is that of ``ELEMENT``.

Where a data point is a matrix, its elements are such pairs of two axes of different lengths, ``(..., D, C)``, and what
is reduced over the outputs varies along others; ``LISTED`` is a list of numbers per data point with its own length.
"""

from __future__ import annotations

from typing import Final

Axes = frozenset[str]
# What a caller names of his arrays: an axis, several, or all of them.
Axis = int | tuple[int, ...] | None

POINT: Final = "point"
OUTPUT: Final = "output"
OTHER: Final = "other"
LISTED_ALONG: Final = "listed"

NUMBER: Final[Axes] = frozenset()
ROW: Final[Axes] = frozenset({POINT})
ELEMENT: Final[Axes] = frozenset({POINT, OUTPUT})
OTHERS: Final[Axes] = frozenset({POINT, OTHER})
PAIR: Final[Axes] = frozenset({POINT, OUTPUT, OTHER})
LISTED: Final[Axes] = frozenset({POINT, LISTED_ALONG})


def exchanged(axes: Axes) -> Axes:
    """The axes once outputs and others have changed places."""
    return frozenset({OUTPUT: OTHER, OTHER: OUTPUT}.get(axis, axis) for axis in axes)
