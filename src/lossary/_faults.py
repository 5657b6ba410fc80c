"""``check="async"``: values outside their sets, found on the device and told to the host afterwards."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _check_values, backends
from ._check_values import Layout
from ._domain import Domain, Real
from ._record import Record
from .backends import FLOATS, Array, Backend
from .errors import DomainError, DomainWarning
from .program import enrolled


class Look(NamedTuple):
    """Values that were looked at on the device, and a mark at each that lies outside its set."""

    argument: str
    values: Array
    wrong: Array


class Site(NamedTuple):
    """What the host needs to put a fault into words: plain data, as compiled programs hold it beyond the call."""

    loss: str
    parameters: tuple[str, ...]
    scores: bool
    arguments: tuple[str, ...]
    rank: int
    axis: int
    ranks: tuple[int, int]

    def tell(self, shapes: Sequence[Any], positions: Any, values: Any) -> None:
        """Puts the first fault on record, if there is one.

        For each look, ``shapes`` holds the shape of its marks, ``positions`` the flat index of the first one, or -1,
        and ``values`` what was there.
        """
        classes = {a: int(shape[-1]) for a, shape in zip(self.arguments, shapes, strict=True) if a == "y_pred"}
        for argument, shape, position, value in zip(self.arguments, shapes, positions, values, strict=True):
            if position >= 0:
                full = tuple(map(int, shape))
                index = tuple(int(i) for i in np.unravel_index(int(position), full))
                _found(self._error(argument, index, full, float(value), classes.get("y_pred")))
                return

    def _error(
        self, argument: str, index: tuple[int, ...], shape: tuple[int, ...], value: float, classes: int | None
    ) -> DomainError:
        layout = Layout(self.rank, self.axis, dict(zip(("y_true", "y_pred"), self.ranks, strict=True)))
        if argument == "sample_weight":
            return _check_values.weight_value(self.loss, value, index, shape, layout)
        record = enrolled(self.loss)
        if argument == "y_true" and record is not None and record.labels_are_integers:
            return _check_values.label(self.loss, value, index, classes, layout)
        domain: Domain = Real()
        if record is not None:
            domain = record.target if argument == "y_true" else record.prediction_domain({"from_logits": self.scores})
        row = len(index) < self.rank
        return _check_values.outside(self.loss, self.parameters, argument, domain, index, value, row, layout)


_recording = threading.Lock()
_first: list[DomainError] = []


def _found(error: DomainError) -> None:
    with _recording:
        if not _first:
            _first.append(error)
    warnings.warn(str(error), DomainWarning, stacklevel=2)


def raise_faults() -> None:
    """Raises the first fault that ``check="async"`` has found since the last call; waits for work under way.

    Use it where waiting costs little, at the end of an epoch or of a test.  Without it, a fault is told by a
    `DomainWarning`: as soon as the program has run on JAX and TensorFlow, at a later call of a loss on PyTorch.
    TensorFlow's programs for XLA (``jit_compile=True``) tell nothing before this is called.

    Raises:
        DomainError: A value was outside its set; the text is that of the same call without a compiler.

    >>> import jax, jax.numpy as jnp, lossary
    >>> step = jax.jit(lossary.Poisson(check="async"))
    >>> print(step(jnp.array([1.0, -2.0]), jnp.array([1.0, 2.0])))
    nan
    >>> lossary.raise_faults()
    Traceback (most recent call last):
    lossary.errors.DomainError: poisson: y_true[1] is -2; accepted are numbers >= 0. Shift or recode the targets, or ...
    """
    backends.settle()
    with _recording:
        error = _first.pop() if _first else None
    if error is not None:
        raise error


def poison(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    y_true: Array,
    y_pred: Array,
    weights: Array | None,
    layout: Layout,
    *,
    rank: int,
    given: Array | None = None,
) -> Array | None:
    """Per data point 1, or NaN where a value lies outside its set, with the report under way; None to leave it out.

    Values at hand have been checked already.  ``rank`` is that of the data points; ``given`` are labels before those
    that are no whole numbers were replaced.
    """
    arrays = {"y_true": y_true, "y_pred": y_pred, "sample_weight": weights}
    unread = {name for name, x in arrays.items() if x is not None and backend.host(x, wait=False) is None}
    if not unread:
        return None
    if not backend.can_report:
        raise _check_values.cannot_report(record.name, backend.name)
    found = _looks(backend, record, record.prediction_domain(parameters), y_true, y_pred, weights, given)
    looks = [look for look in found if look.argument in unread]
    return _reported(backend, record, parameters, looks, y_pred, layout, rank) if looks else None


def _looks(
    backend: Backend,
    record: Record,
    prediction: Domain,
    y_true: Array,
    y_pred: Array,
    weights: Array | None,
    given: Array | None,
) -> Iterator[Look]:
    if record.labels_are_integers:
        yield Look("y_true", _exact(backend, given, y_true), _no_class(backend, y_true, y_pred))
    elif backend.dtype(y_true) in FLOATS:
        yield Look("y_true", y_true, ~record.target.contains(y_true))
        yield from _rows(backend, record.target, y_true)
    if backend.dtype(y_pred) in FLOATS:
        yield Look("y_pred", y_pred, ~prediction.contains(y_pred))
    if weights is not None:
        yield Look("sample_weight", weights, ~(backend.abs(weights) < float("inf")))


def _exact(backend: Backend, given: Array | None, labels: Array) -> Array:
    return given if given is not None and backend.dtype(given) in FLOATS else labels


def _no_class(backend: Backend, labels: Array, y_pred: Array) -> Array:
    length = backend.shape(y_pred)[-1]
    classes = backend.cast(backend.count(y_pred), backend.dtype(labels)) if length is None else length
    return (labels < 0) | (labels >= classes)


def _rows(backend: Backend, domain: Domain, x: Array) -> Iterator[Look]:
    if domain.tolerance is not None:
        totals = backend.squeeze_last(backend.sum(x))
        yield Look("y_true", totals, backend.abs(totals - 1.0) > domain.tolerance)


def _reported(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    looks: Sequence[Look],
    y_pred: Array,
    layout: Layout,
    rank: int,
) -> Array:
    """One factor per data point, and the report of the first fault."""
    wrong = _per_point(backend, looks[0].wrong, rank, y_pred)
    for look in looks[1:]:
        wrong = backend.logical_or(wrong, _per_point(backend, look.wrong, rank, y_pred))
    ones = backend.ones_like(backend.indicator(wrong, y_pred))
    site = Site(
        record.name,
        tuple(parameters),
        bool(parameters.get("from_logits")),
        tuple(look.argument for look in looks),
        layout.rank,
        layout.axis,
        (layout.ranks["y_true"], layout.ranks["y_pred"]),
    )
    return backend.report_later(backend.where(wrong, ones * float("nan"), ones), looks, site)


def _per_point(backend: Backend, wrong: Array, rank: int, like: Array) -> Array:
    """Whether anything is wrong about a data point; rows are the axes from ``rank`` on."""
    while len(backend.shape(wrong)) > rank:
        wrong = backend.squeeze_last(backend.max(backend.indicator(wrong, like))) > 0
    return wrong
