"""Inputs chosen to hurt a loss of several inputs, and the size of what it must subtract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import numpy as np

EPSILON = 2.0**-23
TINY, LARGEST = 1e-36, float(np.finfo(np.float32).max)
ROWS, WIDTH = 6, 4
Draw = Callable[[np.random.Generator, float], list[Any]]


def real(count: int) -> Draw:
    """So many rows of numbers."""
    return lambda rng, scale: [rng.normal(size=(ROWS, WIDTH)) * scale for _ in range(count)]


def bits(rng: np.random.Generator) -> Any:
    """Zeros and ones: a row of neither, of both, and of one alone."""
    t = rng.integers(0, 2, (ROWS, WIDTH)).astype(float)
    t[0], t[1] = 0.0, 1.0
    t[2] = [1.0, 0.0, 0.0, 0.0]
    return t


def clipped(epsilon: Any, row: Any) -> list[Any]:
    """What is below epsilon counts as that."""
    return [max(x, mp.mpf(epsilon)) for x in row]


def guarded(*places: int, least: float = 1e-6) -> Callable[..., list[Any]]:
    """The rows at which a slope is that of the value, if the inputs at these places are clipped."""

    def rows(*given: Any, epsilon: Any = least, **_: Any) -> list[Any]:
        return [clipped(epsilon, row) if place in places else row for place, row in enumerate(given)]

    return rows


def no_terms(rows: Any, place: int | None, **parameters: Any) -> Any:
    """Nothing is subtracted."""
    return 0


@dataclass(frozen=True)
class Hurt:
    """A loss, the inputs that are chosen to hurt it, and the size of what it must subtract."""

    name: str
    draw: Draw
    terms: Callable[..., Any] = no_terms
    parameters: dict[str, Any] = field(default_factory=dict)
    scales: tuple[float, ...] = (1.0, 1e15, 1e-15)

    def __str__(self) -> str:
        return "-".join([self.name, *self.parameters])
