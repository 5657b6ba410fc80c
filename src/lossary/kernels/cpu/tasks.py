"""How much a thread takes at a time."""

from __future__ import annotations

from ...calls.programs import for_labels
from ...graph.program import Program
from . import labels, target


def task(program: Program) -> int:
    """How many elements a thread takes at a time: more where reading them takes longer than computing with them."""
    return target.TASK if program.made_of & target.LONG.costly else 2 * target.TASK


def alone(program: Program, columns: int) -> int:
    """How many elements one thread computes by itself."""
    by_labels = target.NARROW < columns <= labels.LONGEST and for_labels(program) is not None
    return min(task(program), labels.WORTH - 1) if by_labels else task(program)
