"""Lining the arguments of a call up: ranks, axis, and weights and mask with one entry per data point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _check, _check_values, backends
from ._record import Record
from .backends import Array, Backend
from .program import Program

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Rows:
    """Targets and predictions with the rows along the last axis, and how that differs from what the caller gave."""

    y_true: Array
    y_pred: Array
    axis: int
    expanded: int
    layout: _check_values.Layout


@dataclass(frozen=True)
class Points:
    """Rows with weights and mask per data point; ``split`` counts axes added because every element is a point."""

    y_true: Array
    y_pred: Array
    weights: Array | None
    mask: Array | None
    split: int


def rows(
    backend: Backend,
    program: Program,
    y_true: Array,
    y_pred: Array,
    *,
    axis: Any,
    batched: bool,
    strict: bool,
) -> Rows:
    """Brings both arrays to one rank and the rows to the last axis; ``strict`` also compares the lengths."""
    record = program.record
    ranks = {"y_true": len(backend.shape(y_true)), "y_pred": len(backend.shape(y_pred))}
    y_true, y_pred, expanded, agree = _rank(backend, program, y_true, y_pred, batched)
    shape, came = backend.shape(y_pred), backend.shape(y_true)
    if strict and not agree:
        integers = backend.dtype(y_true).startswith(("int", "uint", "bool"))
        raise _check.shapes_differ(record, came, shape, integers)
    if strict and 0 in shape:
        raise _check.empty(record.name, "y_pred", shape)
    axis = _axis(record.name, axis, len(shape))
    per_row = record.labels_are_integers and len(came) < len(shape)
    if axis != -1:
        y_pred = backend.moveaxis(y_pred, axis, -1)
        y_true = y_true if per_row else backend.moveaxis(y_true, axis, -1)
    if per_row:
        y_true = backend.expand_last(y_true)
    if strict:
        y_true = _same_rows(backend, record, y_true, y_pred, came)
    return Rows(y_true, y_pred, axis, expanded, _check_values.Layout(len(shape), axis, ranks))


def points(backend: Backend, program: Program, lined: Rows, sample_weight: Any, where: Any) -> Points:
    """Weights and mask in the shape of the data points, which are the elements if one of them has that shape."""
    y_true, y_pred = lined.y_true, lined.y_pred
    weights = _per_point(backend, program, "sample_weight", sample_weight, y_pred)
    mask = _per_point(backend, program, "where", where, y_pred)
    rank = len(backend.shape(y_pred))
    if all(x is None or len(backend.shape(x)) < rank for x in (weights, mask)):
        return Points(y_true, y_pred, weights, mask, 0)
    weights, mask = (None if x is None else _spread(backend, x, rank) for x in (weights, mask))
    return Points(backend.expand_last(y_true), backend.expand_last(y_pred), weights, mask, 1)


def _agree(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def _rank(
    backend: Backend, program: Program, y_true: Array, y_pred: Array, batched: bool
) -> tuple[Array, Array, int, bool]:
    """Brings both to the same rank where the intention is clear; the count is of axes added to y_pred."""
    true, pred = backend.shape(y_true), backend.shape(y_pred)
    if program.record.labels_are_integers:
        if not pred:
            raise _check.scalar(program.record.name)
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


def _same_rows(backend: Backend, record: Record, y_true: Array, y_pred: Array, came: Shape) -> Array:
    """The targets, once their rows are known to be those of the predictions, or will be compared at run time."""
    pred = backend.shape(y_pred)
    if record.labels_are_integers and not _agree(backend.shape(y_true), (*pred[:-1], 1)):
        raise _check.shapes_differ(record, came, pred, integers=True)
    message = _check.shapes_at_run_time(record.name)
    return backend.require_shape(y_true, y_pred, rows=record.labels_are_integers, message=message)


def _per_point(backend: Backend, program: Program, argument: str, value: Any, like: Array) -> Array | None:
    """Weights or mask in the shape of the data points, or of the elements where the loss allows that."""
    if value is None:
        return None
    name, full = program.record.name, backend.shape(like)
    each = full[:-1]
    array = backends.array(backend, name, argument, value, like)
    if argument == "where" and backend.dtype(array) != "bool":
        raise _check.mask_dtype(name, backend.dtype(array))
    shape = backend.shape(array)
    by_element = program.separable and len(full) > 0
    if by_element and _agree(shape, full) and not _agree(shape, (*each, 1)):
        return array
    if _agree(shape, (*each, 1)) and len(each) > 0:
        return backend.squeeze_last(array)
    if len(shape) <= len(each) and _agree(shape, each[: len(shape)]) and (shape or not each):
        return _spread(backend, array, len(each))
    raise _check.per_point_shape(name, argument, shape, each, full if by_element else None)


def _spread(backend: Backend, array: Array, rank: int) -> Array:
    """Gives an array of leading axes the remaining axes, of length one; arithmetic spreads it."""
    while len(backend.shape(array)) < rank:
        array = backend.expand_last(array)
    return array
