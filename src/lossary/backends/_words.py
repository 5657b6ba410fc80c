"""The vocabulary as a framework spells it for its arrays.

The words have the meaning stated in `lossary.graph.words`.  Those that are compositions of others are spelled here
once; a backend overrides one only where its own is as accurate and faster.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from . import _alignments, _series, _special
from ._numbers import WORDS, either

Array = Any
# Sums of fewer than 2**48 magnitudes below this bound stay finite in float32; 2**64 brings larger ones below it.
_LARGE = 2.0**79
_SCALE = 2.0**64
# Words that emitted source writes as Python operators, or through their mirror image.
_OPERATORS = frozenset({"add", "subtract", "multiply", "divide", "negative", "greater", "greater_equal"})


class Words(ABC):
    """The words of one array library."""

    # --- what they are made with ---------------------------------------------------------------------------------

    @abstractmethod
    def shape(self, x: Array) -> tuple[int | None, ...]:
        """The static shape; None where a length is not known yet."""

    @abstractmethod
    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        """As ``numpy.moveaxis``."""

    @abstractmethod
    def expand_last(self, x: Array) -> Array:
        """Adds a last axis of length one."""

    @abstractmethod
    def squeeze_last(self, x: Array) -> Array:
        """Drops the last axis, of length one."""

    @abstractmethod
    def ones_like(self, x: Array) -> Array:
        """Ones in the shape and dtype of x."""

    # --- the namespace of emitted functions ------------------------------------------------------------

    def namespace(self, names: Sequence[str]) -> dict[str, Any]:
        """The namespace in which an emitted function of this backend runs."""
        host = self._host_words
        arrays = {name: getattr(self, name) for name in names if name not in _OPERATORS}
        # A condition between or beside arrays may be about parameters alone.
        return {**host, **arrays, "where": host["host_where"], "logical_and": self._and, "logical_or": self._or}

    @cached_property
    def _host_words(self) -> dict[str, Callable[..., Any]]:
        """Words of parameters, the same ones for every function."""
        return {f"host_{name}": either(number, getattr(self, name)) for name, number in WORDS.items()}

    def _and(self, a: Any, b: Any) -> Array:
        if isinstance(a, bool):
            a, b = b, a
        return self._alike(a, holds=b) if b is False else a if b is True else self.logical_and(a, b)

    def _or(self, a: Any, b: Any) -> Array:
        if isinstance(a, bool):
            a, b = b, a
        return self._alike(a, holds=b) if b is True else a if b is False else self.logical_or(a, b)

    def _alike(self, condition: Array, *, holds: bool) -> Array:
        """A condition of the same shape that holds everywhere or nowhere."""
        everywhere = self.logical_or(condition, self.logical_not(condition))
        return everywhere if holds else self.logical_not(everywhere)

    # --- words: elementwise --------------------------------------------------------------------------------
    # Libraries differentiate these as they stand, and magnitudes have no slope at 0: what has one there takes a side.

    abs: Callable[[Array], Array]
    sign: Callable[[Array], Array]
    exp: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    log: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    sqrt: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    arctan: Callable[[Array], Array]
    cos: Callable[[Array], Array]
    sin: Callable[[Array], Array]
    detach: Callable[[Array], Array]
    floor: Callable[[Array], Array]
    maximum: Callable[[Array, Any], Array]
    minimum: Callable[[Array, Any], Array]
    where: Callable[[Array, Any, Any], Array]
    equal: Callable[[Array, Any], Array]
    logical_and: Callable[[Array, Array], Array]
    logical_or: Callable[[Array, Array], Array]
    logical_not: Callable[[Array], Array]

    def square(self, x: Array) -> Array:
        return x * x

    def power(self, x: Array, exponent: float) -> Array:
        return x**exponent

    def sinh(self, x: Array) -> Array:
        # Through expm1, small arguments keep their digits: sinh x = (u + u/(u+1))/2 with u = exp(x) - 1.
        below = self.less(x, 0.0)
        u = self.expm1(self.where(below, -x, x))
        size = 0.5 * (u + u / (u + 1.0))
        return self.where(below, -size, size)

    def sigmoid(self, x: Array) -> Array:
        # Of the negative magnitude, whose exponential does not overflow where the result is still a number.
        below = self.less(x, 0.0)
        small = self.exp(self.where(below, x, -x))
        return self.where(below, small, 1.0) / (1.0 + small)

    def softplus(self, x: Array) -> Array:
        below = self.less(x, 0.0)
        return self.where(below, 0.0, x) + self.log1p(self.exp(self.where(below, x, -x)))

    log1pmx = _series.log1pmx
    expm1mx = _series.expm1mx
    log1mexp = _series.log1mexp
    hypot1 = _series.hypot1
    logcosh = _series.logcosh

    alignment_nll = _alignments.alignment_nll
    alignment_slope = _alignments.alignment_slope
    alignment_states = _alignments.alignment_states

    lgamma = _special.lgamma
    digamma = _special.digamma
    trigamma = _special.trigamma
    binet = _special.binet
    binet_slope = _special.binet_slope
    erf = _special.erf
    bell = _special.bell
    log_ndtr = _special.log_ndtr
    inverse_mills = _special.inverse_mills

    def guard(self, x: Array, floor: Any) -> Array:
        return self.maximum(x, floor)

    def xlogy(self, x: Array, y: Array) -> Array:
        return x * self.log(self.where(self.equal(x, 0.0), 1.0, y))

    def weighted(self, weight: Array, x: Array) -> Array:
        # Where a framework differentiates this, the slope in the weight stays x unless that is infinite.
        nothing = self.logical_and(self.equal(weight, 0.0), self.equal(self.abs(x), math.inf))
        return weight * self.where(nothing, 0.0, x)

    @abstractmethod
    def residual(self, a: Array, factor: Array, b: Array) -> Array:
        """``a - factor * b`` rounded once, as far as little is left of the difference."""

    @abstractmethod
    def scale_to_one(self, x: Array) -> Array:
        """The power of two that brings each magnitude into [1, 2), exactly; it has no derivative."""

    @abstractmethod
    def indicator(self, condition: Array, like: Array) -> Array:
        """Booleans as numbers in the dtype of ``like``."""

    def less(self, a: Array, b: Array) -> Array:
        return a < b

    def less_equal(self, a: Array, b: Array) -> Array:
        return a <= b

    # --- words: rows -------------------------------------------------------------------------------------------

    @abstractmethod
    def sum(self, x: Array) -> Array:
        """Row sum."""

    @abstractmethod
    def max(self, x: Array) -> Array:
        """Row maximum."""

    @abstractmethod
    def first_max(self, x: Array) -> Array:
        """Marks the first maximum of each row."""

    def lead(self, x: Array) -> Array:
        """The value of the first maximum of each row."""
        return self.sum(self.where(self.first_max(x), x, 0.0))

    @abstractmethod
    def sorted_down(self, x: Array) -> Array:
        """Each row from its largest element down."""

    @abstractmethod
    def cumulated(self, x: Array) -> Array:
        """The sums of each element and all before it in the row."""

    def sparsemax(self, x: Array) -> Array:
        """By sorting: of the largest elements, those whose own share is above 0 when they share."""
        # The leader, whose score may be infinite, is at 1, so that what the others gather of it is a sum of positive
        # numbers.
        level = 1.0 + self.where(self.first_max(x), 0.0, x - self.lead(x))
        down = self.sorted_down(level)
        place = self.position(down)
        others = self.where(self.equal(place, 0.0), 0.0, down)
        shares = self.less(self.cumulated(others), (place + 1.0) * down)
        gathered = self.sum(self.where(shares, others, 0.0)) / self.sum(self.indicator(shares, down))
        return self.maximum(level - gathered, 0.0)

    @abstractmethod
    def count(self, x: Array) -> Any:
        """Row length."""

    @abstractmethod
    def take(self, x: Array, label: Array) -> Array:
        """The labelled element of each row; NaN for a label outside the row."""

    @abstractmethod
    def look_up(self, table: Array, labels: Array) -> Array:
        """The entries of a table of one axis; for a label outside it, one of its ends."""

    @abstractmethod
    def is_label(self, label: Array, like: Array) -> Array:
        """Marks the labelled element of each row."""

    @abstractmethod
    def position(self, like: Array) -> Array:
        """0, 1, ... along each row, in the shape and dtype of ``like``."""

    @abstractmethod
    def spread(self, x: Any, like: Array) -> Array:
        """A row's number repeated over the row."""

    def mean(self, x: Array) -> Array:
        scale = self._scale(self.max(self.abs(x)))
        return self.sum(x / scale) / self.count(x) * scale

    def mean_square(self, x: Array) -> Array:
        # The squares are taken of x / scale, so that they overflow only where their mean does.
        largest = self.max(self.abs(x))
        scale = self.where(self.less(2.0**40, largest), _SCALE, self.ones_like(largest))
        return self.sum(self.square(x / scale)) / self.count(x) * scale * scale

    # --- words: pairs ----------------------------------------------------------------------------------------
    # Pairs lie in arrays with one axis more, ``(..., C, C)``; the outputs are the last axis, the others that before.

    def across(self, x: Array) -> Array:
        """What does not vary along others, in the rank of what does."""
        if isinstance(x, float) or not self.shape(x):  # A count, which is the same for all rows.
            return x
        return self.moveaxis(self.expand_last(x), -1, -2)

    def outward(self, x: Array) -> Array:
        """Outputs as others."""
        return self.expand_last(x)

    def inward(self, x: Array) -> Array:
        """Others as outputs."""
        return self.squeeze_last(x)

    def turned(self, x: Array) -> Array:
        """Outputs and others in each other's place."""
        return self.moveaxis(x, -1, -2)

    def sum_other(self, x: Array) -> Array:
        """Sum over the others."""
        return self.squeeze_last(self.sum(self.turned(x)))

    def max_other(self, x: Array) -> Array:
        """Largest of the others."""
        return self.squeeze_last(self.max(self.turned(x)))

    def _scale(self, largest: Array) -> Array:
        return self.where(self.less(_LARGE, largest), _SCALE, self.ones_like(largest))
