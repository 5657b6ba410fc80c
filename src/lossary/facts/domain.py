"""The sets that targets and predictions belong to: what they contain, samples, their description.

Validation, generated test inputs, documentation and the choice of an output layer all read these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .sets import Domain as Domain
from .sets import Floats as Floats
from .sets import first_of, largest, least


class Real(Domain):
    """Any number, infinities included: a masked logit is minus infinity."""

    neutral = 1.0


class Logarithm(Real):
    """Logarithms of scales, shapes and rates, mostly near 0: any number."""

    neutral = 0.0

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.normal(size=shape) * 0.3


class NonNegative(Domain):
    """Numbers from 0 up: counts, rates, amounts."""

    low = 0.0
    neutral = 1.0
    activation = "softplus"

    def describe(self) -> str:
        return "numbers >= 0"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.gamma(2.0, 2.0, size=shape)


class Distance(NonNegative):
    """Lengths of differences of vectors, which no output layer makes."""

    activation = "linear"

    def describe(self) -> str:
        return "distances >= 0"


class Positive(NonNegative):
    """Numbers above 0: amounts, durations, rates."""

    # The least number above 0.
    low = math.ulp(0.0)

    def describe(self) -> str:
        return "numbers > 0"

    def contains(self, x: Floats) -> Floats:
        # With a bound above, because TensorFlow's optimiser takes "not x > 0" for "x <= 0", which a NaN is not.
        inside: Floats = (x > 0.0) & (x <= self.high)
        return inside

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        # Floats take the least number above 0 for 0.
        return None if least(x) > 0.0 else first_of(~self.contains(x))


class Clipped(Real):
    """Numbers that belong above 0; the loss clips smaller ones and draws them upwards."""

    neutral = 1.0
    activation = "softplus"

    def describe(self) -> str:
        return "numbers >= 0 (smaller ones are clipped)"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return NonNegative().sample(rng, shape)


class Counts(NonNegative):
    """Numbers from 0 up that are typically whole."""

    coding = "counts"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.poisson(3.0, size=shape).astype(np.float64)


class Unit(Domain):
    """Probabilities that stand each for themselves."""

    low = 0.0
    high = 1.0
    neutral = 0.5
    coding = "probabilities"
    activation = "sigmoid"

    # Softmax and sigmoid in float32 can exceed 1 by a few units in the last place.
    slack = 1e-5

    def describe(self) -> str:
        return "probabilities in [0, 1]"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.uniform(0.02, 0.98, size=shape)


class Shares(Unit):
    """Probabilities of the classes of a place, which sum to 1 along the axis beside its region."""

    activation = "softmax"


class Bits(Unit):
    """Two-class targets, 0 or 1, or the probability of class 1."""

    coding = "bits"

    def describe(self) -> str:
        return "0 or 1, or a probability between them"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.integers(0, 2, size=shape).astype(np.float64)


class Signs(Domain):
    """Two-class targets for margins: -1 or 1; 0 is read as -1, so that 0/1 labels work too."""

    low = -1.0
    high = 1.0
    neutral = 1.0
    coding = "signs"
    activation = "tanh"

    def describe(self) -> str:
        return "labels -1 or 1 (0 is read as -1)"

    def contains(self, x: Floats) -> Floats:
        inside: Floats = (x == -1) | (x == 0) | (x == 1)
        return inside

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        if x.dtype.kind != "b" and not (np.sign(x) != x).any():
            return None
        return first_of(~self.contains(x))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.choice([-1.0, 1.0], size=shape)


class LogProbability(Domain):
    """Logarithms of probabilities."""

    high = 0.0
    neutral = -1.0

    # A sum of logarithms that should be 0 can exceed it by a few units in the last place.
    slack = 1e-6

    def describe(self) -> str:
        return "logarithms of probabilities, <= 0"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return -rng.gamma(2.0, size=shape)


class Similarity(Domain):
    """Cosines and correlations: 1 for the same, -1 for the opposite."""

    low = -1.0
    high = 1.0
    activation = "tanh"

    # Cosines in float32 can exceed 1 by a few units in the last place.
    slack = 1e-5

    def describe(self) -> str:
        return "similarities in [-1, 1]"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.uniform(-1.0, 1.0, size=shape)


class Probabilities(Unit):
    """The entries of a distribution over the row; rows are not required to sum to exactly one."""

    coding = "one-hot"
    activation = "softmax"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        weights = rng.gamma(1.5, size=shape) + 0.02
        return np.asarray(weights / weights.sum(-1, keepdims=True))


class LogProbabilities(LogProbability):
    """Logarithms of the entries of a distribution over the row."""

    activation = "log_softmax"

    # A log-softmax in half precision can exceed 0 by what it loses of scores.
    slack = 1e-2

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return np.log(Probabilities().sample(rng, shape))


class OneHot(Probabilities):
    """A distribution over the classes of a row: one-hot, or soft labels that sum to 1."""

    tolerance = 1e-2

    def describe(self) -> str:
        return "rows that are distributions: one-hot, or probabilities that sum to 1"

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        return super().fault(x) or self._row_fault(x)

    def _row_fault(self, x: Floats) -> tuple[int, ...] | None:
        totals = np.add.reduce(x, axis=-1, dtype=np.float64)
        if least(totals) >= 1.0 - self.tolerance and largest(totals) <= 1.0 + self.tolerance:
            return None
        return first_of(np.abs(totals - 1.0) > self.tolerance)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return np.eye(shape[-1])[rng.integers(0, shape[-1], size=shape[:-1])]


class Classes(Domain):
    """One integer label per row, from 0 to the row's length minus 1."""

    low = 0.0
    coding = "integers"

    def describe(self) -> str:
        return "integer labels 0, 1, ..., C - 1"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Labels for rows of the given shape."""
        return rng.integers(0, shape[-1], size=shape[:-1])


class Labels(Domain):
    """Whole numbers that say what belongs together; they count nothing and name no output."""

    coding = "labels"

    def describe(self) -> str:
        return "labels, whole numbers; what has the same one belongs together"

    def contains(self, x: Floats) -> Floats:
        return _whole(x)

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        return None if x.dtype.kind in "iub" else first_of(~self.contains(x))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        count = math.prod(shape)
        return np.arange(count).reshape(shape) % max(count // 2, 1)  # Each has a relative.


class Transcript(Labels):
    """Classes one after the other, padded with numbers that are none: below 0, or the blank."""

    def describe(self) -> str:
        return "classes one after the other, whole numbers, padded with the blank or with -1"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.integers(1, 3, size=shape)


class Ranks(Domain):
    """Whole numbers from 0 up that say a place in an order: grades, classes of age."""

    low = 0.0
    coding = "ranks"

    def describe(self) -> str:
        return "places in an order, whole numbers 0, 1, ..."

    def contains(self, x: Floats) -> Floats:
        inside: Floats = (x >= 0) & _whole(x)
        return inside

    def fault(self, x: Floats) -> tuple[int, ...] | None:
        inside = self.contains(x)
        return None if inside.all() else first_of(~inside)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return rng.integers(0, 4, size=shape).astype(np.float64)


class Places(Ranks):
    """Places in an order of which each output is a step: with C - 1 outputs, 0 to C - 1."""

    def describe(self) -> str:
        return "places in an order, whole numbers 0, 1, ..., C - 1 with C - 1 outputs"


class Nothing(Domain):
    """The targets of a loss that has none."""

    coding = "none"

    def describe(self) -> str:
        return "no targets"


@dataclass(frozen=True, init=False)
class Parts(Domain):
    """Several numbers per output, packed along a last axis, each in a set of its own.

    ``Parts(mean=Real(), variance=NonNegative())`` are arrays ``(..., 2)``, or a tuple of two arrays.  Of two parts in
    ``ordered`` the first is never above the second; ``bounds`` says that the only two are bounds of a number, which is
    known where they are equal, and then neither 0 nor infinite.
    """

    parts: tuple[tuple[str, Domain], ...]
    ordered: tuple[tuple[str, str], ...]
    bounds: bool

    coding = "parts"

    def __init__(self, ordered: tuple[tuple[str, str], ...] = (), *, bounds: bool = False, **parts: Domain) -> None:
        object.__setattr__(self, "parts", tuple(parts.items()))
        object.__setattr__(self, "ordered", ordered)
        object.__setattr__(self, "bounds", bounds)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts in the order in which they lie."""
        return tuple(name for name, _ in self.parts)

    def describe(self) -> str:
        listed = "; ".join(f"{name}: {domain.describe()}" for name, domain in self.parts)
        below = "".join(f"; {first} <= {second}" for first, second in self.ordered)
        return f"({', '.join(self.names)}) along the last axis, {listed}{below}"

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        drawn = {name: domain.sample(rng, shape) for name, domain in self.parts}
        for first, second in self.ordered:
            drawn[first], drawn[second] = (
                np.minimum(drawn[first], drawn[second]),
                np.maximum(drawn[first], drawn[second]),
            )
        return np.stack(list(drawn.values()), -1)


def _whole(x: Floats) -> Floats:
    whole: Floats = np.isfinite(x) & (np.floor(x) == x)
    return whole
