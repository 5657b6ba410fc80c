"""Findings about losses that read several numbers for each target: a mean and a variance, two bounds, a box."""

from __future__ import annotations

import numpy as np

from ..facts.arguments import Role
from ..facts.domain import Parts
from .evidence import Evidence, Floats, share
from .fit import activation_fit
from .rules import Seen, rule


def activations(e: Evidence) -> dict[str, str]:
    """The activation that is made for each part."""
    prediction = e.record.prediction
    return {name: domain.activation for name, domain in prediction.parts} if isinstance(prediction, Parts) else {}


def _wanted(e: Evidence) -> str:
    found = activations(e)
    if len(set(found.values())) == 1:
        return f"{next(iter(found.values()))} outputs"
    return ", ".join(f"{activation} for {name}" for name, activation in found.items())


def _targets_have_parts(e: Evidence) -> bool:
    return any(argument.role is Role.TARGET and argument.parts for argument in e.record.arguments)


def _columns(e: Evidence) -> int:
    """How many times the parts are predicted for one data point."""
    shape: tuple[int, ...] = () if e.raw_true is None else e.raw_true.shape
    shape = shape[:-1] if _targets_have_parts(e) else shape
    return int(shape[-1]) if len(shape) > 1 else 1


def layers(e: Evidence) -> str:
    """The lines for the last layer, in the model's own framework."""
    names, each, columns = list(e.parts), activations(e), _columns(e)
    count = len(names) * columns
    torch = e.head is not None and e.head.framework == "torch"
    if len(set(each.values())) == 1:
        line = f"torch.nn.Linear(features, {count})" if torch else f"keras.layers.Dense({count})"
        shape = f"({columns}, {len(names)})"
        apart = f", torch.nn.Unflatten(-1, {shape})" if torch else f", keras.layers.Reshape({shape})"
        return f"{line}{apart if columns > 1 else ''}   # {', '.join(names)}"
    if torch:
        made = [name if each[name] == "linear" else f"torch.nn.functional.{each[name]}({name})" for name in names]
        return (
            f"{', '.join(names)} = torch.nn.Linear(features, {count})(x).chunk({len(names)}, -1)\n"
            f"y_pred = torch.stack([{', '.join(made)}], -1)"
        )
    lines = [
        f"{name} = keras.layers.Dense({columns}{'' if each[name] == 'linear' else f', activation={each[name]!r}'})(x)"
        for name in names
    ]
    joined = f"[{', '.join(names)}]"
    end = f"keras.ops.stack({joined}, axis=-1)" if columns > 1 else f"keras.layers.Concatenate()({joined})"
    return "\n".join([*lines, f"y_pred = {end}"])


def activation(e: Evidence) -> Seen | None:
    """An activation that leaves the set of a part."""
    assert e.head is not None
    fit = activation_fit(e.loss, e.head.activation)
    if fit.judgement != "wrong" or e.head.units not in (None, len(e.parts)) or _lack_an_axis(e, _columns(e)):
        return None  # Of the number of units LS302 speaks, and of activations with it.
    return Seen(
        f"the model ends in {e.head.units or 'some'} {e.head.activation} units (layer {e.head.layer!r}), but "
        f"{e.loss!r} expects {_wanted(e)}: {fit.why}",
        layers(e),
    )


def units(e: Evidence) -> Seen | None:
    """One unit per part, along the last axis, for each target."""
    assert e.head is not None
    have, want, columns = e.head.units, len(e.parts), _columns(e)
    if have == want and not _lack_an_axis(e, columns):
        return None
    targets = "target" if columns == 1 else f"of {columns} targets"
    shape = f"{want}" if columns == 1 else f"{columns}, {want}"
    return Seen(
        f"the model has {have} output unit{'' if have == 1 else 's'} (layer {e.head.layer!r}), and {e.name} reads "
        f"({', '.join(e.parts)}) for each {targets}: y_pred needs the shape (N, {shape}), {_wanted(e)}",
        layers(e),
    )


def _lack_an_axis(e: Evidence, columns: int) -> bool:
    """Whether several targets per data point meet outputs without the axis of the parts."""
    if e.head is None or e.head.rank is None or e.raw_true is None or columns == 1:
        return False
    return e.head.rank < e.raw_true.ndim + (0 if _targets_have_parts(e) else 1)


@rule(
    "LS120",
    "bounds that have changed places",
    severity="warning",
    bad="diagnose('interval_score', reals, np.stack([reals + 1, reals - 1], -1))",
    clean="diagnose('interval_score', reals, np.stack([reals - 1, reals + 1], -1))",
)
def crossed(e: Evidence) -> Seen | None:
    """A lower bound above the upper one."""
    if not {"lower", "upper"} <= set(e.parts):
        return None
    lower, upper = (e.rows[:, e.parts.index(name)] for name in ("lower", "upper"))
    wrong = lower > upper
    if not wrong.any():
        return None
    # A model that is not trained yet crosses its bounds by chance, but does not hold the targets between them.
    targets = e.targets.ravel()
    fits = targets.shape == lower.shape and bool(((upper <= targets) & (targets <= lower)).mean() > 0.5)
    return Seen(
        f"the lower bound is above the upper one in {share(wrong.sum(), wrong.size)} rows, first "
        f"{e.place('y_pred', wrong)}"
        + (", and most targets lie between the two. " if fits else ". ")
        + f"{e.name} takes such bounds as they are: no target is inside, and a negative width lowers the loss",
        "y_pred = np.sort(y_pred, axis=-1)   # the order is (lower, upper)"
        if fits
        else "# predict the lower bound and a width: upper = lower + softplus(width)",
        severity=None if fits else "note",
    )


@rule(
    "LS121",
    "boxes that are empty",
    severity="warning",
    bad="diagnose('generalized_iou', boxes, places_and_sizes)",
    clean="diagnose('generalized_iou', boxes, boxes + 0.1)",
)
def empty_boxes(e: Evidence) -> Seen | None:
    """Corners in another order, or a place and a size instead of two corners."""
    if e.parts != ("x1", "y1", "x2", "y2"):
        return None
    empty = (e.rows[:, 2] < e.rows[:, 0]) | (e.rows[:, 3] < e.rows[:, 1])
    if not empty.all():
        return None
    # The boxes of a model that is not trained yet are often empty, but no place and size of the true ones.
    fits = e.targets.shape == e.rows.shape and _overlap(e.targets, _from_sizes(e.rows)) > 0.5
    return Seen(
        f"all {len(empty)} predicted boxes have x2 < x1 or y2 < y1, first {e.place('y_pred', empty)}: to {e.name} they "
        "are empty and overlap nothing"
        + (". Read as (x, y, width, height) they fit the targets, which are (x1, y1, x2, y2)" if fits else ""),
        "x, y, width, height = np.moveaxis(y_pred, -1, 0)\ny_pred = np.stack([x, y, x + width, y + height], -1)"
        if fits
        else "# predict a corner and a size: x2 = x1 + softplus(width), y2 = y1 + softplus(height)",
        severity=None if fits else "note",
    )


def _from_sizes(rows: Floats) -> Floats:
    """The corners of boxes of a corner and a size."""
    return np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], 1)


def _overlap(one: Floats, other: Floats) -> float:
    """The mean intersection over union."""
    low, high = np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])
    common = np.maximum(high - low, 0.0).prod(1)
    union = sum((box[:, 2:] - box[:, :2]).prod(1) for box in (one, other)) - common
    return float(np.mean(common / np.maximum(union, np.finfo(np.float64).tiny)))
