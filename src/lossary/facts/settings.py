"""What a parameter may be: a number in a range, a switch, one of several names, or something around the formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .domain import Domain, Floats


@dataclass(frozen=True)
class Interval(Domain):
    """A parameter's meaning and range.

    ``off`` is the value at which it does nothing, or the usual one at which the formula is much shorter: there it is
    traced with that number instead of a symbol, so that what it multiplies, or powers of 2, cost nothing.
    ``usual`` is the value of nearly all calls: there the symbol is known to be that number, so that kernels do without
    what cannot happen, such as a logarithm of 0.
    """

    meaning: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    open_below: bool = False
    off: float | None = None
    whole: bool = False
    usual: float | None = None

    def describe(self) -> str:
        number = "a whole number" if self.whole else "a number"
        if self.maximum == math.inf:
            return f"{number} {'>' if self.open_below else '>='} {self.minimum:g}"
        return f"{number} in {'(' if self.open_below else '['}{self.minimum:g}, {self.maximum:g}]"

    def contains(self, x: Any) -> Any:
        above = x > self.minimum if self.open_below else x >= self.minimum
        inside = above & (x <= self.maximum)
        return inside & (x % 1 == 0) if self.whole else inside

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        low = self.minimum + (1e-3 if self.open_below else 0.0)
        found = rng.uniform(low, min(self.maximum, low + 3.0), size=shape)
        return np.floor(found) if self.whole else found


@dataclass(frozen=True)
class Flag(Domain):
    """A switch's meaning."""

    meaning: str = ""

    def describe(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Choice(Domain):
    """A switch between several things that have names."""

    meaning: str = ""
    names: tuple[str, ...] = ()

    def describe(self) -> str:
        *most, last = map(repr, self.names)
        return f"{', '.join(most)} or {last}"


@dataclass(frozen=True)
class Around(Domain):
    """A parameter that acts around the formula, which is the same for all its values; None leaves things alone."""

    meaning: str = ""


@dataclass(frozen=True)
class OptionalLabel(Around):
    """The meaning of a parameter that is a class label, or None."""

    def describe(self) -> str:
        return "a whole number or None"


@dataclass(frozen=True)
class Weights(Around):
    """The meaning of weights, one per class or one per output (then one number may stand for all)."""

    per: str = "class"

    def describe(self) -> str:
        if self.per == "class":
            return "numbers >= 0, one per class, as a list or {class: weight}, or None"
        return "a number >= 0, or one per output, or None"
