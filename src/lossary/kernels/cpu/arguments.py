"""What a kernel takes, as data: its arrays and numbers in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...graph.program import UPSTREAM
from ..compiler.typed import Typed
from ..lowering.form import CURVES, SLOPES, Input, Lowered
from .target import Use

# Numbers of the kernel's own dtype, places of outputs, marks, sums in double precision, and places of data points.
Kind = Literal["float", "label", "bool", "double", "index"]


@dataclass(frozen=True)
class Argument:
    """One argument: what it holds, along how many axes, whether one per data point, and whether it is written."""

    name: str
    kind: Kind
    axes: int = 0
    per_point: bool = False
    is_written: bool = False


def arguments(form: Lowered, use: Use) -> tuple[Argument, ...]:
    """The arguments of a kernel: inputs, results, what the loop is told, and numbers computed from parameters."""
    axes, apart = (2 if use.rows else 1), use.rows or use.points
    found = [_input(each, axes) for each in form.inputs]
    found += [Argument(name, "float", axes, is_written=True) for name in written(form, use).values()]
    found += [Argument("mask", "bool", 1, per_point=True)] if use.mask else []
    if apart:
        found += [] if use.curvature else [Argument("values", "float", 1, per_point=True, is_written=True)]
        found += [Argument("factors", "float", 1, per_point=True)] if use.gradient else []
    else:
        found += [Argument("totals", "double", 1, is_written=True)]
        found += [Argument("factor", "float")] if use.gradient else []
    found += [] if use.rows else [Argument("count", "float")]
    found += [Argument("first", "index"), Argument("last", "index")]
    return (*found, *(Argument(f"h{place}", "float") for place in range(len(form.numbers))))


def written(form: Lowered, use: Use) -> dict[str, str]:
    """Where loops write an element, and the argument that this is."""
    found = {store: store.replace(SLOPES, "gradient") for store in form.slopes}
    return {**found, CURVES: "curvature"} if use.curvature else found


def argument(given: Input) -> str:
    """The argument that holds an input; names that a loss chose are kept apart from those of the loop."""
    return given.name if given.name in ("y_true", "y_pred", UPSTREAM) else f"given_{given.name}"


def _input(given: Input, axes: int) -> Argument:
    if given.is_label:
        return Argument(argument(given), "label", 1, per_point=True)
    if given.is_number:
        return Argument(argument(given), "float", 1, per_point=True)
    return Argument(argument(given), "float", axes)


def typed(arguments: Sequence[Argument], dtype: str, label: str = "int64") -> list[Typed]:
    """The same for the compiler; ``label`` is the dtype of labels."""
    kinds = {"float": dtype, "label": label, "bool": "bool", "double": "float64", "index": "int64"}
    return [Typed(kinds[each.kind], each.axes, each.is_written) for each in arguments]
