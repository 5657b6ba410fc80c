"""Which framework an array belongs to, found by its type and without importing any framework."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import threading
from typing import Any

import numpy as np

from .. import texts
from .._marks import untraced
from ..errors import BackendError
from ..looks import labels
from ..texts import remedies
from ._base import FLOATS, HALF, Array, Backend
from .numpy import BACKEND as NUMPY

__all__ = [
    "FLOATS",
    "HALF",
    "NUMPY",
    "Array",
    "Backend",
    "array",
    "bare",
    "by_name",
    "find",
    "imported",
    "mixed",
    "of",
    "owner",
    "plain",
    "ready",
    "settle",
]

# Libraries besides NumPy: an array of one of them can only exist once the library has been imported.
# Each has a module here that spells the words for it; modules with an underscore are what they share.
FRAMEWORKS = tuple(
    module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_" and module.name != "numpy"
)
# What Python and NumPy have is known from the start: no framework's spelling need be
# imported for it, and torch.compile cannot trace the search for one.
_by_type: dict[type, Backend | None] = {np.ndarray: NUMPY, **dict.fromkeys((list, tuple, int, float, bool, type(None)))}
_loaded: set[str] = set()


_importing = threading.RLock()
# A process that is forked meanwhile would wait for ever for the end of an import that nobody in it goes on with.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_importing.acquire, after_in_parent=_importing.release, after_in_child=_importing.release
    )


def imported(module: str) -> Any:
    """A module that a call may be the first to need; a fork in another thread waits until it is imported."""
    with _importing:
        return importlib.import_module(module)


def by_name(name: str) -> Backend:
    """The backend of this name; imports its framework."""
    backend: Backend = NUMPY if name == "numpy" else imported(f"{__name__}.{name}").BACKEND
    return backend


@untraced
def ready() -> bool:
    """Makes PyTorch's types known before the first look at them; torch.compile cannot trace an import."""
    if sys.modules.get("torch") and "torch" not in _loaded:
        _loaded.add("torch")
        torch = sys.modules["torch"]
        _by_type[torch.Tensor] = _by_type[torch.nn.Parameter] = by_name("torch")
    return True


def of(value: Any) -> Backend | None:
    """The backend that owns a value, or None for lists, numbers and other things NumPy would convert."""
    kind = type(value)
    if kind not in _by_type:
        _by_type[kind] = _search(value)
    return _by_type[kind]


def _search(value: Any) -> Backend | None:
    home = type(value).__module__
    for name in sorted(FRAMEWORKS, key=lambda name: not home.startswith(name)):
        if sys.modules.get(name):
            backend = by_name(name)
            if backend.owns(value):
                return backend
    return NUMPY if NUMPY.owns(value) else None


def owner(value: Any) -> Backend:
    """The backend that computes with a value; NumPy's for what it would convert."""
    ready()
    return of(value) or NUMPY


def plain(y_true: Any, y_pred: Any) -> Backend | None:
    """The backend of two arrays that it knows to be what they seem, or None."""
    backend = _by_type.get(type(y_pred))
    return backend if backend is not None and {type(y_true), type(y_pred)} <= backend.plain else None


def bare(value: Any) -> Any:
    """The array that a variable of Keras, or a parameter of flax, holds now; anything else as it is."""
    if type(value).__module__.startswith("keras."):  # Placeholders of Keras refuse to be arrays of JAX.
        return value.value if hasattr(value, "value") else value
    held = getattr(type(value), "__jax_array__", None)  # None in tracers of JAX.
    return value.__jax_array__() if callable(held) else value


def settle() -> None:
    """Waits for the reports of every framework in use."""
    for name in FRAMEWORKS:
        if f"{__name__}.{name}" in sys.modules:
            by_name(name).settle()


def find(loss: str, arguments: dict[str, Any]) -> Backend:
    """The one framework of all arguments; two different ones raise a `BackendError` that names both.

    Arrays of NumPy, like lists, join any framework; where there is no other, NumPy computes.
    """
    ready()
    found: dict[str, Backend] = {}
    others: dict[str, Any] = {}
    for name, value in arguments.items():
        backend = of(value) or of(bare(value))
        if backend is None:
            others[name] = value
        elif backend is not NUMPY:
            found[name] = backend
    if any(value is not None for value in others.values()):
        labels.agree(loss, arguments)
    if not found:
        return NUMPY
    (first, backend), *rest = found.items()
    for name, other in rest:
        if other is not backend:
            raise mixed(loss, first, backend, name, other)
    return backend


def mixed(loss: str, first: str, its: Backend, second: str, other: Backend) -> BackendError:
    """The error of a call with arrays of two libraries."""
    return texts.mixed_frameworks(loss, _met(first, its), _met(second, other))


def _met(argument: str, backend: Backend) -> texts.Met:
    return argument, backend.noun or f"an array of {backend.name}", backend.into_numpy


def array(backend: Backend, loss: str, argument: str, value: Any, like: Array | None = None) -> Array:
    """An argument as an array of the backend, beside ``like``; a `DTypeError` if it does not hold numbers."""
    owner = of(value)
    if owner is NUMPY and type(value) is not np.ndarray and isinstance(value, np.ma.MaskedArray):
        raise texts.masked_array(loss, argument)
    given = _converted(loss, argument, value) if owner is None else value
    try:
        array = backend.asarray(given, like)
    except (TypeError, ValueError):
        raise texts.unsupported(loss, argument, value, given.dtype.name) from None
    if (strange := backend.strange(array)) is not None:
        raise texts.strange_array(loss, argument, *strange)
    dtype = backend.dtype(array)
    if dtype not in FLOATS and not dtype.startswith(("int", "uint", "bool")):
        raise texts.unsupported(loss, argument, value, dtype)
    places = backend.place(array), None if like is None else backend.place(like)
    if None not in places and places[0] != places[1]:
        raise texts.devices_differ(loss, argument, *places)
    return array


def _converted(loss: str, argument: str, value: Any) -> Any:
    """What is no array of any library, as one of NumPy."""
    if value is None:
        raise texts.nothing(loss, argument)
    value = bare(value)
    if of(value) is not None:
        return value
    line = remedies.of_kind(argument, value)
    if line:
        raise texts.not_dense(loss, argument, value, line)
    inside = _held(value)
    if inside is not None:
        raise texts.several(loss, argument, value, inside)
    try:
        converted = np.asarray(labels.bare(value))
    except (TypeError, ValueError):
        raise texts.not_numbers(loss, argument, value) from None
    if converted.dtype.kind not in "biuf" and converted.dtype.name not in FLOATS:
        raise texts.unsupported(loss, argument, value, converted.dtype.name)
    return converted


def _held(value: Any) -> str | None:
    """The library of the arrays in a list or tuple of them: of NumPy's in a tuple alone, as rows make up a list."""
    first = value[0] if isinstance(value, list | tuple) and value else None
    owner = None if first is None else of(first)
    if owner is None or (owner is NUMPY and (isinstance(value, list) or not getattr(first, "ndim", 0))):
        return None
    return owner.name
