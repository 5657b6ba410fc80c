"""Kernels for short rows: LANES rows side by side, so that the numbers of a row fill vectors too.

A loop over ten outputs is over before it has begun.  Here the loop over the rows is the inner one, and everything that
is kept lies on the stack, one row of it after another column by column.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..lowering.form import Input, Loop, Lowered, Number, Stage, Write
from .arguments import argument, written
from .spell import REDUCE, Names, Text, definitions, indent, loads, local, over_columns
from .target import Use

ELEMENT = "[j * LANES + k]"
NUMBER = "[k]"


def body(form: Lowered, names: Names, *, use: Use) -> list[str]:
    """The lines of a kernel for many short rows."""
    gradient = use.gradient
    work = _loaded(form.inputs, gradient=gradient)
    for stage in form.stages:
        for number in stage.numbers:
            work += _number(stage, number, names)
        for loop in stage.loops:
            work += _loop(loop, names)
    text = Text(names)
    work += _over_lanes([f"faults = faulty(faults, {text.of(node)})" for node in form.checks])
    work += _over_lanes([_ROW, *(f"results[i] = {text.of(node)}" for node in form.results)])
    tiles = written(form, use)
    work += _turned([f"{array}[i, j] = {tile}{ELEMENT}" for tile, array in tiles.items()])
    lines = ["faults = NONE", f"columns = {argument(form.main)}.shape[1]", "count = F(columns)"]
    lines += [] if use.curvature else ["results = beginning(values, 0)"]
    lines += [line for each in form.inputs for line in _room(each)]
    lines += ["weights = beginning(factors, 0)", "factor = lanes(ZERO)"] if gradient else []
    lines += [f"{tile} = tile(ZERO)" for tile in tiles]
    lines += [f"{store} = tile(ZERO)" for store in form.stores]
    lines += [f"{name} = lanes({like})" for name, like in names.made.items()]
    return [*lines, "for start in range(first, last, LANES):", *indent(work), "return faults"]


# The last rows are computed more than once where they do not fill the lanes.
_ROW = "i = min(start + k, last - 1)"


def _room(given: Input) -> list[str]:
    """Where an input is kept while a few rows are computed."""
    array, element, _ = local(given.name)
    if given.is_label:
        return [f"labels = beginning({argument(given)}, 0)", "label = lanes(NOWHERE)"]
    if given.is_number:
        return [f"{array} = beginning({argument(given)}, 0)", f"{element} = lanes(ZERO)"]
    return [f"{array} = tile(ZERO)"]


def _loaded(inputs: Sequence[Input], *, gradient: bool) -> list[str]:
    lines, copies, checks = [_ROW, *(["factor[k] = weights[i]"] if gradient else [])], [], []
    for each in inputs:
        array, element, _ = local(each.name)
        if each.is_label:
            lines.append("label[k] = place(labels[i], columns)")
            checks = _over_lanes(["faults = faulty(faults, label[k] >= 0)"])
        elif each.is_number:
            lines.append(f"{element}{NUMBER} = {array}[i]")
        else:
            copies.append(f"{array}{ELEMENT} = {argument(each)}[i, j]")
    return [*(_over_lanes(lines) if lines[1:] else []), *_turned(copies), *checks]


def _turned(copies: Sequence[str]) -> list[str]:
    """Between rows as they lie and rows side by side: the inner loop is the one of known length, soon begun."""
    return over_columns(_over_lanes([_ROW, *copies])) if copies else []


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


def _factor(write: Write, names: Names) -> tuple[list[str], str]:
    """The line that computes what a slope is multiplied by, if there is one, and the variable that holds it."""
    factor = f"factor{NUMBER}"
    if not write.scale:
        return [], factor
    given = " ".join([factor, *(f"{sign} {Text(names).of(node)}" for sign, node in write.scale)])
    found = str(names.lane("f"))
    return [f"{found} = {given}"], found


def _loop(loop: Loop, names: Names) -> list[str]:
    """One loop over the columns and the lanes."""
    before, factors = [], {}
    for write in loop.writes:
        if write.is_slope:
            lines, factors[write.store] = _factor(write, names)
            before += lines
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
        scaled = f"{factors[write.store]} * " if write.is_slope else ""
        inner.append(f"{write.store}{ELEMENT} = {scaled}{text.of(write.value)}")
    inner += [f"faults = faulty(faults, {text.of(node)})" for node in loop.checks]
    return [*_over_lanes(before), *over_columns(_over_lanes(inner)), *_over_lanes(after)]
