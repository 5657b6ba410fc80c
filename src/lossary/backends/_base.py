"""What a framework must provide: the vocabulary spelled for its arrays, and a few facts about them.

The words have the meaning stated in `lossary.graph.words`.  Those that are compositions of others are spelled here
once; a backend overrides one only where its own is as accurate and faster.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from ..looks.faults import Look, Site
from . import _alignments, _series, _special
from ._numbers import WORDS, either

Array = Any
HALF = frozenset({"float16", "bfloat16"})
FLOATS = HALF | {"float32", "float64"}
# Sums of fewer than 2**48 magnitudes below this bound stay finite in float32; 2**64 brings larger ones below it.
_LARGE = 2.0**79
_SCALE = 2.0**64
# Words that emitted source writes as Python operators, or through their mirror image.
_OPERATORS = frozenset({"add", "subtract", "multiply", "divide", "negative", "greater", "greater_equal"})


class Traced(Protocol):
    """A formula and its slopes as functions of arrays, in the words of a backend."""

    inputs: tuple[str, ...]
    depth: int

    def value(self, backend: Backend) -> Callable[..., Any]:
        """The value per data point."""

    def slope(self, backend: Backend, index: int = 1) -> Callable[..., Any]:
        """The derivative with respect to an input, in the shape of that input."""


class Backend(ABC):
    """One array library."""

    name: str
    # What a message calls an array of this library, if not "an array of" its name.
    noun = ""
    # What makes an array of NumPy of the argument ``{0}``; nothing where values are not at hand.
    into_numpy = "numpy.asarray({0})"
    # Whether the library compiles the code that makes a call, in which no source can be made any more.
    is_traced = False
    # Whether a program that runs later can tell the host about values outside their sets.
    can_report = False
    # The method of a total that adds it up over processes or devices; nothing where there is one process.
    adds_over = ""
    # Types of arrays that are what they seem: dtype and shape are known, and no subclass changes what they mean.
    plain: frozenset[type] = frozenset()

    # --- facts about arrays ------------------------------------------------------------------------------------

    @abstractmethod
    def owns(self, value: Any) -> bool:
        """Whether the value is an array of this library."""

    def strange(self, x: Array) -> tuple[str, str] | None:
        """What the array is, if losses cannot compute with it as it is, and the line that makes an array of ``{0}``."""
        return None

    @abstractmethod
    def asarray(self, value: Any, like: Array | None = None) -> Array:
        """A Python number, list or NumPy array as an array of this library, on the device of ``like``."""

    @abstractmethod
    def dtype(self, x: Array) -> str:
        """NumPy's name for the dtype."""

    @abstractmethod
    def cast(self, x: Array, dtype: str) -> Array:
        """The array in another dtype."""

    @abstractmethod
    def default_float(self) -> str:
        """The dtype that integer predictions are promoted to."""

    def shape(self, x: Array) -> tuple[int | None, ...]:
        """The static shape; None where a length is not known yet."""
        return tuple(x.shape)

    def place(self, x: Array) -> Any:
        """The device, where arrays on two devices cannot meet and the library's own error would not name the loss."""
        return None

    def facts(self, x: Array, y: Array) -> Hashable:
        """All that lining up two plain arrays depends on, or None where it cannot be remembered."""
        return (x.dtype, y.dtype, x.shape, y.shape)

    def looks_swapped(self, y_true: Array, y_pred: Array) -> bool:
        """Whether the library shows that what is to be trained was given as the target."""
        return False

    def require_shape(self, x: Array, like: Array, *, rows: bool, message: str) -> Array:
        """``x``, which fails at run time if lengths that are unknown now differ from those of ``like``.

        With ``rows`` the last axis is not compared.  Only a framework that would broadcast then needs this.
        """
        return x

    @abstractmethod
    def host(self, x: Array, *, wait: bool) -> np.ndarray[Any, Any] | None:
        """A NumPy view for value checks, or None under tracing, or on a device when we should not wait for it."""

    def report_later(self, poison: Array, looks: Sequence[Look], site: Site) -> Array:
        """Calls ``site.tell`` once these values are known if one lies outside its set; never waits for that.

        Returns ``poison``, one factor per data point, on whose use the report may hang.
        """
        raise NotImplementedError

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as the library would have a step written: compiled, where it compiles whole steps."""
        return function

    def replicas(self) -> int:
        """How many copies of a program work on one batch at a time, and have their results added up."""
        return 1

    def all_sum(self, x: Array, over: Any) -> Array:
        """The sum over all processes or devices, whose derivative is summed in the same way."""
        raise NotImplementedError

    def settle(self) -> None:
        """Waits until every report under way has arrived, and asks for those that wait to be asked for."""
        return

    def computing(self, dtype: str) -> AbstractContextManager[Any]:
        """A block that computes in this dtype, without warnings where a result is beyond its largest number."""
        return nullcontext()

    # --- moving things about --------------------------------------------------------------------------------

    @abstractmethod
    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        """As ``numpy.moveaxis``."""

    @abstractmethod
    def expand_last(self, x: Array) -> Array:
        """Adds a last axis of length one."""

    @abstractmethod
    def squeeze_last(self, x: Array) -> Array:
        """Drops the last axis, of length one."""

    def fold_last(self, x: Array, count: int) -> Array:
        """The last axes, as many as ``count``, as one."""
        return x.reshape((*x.shape[:-count], -1))

    def unfold_last(self, x: Array, like: Array, axes: Sequence[int]) -> Array:
        """The last axis as several, as long as these axes of ``like``."""
        return x.reshape((*x.shape[:-1], *(like.shape[axis] for axis in axes)))

    @abstractmethod
    def stack_last(self, arrays: Sequence[Array]) -> Array:
        """The arrays side by side along a new last axis."""

    def beside(self, x: Any, like: Array) -> Any:
        """A number per row in the rank of its elements, which may have more than one axis."""
        # A slope that is the same everywhere may be a number.
        alone = isinstance(x, float) or isinstance(like, float)
        lacking = 0 if alone else len(self.shape(like)) - len(self.shape(x))
        for _ in range(lacking):
            x = self.expand_last(x)
        return x

    def totalled(self, x: Array, rank: int) -> Array:
        """The sum over all elements of a row, one number per row in an array of this rank."""
        for _ in range(len(self.shape(x)) - rank):
            x = self.squeeze_last(self.sum(x))
        return self.sum(x)

    @abstractmethod
    def total(self, x: Array) -> Array:
        """Sum over all axes; the accumulator has at least float32."""

    @abstractmethod
    def size(self, x: Array) -> Any:
        """How many elements; an int, or a scalar array where that is known only at run time."""

    @abstractmethod
    def ones_like(self, x: Array) -> Array:
        """Ones in the shape and dtype of x."""

    def label_dtype(self, dtype: str) -> str:
        """The integer dtype in which labels of this dtype keep their value."""
        return "int64"

    def finest(self, x: Array) -> str:
        """The dtype in which rows are compared with each other; small differences of large scores are to be seen."""
        return "float64"

    @abstractmethod
    def matmul(self, a: Array, b: Array) -> Array:
        """Products of matrices, which lie along the last two axes."""

    @abstractmethod
    def concat_last(self, arrays: Sequence[Array]) -> Array:
        """The arrays one after the other along the last axis."""

    @abstractmethod
    def take_each(self, x: Array, labels: Array) -> Array:
        """From every row ``(..., T, C)`` of a data point the elements that its labels ``(..., S)`` name."""

    def scan(
        self, step: Callable[..., tuple[Array, Array]], start: Array, rows: Sequence[Array], *, reverse: bool
    ) -> tuple[Array, Array]:
        """Goes through rows ``(..., T, S)`` one after the other: ``step(state, *row)`` gives the next state and a row.

        Returns the last state and all rows, in the order of those that were given.
        """
        state, found = start, []
        places = range(rows[0].shape[-2])
        for place in reversed(places) if reverse else places:
            state, row = step(state, *(x[..., place, :] for x in rows))
            found.append(row)
        return state, self.moveaxis(self.stack_last(found[::-1] if reverse else found), -1, -2)

    # --- derivatives -------------------------------------------------------------------------------------------

    @abstractmethod
    def differentiable(self, program: Traced) -> Callable[..., Array]:
        """``program.value`` with ``program.slope`` as its derivative in the framework's own machinery."""

    @abstractmethod
    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        """A scalar function of y_pred and its gradient, by the framework's own differentiation."""

    # --- words -----------------------------------------------------------------------------------------------

    def namespace(self, names: Sequence[str]) -> dict[str, Any]:
        """The namespace in which an emitted function of this backend runs."""
        host = {f"host_{name}": either(number, getattr(self, name)) for name, number in WORDS.items()}
        arrays = {name: getattr(self, name) for name in names if name not in _OPERATORS}
        # A condition between or beside arrays may be about parameters alone.
        return {**host, **arrays, "where": host["host_where"], "logical_and": self._and, "logical_or": self._or}

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
        u = self.expm1(self.abs(x))
        return 0.5 * self.sign(x) * (u + u / (u + 1.0))

    def sigmoid(self, x: Array) -> Array:
        # Of the negative magnitude, whose exponential does not overflow where the result is still a number.
        small = self.exp(-self.abs(x))
        return self.where(self.less(x, 0.0), small, 1.0) / (1.0 + small)

    def softplus(self, x: Array) -> Array:
        return self.maximum(x, 0.0) + self.log1p(self.exp(-self.abs(x)))

    log1pmx = _series.log1pmx
    expm1mx = _series.expm1mx
    log1mexp = _series.log1mexp
    hypot1 = _series.hypot1

    alignment_nll = _alignments.alignment_nll
    alignment_slope = _alignments.alignment_slope

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
        # The leader is at 1, so that what the others gather of it is a sum of positive numbers.
        level = 1.0 + (x - self.lead(x))
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

    def _scale(self, largest: Array) -> Array:
        return self.where(self.less(_LARGE, largest), _SCALE, self.ones_like(largest))
