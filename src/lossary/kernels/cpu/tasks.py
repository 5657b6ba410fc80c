"""How much a thread takes at a time."""

from __future__ import annotations

from collections.abc import Sequence

from ...calls.programs import for_labels
from ...graph.program import Program
from . import labels, target


def task(program: Program) -> int:
    """How many elements a thread takes at a time: more where reading them takes longer than computing with them."""
    return target.TASK if program.operations.keys() & target.LONG.costly else 2 * target.TASK


def by_labels(
    program: Program, given: Sequence[float], size: int, columns: int
) -> tuple[Program, tuple[float, ...]] | None:
    """The program for integer labels, and its parameters, where it pays to see whether rows of targets are one-hot."""
    long_enough = target.NARROW < columns <= labels.LONGEST and size >= labels.WORTH
    other = for_labels(program) if long_enough else None
    if other is None:
        return None
    parameters = dict(zip(program.numbers, given, strict=True))
    known = tuple(parameters.pop(name) for name in other.numbers)
    # What labels know nothing of, such as the smoothing of targets, must do nothing.
    return None if any(parameters.values()) else (other, known)
