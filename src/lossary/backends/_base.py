"""What a framework must provide: the vocabulary spelled for its arrays (`Words`), and a few facts about them."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from ..looks.faults import Look, Site
from ._words import Words

Array = Any
HALF = frozenset({"float16", "bfloat16"})
FLOATS = HALF | {"float32", "float64"}


class Traced(Protocol):
    """A formula and its slopes as functions of arrays, in the words of a backend."""

    inputs: tuple[str, ...]
    # Which of them are predictions, and how many axes a data point has.
    predictions: tuple[int, ...]
    depth: int

    @property
    def operations(self) -> Mapping[str, int]:
        """How often each operation stands in a value and its slope."""

    def value(self, backend: Backend) -> Callable[..., Any]:
        """The value per data point."""

    def slope(self, backend: Backend, index: int = 1) -> Callable[..., Any]:
        """The derivative with respect to an input, in the shape of that input."""

    def value_and_slope(self, backend: Backend) -> Callable[..., Any]:
        """The value and its derivative with respect to each prediction, with common terms computed once."""


class Backend(Words):
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

        With ``rows`` the axes before the last of ``x`` are compared.  Only a framework that would broadcast needs this.
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

    def flat(self, x: Array, *, rows: bool) -> Array:
        """With all data points along one axis, before that of each one's row where there are rows."""
        return x.reshape((-1, x.shape[-1]) if rows else (-1,))

    def fold_last(self, x: Array, count: int) -> Array:
        """The last axes, as many as ``count``, as one."""
        return x.reshape((*x.shape[:-count], math.prod(x.shape[-count:])))

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
