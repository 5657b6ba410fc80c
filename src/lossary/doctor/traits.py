"""What targets look like: their form, their values, how they are spread."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..texts.calls import unsupported
from .evidence import Floats, hosted
from .targets import outlying, unit_of

# A value that this share of continuous targets has exactly is a limit, not a coincidence.
PILE = 0.05
# With fewer targets, nothing about their spread is said.
FEW = 20


@dataclass
class Traits:
    """Targets with missing ones dropped; ``table`` has one row per data point and one column per output.

    ``open_ended`` counts the times of which only a lower bound is known, which are dropped too.
    """

    array: Floats
    names: tuple[str, ...] = ()
    dropped: int = 0
    reasons: list[str] = field(default_factory=list)
    open_ended: int = 0

    @property
    def rank(self) -> int:
        """Axes besides a last one of length 1."""
        return self.array.ndim - (self.array.ndim > 1 and self.array.shape[-1] == 1)

    @property
    def columns(self) -> int:
        """Entries of one row of the last axis."""
        return 1 if self.rank < 2 else int(self.array.shape[-1])

    @cached_property
    def flat(self) -> Floats:
        """All numbers in float64."""
        return np.asarray(self.array, dtype=np.float64).reshape(-1)

    @cached_property
    def rows(self) -> Floats:
        """One row per entry of the leading axes."""
        return self.flat.reshape(-1, self.array.shape[-1] if self.array.ndim > 1 else 1)

    @cached_property
    def values(self) -> Floats:
        """The distinct values in order."""
        return np.unique(self.flat)

    @property
    def whole(self) -> bool:
        """Whether every number is whole."""
        return bool((self.flat == np.floor(self.flat)).all())

    @property
    def bits(self) -> bool:
        """Whether there is nothing but 0 and 1."""
        return bool(np.isin(self.values, (0.0, 1.0)).all())

    @property
    def low(self) -> float:
        """The smallest number."""
        return float(self.values[0])

    @property
    def high(self) -> float:
        """The largest number."""
        return float(self.values[-1])

    @property
    def contiguous(self) -> bool:
        """Whether every whole number between the smallest and the largest occurs."""
        return self.whole and len(self.values) == self.high - self.low + 1

    @cached_property
    def shares(self) -> Floats:
        """How often each distinct value occurs."""
        return np.unique(self.flat, return_counts=True)[1] / self.flat.size

    @property
    def unevenness(self) -> float:
        """Total variation distance from equally frequent values: 0 when all are equal, near 1 when one has all."""
        return float(0.5 * np.abs(self.shares - 1 / len(self.shares)).sum())

    @property
    def count_misfit(self) -> float:
        """Total variation distance from counts of the same mean and variance (Poisson or negative binomial)."""
        top = int(self.high)
        if self.low < 0 or top > 100_000:
            return 1.0
        seen = np.bincount(self.flat.astype(np.int64), minlength=top + 1) / self.flat.size
        expected = _count_law(float(self.flat.mean()), float(self.flat.var()), top)
        return float(0.5 * (np.abs(seen - expected).sum() + max(0.0, 1 - expected.sum())))

    @property
    def skew(self) -> float:
        """Third standardised moment."""
        return skewness(self.flat)

    @cached_property
    def piles(self) -> tuple[float, ...]:
        """The limits at which an otherwise continuous spread piles up."""
        ends = [value for value in {self.low, self.high} if (self.flat == value).mean() >= PILE]
        others = len(self.values) - len(ends)
        rest = self.flat.size - sum(int((self.flat == value).sum()) for value in ends)
        return tuple(sorted(ends)) if others > max(0.3 * rest, FEW) else ()

    @cached_property
    def has_zeros(self) -> bool:
        """Whether they are amounts of which many are none: a pile at 0, and a long tail above it."""
        above = self.flat[self.flat > 0]
        return self.low == 0 and self.piles == (0.0,) and skewness(above) > 1.2

    @property
    def are_corners(self) -> bool:
        """Whether rows of four are two corners of a box, and not four numbers in ascending order."""
        if self.columns != 4 or len(self.rows) < FEW:
            return False
        x1, y1, x2, y2 = self.rows.T
        return bool(((x1 < x2) & (y1 < y2)).all() and not (x2 < y1).all() and not ((x1 < y1) & (y1 < x2)).all())

    @property
    def are_times(self) -> bool:
        """Whether rows of two are a time and whether something happened then."""
        if self.columns != 2 or len(self.rows) < FEW:
            return False
        time, event = self.rows.T
        return bool((time > 0).all() and set(np.unique(event)) == {0.0, 1.0} and len(np.unique(time)) > FEW)

    @cached_property
    def outliers(self) -> tuple[int, float] | None:
        """How many outliers there are, and the farthest in robust standard deviations."""
        found = outlying(self.rows)
        return None if found is None else (int(found[0].sum()), found[2])


def skewness(x: Floats) -> float:
    """Third standardised moment; 0 for constants."""
    x = x / unit_of(x)
    deviation = x - x.mean()
    spread = x.std()
    return float(np.mean(deviation**3) / spread**3) if spread > 0 else 0.0


def _count_law(mean: float, variance: float, top: int) -> Floats:
    k = np.arange(top + 1)
    log_factorial = np.cumsum(np.log(np.maximum(k, 1)))
    if mean <= 0:
        return np.asarray((k == 0) * 1.0)
    if variance <= 1.05 * mean:
        return np.asarray(np.exp(k * math.log(mean) - mean - log_factorial))
    size = mean**2 / (variance - mean)
    gammas = np.array([math.lgamma(i + size) for i in k]) - math.lgamma(size)
    return np.asarray(
        np.exp(gammas - log_factorial + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean)))
    )


def look(y_true: Any) -> Traits:
    """The traits of an array of any framework, a list, or a column of a table, class names included."""
    if isinstance(y_true, str):
        raise DTypeError(
            f"suggest: y_true is the text {y_true!r}; accepted are the targets themselves. For a column of a file: "
            "lossary suggest FILE --target COLUMN, in a shell"
        )
    array, names, missing = _names(y_true)
    if array is None:
        array = hosted(y_true)
    if array is None:
        raise unsupported("suggest", "y_true", y_true, str(getattr(y_true, "dtype", "object")))
    if array.ndim == 0 or array.size == 0:
        raise ShapeError(
            f"suggest: y_true has shape {array.shape}; accepted is at least one target. Pass the whole column"
        )
    kept = array
    if array.dtype.kind == "f":
        finite = np.isfinite(array).reshape(len(array), -1).all(1)
        kept = array[finite]
        if not len(kept):
            raise ShapeError("suggest: y_true holds no finite number at all. Pass the targets before they became NaN")
    endless = _open_ended(array)
    kept = kept.reshape(-1, 2) if endless else kept
    return Traits(kept, names, missing + len(array) - len(kept) - endless, open_ended=endless)


def _open_ended(array: Floats) -> int:
    """How many rows are a time and infinity, where all are a lower and an upper bound."""
    if array.dtype.kind != "f" or array.shape[1:] not in ((2,), (1, 2)):
        return 0
    lower, upper = array.reshape(-1, 2).T
    bounds = np.isfinite(lower) & (lower >= 0.0) & (lower <= upper)
    return int(np.isinf(upper).sum()) if bounds.all() else 0


_TEXT = ("category", "categorical", "enum", "string", "str", "object", "utf8", "<u")
_DECLARED = ("category", "categorical", "enum")


def _names(y_true: Any) -> tuple[Floats | None, tuple[str, ...], int]:
    """Codes and names of targets that are text or declared categorical, and how many are missing."""
    dtype = str(getattr(y_true, "dtype", "")).lower()
    listed = isinstance(y_true, list | tuple) and any(isinstance(value, str) for value in y_true)
    if not (listed or dtype.startswith(_TEXT)):
        return None, (), 0
    values = np.asarray(y_true, dtype=object)
    there = np.array(
        [value is not None and not (isinstance(value, float) and math.isnan(value)) for value in values.reshape(-1)]
    )
    found = values.reshape(-1)[there]
    numbers = all(isinstance(value, int | float | np.number) for value in found)
    if numbers and not dtype.startswith(_DECLARED):
        # An object column of numbers is numbers; a column declared categorical names classes, whatever it holds.
        return found.astype(np.float64), (), int((~there).sum())
    names, codes = np.unique([str(value) for value in found], return_inverse=True)
    codes = codes.reshape(values.shape) if there.all() else codes
    return codes, tuple(map(str, names)), int((~there).sum())
