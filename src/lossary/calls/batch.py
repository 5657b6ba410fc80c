"""What computes a call in words: rows along the last axis, and the way back to the caller's shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .._marks import unconverted
from ..backends import HALF, Array, Backend
from . import live as _live
from . import parts
from .align import Place, Points
from .kernel import Fused
from .programs import Program
from .reduce import check_points, denominator, factors, reduce
from .rows import LAST, Rows


class Call(Protocol):
    """A call that has been checked and is ready to run, by ``batch`` or by a kernel in it."""

    @property
    def batch(self) -> Batch:
        """What computes the call."""

    def values(self) -> Array:
        """One value per data point, differentiable, in the computing dtype."""

    def reduced(self, reduction: str) -> Array:
        """The reduced loss in the caller's dtype."""

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient, in the dtypes and shapes of the caller's predictions."""

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""


class Pulled(Protocol):
    """What the inputs were computed from."""

    def pulled(self, slopes: Array) -> Array:
        """The gradient in that, of the gradient in the predictions that the formula sees."""


@unconverted
@dataclass(slots=True)
class Batch:
    """The arrays of one call, lined up: rows along the last axis, computing dtype.

    ``mask`` are the data points that a mean counts, ``live`` those of them whose weight is not 0.  All others have been
    replaced, unless there is a kernel, which leaves them out by itself.  ``places`` and ``rows`` say how the inputs
    were lined up, ``like`` has the shape that they had before; ``packed`` says which arguments held several parts.
    ``items`` says which elements count, where rows have gaps.  ``joined`` says that the points are the outputs of a
    data point because each has a weight of its own, and that its loss is the mean of theirs.  ``compared`` leads back
    from the inputs to what was compared.
    """

    backend: Backend
    program: Program
    inputs: tuple[Array, ...]
    numbers: tuple[Any, ...]
    weights: Array | None
    mask: Array | None
    dtype: str
    rows: Rows = LAST
    places: tuple[Place, ...] = ()
    like: Array | None = None
    packed: tuple[bool, ...] = ()
    split: int = 0
    live: Array | None = None
    items: Array | None = None
    fused: Fused | None = None
    poison: Array | None = None
    joined: bool = False
    compared: Pulled | None = None

    @property
    def y_true(self) -> Array:
        """The targets of a loss of ``(y_true, y_pred)``."""
        return self.inputs[0]

    @property
    def y_pred(self) -> Array:
        """The predictions; the first if there are several."""
        return self.inputs[self.program.record.main]

    @property
    def is_plain(self) -> bool:
        """Whether it is one of ``(y_true, y_pred)`` without gaps, which is what all kernels know."""
        return self.program.record.is_pair and self.items is None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the program's functions take."""
        return (*self.inputs, *self.numbers) if self.items is None else (*self.inputs, self.items, *self.numbers)

    @property
    def batch(self) -> Batch:
        """What computes the call."""
        return self

    def values(self) -> Array:
        """One value per data point, differentiable, in the computing dtype."""
        if self.fused is not None:
            found = self.fused.values()
            return self.in_words().values() if found is None else found
        run = self.program.differentiable(self.backend)
        with self.computing():
            values = self.backend.squeeze_last(run(*self.arguments))
            return self._poisoned(self._drop_masked(values))

    def values_and_slopes(self) -> tuple[Array, list[Array]]:
        """The values and their derivatives with respect to each row of the predictions."""
        run = self.program.value_and_slope(self.backend)
        with self.computing():
            values, *slopes = run(*self.arguments)
            values = self._drop_masked(self.backend.squeeze_last(values))
            return self._poisoned(values), self._poisoned_rows(slopes)

    def factors(self, values: Array, reduction: str) -> Array | float:
        """The reducer's factors for these values."""
        record = self.program.record
        name, main = record.name, record.main
        check_points(name, self.backend, self.inputs[main], reduction, record.inputs[main].name)
        return factors(name, self.backend, values, self.weights, self.mask, reduction, self.outputs)

    @property
    def outputs(self) -> Any:
        """How many points make up a data point."""
        return self.backend.count(self.backend.squeeze_last(self.y_pred)) if self.joined else 1

    def weight(self, reduction: str) -> Any:
        """What the sum of the loss is to be divided by to be its mean: an int where nothing is left out or weighted."""
        row = self.inputs[self.program.record.main]
        depth = 1 if self.compared is not None else self.program.depth
        lengths = [length for length in self.backend.shape(row)[:-depth] if length is not None]
        known = len(lengths) == len(self.backend.shape(row)) - depth
        weighted = self.weights is not None and reduction == "mean_with_sample_weight"
        if known and self.mask is None and not weighted:
            found: Any = math.prod(lengths)
        else:
            values = row
            for _ in range(depth):
                values = self.backend.squeeze_last(self.backend.max(values))
            found = denominator(self.backend, values, self.weights, self.mask, reduction)
        return found / self.outputs if self.joined else found

    def reduced(self, reduction: str) -> Array:
        """The reduced loss in the caller's dtype."""
        with self.computing():
            return self._reduced(reduction)

    def _reduced(self, reduction: str) -> Array:
        if self.fused is not None:
            found = self.fused.reduced(reduction, gradient=False)
            return self.in_words().reduced(reduction) if found is None else self.answer(found[0], reduction)
        values = self.values()
        return self.answer(reduce(self.backend, values, self.factors(values, reduction), reduction), reduction)

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient, in the dtypes and shapes of the caller's predictions."""
        with self.computing():
            return self._value_and_gradient(reduction)

    def _value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        if self.fused is not None:
            found = self.fused.reduced(reduction, gradient=True)
            if found is None:
                return self.in_words().value_and_gradient(reduction)
            return self.answer(found[0], reduction), self._structured(found[1])
        values, slopes = self.values_and_slopes()
        factor = self.factors(values, reduction)
        value = reduce(self.backend, values, factor, reduction)
        return self.answer(value, reduction), self._gradients(factor, slopes)

    def pulled_back(self, upstream: Array) -> Array:
        """The gradient for one factor per unreduced value, in the dtype and shape of the caller's y_pred."""
        if self.joined:
            upstream = self.backend.expand_last(upstream) * self.backend.ones_like(self.weights)
        elif self.split:
            upstream = self.rows.gathered(self.backend, upstream)
        if self.live is not None:
            upstream = self.backend.where(self.live, upstream, self.backend.ones_like(upstream) * 0)
        factor = self.factors(upstream, "none")
        # What nothing weights stays as it came: one number for all may be stored only once.
        factor = upstream if isinstance(factor, float) else upstream * factor
        if self.fused is not None:
            found = self.fused.gradients(factor)
            return self.in_words().pulled_back(upstream) if found is None else self._structured(found)
        with self.computing():
            slopes = [self.program.slope(self.backend, place)(*self.arguments) for place in self.program.predictions]
            return self._gradients(self._poisoned(factor), slopes)

    def _gradients(self, factor: Array | float, slopes: Sequence[Array]) -> Any:
        """The gradients for these factors per data point, in the structure of the predictions."""
        each = factor if isinstance(factor, float) else self.backend.expand_last(factor)
        return self._structured([self.backend.beside(each, slope) * slope for slope in slopes])

    def _structured(self, gradients: Sequence[Array]) -> Any:
        """Gradients of the rows in the caller's shapes, and in the structure of the predictions."""
        places = self.program.predictions
        found = {place: self.gradient(x, place) for place, x in zip(places, gradients, strict=True)}
        if self.program.record.is_pair:
            return found[1]
        return parts.gathered(self.backend, self.program.record, self.packed, found)

    def computing(self) -> AbstractContextManager[Any]:
        """A block that computes in the dtype of the inputs."""
        return self.backend.computing(self.backend.dtype(self.y_pred))

    def in_words(self) -> Batch:
        """The same call without a kernel."""
        points = Points(self.inputs, self.weights, self.mask, self.split, self.live)
        if self.live is not None:
            points = _live.replaced(self.backend, self.program.record, self.program.switches, points)
        return replace(self, inputs=points.inputs, fused=None)

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return cast(self.backend, x, self.dtype)

    def answer(self, x: Array, reduction: str) -> Array:
        """A reduced loss, never in half precision, which holds too few digits for it; or the values as they lie."""
        if reduction != "none":
            return cast(self.backend, x, "float32" if self.dtype in HALF else self.dtype)
        if self.joined:
            return self.result(self.backend.squeeze_last(self.backend.sum(x)))
        return self.result(self.rows.scattered(self.backend, x, self.like) if self.split else x)

    def gradient(self, x: Array, place: int = 1) -> Array:
        """A gradient with respect to an input, in the shape and dtype of the caller's predictions."""
        for _ in range(self.split):
            x = self.backend.squeeze_last(x)
        if self.compared is not None:
            x = self.compared.pulled(x)
        x = self.rows.scattered(self.backend, x, self.like)
        return self.result(self.backend.squeeze_last(x) if self.places and self.places[place].expand else x)

    def _drop_masked(self, values: Array) -> Array:
        if self.live is None:
            return values
        return self.backend.where(self.live, values, self.backend.ones_like(values) * 0)

    def _poisoned(self, values: Array) -> Array:
        return values if self.poison is None else values * self.poison

    def _poisoned_rows(self, slopes: list[Array]) -> list[Array]:
        if self.poison is None:
            return slopes
        factor = self.backend.expand_last(self.poison)
        return [slope * self.backend.beside(factor, slope) for slope in slopes]


# A kernel for a batch, or None; given is what checks the values, for a kernel that has met one outside its set.
Offer = Callable[[Batch, Callable[[], None] | None], Fused | None]


def cast(backend: Backend, x: Array, dtype: str) -> Array:
    """The array in this dtype; itself if it has it."""
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)
