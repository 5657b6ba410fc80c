"""A user's own function of (y_true, y_pred) in the place of a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import texts
from .._marks import unconverted
from ..backends import FLOATS, HALF, NUMPY, Array, Backend, array, find, owner
from ..calls import faults
from ..calls.align import leading, leads
from ..calls.evaluate import check_values
from ..calls.live import live_points
from ..calls.reduce import check_points, denominator, factors, reduce
from ..calls.rows import Shape
from ..facts.arguments import target_and_prediction
from ..facts.domain import Real
from ..facts.layout import Layout
from ..facts.record import Record
from ..looks import modes
from .loss import Loss
from .total import Total


@unconverted
class FunctionLoss(Loss):
    """Any callable that takes ``(y_true, y_pred)`` and returns one value per data point, as a loss object.

    The callable sees the framework's own tensors and is differentiated by the framework.  With NumPy arrays, which
    carry no derivatives, it is traced like a formula, so there it must speak `lossary.words` or NumPy's functions of
    the same names.
    """

    function: Callable[[Any, Any], Any]

    def __init__(self, function: Callable[[Any, Any], Any], **settings: Any) -> None:
        vars(self).update(function=function, record=_record(function))
        super().__init__(**settings)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Array:
        y_true, y_pred, sample_weight, where = self.arranged(y_true, y_pred, sample_weight, where)
        if self.in_keras():
            return self.as_keras(y_true, y_pred, sample_weight, where)
        backend, y_true, y_pred = self._inputs(y_true, y_pred, sample_weight, where)
        return self._reduced(backend, y_true, y_pred, sample_weight, where)

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None
    ) -> tuple[Array, Array]:
        backend, true, pred = self._inputs(y_true, y_pred, sample_weight, where)
        if backend is NUMPY:
            return super().value_and_grad(y_true, y_pred, sample_weight, where)

        def reduced(prediction: Array) -> Array:
            return self._reduced(backend, true, prediction, sample_weight, where)

        if self.reduction != "none":
            return backend.value_and_grad(reduced, pred)
        # Data points do not see each other, so the gradient of the sum holds the slope of each value.
        _, slopes = backend.value_and_grad(lambda prediction: backend.total(reduced(prediction)), pred)
        return reduced(pred), slopes

    def total(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Total:
        values = self.replaced(reduction="none")(y_true, y_pred, sample_weight, where)
        backend, name, given = owner(values), self.record.name, owner(y_pred).shape(y_pred)
        points = backend.shape(values)
        if points == () != given:
            raise texts.no_total(name, given[:1])
        weights = leading(backend, name, "sample_weight", sample_weight, points, values)
        mask = leading(backend, name, "where", where, points, values)
        return Total(backend.total(values), denominator(backend, values, weights, mask, self.reduction))

    def __repr__(self) -> str:
        return f"FunctionLoss({self.record.name})"

    def get_config(self) -> dict[str, Any]:
        raise texts.no_config(self.record.name)

    def settings(self) -> dict[str, Any]:
        """Everything but the function, as keyword arguments of a new object."""
        return {"axis": self.axis, "reduction": self.reduction, "name": self.name, "check": self.check}

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.function, *self.settings().values())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "record": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__({**state, "record": _record(state["function"])})

    def _inputs(self, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> tuple[Backend, Array, Array]:
        name = self.record.name
        named = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "where": where}
        backend = find(name, named)
        owned = backend.owns(y_true), backend.owns(y_pred)
        y_pred = array(backend, name, "y_pred", y_pred, y_true if owned == (True, False) else None)
        converted = array(backend, name, "y_true", y_true, y_pred)
        if modes.mode_of(self.name, self.check) != "off" and backend.looks_swapped(converted, y_pred):
            raise texts.swapped(name)
        if not all(owned) and {backend.dtype(converted), backend.dtype(y_pred)} <= FLOATS:
            converted = backend.cast(converted, backend.dtype(y_pred))
        return backend, converted, y_pred

    def _reduced(self, backend: Backend, y_true: Array, y_pred: Array, sample_weight: Any, where: Any) -> Array:
        name = self.record.name
        y_true, y_pred = _same_rank(backend, y_true, y_pred)
        shape = backend.shape(y_pred)
        if shape[1:][-1:] == (0,):  # Rows without outputs.
            raise texts.empty(name, "y_pred", shape)
        check_points(name, backend, y_pred, self.reduction)
        live = live_points(
            backend,
            leading(backend, name, "sample_weight", sample_weight, shape, y_pred),
            leading(backend, name, "where", where, shape, y_pred),
        )
        if live is not None:
            y_true, y_pred = _filled(backend, live, y_true), _filled(backend, live, y_pred)
        values = self.function(y_true, y_pred)
        if isinstance(values, (int, float, np.number)) and not isinstance(values, bool):
            values = _constant(backend, float(values), y_pred)
        if not backend.owns(values):
            raise texts.not_an_array(name, values)
        points = backend.shape(values)
        alone = points == () and (sample_weight is not None or where is not None)
        if not alone and not _one_per_point(points, shape, plain=True):
            raise texts.callable_shape(name, points, shape[:1])
        return self._weighted(backend, y_true, y_pred, values, sample_weight, where)

    def as_keras(self, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Array:
        """The reduced loss by Keras's rules for functions: shown everything, masked and averaged as they return.

        What is returned may have any shape, if neither weights nor a mask are to be lined up with it.
        """
        backend = owner(y_pred)
        values, where = self.returned(self.function(y_true, y_pred), where)
        value = self._weighted(backend, y_true, y_pred, values, sample_weight, where)
        return value if where is None or self.reduction != "none" else self.marked(value, where)

    def _weighted(
        self, backend: Backend, y_true: Array, y_pred: Array, values: Array, sample_weight: Any, where: Any
    ) -> Array:
        name, dtype, points = self.record.name, backend.dtype(y_pred), backend.shape(values)
        for argument, given in (("sample_weight", sample_weight), ("where", where)):
            if given is not None and points == () != backend.shape(y_pred):
                raise texts.callable_total(name, argument, backend.shape(y_pred)[:1])
        computing = "float32" if backend.dtype(values) in HALF else backend.dtype(values)
        values = backend.cast(values, computing)
        weights = leading(backend, name, "sample_weight", sample_weight, points, y_pred)
        if weights is not None:
            weights = backend.cast(weights, computing)
        mode = self._mode()
        if mode in (None, "full", "async"):
            check_values(backend, self.record, {}, (y_true, y_pred), weights, wait=mode == "full")
        if mode == "async":
            values = self._poisoned(backend, values, y_true, y_pred, weights)
        mask = leading(backend, name, "where", where, points, y_pred)
        live = live_points(backend, weights, mask)
        if live is not None:
            values = backend.where(live, values, backend.ones_like(values) * 0)
        value = reduce(backend, values, factors(name, backend, values, weights, mask, self.reduction), self.reduction)
        kept = FLOATS if self.reduction == "none" else FLOATS - HALF
        return backend.cast(value, dtype) if dtype in kept else value

    def _poisoned(self, backend: Backend, values: Array, y_true: Array, y_pred: Array, weights: Array | None) -> Array:
        ranks = {"y_true": len(backend.shape(y_true)), "y_pred": len(backend.shape(y_pred))}
        layout, rank = Layout((-1,), (None,), max(ranks.values()), ranks), len(backend.shape(values))
        inputs = (y_true, y_pred)
        factor = faults.poison(backend, self.record, {}, inputs, weights, layout, rank=rank, given=inputs)
        return values if factor is None else values * backend.cast(factor, backend.dtype(values))


def _record(function: Callable[[Any, Any], Any]) -> Record:
    name = getattr(function, "__name__", type(function).__name__)
    return Record(
        name="custom_loss" if name == "<lambda>" else name,
        formula=function,
        slope=None,
        aliases=(),
        class_name="FunctionLoss",
        arguments=target_and_prediction(Real(), Real()),
        parameters=(),
        definition="",
        source="",
        cases=(),
        builtin=False,
    )


def _constant(backend: Backend, number: float, y_pred: Array) -> Array:
    """A number of Python's as an array, whose derivative is 0 at every prediction."""
    if backend.dtype(y_pred) not in FLOATS:
        y_pred = backend.cast(y_pred, backend.default_float())
    ones = backend.ones_like(y_pred)
    return backend.total(backend.where(backend.equal(ones, 0.0), y_pred, ones * 0)) + number


def _same_rank(backend: Backend, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """``(N,)`` against ``(N, 1)`` is meant element by element; left alone it would broadcast to ``(N, N)``."""
    true, pred = backend.shape(y_true), backend.shape(y_pred)
    if len(true) == 2 and len(pred) == 1 and true[1] == 1:
        return y_true, backend.expand_last(y_pred)
    if len(pred) == 2 and len(true) == 1 and pred[1] == 1:
        return backend.expand_last(y_true), y_pred
    return y_true, y_pred


def _one_per_point(points: Shape, shape: Shape, *, plain: bool) -> bool:
    if points == ():
        return plain or shape == ()
    return leads(points, shape) or (points[-1] == 1 and leads(points[:-1], shape))


def _filled(backend: Backend, mask: Array, x: Array) -> Array:
    """One half under the mask: it lies inside the domain of almost any formula."""
    if backend.dtype(x) not in FLOATS:
        return x
    row = mask
    for _ in range(len(backend.shape(mask)) - len(backend.shape(x))):
        row = backend.squeeze_last(row)
    return backend.where(row, x, backend.ones_like(x) * 0.5)
