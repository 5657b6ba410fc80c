"""Arguments that hold several numbers per output: taken apart for the formula, put together for the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import backends, texts
from .._marks import unconverted
from ..backends import Array, Backend
from ..facts.arguments import Argument, Role
from ..facts.record import Record


def named(record: Record, arguments: Sequence[Any]) -> Mapping[str, Any]:
    """The arrays of a call by the names that messages call them."""
    found: dict[str, Any] = {}
    for argument, value in zip(record.arguments, arguments, strict=True):
        if argument.parts and _are_apart(value):
            if len(value) != len(argument.parts):
                raise texts.tuple_length(record, argument, len(value))
            found |= {each.shown: x for each, x in zip(argument.inputs, value, strict=True)}
        else:
            found[argument.name] = value
    return found


def lead(record: Record, arguments: Sequence[Any]) -> Any:
    """The array by whose library a call is computed: the first prediction, or the first part of it."""
    given = arguments[record.first_prediction]
    if record.is_pair:
        return given
    return given[0] if record.arguments[record.first_prediction].parts and _are_apart(given) and given else given


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


def from_two(record: Record, y_true: Any, y_pred: Any, *, rows: bool) -> tuple[Any, ...]:
    """The arguments of a loss from the two that a model has.

    Predictions that are ``rows`` lie along the last axis but one of y_pred, single numbers along its last; the rest
    lies along the last axis of y_true, which is not looked at where there is nothing else.
    """
    predicted = [argument for argument in record.arguments if argument.role is Role.PREDICTION]
    others = [argument for argument in record.arguments if argument.role is not Role.PREDICTION]
    found = _slices(record, predicted, "y_pred", y_pred, rows=rows) | _slices(record, others, "y_true", y_true)
    return tuple(found[name] for name in record.names)


def _slices(
    record: Record, arguments: Sequence[Argument], name: str, array: Any, *, rows: bool = False
) -> dict[str, Any]:
    """Each argument out of one array."""
    if len(arguments) == 1:
        return {arguments[0].name: array}
    shape = tuple(array.shape) if arguments else ()
    axis = -2 if rows else -1
    if arguments and (len(shape) < -axis or shape[axis] != len(arguments)):
        raise texts.stacked(record, name, [argument.name for argument in arguments], axis, shape)
    return {
        argument.name: array[..., place, :] if rows else array[..., place] for place, argument in enumerate(arguments)
    }


@unconverted
def pack(**arrays: Any) -> Array:
    """Several arrays side by side along a new last axis, as losses with parts or several arguments take them.

    Where a model has one array of targets, what a loss needs besides them is packed into it: times and events of a
    survival loss, the reference's log-probabilities of a preference loss.  The names say what is meant; the order is
    that in which the loss names them.

    Args:
        arrays: Arrays of one shape, by name.

    Returns:
        One array with one axis more, in the framework of the first.

    Raises:
        ShapeError: The shapes differ, or there are none.

    >>> import lossary, numpy as np
    >>> lossary.pack(mean=np.array([1.0, 2.0]), variance=np.array([0.5, 4.0])).tolist()
    [[1.0, 0.5], [2.0, 4.0]]
    """
    backend = backends.find("pack", arrays)
    like = next((value for value in arrays.values() if backend.owns(value)), None)
    found = {name: backends.array(backend, "pack", name, value, like) for name, value in arrays.items()}
    shapes = {name: backend.shape(array) for name, array in found.items()}
    if len(set(shapes.values())) != 1:
        raise texts.packed_shapes(shapes)
    return backend.stack_last(tuple(found.values()))


def _are_apart(value: Any) -> bool:
    """Whether the parts came as arrays of their own."""
    return isinstance(value, tuple) or (isinstance(value, list) and bool(value) and backends.of(value[0]) is not None)


def _apart(backend: Backend, record: Record, argument: Argument, array: Array) -> list[Array]:
    shape = backend.shape(array)
    count = len(argument.parts)
    if not shape or shape[-1] not in (count, None):
        raise texts.parts_count(record, argument, shape)
    return [array[..., part] for part in range(count)]
