"""A user's own function of (y_true, y_pred) in the place of a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _check
from ._domain import Real
from ._loss import Loss
from ._record import Record
from ._reduce import factors, reduce
from .adapters import keras_caller
from .backends import FLOATS, NUMPY, Array, Backend, find


class FunctionLoss(Loss):
    """Any callable that takes ``(y_true, y_pred)`` and returns one value per data point, as a loss object.

    The callable sees the framework's own tensors and is differentiated by the framework.  With NumPy arrays, which
    carry no derivatives, it is traced like a formula, so there it must speak `lossary.words` or NumPy's functions of
    the same names.
    """

    def __init__(self, function: Callable[[Any, Any], Any], **settings: Any) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.record = Record(
            name="custom_loss" if name == "<lambda>" else name,
            formula=lambda y_true, y_pred: function(y_true, y_pred),
            slope=None,
            aliases=(),
            class_name="FunctionLoss",
            target=Real(),
            prediction=Real(),
            parameters=(),
            definition="",
            source="",
            cases=(),
            builtin=False,
        )
        super().__init__(**settings)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Array:
        values = keras_caller.values_for_keras(self, y_true, y_pred)
        if values is not None:
            return values
        return self._reduced(self._backend(y_true, y_pred, sample_weight, where), y_true, y_pred, sample_weight, where)

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None
    ) -> tuple[Array, Array]:
        backend = self._backend(y_true, y_pred, sample_weight, where)
        if backend is NUMPY:
            return super().value_and_grad(y_true, y_pred, sample_weight, where)
        return backend.value_and_grad(
            lambda prediction: self._reduced(backend, y_true, prediction, sample_weight, where), y_pred
        )

    def get_config(self) -> dict[str, Any]:
        raise _check.no_config(self.record.name)

    def _key(self) -> tuple[Any, ...]:
        return (self.function, self.name, self.reduction)

    def _backend(self, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Backend:
        named = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "where": where}
        return find(self.record.name, named)

    def _reduced(self, backend: Backend, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Array:
        name = self.record.name
        y_pred = backend.asarray(y_pred)
        y_true = backend.asarray(y_true, y_pred)
        shape = backend.shape(y_pred)
        mask = _leading(backend, name, "where", where, shape)
        if mask is not None:
            y_true, y_pred = _filled(backend, mask, y_true), _filled(backend, mask, y_pred)
        values = self.function(y_true, y_pred)
        if not backend.owns(values):
            raise _check.not_an_array(name, values)
        points = backend.shape(values)
        plain = sample_weight is None and where is None
        if points[:1] != shape[:1] and not (plain and points == ()):
            raise _check.callable_shape(name, points, shape[:1])
        weights = _leading(backend, name, "sample_weight", sample_weight, points)
        if mask is not None:
            mask = _leading(backend, name, "where", where, points)
            values = backend.where(mask, values, backend.ones_like(values) * 0)
        factor = factors(backend, values, weights, mask, self.reduction)
        return reduce(backend, values, factor, self.reduction)


def _leading(
    backend: Backend, loss: str, argument: str, value: Any, shape: tuple[int | None, ...]
) -> Array | None:
    """Weights or mask over the leading axes, given the remaining axes with length one."""
    if value is None:
        return None
    array = backend.asarray(value)
    own = backend.shape(array)
    if len(own) > len(shape) and own[-1] == 1:
        array, own = backend.squeeze_last(array), own[:-1]
    if len(own) > len(shape) or any(a != b for a, b in zip(own, shape, strict=False) if None not in (a, b)):
        raise _check.per_point_shape(loss, argument, own, shape, None)
    for _ in range(len(shape) - len(own)):
        array = backend.expand_last(array)
    return array


def _filled(backend: Backend, mask: Array, x: Array) -> Array:
    """One half under the mask: it lies inside the domain of almost any formula."""
    if backend.dtype(x) not in FLOATS:
        return x
    row = mask
    for _ in range(len(backend.shape(mask)) - len(backend.shape(x))):
        row = backend.squeeze_last(row)
    return backend.where(row, x, backend.ones_like(x) * 0.5)
