"""Lining the arguments of a call up: ranks, axis, and weights and mask with one entry per data point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _check, _check_values, backends
from ._record import Record
from .backends import Array, Backend
from .program import Program

Shape = tuple[int | None, ...]


class Lines(NamedTuple):
    """How arrays of two shapes are lined up: which get a last axis of length one, and which axis becomes the last.

    ``expanded`` counts the axes that y_pred gets; ``axis`` is -1 where the rows lie along the last axis already;
    ``unknown`` says that lengths remain to be compared at run time.
    """

    axis: int
    expanded: int
    expand_true: bool
    move_true: bool
    unknown: bool
    layout: _check_values.Layout

    def apply(self, backend: Backend, record: Record, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Both arrays with one rank and the rows along the last axis."""
        if self.expanded:
            y_pred = backend.expand_last(y_pred)
        if self.expand_true:
            y_true = backend.expand_last(y_true)
        if self.axis != -1:
            y_pred = backend.moveaxis(y_pred, self.axis, -1)
            if self.move_true:
                y_true = backend.moveaxis(y_true, self.axis, -1)
        if self.unknown:
            message = _check.shapes_at_run_time(record.name)
            y_true = backend.require_shape(y_true, y_pred, rows=record.labels_are_integers, message=message)
        return y_true, y_pred


@dataclass(slots=True)
class Points:
    """Rows with weights and mask per data point; ``split`` counts axes added because every element is a point.

    ``mask`` says which data points count, ``live`` which of them have a weight besides: only these are looked at.
    """

    y_true: Array
    y_pred: Array
    weights: Array | None
    mask: Array | None
    split: int
    live: Array | None = None


def lines(
    program: Program,
    true: Shape,
    pred: Shape,
    dtype: str,
    *,
    axis: Any,
    batched: bool,
    strict: bool,
    library: str = "numpy",
) -> Lines:
    """How targets and predictions of these shapes are lined up; ``strict`` also compares the lengths.

    ``dtype`` is that of the targets.
    """
    record = program.record
    if isinstance(axis, tuple | list):
        raise _check.axis_several(record.name, axis)
    ranks = {"y_true": len(true), "y_pred": len(pred)}
    expand_true, expanded = _expansion(program, true, pred, batched)
    true, pred = (*true, 1) if expand_true else true, (*pred, 1) if expanded else pred
    labels = record.labels_are_integers
    if type(axis) is not int:
        axis = _axis(record.name, axis, len(pred))
    if strict and not (len(true) in (len(pred) - 1, len(pred)) if labels else _agree(true, pred)):
        raise _check.shapes_differ(record, true, pred, dtype.startswith(("int", "uint", "bool")), library)
    axis = _axis(record.name, axis, len(pred))
    # No outputs have no mean; no data points have no values, and only their mean is undefined.
    if pred[axis] == 0:
        raise _check.empty(record.name, "y_pred", pred)
    per_row = labels and len(true) < len(pred)
    if strict and labels and not _agree((*true, 1) if per_row else _moved(true, axis), (*_moved(pred, axis)[:-1], 1)):
        raise _check.shapes_differ(record, true, _moved(pred, axis), integers=True)
    return Lines(
        axis=axis,
        expanded=int(expanded),
        expand_true=expand_true or per_row,
        move_true=not per_row,
        unknown=strict and None in (*true, *pred),
        layout=_check_values.Layout(len(pred), axis, ranks),
    )


def points(
    backend: Backend, program: Program, axis: int, y_true: Array, y_pred: Array, sample_weight: Any, where: Any
) -> Points:
    """Weights and mask in the shape of the data points, which are the elements if one of them has that shape.

    ``axis`` is where the caller's rows lie; entries per element lie there too.
    """
    if sample_weight is None and where is None:
        return Points(y_true, y_pred, None, None, 0)
    weights = _per_point(backend, program, axis, "sample_weight", sample_weight, y_pred)
    mask = _per_point(backend, program, axis, "where", where, y_pred)
    rank = len(backend.shape(y_pred))
    if all(x is None or len(backend.shape(x)) < rank for x in (weights, mask)):
        return Points(y_true, y_pred, weights, mask, 0)
    weights, mask = (None if x is None else _spread(backend, x, rank) for x in (weights, mask))
    return Points(backend.expand_last(y_true), backend.expand_last(y_pred), weights, mask, 1)


def _agree(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def _expansion(program: Program, true: Shape, pred: Shape, batched: bool) -> tuple[bool, bool]:
    """Which of both gets a last axis of length one, where the intention is clear."""
    if program.record.labels_are_integers:
        if not pred:
            raise _check.scalar(program.record.name)
        return False, False
    if len(true) == 2 and len(pred) == 1 and true[1] in (1, None):
        return False, True
    if len(pred) == 2 and len(true) == 1 and pred[1] in (1, None):
        return True, False
    both = true == pred and (len(pred) == 0 or (batched and len(pred) == 1 and program.separable))
    return both, both


def _axis(loss: str, axis: Any, rank: int) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or not -rank <= axis < rank:
        raise _check.axis_out_of_range(loss, axis, rank)
    return -1 if axis in (-1, rank - 1) else int(axis)


def _moved(shape: Shape, axis: int) -> Shape:
    """The shape once the axis is the last."""
    return shape if axis == -1 else (*shape[: axis % len(shape)], *shape[axis % len(shape) + 1 :], shape[axis])


def _unmoved(shape: Shape, axis: int) -> Shape:
    """The shape before the axis became the last."""
    return shape if axis == -1 else (*shape[: axis % len(shape)], shape[-1], *shape[axis % len(shape) : -1])


def _per_point(backend: Backend, program: Program, axis: int, argument: str, value: Any, like: Array) -> Array | None:
    """Weights or mask in the shape of the data points, or of the elements where the loss allows that."""
    if value is None:
        return None
    name, moved = program.record.name, backend.shape(like)
    each, full = moved[:-1], _unmoved(moved, axis)
    array = backends.array(backend, name, argument, value, like)
    if argument == "where" and backend.dtype(array) != "bool":
        raise _check.mask_dtype(name, backend.dtype(array))
    shape = backend.shape(array)
    by_element = program.separable and len(full) > 0
    if by_element and _agree(shape, full) and not _agree(shape, (*each, 1)):
        return array if axis == -1 else backend.moveaxis(array, axis, -1)
    if _agree(shape, (*each, 1)) and len(each) > 0:
        return backend.squeeze_last(array)
    one_for_all = shape == () and argument == "sample_weight"
    if one_for_all or (len(shape) <= len(each) and _agree(shape, each[: len(shape)]) and (shape or not each)):
        return _spread(backend, array, len(each))
    raise _check.per_point_shape(name, argument, shape, each, full if by_element else None)


def _spread(backend: Backend, array: Array, rank: int) -> Array:
    """Gives an array of leading axes the remaining axes, of length one; arithmetic spreads it."""
    while len(backend.shape(array)) < rank:
        array = backend.expand_last(array)
    return array
