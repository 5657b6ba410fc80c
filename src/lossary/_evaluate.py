"""From a call to a result: line the arrays up, check them, run the program, put the result into the caller's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _check, backends, kernels
from ._record import Record
from ._reduce import factors, reduce
from .backends import FLOATS, HALF, Array, Backend
from .program import Program, program_for

if TYPE_CHECKING:
    from .kernels.run import Fused

Shape = tuple[int | None, ...]


@dataclass
class Batch:
    """The arrays of one call, lined up: rows along the last axis, computing dtype, masked positions replaced."""

    backend: Backend
    program: Program
    y_true: Array
    y_pred: Array
    numbers: tuple[Any, ...]
    weights: Array | None
    mask: Array | None
    dtype: str
    original: Array
    axis: int
    expanded: int
    split: int
    fused: Fused | None = None

    def values(self) -> Array:
        """One value per data point, differentiable, in the computing dtype."""
        if self.fused is not None:
            found = self.backend.fused_values(
                self.fused, self.y_true, self.y_pred, lambda y: replace(self, y_pred=y, fused=None).values()
            )
            if found is not None:
                return found
        run = self.program.differentiable(self.backend)
        values = self.backend.squeeze_last(run(self.y_true, self.y_pred, *self.numbers))
        return self._drop_masked(values)

    def values_and_slopes(self) -> tuple[Array, Array]:
        """The values and their derivatives with respect to each row of y_pred."""
        run = self.program.value_and_slope(self.backend)
        with np.errstate(all="ignore"):
            values, slopes = run(self.y_true, self.y_pred, *self.numbers)
        return self._drop_masked(self.backend.squeeze_last(values)), slopes

    def factors(self, values: Array, reduction: str) -> Array:
        """The reducer's factors for these values."""
        return factors(self.backend, values, self.weights, self.mask, reduction)

    def reduced(self, reduction: str) -> Array:
        """The reduced loss in the caller's dtype."""
        if self.fused is not None:
            found = self.backend.fused_total(
                self.fused,
                reduction,
                self.y_true,
                self.y_pred,
                lambda y: replace(self, y_pred=y, fused=None)._total(reduction),
            )
            if found is not None:
                return self.result(found)
        return self.result(self._total(reduction))

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient, in the dtype and shape of the caller's y_pred."""
        found = None if self.fused is None else self.fused.reduced(reduction, gradient=True)
        if found is not None:
            value, gradient = map(self.backend.from_host, found)
            return self.result(value), self.gradient(gradient)
        values, slopes = self.values_and_slopes()
        factor = self.factors(values, reduction)
        value = values * factor
        if reduction != "none":
            value = self.backend.total(value)
        return self.result(value), self.gradient(self.backend.expand_last(factor) * slopes)

    def _total(self, reduction: str) -> Array:
        values = self.values()
        if self.weights is None and self.mask is None and reduction == "none":
            return values
        return reduce(self.backend, values, self.factors(values, reduction), reduction)

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return x if self.backend.dtype(x) == self.dtype else self.backend.cast(x, self.dtype)

    def gradient(self, x: Array) -> Array:
        """A gradient in the shape and dtype of the caller's y_pred."""
        for _ in range(self.split):
            x = self.backend.squeeze_last(x)
        if self.axis != -1:
            x = self.backend.moveaxis(x, -1, self.axis)
        for _ in range(self.expanded):
            x = self.backend.squeeze_last(x)
        return self.result(x)

    def _drop_masked(self, values: Array) -> Array:
        if self.mask is None:
            return values
        return self.backend.where(self.mask, values, self.backend.ones_like(values) * 0)


def prepare(
    record: Record,
    parameters: Mapping[str, Any],
    y_true: Any,
    y_pred: Any,
    *,
    axis: int = -1,
    check: _check.Mode | None = None,
    sample_weight: Any = None,
    where: Any = None,
    batched: bool = False,
    fusible: bool = False,
) -> Batch:
    """Lines up the arguments of a call and checks them.

    With ``batched`` the first axis is the data points: one-dimensional inputs are N points with one output each.
    Without, the last axis is the outputs, and one-dimensional inputs are one data point, as in Keras.
    With ``fusible`` a kernel may take the call; it looks at the values while it computes.
    """
    name = record.name
    named = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "where": where}
    backend = backends.find(name, named)
    y_pred = original = backends.array(backend, name, "y_pred", y_pred, None)
    y_true = backends.array(backend, name, "y_true", y_true, y_pred)
    program = program_for(record, parameters, backend)
    ranks = {"y_true": len(backend.shape(y_true)), "y_pred": len(backend.shape(y_pred))}
    dtype = _result_dtype(backend, y_true, y_pred)
    computing = "float32" if dtype in HALF else dtype

    y_true, y_pred, expanded, dims_agree = _rank(backend, record, program, y_true, y_pred, batched)
    shape = backend.shape(y_pred)
    if check != "off":
        integers = backend.dtype(y_true).startswith(("int", "uint", "bool"))
        if not dims_agree:
            raise _check.shapes_differ(record, backend.shape(y_true), shape, integers)
        _not_empty(name, shape)
    axis = _axis(name, axis, len(shape))
    came = backend.shape(y_true)
    if axis != -1:
        y_pred = backend.moveaxis(y_pred, axis, -1)
        if not record.labels_are_integers or len(backend.shape(y_true)) == len(shape):
            y_true = backend.moveaxis(y_true, axis, -1)
    if record.labels_are_integers and len(backend.shape(y_true)) < len(shape):
        y_true = backend.expand_last(y_true)
    if check != "off":
        _lined_up(record, backend, y_true, y_pred, came)
        y_true = backend.require_shape(
            y_true, y_pred, rows=record.labels_are_integers, message=_check.shapes_at_run_time(name)
        )

    points = backend.shape(y_pred)[:-1]
    weights = _per_point(backend, record, program, "sample_weight", sample_weight, points, y_pred)
    mask = _per_point(backend, record, program, "where", where, points, y_pred)
    split = int(any(_is_elementwise(backend, x, points) for x in (weights, mask)))
    if split:
        # One entry per element: every element is a data point of its own.
        y_true, y_pred = backend.expand_last(y_true), backend.expand_last(y_pred)
        weights, mask = (_spread_points(backend, x, backend.shape(y_pred)[:-1]) for x in (weights, mask))
    if weights is not None:
        weights = backend.cast(weights, computing)

    ignored = parameters.get("ignore_class")
    if ignored is not None:
        valid = backend.logical_not(backend.equal(backend.squeeze_last(y_true), ignored))
        mask = valid if mask is None else backend.logical_and(mask, valid)
    y_true, y_pred = _replace_masked(backend, record, mask, y_true, y_pred, parameters)
    if weights is not None and mask is not None:
        weights = backend.where(mask, weights, backend.ones_like(weights) * 0)
    look = None
    if check in (None, "full"):
        _check_weights(backend, record, weights, wait=check == "full")
        layout = _check.Layout(len(shape), axis, ranks)
        look = partial(check_values, backend, record, parameters, y_true, y_pred, None, layout, wait=check == "full")
    y_true = _target(backend, record, y_true, computing)
    y_pred = y_pred if backend.dtype(y_pred) == computing else backend.cast(y_pred, computing)
    numbers = tuple(parameters[number] for number in program.numbers)
    batch = Batch(backend, program, y_true, y_pred, numbers, weights, mask, dtype, original, axis, expanded, split)
    if fusible:
        batch.fused = kernels.offer(batch, look)
    if look is not None and batch.fused is None:
        look()
    return batch


# --- arrays and dtypes ------------------------------------------------------------------------------------------------


def _result_dtype(backend: Backend, y_true: Array, y_pred: Array) -> str:
    for array in (y_pred, y_true):
        dtype = backend.dtype(array)
        if dtype in FLOATS:
            return dtype
    return backend.default_float()


def _target(backend: Backend, record: Record, y_true: Array, computing: str) -> Array:
    dtype = backend.dtype(y_true)
    if not record.labels_are_integers:
        return y_true if dtype == computing else backend.cast(y_true, computing)
    wanted = backend.label_dtype(dtype)
    if dtype not in FLOATS:
        return y_true if dtype == wanted else backend.cast(y_true, wanted)
    # A float that is no whole number names no class; -1 makes its value NaN instead of a neighbour's.
    labels = backend.cast(y_true, wanted)
    whole = backend.equal(backend.cast(labels, dtype), y_true)
    return backend.where(whole, labels, backend.ones_like(labels) * -1)


# --- shapes ---------------------------------------------------------------------------------------------------------


def _agree(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def _rank(
    backend: Backend, record: Record, program: Program, y_true: Array, y_pred: Array, batched: bool
) -> tuple[Array, Array, int, bool]:
    """Brings both to the same rank where the intention is clear; the count is of axes added to y_pred."""
    true, pred = backend.shape(y_true), backend.shape(y_pred)
    if record.labels_are_integers:
        if not pred:
            raise _check.scalar(record.name)
        return y_true, y_pred, 0, len(true) in (len(pred) - 1, len(pred))
    if len(true) == 2 and len(pred) == 1 and true[1] in (1, None):
        y_pred, expanded = backend.expand_last(y_pred), 1
    elif len(pred) == 2 and len(true) == 1 and pred[1] in (1, None):
        y_true, expanded = backend.expand_last(y_true), 0
    elif true == pred and (not pred or (batched and len(pred) == 1 and program.separable)):
        y_true, y_pred, expanded = backend.expand_last(y_true), backend.expand_last(y_pred), 1
    else:
        expanded = 0
    return y_true, y_pred, expanded, _agree(backend.shape(y_true), backend.shape(y_pred))


def _axis(loss: str, axis: Any, rank: int) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or not -rank <= axis < rank:
        raise _check.axis_out_of_range(loss, axis, rank)
    return -1 if axis in (-1, rank - 1) else int(axis)


def _not_empty(loss: str, shape: Shape) -> None:
    if 0 in shape:
        raise _check.empty(loss, "y_pred", shape)


def _lined_up(record: Record, backend: Backend, y_true: Array, y_pred: Array, came: Shape) -> None:
    if not record.labels_are_integers:
        return
    true, pred = backend.shape(y_true), backend.shape(y_pred)
    if not _agree(true, (*pred[:-1], 1)):
        raise _check.shapes_differ(record, came, pred, integers=True)


def _per_point(
    backend: Backend, record: Record, program: Program, argument: str, value: Any, points: Shape, like: Array
) -> Array | None:
    """Weights or mask in the shape of the data points, or of the elements where the loss allows that."""
    if value is None:
        return None
    full = backend.shape(like)
    array = backends.array(backend, record.name, argument, value, like)
    if argument == "where" and backend.dtype(array) != "bool":
        raise _check.mask_dtype(record.name, backend.dtype(array))
    shape = backend.shape(array)
    by_element = program.separable and len(full) > 0
    if by_element and _agree(shape, full) and not _agree(shape, (*points, 1)):
        return array
    if _agree(shape, (*points, 1)) and len(points) > 0:
        return backend.squeeze_last(array)
    if len(shape) <= len(points) and _agree(shape, points[: len(shape)]) and (shape or not points):
        return _spread_points(backend, array, points)
    raise _check.per_point_shape(record.name, argument, shape, points, full if by_element else None)


def _is_elementwise(backend: Backend, array: Array | None, points: Shape) -> bool:
    return array is not None and len(backend.shape(array)) > len(points)


def _spread_points(backend: Backend, array: Array | None, points: Shape) -> Array | None:
    """Gives an array of leading axes the remaining axes, of length one; arithmetic spreads it."""
    if array is None:
        return None
    while len(backend.shape(array)) < len(points):
        array = backend.expand_last(array)
    return array


# --- values ---------------------------------------------------------------------------------------------------------


def _replace_masked(
    backend: Backend, record: Record, mask: Array | None, y_true: Array, y_pred: Array, parameters: Mapping[str, Any]
) -> tuple[Array, Array]:
    """Puts ordinary members of the domains under the mask, so that nothing there reaches the mathematics."""
    if mask is None:
        return y_true, y_pred
    row = backend.expand_last(mask)
    target, prediction = record.target.neutral, record.prediction_domain(parameters).neutral
    classes = backend.shape(y_pred)[-1]
    if record.target.coding == "one-hot" and classes:
        target = 1.0 / classes
    return _fill(backend, row, y_true, target), _fill(backend, row, y_pred, prediction)


def _fill(backend: Backend, row: Array, x: Array, neutral: float) -> Array:
    whole = backend.dtype(x) not in FLOATS
    if whole and (backend.dtype(x) == "bool" or neutral % 1):
        x, whole = backend.cast(x, backend.default_float()), False
    return backend.where(row, x, backend.ones_like(x) * (int(neutral) if whole else neutral))


def check_values(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    y_true: Array,
    y_pred: Array,
    weights: Array | None,
    layout: _check.Layout | None = None,
    *,
    wait: bool,
) -> None:
    """Raises a `DomainError` at the first value outside the declared sets, as far as values can be looked at."""
    classes = (backend.shape(y_pred) or (None,))[-1]
    _check.values(record, parameters, backend.host(y_true, wait=wait), backend.host(y_pred, wait=wait), classes, layout)
    _check_weights(backend, record, weights, wait=wait)


def _check_weights(backend: Backend, record: Record, weights: Array | None, *, wait: bool) -> None:
    if weights is not None:
        host = backend.host(weights, wait=wait)
        if host is not None and not np.min(host) >= 0:
            index = np.unravel_index(int(np.argmax(~(host >= 0))), host.shape)
            # Axes of length one were added to line the weights up.
            place = tuple(int(i) for i, length in zip(index, host.shape, strict=True) if length > 1)
            raise _check.weight_value(record.name, host[index], place)
