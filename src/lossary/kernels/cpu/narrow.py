"""Kernels for short rows: LANES rows side by side, so that the numbers of a row fill vectors too.

A loop over ten outputs is over before it has begun.  Here the loop over the rows is the inner one, and everything that
is kept lies on the stack, one row of it after another column by column.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Node
from ..lowering.form import Loop, Lowered, Number, Stage
from .spell import REDUCE, Names, Text, definitions, indent, loads, over_columns
from .target import Use

ELEMENT = "[j * LANES + k]"
NUMBER = "[k]"


def body(form: Lowered, names: Names, *, use: Use) -> list[str]:
    """The lines of a kernel for many short rows."""
    gradient = use.gradient
    labels = any(each.is_label for each in form.inputs)
    work = _loaded(labels=labels, gradient=gradient)
    for stage in form.stages:
        for number in stage.numbers:
            work += _number(stage, number, names)
        for loop in stage.loops:
            work += _loop(form.scale, loop, names)
    text = Text(names)
    work += _over_lanes([f"faults = faulty(faults, {text.of(node)})" for node in form.checks])
    work += _over_lanes([_ROW, *(f"results[i] = {text.of(node)}" for node in form.results)])
    for tile, array in use.written.items():
        work += _over_lanes([_ROW, f"own = row({array}, i)", *over_columns([f"own[j] = {tile}{ELEMENT}"])])
    lines = ["faults = NONE", "columns = y_pred.shape[1]", "count = F(columns)", "predictions = tile(ZERO)"]
    lines += [] if use.curvature else ["results = beginning(values, 0)"]
    lines += ["labels = beginning(y_true, 0)", "label = lanes(NOWHERE)"] if labels else ["targets = tile(ZERO)"]
    lines += ["weights = beginning(factors, 0)", "factor = lanes(ZERO)"] if gradient else []
    lines += [f"{tile} = tile(ZERO)" for tile in use.written]
    lines += [f"{store} = tile(ZERO)" for store in form.stores]
    lines += [f"{name} = lanes({like})" for name, like in names.made.items()]
    return [*lines, "for start in range(first, last, LANES):", *indent(work), "return faults"]


# The last rows are computed more than once where they do not fill the lanes.
_ROW = "i = min(start + k, last - 1)"


def _loaded(*, labels: bool, gradient: bool) -> list[str]:
    lines = [_ROW, "prediction = row(y_pred, i)", *(["factor[k] = weights[i]"] if gradient else [])]
    lines += ["label[k] = place(labels[i], columns)"] if labels else ["target = row(y_true, i)"]
    copies = [f"predictions{ELEMENT} = prediction[j]", *([] if labels else [f"targets{ELEMENT} = target[j]"])]
    checks = _over_lanes(["faults = faulty(faults, label[k] >= 0)"]) if labels else []
    return [*_over_lanes([*lines, *over_columns(copies)]), *checks]


def _over_lanes(lines: Sequence[str]) -> list[str]:
    return ["for k in range(LANES):", *indent(lines)] if lines else []


def _number(stage: Stage, number: Number, names: Names) -> list[str]:
    """A number of each row."""
    node = number.node
    if number.body is None:
        expression = Text(names).expression(node)
        return _over_lanes([f"{names.result(node)} = {expression}"])
    scope = names.inner(stage.kept)
    inner = [*loads(number.body, scope), *definitions(number.body, scope)]
    text = Text(scope)
    found = text.of(node.args[0])
    if node.op == "take":
        name, index = names.result(node), Text(names).of(node.args[1])
        inner = [f"j = {index}", *inner, f"{name} = {found}"]
        return _over_lanes([f"{name} = UNDEFINED", f"if 0 <= {index} < columns:", *indent(inner)])
    name = names.result(node, like="NOWHERE")
    inner.append(f"{name} = earlier({name}, j, equal({found}, {text.of(node.args[1])}))")
    return [*_over_lanes([f"{name} = NOWHERE"]), *over_columns(_over_lanes(inner))]


def _loop(scale: Sequence[tuple[str, Node]], loop: Loop, names: Names) -> list[str]:
    """One loop over the columns and the lanes."""
    factor = f"factor{NUMBER}"
    before = []
    if scale and any(write.is_slope for write in loop.writes):
        given = " ".join([factor, *(f"{sign} {Text(names).of(node)}" for sign, node in scale)])
        factor = str(names.lane("f"))
        before = [f"{factor} = {given}"]
    totals = [(each, REDUCE[each.node.op]) for each in loop.reductions]
    running = [names.lane("s", start) for _, (start, _, _) in totals]
    before += [f"{total} = {start}" for total, (_, (start, _, _)) in zip(running, totals, strict=True)]
    scope = names.inner(loop.kept)
    inner = [*loads(loop.body, scope), *definitions(loop.body, scope)]
    text = Text(scope)
    after = []
    for total, (each, (_, step, result)) in zip(running, totals, strict=True):
        inner.append(f"{total} = {step.format(total=total, x=text.of(each.of))}")
        after.append(f"{names.result(each.node)} = {result.format(total=total)}")
    for write in loop.writes:
        scaled = f"{factor} * " if write.is_slope else ""
        inner.append(f"{write.store}{ELEMENT} = {scaled}{text.of(write.value)}")
    inner += [f"faults = faulty(faults, {text.of(node)})" for node in loop.checks]
    return [*_over_lanes(before), *over_columns(_over_lanes(inner)), *_over_lanes(after)]
