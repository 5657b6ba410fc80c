"""The source of a kernel: Python that Numba compiles, one function per loss and use."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...graph import Node
from ...graph.program import Program
from ..lowering.rewrite import elsewhere, places, there
from ..lowering.schedule import REDUCE, Loop, Schedule, Use, reduced, schedule
from . import narrow
from .intrinsics import CHUNK
from .spell import Names, Text, definitions, indent, loads


def source(program: Program, use: Use) -> tuple[str, list[Node]]:
    """The source of the kernel, and the nodes of the numbers it takes after its arrays."""
    plan = schedule(program, slope=use.gradient, rows=use.rows, points=use.points)
    known = {id(n): f"(h{number} != ZERO)" if n.is_bool else f"h{number}" for number, n in enumerate(plan.parameters)}
    if program.record.labels_are_integers:
        known[id(program.y_true)] = f"label{narrow.NUMBER}" if use.narrow else "label"
    if use.narrow:
        body = narrow.body(program, use, plan, Names(known, narrow.ELEMENT, narrow.NUMBER))
    elif use.rows:
        body = _rows(program, use, plan, Names(known))
    else:
        body = _chunks(program, use, plan, Names(known))
    arrays = ["y_true", "y_pred", *(["gradient"] if use.gradient else []), *(["mask"] if use.mask else [])]
    arrays += ["values"] if use.rows or use.points else ["totals"]
    if use.gradient:
        arrays += ["factors"] if use.rows or use.points else ["factor"]
    arrays += [] if use.rows else ["count"]
    signature = ", ".join([*arrays, "first", "last", *(f"h{number}" for number in range(len(plan.parameters)))])
    head = f"def {program.record.name}_{use.name}({signature}):"
    return "\n".join([head, *indent(["widest_vectors()", *body]), ""]), plan.parameters


def _chunks(program: Program, use: Use, plan: Schedule, names: Names) -> list[str]:
    """Elements without rows, so many at a time."""
    keep_in = plan.stores()
    work = [f"start = i * {CHUNK}", f"columns = min({CHUNK}, y_pred.size - start)"]
    arrays = {"targets": "y_true", "predictions": "y_pred"}
    arrays |= {"slopes": "gradient"} if use.gradient else {}
    arrays |= {"results": "values"} if use.points else {}
    arrays |= {"weights": "factors"} if use.points and use.gradient else {}
    work += [f"{name} = beginning({array}, start)" for name, array in arrays.items()]
    work += ["kept_in = mask[start : start + columns]"] if use.mask else []
    for number, loop in enumerate(plan.loops):
        work += [f"{names.result(node)} = {Text(names).expression(node)}" for node in plan.rows[number]]
        for one in loop.passes():
            work += _pass(program, use, one, names, keep_in)
    work += [] if use.points else [f"totals[i] = {Text(names).of(plan.value)}"]
    kept = [f"{store} = chunk(ZERO)" for store in keep_in.values() if store != "slopes"]
    return ["faults = NONE", *kept, "for i in range(first, last):", *indent(work), "return faults"]


def _rows(program: Program, use: Use, plan: Schedule, names: Names) -> list[str]:
    """Rows, a few at a time.

    Each loop goes over all of them before the next begins: what one row waits for, another computes, and the numbers
    of the rows fill vectors.
    """
    keep_in = plan.stores()
    kept = [store for store in keep_in.values() if store != "slopes"]
    work: list[str] = []
    if program.record.labels_are_integers:
        work += _each_row(use, ["faults = faulty(faults, label >= 0)"], kept)
    for number, loop in enumerate(plan.loops):
        work += _row_numbers(program, use, plan.rows[number], names, kept)
        for one in loop.passes():
            work += _each_row(use, _pass(program, use, one, names, keep_in), kept)
    text = Text(names)
    last = [f"faults = faulty(faults, {text.of(node)})" for node in plan.row_inside]
    work += _each_row(use, [*last, f"results[k] = {text.of(plan.value)}"], kept)
    if use.mask:
        zero = ["values[i] = ZERO", *(["gradient[i] = ZERO"] if use.gradient else [])]
        work += ["for i in range(start, start + size):", *indent(["if not mask[i]:", *indent(zero)])]
    lines = ["faults = NONE", "columns = y_pred.shape[1]", "count = F(columns)"]
    lines.append("most = rows_at_once(columns)")
    lines += [f"{store}_rows = empty((most, columns), F)" for store in kept]
    lines += [f"{name}_rows = lanes({like})" for name, like in names.made]
    ahead = {"results": "values", "weights": "factors", "labels": "y_true"}
    used = "\n".join(work)
    first = [f"{name} = beginning({array}, start)" for name, array in ahead.items() if f"{name}[k]" in used]
    work = ["size = min(most, last - start)", *first, *work]
    return [*lines, "for start in range(first, last, most):", *indent(work), "return faults"]


def _each_row(use: Use, lines: list[str], kept: Sequence[str]) -> list[str]:
    """The lines for every row of a few, after what they need of it."""
    views = {
        "label": "label = place(labels[k], columns)",
        "targets": "targets = row(y_true, i)",
        "predictions": "predictions = row(y_pred, i)",
        "slopes": "slopes = row(gradient, i)",
        "factor": "factor = weights[k]",
        **{store: f"{store} = row({store}_rows, k)" for store in kept},
    }
    text = "\n".join(lines)
    numbers = dict.fromkeys(re.findall(r"\br\d+\b", text))
    made = dict.fromkeys(re.findall(r"^ *(r\d+) = ", text, re.MULTILINE))
    used = [view for name, view in views.items() if re.search(rf"\b{name}\b", text)]
    used += [f"{name} = {name}_rows[k]" for name in numbers if name not in made]
    results = [f"{name}_rows[k] = {name}" for name in made]
    skip = ["if not mask[i]:", "    continue"] if use.mask else []
    body = [*skip, *used, *lines, *results]
    index = ["i = start + k"] if any(re.search(r"\bi\b", line) for line in body) else []
    return ["for k in range(size):", *indent([*index, *body])] if lines else []


# --- numbers of the row, between two loops -----------------------------------------------------------------------


def _row_numbers(program: Program, use: Use, nodes: Sequence[Node], names: Names, kept: Sequence[str]) -> list[str]:
    lines: list[str] = []
    plain: list[str] = []
    for node in nodes:
        if node.op in ("take", "position"):
            lines += _each_row(use, plain, kept)
            plain = []
            lines += _each_row(use, (_taken if node.op == "take" else _searched)(program, node, names), kept)
        elif not node.is_bool:
            expression = Text(names).expression(node)
            plain.append(f"{names.result(node)} = {expression}")
    return lines + _each_row(use, plain, kept)


def _taken(program: Program, node: Node, names: Names) -> list[str]:
    """The element at one place, computed once more for that place alone."""
    scope = names.inner()
    index = Text(names).of(node.args[1])
    body = [f"j = {index}", *loads(program, node.args[:1], scope), *definitions(node.args[:1], scope)]
    names.count = scope.count
    text = Text(scope).of(node.args[0])
    name = names.result(node)
    return [f"{name} = UNDEFINED", f"if 0 <= {index} < columns:", *indent([*body, f"{name} = {text}"])]


def _searched(program: Program, node: Node, names: Names) -> list[str]:
    """The first place in the row of a number."""
    scope = names.inner()
    body = [*loads(program, node.args[:1], scope), *definitions(node.args[:1], scope)]
    text = Text(scope)
    test = f"equal({text.of(node.args[0])}, {text.of(node.args[1])})"
    found = names.fresh("s")
    search = _over_columns([*body, f"{found} = earlier({found}, j, {test})"])
    return [f"{found} = NOWHERE", *search, f"{names.result(node, like='NOWHERE')} = {found}"]


# --- loops over the row ------------------------------------------------------------------------------------------


def _pass(program: Program, use: Use, loop: Loop, names: Names, keep_in: dict[int, str]) -> list[str]:
    """One loop, with the places of the row that differ from all others computed before it and written after it."""
    before, after = _exceptions(program, use, loop, names, keep_in)
    scope = names.inner()
    written = [(node, elsewhere(node, names.known)) for node in loop.written()]
    stored = [node for node in loop.reductions if _row(program, use, node, names)]
    reductions = [node for node in loop.reductions if not any(node is other for other in stored)]
    roots = [*(value for _, value in written), *map(reduced, reductions), *loop.inside]
    body = [*loads(program, roots, scope, masked=use.points and use.mask), *definitions(roots, scope)]
    text = Text(scope)
    starts, steps, results = _reductions(reductions, names, text)
    body += steps
    body += [f"{_store(loop, node, keep_in)} = {_stored(use, loop, node, text, value)}" for node, value in written]
    body += [f"faults = faulty(faults, {text.of(node)})" for node in loop.inside]
    for node in stored:
        total = f"row_sum({_row(program, use, node, names)}, columns)"
        results.append(f"{names.result(node)} = {REDUCE[node.op][2].format(total=total)}")
    if loop.slope is not None:
        names.forget("slopes[j]")
    names.known.update({id(node): f"{keep_in[id(node)]}[j]" for node in loop.keeps})
    return [*before, *starts, *_over_columns(body), *after, *results]


def _over_columns(body: list[str]) -> list[str]:
    return ["for j in range(columns):", *indent(body)] if body else []


def _store(loop: Loop, node: Node, keep_in: dict[int, str], place: str = "j") -> str:
    """Where the loop writes a node."""
    if node is loop.slope:
        return f"slopes[{place}]"
    return f"results[{place}]" if node is loop.result else f"{keep_in[id(node)]}[{place}]"


def _stored(use: Use, loop: Loop, node: Node, text: Text, value: Node) -> str:
    """What the loop writes for a node."""
    if node is loop.slope:
        given = "weights[j]" if use.points else "factor"
        factor = " ".join([given, *(f"{sign} {text.of(number)}" for sign, number in loop.scale)])
        return f"({factor}) * {text.of(value)}"
    return f"where(kept_in[j], {text.of(value)}, ZERO)" if node is loop.result and use.mask else text.of(value)


def _exceptions(
    program: Program, use: Use, loop: Loop, names: Names, keep_in: dict[int, str]
) -> tuple[list[str], list[str]]:
    """The lines that compute what the loop writes at single places, and those that write it.

    Without them every element would be compared with the place of the label and that of the largest.
    """
    before, after = [], []
    special = [node for node in loop.written() if elsewhere(node, names.known) is not node]
    for place in places(special):
        index = Text(names).of(place)
        test = f"if 0 <= {index} < columns:"
        values = [there(node, names.known, place) for node in special]
        scope = names.inner()
        body = [f"j = {index}", *loads(program, values, scope), *definitions(values, scope)]
        names.count = scope.count
        text = Text(scope)
        writes = []
        for node, value in zip(special, values, strict=True):
            name = names.fresh("e")
            before.append(f"{name} = ZERO")
            body.append(f"{name} = {_stored(use, loop, node, text, value)}")
            writes.append(f"{_store(loop, node, keep_in, index)} = {name}")
        before += [test, *indent(body)]
        after += [test, *indent(writes)]
    return before, after


def _row(program: Program, use: Use, node: Node, names: Names) -> str:
    """The array whose plain sum the node is, or nothing."""
    if node.op not in ("sum", "mean", "total") or (use.points and use.mask):
        return ""
    inputs = {id(program.y_true): "targets", id(program.y_pred): "predictions"}
    text = names.known.get(id(node.args[0]), "")
    return inputs.get(id(node.args[0])) or (text.removesuffix("[j]") if text.endswith("[j]") else "")


def _reductions(nodes: Sequence[Node], names: Names, text: Text) -> tuple[list[str], list[str], list[str]]:
    """Lines before the loop, in it and after it; afterwards the results have names."""
    starts, steps, results = [], [], []
    for node in nodes:
        start, step, result = REDUCE[node.op]
        total = names.fresh("s")
        starts.append(f"{total} = {start}")
        steps.append(f"{total} = {step.format(total=total, x=text.of(reduced(node)))}")
        results.append(f"{names.result(node)} = {result.format(total=total)}")
    return starts, steps, results
