"""Lining the arguments of a call up: ranks, axis, and weights and mask with one entry per data point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import backends, texts
from ..backends import Array, Backend
from ..facts.axes import ELEMENT, LISTED, ROW
from ..facts.layout import Layout
from ..facts.record import Record
from .programs import Program
from .rows import LAST, Rows, Shape


class Place(NamedTuple):
    """How one input is lined up: whether it gets a last axis of length one, and whether its rows are moved."""

    expand: bool
    move: bool


class Lines(NamedTuple):
    """How arrays of some shapes are lined up with each other, rows along the last axis.

    ``unknown`` says that lengths remain to be compared at run time; ``ready`` that nothing is to be done.
    """

    rows: Rows
    places: tuple[Place, ...]
    unknown: bool
    ready: bool
    layout: Layout

    def apply(self, backend: Backend, program: Program, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The inputs with one rank and the rows along the last axis."""
        if self.ready:
            return tuple(inputs)
        found = [self._lined(backend, place, x) for place, x in zip(self.places, inputs, strict=True)]
        return self._compared(backend, program, found) if self.unknown else tuple(found)

    def _lined(self, backend: Backend, place: Place, x: Array) -> Array:
        if place.expand:
            x = backend.expand_last(x)
        return self.rows.gathered(backend, x) if place.move else x

    def _compared(self, backend: Backend, program: Program, inputs: list[Array]) -> tuple[Array, ...]:
        record, main = program.record, inputs[program.record.main]
        message = texts.shapes_at_run_time(record.name)
        return tuple(
            x if x is main else backend.require_shape(x, main, rows=not each.has_outputs, message=message)
            for each, x in zip(record.inputs, inputs, strict=True)
        )


@dataclass(slots=True)
class Points:
    """Rows with weights and mask per data point; ``split`` counts axes added because every element is a point.

    ``mask`` says which data points count, ``live`` which of them have a weight besides: only these are looked at.
    ``items`` says which elements of each row count, where rows have gaps.
    """

    inputs: tuple[Array, ...]
    weights: Array | None = None
    mask: Array | None = None
    split: int = 0
    live: Array | None = None
    items: Array | None = None


def lines(
    program: Program,
    shapes: Sequence[Shape],
    dtype: str,
    *,
    axis: Any,
    batched: bool,
    strict: bool,
    library: str = "numpy",
) -> Lines:
    """How inputs of these shapes are lined up; ``strict`` also compares the lengths.

    ``dtype`` is that of the first input.
    """
    record, main = program.record, program.record.main
    expand = _expansions(program, shapes, batched)
    full = [(*shape, 1) if more else shape for shape, more in zip(shapes, expand, strict=True)]
    like = full[main]
    rows = _rows(record, axis, len(like), batched)
    per_row = [each.axes == ROW and len(shape) < len(like) for each, shape in zip(record.inputs, full, strict=True)]
    listed = [each.axes == LISTED for each in record.inputs]
    if strict:
        _compare(record, full, like, rows, dtype, library)
    # No outputs have no mean; no data points have no values, and only their mean is undefined.
    if 0 in rows.lengths(like):
        raise texts.empty(record.name, record.inputs[main].name, like)
    places = tuple(
        Place(more or alone, not (rows.are_last or alone or apart))
        for more, alone, apart in zip(expand, per_row, listed, strict=True)
    )
    unknown = strict and any(None in shape for shape in full)
    ranks = {each.shown: len(shape) for each, shape in zip(record.inputs, shapes, strict=True)}
    # A length may be a symbol; the place in a row along one axis needs none.
    lengths = rows.lengths(like) if len(rows.axes) > 1 else ()
    layout = Layout(rows.axes, lengths, len(like), ranks)
    return Lines(rows, places, unknown, not unknown and places.count((False, False)) == len(places), layout)


def _expansions(program: Program, shapes: Sequence[Shape], batched: bool) -> list[bool]:
    """Which inputs get a last axis of length one, where the intention is clear."""
    record = program.record
    if any(each.axes != ELEMENT for each in record.inputs):
        if len(shapes[record.main]) < record.depth:
            raise texts.scalar(record.name) if record.depth == 1 else texts.no_matrix(record, shapes[record.main])
        return [False] * len(shapes)
    longest = shapes[0]
    for shape in shapes[1:]:  # torch.compile traces this, and knows no key of max.
        longest = shape if len(shape) > len(longest) else longest
    # Parts lose the axis that they were packed along, where targets may keep one of length one.
    packed = any(argument.parts for argument in record.arguments)
    if longest and longest[-1] in (1, None) and (len(longest) == 2 or packed):
        alone = [len(shape) == len(longest) - 1 for shape in shapes]
        if any(alone) and not all(alone):
            return alone
    single = len(longest) == 0 or (batched and len(longest) == 1 and program.separable)
    return [single and all(shape == longest for shape in shapes)] * len(shapes)


def _rows(record: Record, axis: Any, rank: int, batched: bool) -> Rows:
    """The axes of a row, for arrays of this rank."""
    if isinstance(axis, tuple | list) or axis is None:
        if record.labels_are_integers:
            raise texts.axis_several(record.name, axis)
        named = range(rank) if axis is None else axis
        if not named or not all(_is_axis(one, rank) for one in named):
            raise texts.axis_out_of_range(record.name, axis, rank)
        each = {int(one) % rank for one in named}
        if len(each) < len(named):
            raise texts.axis_out_of_range(record.name, axis, rank)
        if rank - len(each) < record.depth - 1:
            raise texts.no_axis_left(record, axis, rank)
        return LAST if each == {rank - 1} else Rows(tuple(sorted(each)))
    if not _is_axis(axis, rank):
        raise texts.axis_out_of_range(record.name, axis, rank)
    single = -1 if axis in (-1, rank - 1) else int(axis)
    if record.regions and batched and axis == -1 and rank > 2:
        raise texts.which_region(record, rank)
    return LAST if single == -1 else Rows((single % rank,))


def _is_axis(axis: Any, rank: int) -> bool:
    return isinstance(axis, int | np.integer) and not isinstance(axis, bool) and -rank <= int(axis) < rank


def _compare(record: Record, shapes: Sequence[Shape], like: Shape, rows: Rows, dtype: str, library: str) -> None:
    """Raises a `ShapeError` where inputs do not belong together."""
    points = rows.without(like)
    if record.compared and not points:
        raise texts.nothing_to_compare(record, like)
    points = points[: len(points) - record.depth + 1]
    for each, shape in zip(record.inputs, shapes, strict=True):
        if each.has_outputs:
            fits = _agree(shape, like)
        elif each.axes == LISTED:
            fits = _agree(shape[:-1], points) and len(shape) > len(points)
        else:
            per_row = len(shape) < len(like)
            fits = _agree(shape if per_row else _last(rows, shape), points if per_row else (*points, 1))
        if not fits and record.is_pair:
            integers = dtype.startswith(("int", "uint", "bool"))
            moved = record.labels_are_integers and len(shape) in (len(like) - 1, len(like))
            raise texts.shapes_differ(record, shape, _last(rows, like) if moved else like, integers, library)
        if not fits:
            raise texts.arguments_differ(record, shapes)


def _last(rows: Rows, shape: Shape) -> Shape:
    """The shape once the axis of the rows is the last."""
    return (*rows.without(shape), *rows.lengths(shape))


def points(
    backend: Backend, program: Program, rows: Rows, inputs: tuple[Array, ...], like: Array,
    sample_weight: Any, where: Any,
) -> Points:  # fmt: skip
    """Weights and mask in the shape of the data points, which are the elements if one of them has that shape.

    ``like`` has the shape of the elements as the caller's rows lie; entries per element lie there too.
    """
    if sample_weight is None and where is None:
        return Points(inputs)
    main = inputs[program.record.main]
    weights = _per_point(backend, program, rows, "sample_weight", sample_weight, main, like)
    mask = _per_point(backend, program, rows, "where", where, main, like)
    rank = len(backend.shape(main))
    if all(x is None or len(backend.shape(x)) < rank for x in (weights, mask)):
        return Points(inputs, weights, mask)
    if not program.separable:
        return Points(inputs, weights, items=mask)
    weights, mask = (None if x is None else _spread(backend, x, rank) for x in (weights, mask))
    return Points(tuple(map(backend.expand_last, inputs)), weights, mask, 1)


def _agree(a: Shape, b: Shape) -> bool:
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def _per_point(
    backend: Backend, program: Program, rows: Rows, argument: str, value: Any, main: Array, like: Array
) -> Array | None:
    """Weights or mask in the shape of the data points, or of the elements where the loss allows that."""
    if value is None:
        return None
    name, each, full = program.record.name, backend.shape(main)[: -program.record.depth], backend.shape(like)
    array = backends.array(backend, name, argument, value, main)
    if argument == "where" and backend.dtype(array) != "bool":
        raise texts.mask_dtype(name, backend.dtype(array))
    shape = backend.shape(array)
    gaps = argument == "where" and not (program.record.labels_are_integers or program.record.compared)
    by_element = (program.separable or gaps) and len(full) > 0
    if by_element and _agree(shape, full) and not _agree(shape, (*each, 1)):
        return rows.gathered(backend, array)
    # A mask of whole rows of matrices, as of the steps of a sequence.
    if gaps and program.record.depth > 1 and _agree(shape, rows.without(full)):
        return backend.expand_last(array)
    # A mask of items, whose scores have a last axis of length one: Keras's of a sequence in front of one unit.
    if gaps and not rows.are_last and full[-1] == 1 and shape[-1:] != (1,) and _agree((*shape, 1), full):
        return rows.gathered(backend, backend.expand_last(array))
    if _agree(shape, (*each, 1)) and len(each) > 0:
        return backend.squeeze_last(array)
    one_for_all = shape == () and argument == "sample_weight"
    if one_for_all or (len(shape) <= len(each) and _agree(shape, each[: len(shape)]) and (shape or not each)):
        return _spread(backend, array, len(each))
    if program.record.regions and not each and argument == "sample_weight" and _leads(shape, full):
        return _one_weight(backend, array)
    names = [each.name for each in program.record.arguments]
    raise texts.per_point_shape(name, argument, shape, each, full if by_element else None, names)


def _leads(own: Shape, shape: Shape) -> bool:
    return leads(own, shape) or (own[-1:] == (1,) and leads(own[:-1], shape))


def _one_weight(backend: Backend, weights: Array) -> Array:
    """The weight of a region that is the whole batch: Keras takes the mean of its value times each of the weights."""
    wide = backend.cast(weights, "float64" if backend.dtype(weights) == "float64" else "float32")
    return backend.total(wide) / backend.size(wide)


def _spread(backend: Backend, array: Array, rank: int) -> Array:
    """Gives an array of leading axes the remaining axes, of length one; arithmetic spreads it."""
    while len(backend.shape(array)) < rank:
        array = backend.expand_last(array)
    return array


def leads(own: Shape, shape: Shape) -> bool:
    """Whether the first is made of leading axes of the second."""
    return len(own) <= len(shape) and all(a == b for a, b in zip(own, shape, strict=False) if None not in (a, b))


def leading(backend: Backend, loss: str, argument: str, value: Any, shape: Shape, like: Array) -> Array | None:
    """Weights or mask over the leading axes, given the remaining axes with length one."""
    if value is None:
        return None
    given = backends.array(backend, loss, argument, value, like)
    if argument == "where" and backend.dtype(given) != "bool":
        raise texts.mask_dtype(loss, backend.dtype(given))
    own = backend.shape(given)
    if len(own) > len(shape) and own[-1] == 1:
        given, own = backend.squeeze_last(given), own[:-1]
    if not leads(own, shape) or not (own or argument == "sample_weight"):
        raise texts.per_point_shape(loss, argument, own, shape, None, ["y_true", "hidden"])
    for _ in range(len(shape) - len(own)):
        given = backend.expand_last(given)
    return given
