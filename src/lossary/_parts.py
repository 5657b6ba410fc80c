"""Arguments that hold several numbers per output: taken apart for the formula, put together for the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _check, backends
from ._record import Argument, Record, Role
from .backends import Array, Backend


def named(record: Record, arguments: Sequence[Any]) -> Mapping[str, Any]:
    """The arrays of a call by the names that messages call them."""
    found: dict[str, Any] = {}
    for argument, value in zip(record.arguments, arguments, strict=True):
        if argument.parts and _are_apart(value):
            if len(value) != len(argument.parts):
                raise _check.tuple_length(record, argument, len(value))
            found |= {each.shown: x for each, x in zip(argument.inputs, value, strict=True)}
        else:
            found[argument.name] = value
    return found


def split(backend: Backend, record: Record, arguments: Sequence[Any]) -> tuple[tuple[Array, ...], tuple[bool, ...]]:
    """The arrays that the formula sees, and of each argument whether it held them in one array."""
    given = dict(named(record, arguments))
    like = next((value for value in given.values() if backend.owns(value)), None)
    arrays = {name: backends.array(backend, record.name, name, value, like) for name, value in given.items()}
    packed = tuple(bool(argument.parts) and argument.name in arrays for argument in record.arguments)
    inputs: list[Array] = []
    for argument, together in zip(record.arguments, packed, strict=True):
        if together:
            inputs += _apart(backend, record, argument, arrays[argument.name])
        else:
            inputs += [arrays[each.shown] for each in argument.inputs]
    return tuple(inputs), packed


def gathered(backend: Backend, record: Record, packed: Sequence[bool], slopes: Mapping[int, Array]) -> Any:
    """Gradients by the place of their input in the structure of the predictions: one array, or a tuple."""
    found, place = [], 0
    for argument, together in zip(record.arguments, packed, strict=True):
        count = len(argument.inputs)
        if argument.role is Role.PREDICTION:
            own = tuple(slopes[place + i] for i in range(count))
            found.append(backend.stack_last(own) if together else own if argument.parts else own[0])
        place += count
    return found[0] if len(found) == 1 else tuple(found)


def _are_apart(value: Any) -> bool:
    """Whether the parts came as arrays of their own."""
    return isinstance(value, tuple) or (isinstance(value, list) and bool(value) and backends.of(value[0]) is not None)


def _apart(backend: Backend, record: Record, argument: Argument, array: Array) -> list[Array]:
    shape = backend.shape(array)
    count = len(argument.parts)
    if not shape or shape[-1] not in (count, None):
        raise _check.parts_count(record, argument, shape)
    return [array[..., part] for part in range(count)]
