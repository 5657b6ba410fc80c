"""From a call to a result: line the arrays up, check them, run the program, put the result into the caller's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _align, _check_values, backends, kernels
from ._record import Record
from ._reduce import factors, reduce
from .backends import FLOATS, HALF, Array, Backend
from .program import Program, program_for

if TYPE_CHECKING:
    from .kernels.run import Fused


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
        if found is not None and found[1] is not None:
            value, gradient = map(self.backend.from_host, (found[0], found[1]))
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
        return _cast(self.backend, x, self.dtype)

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
    check: _check_values.Mode | None = None,
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
    named = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "where": where}
    backend = backends.find(record.name, named)
    y_pred = backends.array(backend, record.name, "y_pred", y_pred)
    y_true = backends.array(backend, record.name, "y_true", y_true, y_pred)
    dtype = _result_dtype(backend, y_true, y_pred)
    computing = "float32" if dtype in HALF else dtype
    program = program_for(record, parameters, backend)

    rows = _align.rows(backend, program, y_true, y_pred, axis=axis, batched=batched, strict=check != "off")
    points = _align.points(backend, program, rows, sample_weight, where)
    mask = _without_ignored(backend, points, parameters.get("ignore_class"))
    weights = _weights(backend, points.weights, mask, computing)
    y_true, y_pred = _replace_masked(backend, record, mask, points.y_true, points.y_pred, parameters)
    look = None
    if check in (None, "full"):
        wait = check == "full"
        _check_weights(backend, record, weights, wait=wait)
        look = partial(check_values, backend, record, parameters, y_true, y_pred, None, rows.layout, wait=wait)

    batch = Batch(
        backend=backend,
        program=program,
        y_true=_target(backend, record, y_true, computing),
        y_pred=_cast(backend, y_pred, computing),
        numbers=tuple(parameters[number] for number in program.numbers),
        weights=weights,
        mask=mask,
        dtype=dtype,
        axis=rows.axis,
        expanded=rows.expanded,
        split=points.split,
    )
    if fusible:
        batch.fused = kernels.offer(batch, look)
    if look is not None and batch.fused is None:
        look()
    return batch


def _without_ignored(backend: Backend, points: _align.Points, ignored: int | None) -> Array | None:
    """The mask, less the positions whose label is the class to ignore."""
    if ignored is None:
        return points.mask
    valid = backend.logical_not(backend.equal(backend.squeeze_last(points.y_true), ignored))
    return valid if points.mask is None else backend.logical_and(points.mask, valid)


def _weights(backend: Backend, weights: Array | None, mask: Array | None, computing: str) -> Array | None:
    """The weights, 0 under the mask whatever stands there."""
    if weights is None:
        return None
    weights = backend.cast(weights, computing)
    return weights if mask is None else backend.where(mask, weights, backend.ones_like(weights) * 0)


def _cast(backend: Backend, x: Array, dtype: str) -> Array:
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)


def _result_dtype(backend: Backend, y_true: Array, y_pred: Array) -> str:
    for array in (y_pred, y_true):
        dtype = backend.dtype(array)
        if dtype in FLOATS:
            return dtype
    return backend.default_float()


def _target(backend: Backend, record: Record, y_true: Array, computing: str) -> Array:
    dtype = backend.dtype(y_true)
    if not record.labels_are_integers:
        return _cast(backend, y_true, computing)
    wanted = backend.label_dtype(dtype)
    if dtype not in FLOATS:
        return _cast(backend, y_true, wanted)
    # A float that is no whole number names no class; -1 makes its value NaN instead of a neighbour's.
    labels = backend.cast(y_true, wanted)
    whole = backend.equal(backend.cast(labels, dtype), y_true)
    return backend.where(whole, labels, backend.ones_like(labels) * -1)


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
    layout: _check_values.Layout | None = None,
    *,
    wait: bool,
) -> None:
    """Raises a `DomainError` at the first value outside the declared sets, as far as values can be looked at."""
    classes = (backend.shape(y_pred) or (None,))[-1]
    _check_values.values(
        record, parameters, backend.host(y_true, wait=wait), backend.host(y_pred, wait=wait), classes, layout
    )
    _check_weights(backend, record, weights, wait=wait)


def _check_weights(backend: Backend, record: Record, weights: Array | None, *, wait: bool) -> None:
    if weights is not None:
        host = backend.host(weights, wait=wait)
        if host is not None and not np.min(host) >= 0:
            index = np.unravel_index(int(np.argmax(~(host >= 0))), host.shape)
            # Axes of length one were added to line the weights up.
            place = tuple(int(i) for i, length in zip(index, host.shape, strict=True) if length > 1)
            raise _check_values.weight_value(record.name, host[index], place)
