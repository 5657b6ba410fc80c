"""Which framework an array belongs to, found by its type and without importing any framework."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from .. import _check
from .base import FLOATS, HALF, Array, Backend, words
from .numpy import BACKEND as NUMPY

__all__ = [
    "FLOATS",
    "HALF",
    "NUMPY",
    "Array",
    "Backend",
    "array",
    "by_name",
    "find",
    "of",
    "owner",
    "plain",
    "settle",
    "words",
]

# Libraries besides NumPy: an array of one of them can only exist once the library has been imported.
FRAMEWORKS = ("torch", "jax", "tensorflow", "pytensor")
# NumPy's own type is known from the start: for it no framework's spelling need be imported.
_by_type: dict[type, Backend | None] = {np.ndarray: NUMPY}
_loaded: set[str] = set()
# What frameworks have beside arrays, by library and class, and the line that makes arrays of it.
_CONVERTED = {
    ("tensorflow", "RaggedTensor"): "{0} = {0}.to_tensor()  # and leave the padding out with where=",
    ("tensorflow", "SparseTensor"): "{0} = tf.sparse.to_dense({0})",
    ("tensorflow", "IndexedSlices"): "{0} = tf.convert_to_tensor({0})",
    ("jax", "BCOO"): "{0} = {0}.todense()",
    ("jax", "BCSR"): "{0} = {0}.todense()",
    ("torch", "Proxy"): "torch.export.export(model, (y_true, y_pred))  # traces losses too, torch.fx does not",
    ("keras", "KerasTensor"): "model.compile(loss=loss)  # or compute the loss in call() of a layer",
}


def by_name(name: str) -> Backend:
    """The backend of this name; imports its framework."""
    backend: Backend = NUMPY if name == "numpy" else importlib.import_module(f"{__name__}.{name}").BACKEND
    return backend


def _ready() -> bool:
    """Makes PyTorch's types known before the first look at them."""
    if "torch" in sys.modules and "torch" not in _loaded:
        _loaded.add("torch")
        torch = sys.modules["torch"]
        _by_type[torch.Tensor] = _by_type[torch.nn.Parameter] = by_name("torch")
    return True


# torch.compile runs a function with this mark as it is instead of tracing into it; an import cannot be traced.
_ready._dynamo_marked_constant = True  # type: ignore[attr-defined]


def of(value: Any) -> Backend | None:
    """The backend that owns a value, or None for lists, numbers and other things NumPy would convert."""
    kind = type(value)
    if kind not in _by_type:
        _by_type[kind] = _search(value)
    return _by_type[kind]


def _search(value: Any) -> Backend | None:
    home = type(value).__module__
    for name in sorted(FRAMEWORKS, key=lambda name: not home.startswith(name)):
        if name in sys.modules:
            backend = by_name(name)
            if backend.owns(value):
                return backend
    return NUMPY if NUMPY.owns(value) else None


def owner(value: Any) -> Backend:
    """The backend that computes with a value; NumPy's for what it would convert."""
    _ready()
    return of(value) or NUMPY


def plain(y_true: Any, y_pred: Any) -> Backend | None:
    """The backend of two arrays that it knows to be what they seem, or None."""
    backend = _by_type.get(type(y_pred))
    return backend if backend is not None and {type(y_true), type(y_pred)} <= backend.plain else None


def settle() -> None:
    """Waits for the reports of every framework in use."""
    for name in FRAMEWORKS:
        if f"{__name__}.{name}" in sys.modules:
            by_name(name).settle()


def find(loss: str, arguments: dict[str, Any]) -> Backend:
    """The one framework of all arguments; two different ones raise a `BackendError` that names both.

    Arrays of NumPy, like lists, join any framework; where there is no other, NumPy computes.
    """
    _ready()
    found: dict[str, Backend] = {}
    for name, value in arguments.items():
        backend = None if value is None else of(value)
        if backend is not None and backend is not NUMPY:
            found[name] = backend
    if not found:
        return NUMPY
    (first, backend), *others = found.items()
    for name, other in others:
        if other is not backend:
            raise _check.mixed_frameworks(loss, _met(first, backend), _met(name, other))
    return backend


def _met(argument: str, backend: Backend) -> _check.Met:
    return argument, backend.noun or f"an array of {backend.name}", backend.into_numpy


def array(backend: Backend, loss: str, argument: str, value: Any, like: Array | None = None) -> Array:
    """An argument as an array of the backend, beside ``like``; a `DTypeError` if it does not hold numbers."""
    owner = of(value)
    if owner is NUMPY and type(value) is not np.ndarray and isinstance(value, np.ma.MaskedArray):
        raise _check.masked_array(loss, argument)
    given = _listed(loss, argument, value) if owner is None else value
    try:
        array = backend.asarray(given, like)
    except (TypeError, ValueError):
        raise _check.unsupported(loss, argument, value, given.dtype.name) from None
    if (strange := backend.strange(array)) is not None:
        raise _check.strange_array(loss, argument, *strange)
    dtype = backend.dtype(array)
    if dtype not in FLOATS and not dtype.startswith(("int", "uint", "bool")):
        raise _check.unsupported(loss, argument, value, dtype)
    places = backend.place(array), None if like is None else backend.place(like)
    if None not in places and places[0] != places[1]:
        raise _check.devices_differ(loss, argument, *places)
    return array


def _listed(loss: str, argument: str, value: Any) -> Any:
    """What is no array of any framework, as NumPy converts it."""
    if value is None:
        raise _check.nothing(loss, argument)
    kind = type(value)
    if (remedy := _CONVERTED.get((kind.__module__.partition(".")[0], kind.__name__))) is not None:
        raise _check.strange_array(loss, argument, f"a {kind.__name__}", remedy)
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        raise _check.not_numbers(loss, argument, value) from None
