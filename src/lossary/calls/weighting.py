"""Weights that follow from the targets: one per class, or one for what is positive.

They multiply the loss of a data point as sample weights do; targets with several outputs, each of which is a class of
its own, have a weight per output, and the loss of the data point is the mean of the weighted ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import texts
from ..backends import FLOATS, Array, Backend
from ..facts.domain import Bits, Signs
from ..facts.record import Record
from .align import Points
from .live import as_labels
from .programs import Program


def weighted(
    backend: Backend, program: Program, parameters: Mapping[str, Any], points: Points, dtype: str
) -> tuple[Points, bool]:
    """The points with these weights too, and whether there is one per output of each point."""
    record, y_true = program.record, points.inputs[0]
    if isinstance(record.target, Bits | Signs):
        found, shares = _of_outputs(backend, record, parameters, y_true, dtype)
        points = replace(points, inputs=(shares, *points.inputs[1:]))
        if backend.shape(y_true)[-1] != 1:
            return _by_output(backend, program, points, found)
        return _times(backend, points, backend.squeeze_last(found), dtype), False
    return by_row(backend, record, parameters["class_weight"], points, dtype), False


def by_row(backend: Backend, record: Record, weights: tuple[float, ...], points: Points, dtype: str) -> Points:
    """The points with the weight of each row's class too."""
    found, shares = _of_rows(backend, record, weights, points, dtype)
    return _times(backend, replace(points, inputs=(shares, *points.inputs[1:])), found, dtype)


def _times(backend: Backend, points: Points, found: Array, dtype: str) -> Points:
    return replace(points, weights=found if points.weights is None else backend.cast(points.weights, dtype) * found)


def _of_rows(
    backend: Backend, record: Record, weights: tuple[float, ...], points: Points, dtype: str
) -> tuple[Array, Array]:
    """The weight of each row's class, of a row of probabilities the mean of theirs; and the targets as shares of it."""
    y_true, main = points.inputs[0], points.inputs[record.main]
    classes = backend.shape(main)[-1]
    if classes is not None and len(weights) != classes:
        raise texts.weights_count(record, "class_weight", len(weights), classes)
    table = _array(backend, weights, main, dtype)
    if record.labels_are_integers:
        return backend.look_up(table, backend.squeeze_last(as_labels(backend, y_true))), y_true
    given = backend.cast(y_true, dtype)
    weighted = given * table
    found = backend.sum(weighted)
    if backend.dtype(y_true) not in FLOATS:
        return backend.squeeze_last(found), y_true
    soft = backend.logical_and(backend.less_equal(backend.max(-given), 0.0), backend.less(backend.max(given), 1.0))
    return backend.squeeze_last(found), _shares(backend, soft, given, weighted * backend.sum(given), found)


def _shares(backend: Backend, soft: Array, given: Array, weighted: Array, found: Array) -> Array:
    """The targets, where they are soft as shares of the weight; those that are 0, 1 or no probability stay."""
    soft = backend.logical_and(soft, backend.less(0.0, found))
    return backend.where(soft, weighted / backend.where(soft, found, backend.ones_like(found)), given)


def _of_outputs(
    backend: Backend, record: Record, parameters: Mapping[str, Any], y_true: Array, dtype: str
) -> tuple[Array, Array]:
    """The weight of each output, and the targets, those that are probabilities as shares of it.

    A target between 0 and 1 stands for both classes, each with its share and its weight: together they weigh what the
    two do on average, and of that the second has another share than before.
    """
    positive = backend.cast(y_true, dtype)
    if isinstance(record.target, Signs):
        positive = backend.indicator(backend.less(0, y_true), positive)
    zero, one = _two(record, parameters["class_weight"])
    factor = parameters["pos_weight"]
    outputs = backend.shape(y_true)[-1]
    if isinstance(factor, tuple) and outputs is not None and len(factor) != outputs:
        raise texts.weights_count(record, "pos_weight", len(factor), outputs)
    scale = 1.0 if factor is None else _array(backend, factor, y_true, dtype) if isinstance(factor, tuple) else factor
    of_one = positive * (scale * one)
    found = of_one + (1.0 - positive) * zero
    if isinstance(record.target, Signs) or backend.dtype(y_true) not in FLOATS:
        return found, y_true
    return found, _shares(backend, backend.less(0.0, positive * (1.0 - positive)), positive, of_one, found)


def _two(record: Record, weights: tuple[float, ...] | None) -> tuple[float, float]:
    if weights is None:
        return 1.0, 1.0
    if len(weights) == 1:  # A mapping that names class 0 alone.
        return weights[0], 1.0
    if len(weights) != 2:
        raise texts.weights_count(record, "class_weight", len(weights), 2)
    return weights[0], weights[1]


def _by_output(backend: Backend, program: Program, points: Points, found: Array) -> tuple[Points, bool]:
    if not program.separable:
        raise texts.weights_of_rows(program.record)
    if points.split:
        weights = found if points.weights is None else points.weights * found
        return replace(points, weights=weights), False
    inputs = tuple(map(backend.expand_last, points.inputs))
    mask = None if points.mask is None else _over_outputs(backend, points.mask, found)
    weights = found if points.weights is None else backend.expand_last(points.weights) * found
    return Points(inputs, weights, mask, 1), True


def _over_outputs(backend: Backend, mask: Array, like: Array) -> Array:
    return backend.logical_and(backend.expand_last(mask), backend.equal(like, like))


def _array(backend: Backend, numbers: tuple[float, ...], like: Array, dtype: str) -> Array:
    known = np.asarray(numbers, dtype if dtype in ("float32", "float64") else "float32")
    return backend.cast(backend.asarray(known, like if backend.dtype(like) in FLOATS else None), dtype)
