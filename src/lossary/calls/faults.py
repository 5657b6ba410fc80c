"""``check="async"``: values outside their sets, found on the device and told to the host afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import backends, texts
from .._marks import unconverted
from ..backends import FLOATS, Array, Backend
from ..facts.arguments import Input
from ..facts.domain import Domain, Places, Transcript
from ..facts.layout import Layout
from ..facts.record import Record
from ..looks import faults
from ..looks.faults import Look, Site


@unconverted
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
    error = faults.first()
    if error is not None:
        raise error


def poison(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    inputs: Sequence[Array],
    weights: Array | None,
    layout: Layout,
    *,
    rank: int,
    given: Sequence[Array],
) -> Array | None:
    """Per data point 1, or NaN where a value lies outside its set, with the report under way; None to leave it out.

    Values at hand have been checked already.  ``rank`` is that of the data points; ``given`` are the inputs before
    labels that are no whole numbers were replaced.
    """
    arrays = {each.shown: x for each, x in zip(record.inputs, inputs, strict=True)} | {"sample_weight": weights}
    unread = {name for name, x in arrays.items() if x is not None and backend.host(x, wait=False) is None}
    if not unread:
        return None
    if not backend.can_report:
        raise texts.cannot_report(record.name, backend.name)
    found = _looked(backend, record, parameters, inputs, weights, given)
    looks = [look for look in found if look.argument in unread]
    main = inputs[record.main]
    return _reported(backend, record, parameters, looks, main, layout, rank) if looks else None


def _looked(
    backend: Backend,
    record: Record,
    parameters: Mapping[str, Any],
    inputs: Sequence[Array],
    weights: Array | None,
    given: Sequence[Array],
) -> Iterator[Look]:
    main = inputs[record.main]
    for place, (each, x) in enumerate(zip(record.inputs, inputs, strict=True)):
        domain = record.domain(place, parameters)
        if each.is_label:
            yield Look(each.shown, _exact(backend, given[place], x), _no_class(backend, x, main))
        elif isinstance(domain, Transcript):  # In which numbers below 0 are padding.
            yield Look(each.shown, _exact(backend, given[place], x), _beyond(backend, x, main))
        elif backend.dtype(x) in FLOATS:
            beyond = x > backend.count(main) if isinstance(domain, Places) else x != x
            yield Look(each.shown, x, ~domain.contains(x) | beyond)
            yield from _rows(backend, each, domain, x)
    if weights is not None:
        yield Look("sample_weight", weights, ~(backend.abs(weights) < float("inf")))


def _exact(backend: Backend, given: Array, labels: Array) -> Array:
    return given if backend.dtype(given) in FLOATS else labels


def _no_class(backend: Backend, labels: Array, y_pred: Array) -> Array:
    return (labels < 0) | _beyond(backend, labels, y_pred)


def _beyond(backend: Backend, labels: Array, y_pred: Array) -> Array:
    length = backend.shape(y_pred)[-1]
    classes = backend.cast(backend.count(y_pred), backend.dtype(labels)) if length is None else length
    found: Array = labels >= classes
    return found


def _rows(backend: Backend, each: Input, domain: Domain, x: Array) -> Iterator[Look]:
    if domain.tolerance is not None:
        totals = backend.squeeze_last(backend.sum(x))
        yield Look(each.shown, totals, backend.abs(totals - 1.0) > domain.tolerance)


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
        tuple(name for name, value in parameters.items() if value is True),
        tuple(look.argument for look in looks),
        (layout.axes, layout.lengths, layout.rank, tuple(layout.ranks.items())),
        faults.speech.torch,
    )
    return backend.report_later(backend.where(wrong, ones * float("nan"), ones), looks, site)


def _per_point(backend: Backend, wrong: Array, rank: int, like: Array) -> Array:
    """Whether anything is wrong about a data point; rows are the axes from ``rank`` on."""
    while len(backend.shape(wrong)) > rank:
        wrong = backend.squeeze_last(backend.max(backend.indicator(wrong, like))) > 0
    return wrong
