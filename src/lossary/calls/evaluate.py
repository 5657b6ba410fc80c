"""From a call to a result: line the arrays up, check them, run the program, put the result into the caller's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .. import texts
from ..backends import Array, Backend
from ..facts.layout import Layout
from ..facts.record import Record
from ..looks import modes, values
from . import align, compared, faults, live, weighting
from .batch import Batch, Call, Offer, cast
from .plan import Plan, Setting, planned
from .programs import program_at

__all__ = ["LOOKING", "Batch", "Call", "Offer", "check_values", "check_weights", "prepare"]


def prepare(
    setting: Setting,
    arguments: Sequence[Any],
    sample_weight: Any = None,
    where: Any = None,
    *,
    axis: Any = -1,
    check: modes.Mode | None = None,
    batched: bool = False,
    kernel: Offer | None = None,
) -> Batch:
    """Lines up the arguments of a call and checks them.

    With ``batched`` the first axis is the data points: one-dimensional inputs are N points with one output each.
    Without, the last axis is the outputs, and one-dimensional inputs are one data point, as in Keras.
    A ``kernel`` that takes the call looks at the values while it computes.
    """
    plan, given = planned(setting, arguments, sample_weight, where, axis=axis, batched=batched, strict=check != "off")
    # Where results have the dtype that is computed in, the words need no block of their own.
    block = nullcontext() if plan.computing == plan.dtype else plan.backend.computing(plan.computing)
    with block:
        return _prepared(setting, plan, given, sample_weight, where, check=check, kernel=kernel)


def _prepared(
    setting: Setting,
    plan: Plan,
    given: Sequence[Array],
    sample_weight: Any,
    where: Any,
    *,
    check: modes.Mode | None,
    kernel: Offer | None,
) -> Batch:
    inputs = plan.lines.apply(plan.backend, plan.program, given)
    rows, main = plan.lines.rows, setting.record.main
    like = plan.backend.expand_last(given[main]) if plan.lines.places[main].expand else given[main]
    points = align.points(plan.backend, plan.program, rows, inputs, like, sample_weight, where)
    if points.items is not None:
        plan, points = _with_gaps(setting, plan, points)
    if setting.ignored is not None:
        points = live.without_ignored(plan.backend, points, setting.ignored)
    joined = False
    if setting.weighting:
        points, joined = weighting.weighted(plan.backend, plan.program, setting.parameters, points, plan.computing)
    # What points are compared with each other, those of weight 0 are too.
    counting = None if setting.record.compared else points.weights
    points.live = live.live_points(plan.backend, counting, points.mask)
    batch = _batch(setting, plan, points, like, joined=joined)
    looking, wait = check in LOOKING, check == "full"
    if looking and batch.weights is not None:
        check_weights(plan.backend, setting.record, batch.weights, plan.lines.layout, wait=wait)
    if looking and plan.is_whole:
        _check_whole(setting, plan, points, wait)
    if kernel and batch.items is None:
        batch.fused = kernel(batch, partial(_look, setting, plan, points, wait) if looking else None)
        if batch.fused is not None:
            return batch
    if points.live is not None or points.items is not None:
        points = live.replaced(plan.backend, setting.record, setting.parameters, points)
        batch = _batch(setting, plan, points, like, joined=joined)
    if looking:
        _check_points(setting, plan, points, wait)
    if check == "async":
        batch.poison = _poison(setting, plan, batch, points)
    return compared.compared(batch) if setting.record.compared else batch


# Modes in which values are looked at wherever that costs no wait.
LOOKING = frozenset({None, "full", "async"})


def _with_gaps(setting: Setting, plan: Plan, points: align.Points) -> tuple[Plan, align.Points]:
    """The plan for rows of which some elements are left out; a row of which all are is masked as a whole."""
    program = program_at(setting.record, setting.switches, plan.backend, gaps=True)
    main = points.inputs[setting.record.main]
    mask = live.any_item(plan.backend, points.items, main, setting.record.depth)
    return plan._replace(program=program), replace(points, mask=mask)


def _batch(setting: Setting, plan: Plan, points: align.Points, like: Array, *, joined: bool) -> Batch:
    """Points in the dtypes that are computed with."""
    backend, inputs, weights = plan.backend, points.inputs, points.weights
    if not plan.ready:
        inputs = tuple(
            live.as_labels(backend, x) if each.is_whole else cast(backend, x, plan.computing)
            for each, x in zip(setting.record.inputs, inputs, strict=True)
        )
    computing = backend.dtype(inputs[setting.record.main])
    if weights is not None:
        weights = _weights(backend, weights, points.mask, computing)
    return Batch(
        backend,
        plan.program,
        inputs,
        setting.numbers_in(backend, computing),
        weights,
        points.mask,
        plan.dtype,
        plan.lines.rows,
        plan.lines.places,
        like,
        plan.packed,
        points.split,
        points.live,
        points.items,
        joined=joined,
    )


def _look(setting: Setting, plan: Plan, points: align.Points, wait: bool) -> None:
    """Checks the values of the data points that are live."""
    if points.live is not None:
        points = live.replaced(plan.backend, setting.record, setting.parameters, points)
    _check_points(setting, plan, points, wait)


def _check_whole(setting: Setting, plan: Plan, points: align.Points, wait: bool) -> None:
    backend, record = plan.backend, setting.record
    if points.live is not None or points.items is not None:
        points = live.replaced(backend, record, setting.parameters, points)
    hosts = [backend.host(x, wait=wait) for x in points.inputs]
    values.whole(record, hosts, plan.lines.layout, backend.into_numpy)


def _check_points(setting: Setting, plan: Plan, points: align.Points, wait: bool) -> None:
    check_values(plan.backend, setting.record, setting.parameters, points.inputs, None, plan.lines.layout, wait=wait)


def _poison(setting: Setting, plan: Plan, batch: Batch, points: align.Points) -> Array | None:
    rank = len(plan.backend.shape(batch.y_pred)) - setting.record.depth
    return faults.poison(
        plan.backend,
        setting.record,
        setting.parameters,
        batch.inputs,
        batch.weights,
        plan.lines.layout,
        rank=rank,
        given=points.inputs,
    )


def _weights(backend: Backend, weights: Array, mask: Array | None, computing: str) -> Array:
    """The weights, 0 under the mask whatever stands there."""
    weights = cast(backend, weights, computing)
    return weights if mask is None else backend.where(mask, weights, backend.ones_like(weights) * 0)


# --- values ---------------------------------------------------------------------------------------------------------


def check_values(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    inputs: Sequence[Array],
    weights: Array | None,
    layout: Layout | None = None,
    *,
    wait: bool,
) -> None:
    """Raises a `DomainError` at the first value outside the declared sets, as far as values can be looked at."""
    classes = (backend.shape(inputs[record.main]) or (None,))[-1]
    hosts = [backend.host(x, wait=wait) for x in inputs]
    values.values(record, parameters, hosts, classes, layout)
    check_weights(backend, record, weights, layout, wait=wait)


def check_weights(
    backend: Backend, record: Record, weights: Array | None, layout: Layout | None, *, wait: bool
) -> None:
    """Raises a `DomainError` at the first weight that is no finite number, as far as they can be looked at."""
    if weights is not None:
        host = backend.host(weights, wait=wait)
        if host is not None and not np.isfinite(host).all():
            index = tuple(map(int, np.unravel_index(int(np.argmax(~np.isfinite(host))), host.shape)))
            raise texts.weight_value(record.name, host[index], index, host.shape, layout)
