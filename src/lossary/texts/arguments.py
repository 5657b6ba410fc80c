"""What is said about losses of several arguments, parts and regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError, ShapeError
from ..facts.axes import LISTED, ROW
from .shapes import shape_text

if TYPE_CHECKING:
    from ..facts.arguments import Argument
    from ..facts.record import Record


def which_region(record: Record, rank: int) -> ParameterError:
    """A loss over regions, of arrays in which a region may be one of several things."""
    channels_first, image = tuple(range(2, rank)), tuple(range(1, rank))
    return ParameterError(
        f"{record.name}: axis is not given, and y_pred has {rank} axes; accepted are the axes of one region. Write "
        f"lossary.{record.class_name}(axis={tuple(range(1, rank - 1))}) for channels last, axis={channels_first} for "
        f"channels first, axis={image} for an image as one region, axis=None for the whole batch, or axis=(-1,) for "
        "the last axis alone"
    )


def no_matrix(record: Record, shape: Iterable[int | None]) -> ShapeError:
    """Too few axes for a loss whose data points are matrices."""
    main = record.inputs[record.main].name
    return ShapeError(
        f"{record.name}: {main} has shape {shape_text(shape)}; accepted are data points with two axes each, shape "
        f"(N, D, C). For one data point write {main} = {main}[None]"
    )


def nothing_to_compare(record: Record, shape: Iterable[int | None]) -> ShapeError:
    """One data point, for a loss that compares several."""
    return ShapeError(
        f"{record.name}: y_pred has shape {shape_text(shape)}, one data point; accepted are embeddings (N, D), which "
        "are compared with each other. Write y_pred.reshape(-1, D) for embeddings of length D, and no vmap over them"
    )


def no_axis_left(record: Record, axis: Any, rank: int) -> ParameterError:
    """All axes are those of a row, where a data point has another."""
    return ParameterError(
        f"{record.name}: axis is {axis!r}, which leaves none of the {rank} axes of y_pred; accepted are axes beside "
        f"which one is left, as that of the classes. Write lossary.{record.class_name}(axis="
        f"{tuple(range(rank - 1))}) if that is the last"
    )


def arguments_differ(record: Record, shapes: Iterable[Iterable[int | None]]) -> ShapeError:
    """Arguments of a loss that do not belong together."""
    got = [f"{each.shown} {shape_text(shape)}" for each, shape in zip(record.inputs, shapes, strict=True)]
    rows = [each.shown for each in record.inputs if each.axes == ROW]
    besides = f", but for one number per row of {' and '.join(rows)}" if rows else ""
    lists = [each.shown for each in record.inputs if each.axes == LISTED]
    besides += f", but for one list (N, L) per data point of {' and '.join(lists)}" if lists else ""
    return ShapeError(
        f"{record.name}: the shapes are {', '.join(got)}; accepted are equal shapes{besides}, or (N,) with (N, 1). "
        f"Nothing is broadcast: {_packed_remedy(record)}"
    )


def _packed_remedy(record: Record) -> str:
    packed = next((argument for argument in record.arguments if argument.parts), None)
    if packed is None:
        return f"print([x.shape for x in ({', '.join(record.names)})])"
    names = ", ".join(packed.parts)
    return f"each part has the shape of the targets: {packed.name} = numpy.stack([{names}], -1)"


def arguments_named(record: Record, count: int, named: list[str]) -> ParameterError:
    """A call with other arguments than the loss has."""
    also = f" and {', '.join(named)}=" if named else ""
    came = f"{count} argument{'' if count == 1 else 's'} came{also}"
    call = ", ".join(record.names)
    return ParameterError(
        f"{record.name}: {came}; accepted are ({call}), and sample_weight= and where= by name. Write loss({call})"
    )


def stacked(record: Record, name: str, parts: list[str], axis: int, shape: Iterable[int | None]) -> ShapeError:
    """An array of a model that does not hold the arguments of a loss side by side."""
    call = f"keras.ops.stack([{', '.join(parts)}], axis={axis})"
    return ShapeError(
        f"{record.name}: {name} has shape {shape_text(shape)}; accepted are {', '.join(parts)} along axis {axis}, "
        f"of length {len(parts)}. Write {name} = {call}"
    )


def packed_shapes(shapes: Mapping[str, Iterable[int | None]]) -> ShapeError:
    """Arrays that cannot lie side by side."""
    listed = ", ".join(f"{name} {shape_text(shape)}" for name, shape in shapes.items())
    got = f"the shapes are {listed}" if shapes else "no arrays came"
    return ShapeError(
        f"pack: {got}; accepted are arrays of one shape. Write lossary.pack(mean=x, variance=y) with x.shape == y.shape"
    )


def parts_count(record: Record, argument: Argument, shape: Iterable[int | None]) -> ShapeError:
    """Parts that are not packed as declared."""
    count, names = len(argument.parts), ", ".join(argument.parts)
    return ShapeError(
        f"{record.name}: {argument.name} has shape {shape_text(shape)}; accepted are ({names}) along the last axis, "
        f"of length {count}, or a tuple of {count} arrays: {argument.name} = ({names})"
    )


def tuple_length(record: Record, argument: Argument, length: int) -> ShapeError:
    """A tuple with another number of arrays than there are parts."""
    count, names = len(argument.parts), ", ".join(argument.parts)
    return ShapeError(
        f"{record.name}: {argument.name} is a tuple of {length}; accepted are {count} arrays: "
        f"{argument.name} = ({names})"
    )


def not_of_classes(record: Record) -> ParameterError:
    """A loss of other arguments where a network is to tell classes apart."""
    return ParameterError(
        f"demo: {record.name} takes ({', '.join(each.name for each in record.inputs)}); accepted are losses of "
        "(y_true, y_pred) with one number per class. Write lossary demo huber"
    )
