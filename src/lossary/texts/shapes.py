"""Shapes as messages write them, and what to write where two of them do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterable

Shape = tuple[int | None, ...]
_MODULES = {"jax": "jax.numpy", "pytensor": "pytensor.tensor", "tensorflow": "tf"}


def shape_text(shape: Iterable[int | None]) -> str:
    """A shape with ``?`` where a length is not known."""
    lengths = ["?" if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def remedy(
    true: Shape,
    pred: Shape,
    library: str,
    *,
    names: tuple[str, str] = ("y_true", "y_pred"),
    wanted: str = "",
    of_classes: bool = False,
    of_model: bool = True,
) -> str:
    """What to do about a y_true of another shape than y_pred, arrays of the library.

    Args:
        true: The shape of y_true.
        pred: The shape of y_pred.
        library: Whose arrays they are.
        names: What the two are called where it is said.
        wanted: How the shape of y_pred is written; as numbers by default.
        of_classes: Whether a row of y_true is a distribution over classes.
        of_model: Whether the one is what a model says of the other.
    """
    module, shape, (y_true, y_pred) = _MODULES.get(library, library), wanted or shape_text(pred), names
    if None not in (*true, *pred):
        new = f"tf.reshape({y_true}, {shape})" if module == "tf" else f"{y_true}.reshape({shape})"
        reshaped = f"write {y_true} = {new}"
        if [n for n in true if n != 1] == [n for n in pred if n != 1]:
            return reshaped
        order = _order(true, pred)
        if order is not None:
            turned = f"{module}.{'permute' if module == 'torch' else 'transpose'}({y_true}, {order})"
            along = "; axis=1 says that classes lie there" if of_classes and _to_axis_one(order) else ""
            return f"if its axes stand in another order, write {y_true} = {turned}{along}"
        if math.prod(n or 0 for n in true) == math.prod(n or 0 for n in pred):
            return f"{reshaped} if both hold the same elements in the same order"
    if true == pred[: len(true)] and of_model:
        return f"{y_true} needs one column per output, or the last layer a single unit"
    if len(true) <= len(pred) and all(a in (1, b) for a, b in zip(true[::-1], pred[::-1], strict=False)):
        return f"if {y_true} is to be repeated, write {module}.broadcast_to({y_true}, {shape})"
    if true[:-1] in (pred[:-1], pred) and len(true) > 1 and of_model:
        return f"the last layer needs one unit per column of {y_true}, {shape_text(true[-1:])[1:-2]} in all"
    if not of_model:
        return f"take both from the same data points, {y_pred}[:n] with {y_true}[:n]"
    return f"take both from the same data points, for example {y_pred} = model(x[:n]) with {y_true} = y[:n]"


def _order(true: Shape, pred: Shape) -> tuple[int, ...] | None:
    """The axes of a matrix the other way round, or channels moved from the end to axis 1 or back, if that fits."""
    count = len(true)
    channels = (0, count - 1, *range(1, count - 1)), (0, *range(2, count), 1)
    for order in ((1, 0),) if count == 2 else channels:
        if count > 1 and tuple(true[axis] for axis in order) == pred:
            return order
    return None


def _to_axis_one(order: tuple[int, ...]) -> bool:
    return len(order) > 2 and order[1] == len(order) - 1
