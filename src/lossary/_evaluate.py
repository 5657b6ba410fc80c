"""From a call to a result: line the arrays up, check them, run the program, put the result into the caller's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from . import _align, _check, _check_values, _faults, kernels
from ._plan import Plan, Setting, planned
from ._record import Record
from ._reduce import check_points, factors, reduce
from .backends import FLOATS, HALF, NUMPY, Array, Backend, owner
from .program import Program

if TYPE_CHECKING:
    from .kernels.run import Fused


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
        """The reduced loss and its gradient, in the dtype and shape of the caller's y_pred."""

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""


@dataclass(slots=True)
class Batch:
    """The arrays of one call, lined up: rows along the last axis, computing dtype.

    ``mask`` are the data points that a mean counts, ``live`` those of them whose weight is not 0.  All others have been
    replaced, unless there is a kernel, which leaves them out by itself.
    """

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
    live: Array | None = None
    fused: Fused | None = None
    poison: Array | None = None

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
        values = self.backend.squeeze_last(run(self.y_true, self.y_pred, *self.numbers))
        return self._poisoned(self._drop_masked(values))

    def values_and_slopes(self) -> tuple[Array, Array]:
        """The values and their derivatives with respect to each row of y_pred."""
        run = self.program.value_and_slope(self.backend)
        with self.backend.quiet():
            values, slopes = run(self.y_true, self.y_pred, *self.numbers)
        values = self._drop_masked(self.backend.squeeze_last(values))
        if self.poison is not None:
            slopes = slopes * self.backend.expand_last(self.poison)
        return self._poisoned(values), slopes

    def factors(self, values: Array, reduction: str) -> Array | float:
        """The reducer's factors for these values."""
        name = self.program.record.name
        check_points(name, self.backend, self.y_pred, reduction)
        return factors(name, self.backend, values, self.weights, self.mask, reduction)

    def reduced(self, reduction: str) -> Array:
        """The reduced loss in the caller's dtype."""
        with self.backend.quiet():
            return self._reduced(reduction)

    def _reduced(self, reduction: str) -> Array:
        if self.fused is not None:
            found = self.fused.reduced(reduction, gradient=False)
            return self.in_words().reduced(reduction) if found is None else self.answer(found[0], reduction)
        values = self.values()
        return self.answer(reduce(self.backend, values, self.factors(values, reduction), reduction), reduction)

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient, in the dtype and shape of the caller's y_pred."""
        with self.backend.quiet():
            return self._value_and_gradient(reduction)

    def _value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        if self.fused is not None:
            found = self.fused.reduced(reduction, gradient=True)
            if found is None or found[1] is None:
                return self.in_words().value_and_gradient(reduction)
            return self.answer(found[0], reduction), self.gradient(found[1])
        values, slopes = self.values_and_slopes()
        factor = self.factors(values, reduction)
        value = reduce(self.backend, values, factor, reduction)
        return self.answer(value, reduction), self.gradient(_per_row(self.backend, factor) * slopes)

    def pulled_back(self, upstream: Array) -> Array:
        """The gradient for one factor per unreduced value, in the dtype and shape of the caller's y_pred."""
        if self.split and self.axis != -1:
            upstream = self.backend.moveaxis(upstream, self.axis, -1)
        if self.live is not None:
            upstream = self.backend.where(self.live, upstream, self.backend.ones_like(upstream) * 0)
        factor = self.factors(upstream, "none")
        # What nothing weights stays as it came: one number for all may be stored only once.
        factor = upstream if isinstance(factor, float) else upstream * factor
        if self.fused is not None:
            found = self.fused.gradient(factor)
            return self.in_words().pulled_back(upstream) if found is None else self.gradient(found)
        _, slopes = self.values_and_slopes()
        return self.gradient(_per_row(self.backend, factor) * slopes)

    def in_words(self) -> Batch:
        """The same call without a kernel."""
        points = _align.Points(self.y_true, self.y_pred, self.weights, self.mask, self.split, self.live)
        if self.live is not None:
            points = _replaced(self.backend, self.program.record, self.program.switches, points)
        return replace(self, y_true=points.y_true, y_pred=points.y_pred, fused=None)

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return _cast(self.backend, x, self.dtype)

    def answer(self, x: Array, reduction: str) -> Array:
        """A reduced loss, never in half precision, which holds too few digits for it; or the values as they lie."""
        if reduction != "none":
            return _cast(self.backend, x, "float32" if self.dtype in HALF else self.dtype)
        moved = self.split and self.axis != -1
        return self.result(self.backend.moveaxis(x, -1, self.axis) if moved else x)

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
        if self.live is None:
            return values
        return self.backend.where(self.live, values, self.backend.ones_like(values) * 0)

    def _poisoned(self, values: Array) -> Array:
        return values if self.poison is None else values * self.poison


def prepare(
    setting: Setting,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    where: Any = None,
    *,
    axis: int = -1,
    check: _check_values.Mode | None = None,
    batched: bool = False,
    fusible: bool = False,
) -> Batch:
    """Lines up the arguments of a call and checks them.

    With ``batched`` the first axis is the data points: one-dimensional inputs are N points with one output each.
    Without, the last axis is the outputs, and one-dimensional inputs are one data point, as in Keras.
    With ``fusible`` a kernel may take the call; it looks at the values while it computes.
    """
    plan, y_true, y_pred = planned(
        setting, y_true, y_pred, sample_weight, where, axis=axis, batched=batched, strict=check != "off"
    )
    y_true, y_pred = plan.lines.apply(plan.backend, setting.record, y_true, y_pred)
    if not plan.ready:
        _check_digits(setting.record, plan, {"y_true": y_true, "y_pred": y_pred})
    points = _align.points(plan.backend, plan.program, plan.lines.axis, y_true, y_pred, sample_weight, where)
    if setting.ignored is not None:
        points = _without_ignored(plan.backend, points, setting.ignored)
    points.live = live_points(plan.backend, points.weights, points.mask)
    batch = _batch(setting, plan, points)
    looking, wait = check in LOOKING, check == "full"
    if looking and batch.weights is not None:
        _check_weights(plan.backend, setting.record, batch.weights, plan.lines.layout, wait=wait)
    if fusible and (offered := kernels.offer(batch, partial(_look, setting, plan, points, wait) if looking else None)):
        batch.fused = offered
        return batch
    if points.live is not None:
        points = _replaced(plan.backend, setting.record, setting.parameters, points)
        batch = _batch(setting, plan, points)
    if looking:
        _look(setting, plan, points, wait)
    if check == "async":
        batch.poison = _poison(setting, plan, batch, points)
    return batch


# Modes in which values are looked at wherever that costs no wait.
LOOKING = frozenset({None, "full", "async"})


def _batch(setting: Setting, plan: Plan, points: _align.Points) -> Batch:
    """Points in the dtypes that are computed with."""
    y_true, y_pred, weights = points.y_true, points.y_pred, points.weights
    if not plan.ready:
        y_true = _target(plan.backend, setting.record, y_true, plan.computing)
        y_pred = _cast(plan.backend, y_pred, plan.computing)
    if weights is not None:
        weights = _weights(plan.backend, weights, points.mask, plan.backend.dtype(y_pred))
    return Batch(
        plan.backend,
        plan.program,
        y_true,
        y_pred,
        setting.numbers_in(plan.backend, plan.backend.dtype(y_pred)),
        weights,
        points.mask,
        plan.dtype,
        plan.lines.axis,
        plan.lines.expanded,
        points.split,
        points.live,
    )


def _look(setting: Setting, plan: Plan, points: _align.Points, wait: bool) -> None:
    """Checks the values of the data points that are live."""
    if points.live is not None:
        points = _replaced(plan.backend, setting.record, setting.parameters, points)
    check_values(
        plan.backend,
        setting.record,
        setting.parameters,
        points.y_true,
        points.y_pred,
        None,
        plan.lines.layout,
        wait=wait,
    )


def _poison(setting: Setting, plan: Plan, batch: Batch, points: _align.Points) -> Array | None:
    rank = len(plan.backend.shape(batch.y_pred)) - 1
    arrays = batch.y_true, batch.y_pred, batch.weights
    return _faults.poison(
        plan.backend, setting.record, setting.parameters, *arrays, plan.lines.layout, rank=rank, given=points.y_true
    )


def call(
    setting: Setting,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    where: Any = None,
    *,
    axis: int,
    check: _check_values.Mode | None,
    batched: bool = False,
) -> Call:
    """As `prepare`, by whatever computes this call fastest: a kernel, NumPy on a tensor's memory, or words."""
    backend = owner(y_pred)
    # What cannot be read now reports later, from the words.
    reporting = check == "async" and backend.host(y_pred, wait=False) is None
    if backend is not NUMPY and setting.is_constant and not reporting:
        prepared = partial(prepare, setting, axis=axis, check=check, batched=batched)
        lent = backend.lend(prepared, y_true, y_pred, sample_weight, where)
        if lent is not None:
            return lent
    return prepare(setting, y_true, y_pred, sample_weight, where, axis=axis, check=check, batched=batched, fusible=True)


# Whole numbers up to here are float32 numbers.
_EXACT = 2**24


def _check_digits(record: Record, plan: Plan, arrays: Mapping[str, Array]) -> None:
    """Whole numbers on both sides are subtracted exactly, or not at all."""
    dtypes = [plan.backend.dtype(x) for x in arrays.values()]
    if plan.computing != "float32" or record.labels_are_integers or not FLOATS.isdisjoint(dtypes):
        return
    for argument, x in arrays.items():
        host = plan.backend.host(x, wait=False)
        if host is not None and host.size and host.dtype != bool and not -_EXACT <= host.min() <= host.max() <= _EXACT:
            raise _check.whole_numbers(record.name, argument, plan.backend.name)


def _without_ignored(backend: Backend, points: _align.Points, ignored: int) -> _align.Points:
    """Points whose mask leaves out the class to ignore."""
    if not _holds(backend.dtype(points.y_true), ignored):
        return points  # In the labels' dtype the number would be another one.
    mask = backend.logical_not(backend.equal(backend.squeeze_last(points.y_true), ignored))
    return replace(points, mask=mask if points.mask is None else backend.logical_and(points.mask, mask))


def _holds(dtype: str, number: int) -> bool:
    """Whether a number is one of a dtype."""
    if dtype in FLOATS:
        return True
    limits = np.iinfo("uint8" if dtype == "bool" else dtype)
    return limits.min <= number <= limits.max


def live_points(backend: Backend, weights: Array | None, mask: Array | None) -> Array | None:
    """The data points that are looked at: not masked, and with a weight other than 0; None where all are."""
    if weights is None:
        return mask
    host = backend.host(weights, wait=False)
    if host is not None and host.all():
        return mask
    weighted = backend.logical_not(backend.equal(weights, 0))
    return weighted if mask is None else backend.logical_and(mask, weighted)


def _weights(backend: Backend, weights: Array, mask: Array | None, computing: str) -> Array:
    """The weights, 0 under the mask whatever stands there."""
    weights = _cast(backend, weights, computing)
    return weights if mask is None else backend.where(mask, weights, backend.ones_like(weights) * 0)


def _per_row(backend: Backend, factor: Array | float) -> Array | float:
    """A factor per data point, to multiply the elements of its row."""
    return factor if isinstance(factor, float) else backend.expand_last(factor)


def _cast(backend: Backend, x: Array, dtype: str) -> Array:
    return x if backend.dtype(x) == dtype else backend.cast(x, dtype)


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


def _replaced(backend: Backend, record: Record, parameters: Mapping[str, Any], points: _align.Points) -> _align.Points:
    """Points with ordinary members of the domains where they are not live: nothing there reaches the mathematics."""
    row = backend.expand_last(points.live)
    target, prediction = record.target.neutral, record.prediction_domain(parameters).neutral
    classes = backend.shape(points.y_pred)[-1]
    if record.target.coding == "one-hot" and classes:
        target = 1.0 / classes
    y_true, y_pred = _fill(backend, row, points.y_true, target), _fill(backend, row, points.y_pred, prediction)
    return replace(points, y_true=y_true, y_pred=y_pred)


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
    _check_weights(backend, record, weights, layout, wait=wait)


def _check_weights(
    backend: Backend, record: Record, weights: Array | None, layout: _check_values.Layout | None, *, wait: bool
) -> None:
    if weights is not None:
        host = backend.host(weights, wait=wait)
        if host is not None and not np.isfinite(host).all():
            index = tuple(map(int, np.unravel_index(int(np.argmax(~np.isfinite(host))), host.shape)))
            raise _check_values.weight_value(record.name, host[index], index, host.shape, layout)
