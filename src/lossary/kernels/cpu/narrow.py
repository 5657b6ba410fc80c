"""Kernels for short rows: LANES rows side by side, so that the numbers of a row fill vectors too.

A loop over ten outputs is over before it has begun.  Here the loop over the rows is the inner one, and everything that
is kept lies on the stack, one row of it after another column by column.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import Node
from ...graph.program import Program
from ..lowering.schedule import REDUCE, Loop, Schedule, Use, reduced
from .spell import Names, Text, definitions, indent, loads

ELEMENT = "[j * LANES + k]"
NUMBER = "[k]"


def body(program: Program, use: Use, plan: Schedule, names: Names) -> list[str]:
    """The lines of a kernel for many short rows."""
    keep_in = plan.stores()
    work = _loaded(program, use)
    for number, loop in enumerate(plan.loops):
        work += _row_numbers(program, plan.rows[number], names)
        for one in loop.passes():
            work += _pass(program, one, names, keep_in)
    text = Text(names)
    work += _over_lanes([f"faults = faulty(faults, {text.of(node)})" for node in plan.row_inside])
    work += _over_lanes([_ROW, f"results[i] = {text.of(plan.value)}"])
    if use.gradient:
        work += _over_lanes([_ROW, "slope = row(gradient, i)", *_over_columns([f"slope[j] = slopes{ELEMENT}"])])
    lines = ["faults = NONE", "columns = y_pred.shape[1]", "count = F(columns)", "predictions = tile(ZERO)"]
    lines.append("results = beginning(values, 0)")
    labels = ["labels = beginning(y_true, 0)", "label = lanes(NOWHERE)"]
    lines += labels if program.record.labels_are_integers else ["targets = tile(ZERO)"]
    lines += ["weights = beginning(factors, 0)", "slopes = tile(ZERO)", "factor = lanes(ZERO)"] if use.gradient else []
    lines += [f"{store} = tile(ZERO)" for store in keep_in.values() if store != "slopes"]
    lines += [f"{name} = lanes({like})" for name, like in names.made]
    return [*lines, "for start in range(first, last, LANES):", *indent(work), "return faults"]


# The last rows are computed more than once where they do not fill the lanes.
_ROW = "i = min(start + k, last - 1)"


def _loaded(program: Program, use: Use) -> list[str]:
    labels = program.record.labels_are_integers
    lines = [_ROW, "prediction = row(y_pred, i)", *(["factor[k] = weights[i]"] if use.gradient else [])]
    lines += ["label[k] = place(labels[i], columns)"] if labels else ["target = row(y_true, i)"]
    copies = [f"predictions{ELEMENT} = prediction[j]", *([] if labels else [f"targets{ELEMENT} = target[j]"])]
    checks = _over_lanes(["faults = faulty(faults, label[k] >= 0)"]) if labels else []
    return [*_over_lanes([*lines, *_over_columns(copies)]), *checks]


def _over_lanes(lines: list[str]) -> list[str]:
    return ["for k in range(LANES):", *indent(lines)] if lines else []


def _over_columns(lines: list[str]) -> list[str]:
    return ["for j in range(columns):", *indent(lines)] if lines else []


def _row_numbers(program: Program, nodes: Sequence[Node], names: Names) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        if node.op in ("take", "position"):
            scope = names.inner()
            inner = [*loads(program, node.args[:1], scope), *definitions(node.args[:1], scope)]
            text = Text(scope)
            found = text.of(node.args[0])
            name = names.result(node, like="NOWHERE" if node.op == "position" else "ZERO")
            if node.op == "take":
                index = Text(names).of(node.args[1])
                inner = [f"j = {index}", *inner, f"{name} = {found}"]
                lines += _over_lanes([f"{name} = UNDEFINED", f"if 0 <= {index} < columns:", *indent(inner)])
            else:
                inner.append(f"{name} = earlier({name}, j, equal({found}, {text.of(node.args[1])}))")
                lines += [*_over_lanes([f"{name} = NOWHERE"]), *_over_columns(_over_lanes(inner))]
        elif not node.is_bool:
            expression = Text(names).expression(node)
            lines += _over_lanes([f"{names.result(node)} = {expression}"])
    return lines


def _pass(program: Program, loop: Loop, names: Names, keep_in: dict[int, str]) -> list[str]:
    """One loop over the columns and the lanes."""
    scale = f"factor{NUMBER}"
    before = []
    if loop.slope is not None and loop.scale:
        given = " ".join([scale, *(f"{sign} {Text(names).of(node)}" for sign, node in loop.scale)])
        scale = names.lane("f")
        before = [f"{scale} = {given}"]
    totals = [(node, names.lane("s", REDUCE[node.op][0])) for node in loop.reductions]
    before += [f"{total} = {REDUCE[node.op][0]}" for node, total in totals]
    scope = names.inner()
    roots = [*loop.written(), *map(reduced, loop.reductions), *loop.inside]
    inner = [*loads(program, roots, scope), *definitions(roots, scope)]
    text = Text(scope)
    inner += [f"{total} = {REDUCE[n.op][1].format(total=total, x=text.of(reduced(n)))}" for n, total in totals]
    inner += [f"{keep_in[id(node)]}{ELEMENT} = {text.of(node)}" for node in loop.keeps]
    if loop.slope is not None:
        inner.append(f"slopes{ELEMENT} = {scale} * {text.of(loop.slope)}")
        names.forget(f"slopes{ELEMENT}")
    inner += [f"faults = faulty(faults, {text.of(node)})" for node in loop.inside]
    after = [f"{names.result(node)} = {REDUCE[node.op][2].format(total=total)}" for node, total in totals]
    names.known.update({id(node): f"{keep_in[id(node)]}{ELEMENT}" for node in loop.keeps})
    return [*_over_lanes(before), *_over_columns(_over_lanes(inner)), *_over_lanes(after)]
