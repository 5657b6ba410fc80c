"""What a set of targets or predictions is: membership, samples, a description."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

Floats = np.ndarray[Any, Any]


class Domain:
    """A set of numbers, an interval unless a subclass says more.

    ``neutral`` is a member that stands in for positions under a mask.
    ``coding`` says how targets are written, ``activation`` which output layer produces such predictions.
    ``tolerance`` is how far a row's sum may be from 1, where that is asked.
    """

    low: ClassVar[float] = -math.inf
    high: ClassVar[float] = math.inf
    slack: ClassVar[float] = 0.0
    tolerance: ClassVar[float | None] = None
    neutral: ClassVar[float] = 0.0
    coding: ClassVar[str] = "numbers"
    activation: ClassVar[str] = "linear"

    # What a set is, is said by its class; one that has numbers of its own is a dataclass.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{self.name}()"

    @property
    def name(self) -> str:
        """The name of the set."""
        return type(self).__name__

    def describe(self) -> str:
        """What the set contains, for messages and documentation."""
        return "real numbers"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Ordinary members in float64, rows along the last axis."""
        return rng.normal(size=shape) * 2.0

    def contains(self, x: Floats) -> Floats:
        """Element by element, whether x belongs; a NaN never does."""
        inside: Floats = (x >= self.low) & (x <= self.high + self.slack)
        return inside

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        """Index of the first element that does not belong, or None."""
        if self.low == -math.inf and self.high == math.inf:
            if not math.isnan(least(x)):
                return None
        elif least(x) >= self.low and largest(x) <= self.high + self.slack:
            return None
        return first_of(~self.contains(x))


def least(x: Floats) -> Any:
    """The least number, or a NaN."""
    # As np.min, in half the time where x is small; a NaN is the least of all.
    return np.minimum.reduce(x, axis=None)


def largest(x: Floats) -> Any:
    """The largest number, or a NaN."""
    return np.maximum.reduce(x, axis=None)


def first_of(wrong: Floats) -> tuple[int, ...] | None:
    """Index of the first element that is wrong, or None."""
    if not wrong.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
