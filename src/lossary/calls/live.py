"""The data points that are looked at, and what stands in the place of all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..backends import FLOATS, Array, Backend
from ..facts.arguments import Role
from ..facts.axes import PAIR
from ..facts.record import Record
from .align import Points


def live_points(backend: Backend, weights: Array | None, mask: Array | None) -> Array | None:
    """The data points that are looked at: not masked, and with a weight other than 0; None where all are."""
    if weights is None:
        return mask
    host = backend.host(weights, wait=False)
    if host is not None and host.all():
        return mask
    weighted = backend.logical_not(backend.equal(weights, 0))
    return weighted if mask is None else backend.logical_and(mask, weighted)


def any_item(backend: Backend, items: Array, like: Array, depth: int) -> Array:
    """The data points, of so many axes, of which some element counts."""
    found = backend.indicator(items, backend.ones_like(like))
    for _ in range(depth):
        found = backend.squeeze_last(backend.max(found))
    return backend.logical_not(backend.equal(found, 0))


def without_ignored(backend: Backend, points: Points, ignored: int) -> Points:
    """Points whose mask leaves out the class to ignore."""
    labels = points.inputs[0]
    if not _holds(backend.dtype(labels), ignored):
        return points  # In the labels' dtype the number would be another one.
    mask = backend.logical_not(backend.equal(backend.squeeze_last(labels), ignored))
    return replace(points, mask=mask if points.mask is None else backend.logical_and(points.mask, mask))


def as_labels(backend: Backend, labels: Array) -> Array:
    """Labels in the dtype that they are taken with."""
    dtype = backend.dtype(labels)
    wanted = backend.label_dtype(dtype)
    if dtype not in FLOATS:
        return labels if dtype == wanted else backend.cast(labels, wanted)
    # A float that is no whole number names no class; -1 makes its value NaN instead of a neighbour's.
    found = backend.cast(labels, wanted)
    whole = backend.equal(backend.cast(found, dtype), labels)
    return backend.where(whole, found, backend.ones_like(found) * -1)


def _holds(dtype: str, number: int) -> bool:
    """Whether a number is one of a dtype."""
    if dtype in FLOATS:
        return True
    limits = np.iinfo("uint8" if dtype == "bool" else dtype)
    return limits.min <= number <= limits.max


def replaced(backend: Backend, record: Record, parameters: Mapping[str, Any], points: Points) -> Points:
    """Points with ordinary members of the domains where they are not live: nothing there reaches the mathematics."""
    inputs = points.inputs
    if points.items is not None:
        inputs = tuple(
            _fill(backend, points.items, x, _neutral(record, place, parameters, 0)) if each.has_outputs else x
            for place, (each, x) in enumerate(zip(record.inputs, inputs, strict=True))
        )
    if points.live is not None:
        row, outputs = backend.expand_last(points.live), backend.shape(inputs[record.main])[-1]
        rows = {PAIR: backend.expand_last(row)} if record.depth > 1 else {}
        inputs = tuple(
            _fill(backend, rows.get(each.axes, row), x, _neutral(record, place, parameters, outputs))
            for place, (each, x) in enumerate(zip(record.inputs, inputs, strict=True))
        )
    return replace(points, inputs=inputs)


def _neutral(record: Record, place: int, parameters: Mapping[str, Any], outputs: int | None) -> float:
    """What stands for a value; a row of ``outputs`` targets that is a distribution stays one."""
    domain = record.domain(place, parameters)
    if record.inputs[place].role is Role.TARGET and domain.coding == "one-hot" and outputs is not None:
        return 1.0 / outputs if outputs else 0.0
    return domain.neutral


def _fill(backend: Backend, live: Array, x: Array, neutral: float) -> Array:
    whole = backend.dtype(x) not in FLOATS
    if whole and (backend.dtype(x) == "bool" or neutral % 1):
        x, whole = backend.cast(x, backend.default_float()), False
    return backend.where(live, x, backend.ones_like(x) * (int(neutral) if whole else neutral))
