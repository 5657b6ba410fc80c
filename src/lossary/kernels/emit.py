"""The source of a kernel: Python that Numba compiles, one function per loss and use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..graph import Kind, Node
from ..graph.emit import INFIX
from ..program import Program
from .schedule import Loop, Schedule, reduced, schedule

CHUNK = 2048
_LONG = 60

# Start, step and result of a running reduction.
_REDUCE = {
    "sum": ("0.0", "accumulate({total}, {x})", "F({total})"),
    "mean": ("0.0", "accumulate({total}, {x})", "F({total} / columns)"),
    "mean_square": ("0.0", "accumulate_square({total}, {x})", "F({total} / columns)"),
    "max": ("LOWEST", "larger({total}, order_key({x}))", "from_order_key({total}, ONE)"),
    "total": ("0.0", "accumulate({total}, {x})", "{total}"),
    "position": ("NOWHERE", "earlier({total}, j, {x})", "{total}"),
}


@dataclass(frozen=True)
class Use:
    """What a kernel is for.

    ``rows`` keeps data points apart; otherwise a separable loss runs over all elements at once and gives their total.
    ``points`` is the same with one element per data point, whose values and factors are arrays.
    """

    rows: bool
    points: bool
    gradient: bool
    mask: bool

    @property
    def name(self) -> str:
        """A short name for files and functions."""
        shape = "rows" if self.rows else "points" if self.points else "total"
        return "_".join([shape, *(["gradient"] if self.gradient else []), *(["masked"] if self.mask else [])])


class _Names:
    """Which local variable holds which node; scopes nest."""

    def __init__(self, known: dict[int, str] | None = None) -> None:
        self.known = dict(known or {})
        self.count = 0

    def inner(self) -> _Names:
        made = _Names(self.known)
        made.count = self.count
        return made


def source(program: Program, use: Use) -> tuple[str, list[Node]]:
    """The source of the kernel, and the nodes of the numbers it takes after its arrays."""
    plan = schedule(program, slope=use.gradient, rows=use.rows, points=use.points)
    names = _Names(
        {id(n): f"(h{number} != ZERO)" if n.is_bool else f"h{number}" for number, n in enumerate(plan.parameters)}
    )
    body = _body(program, use, plan, names)
    arrays = ["y_true", "y_pred", *(["gradient"] if use.gradient else []), *(["mask"] if use.mask else [])]
    arrays += ["values"] if use.rows or use.points else ["totals"]
    if use.gradient:
        arrays += ["factors"] if use.rows or use.points else ["factor"]
    arrays += [] if use.rows else ["count"]
    signature = ", ".join([*arrays, "first", "last", *(f"h{number}" for number in range(len(plan.parameters)))])
    head = f"def {program.record.name}_{use.name}({signature}):"
    return "\n".join([head, *_indent(body), ""]), plan.parameters


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _body(program: Program, use: Use, plan: Schedule, names: _Names) -> list[str]:
    lines = ["faults = NONE", *(["columns = y_pred.shape[1]", "count = F(columns)"] if use.rows else [])]
    keep_in = plan.stores()
    length = "columns" if use.rows else CHUNK
    lines += [f"{store} = empty({length}, F)" for store in keep_in.values() if store != "slopes"]
    lines.append("for i in range(first, last):")
    inner: list[str] = []
    if use.rows:
        inner += _row_views(use, program.record.labels_are_integers)
    else:
        inner += _chunk_views(use)
    inner += _row_work(program, use, plan, names, keep_in)
    return [*lines, *_indent(inner), "return faults"]


def _row_views(use: Use, labels: bool) -> list[str]:
    lines = []
    if use.gradient:
        lines.append("slopes = gradient[i]")
    if use.mask:
        lines += ["if not mask[i]:", "    values[i] = ZERO"]
        lines += ["    for j in range(columns):", "        slopes[j] = ZERO"] if use.gradient else []
        lines.append("    continue")
    if use.gradient:
        lines.append("factor = factors[i]")
    if labels:
        lines += ["label = place(y_true[i], columns)", "faults = faulty(faults, label >= 0)"]
    else:
        lines.append("targets = y_true[i]")
    return [*lines, "predictions = y_pred[i]"]


def _chunk_views(use: Use) -> list[str]:
    lines = [f"start = i * {CHUNK}", f"stop = min(start + {CHUNK}, y_pred.size)"]
    lines += ["targets = y_true[start:stop]", "predictions = y_pred[start:stop]"]
    lines += ["slopes = gradient[start:stop]"] if use.gradient else []
    lines += ["kept_in = mask[start:stop]"] if use.mask else []
    if use.points:
        lines.append("results = values[start:stop]")
        lines += ["weights = factors[start:stop]"] if use.gradient else []
    return [*lines, "columns = predictions.size"]


def _row_work(program: Program, use: Use, plan: Schedule, names: _Names, keep_in: dict[int, str]) -> list[str]:
    lines: list[str] = []
    for number, loop in enumerate(plan.loops):
        lines += _row_numbers(program, plan.rows[number], names)
        lines += _loop(program, use, loop, names, keep_in)
    texts = _Text(names)
    lines += [f"faults = faulty(faults, {texts.of(node)})" for node in plan.row_inside]
    if use.points:
        return lines
    return [*lines, f"{'values' if use.rows else 'totals'}[i] = {texts.of(plan.value)}"]


def _factor(given: str, loop: Loop, texts: _Text) -> str:
    """What all slopes of a row are multiplied by."""
    return " ".join([given, *(f"{sign} {texts.of(node)}" for sign, node in loop.scale)])


def _row_numbers(program: Program, nodes: Sequence[Node], names: _Names) -> list[str]:
    """Numbers of the row, between two loops."""
    lines = []
    for node in nodes:
        if node.op == "take":
            lines += _taken(program, node, names)
        else:
            name = f"r{names.count}"
            names.count += 1
            lines.append(f"{name} = {_Text(names).expression(node)}")
            names.known[id(node)] = name
    return lines


def _taken(program: Program, node: Node, names: _Names) -> list[str]:
    """The element that the label names, computed once more for that place alone."""
    name = f"r{names.count}"
    names.count += 1
    scope = names.inner()
    scope.known = {key: text for key, text in scope.known.items() if "[j]" not in text}
    body = ["j = label", *_loads(program, [node.args[0]], scope, None)]
    body += _definitions([node.args[0]], scope)
    body.append(f"{name} = {_Text(scope).of(node.args[0])}")
    names.known[id(node)] = name
    names.count = scope.count
    return [f"{name} = UNDEFINED", "if label >= 0:", *_indent(body)]


def _loop(program: Program, use: Use, loop: Loop, names: _Names, keep_in: dict[int, str]) -> list[str]:
    """One pass over the row, and the light one that sums what it stored."""
    scope = _scope(loop, names, keep_in, own=False)
    body = [*_loads(program, loop.roots(), scope, use), *_definitions(loop.roots(), scope)]
    texts = _Text(scope)
    lines, steps, results = _reductions(loop.reductions, names, texts)
    body += steps
    body += [f"{keep_in[id(node)]}[j] = {texts.of(node)}" for node in loop.keeps]
    if loop.slope is not None:
        given = "weights[j]" if use.points else "factor"
        body.append(f"slopes[j] = ({_factor(given, loop, texts)}) * {texts.of(loop.slope)}")
    if loop.result is not None:
        value = texts.of(loop.result)
        body.append(f"results[j] = where(kept_in[j], {value}, ZERO)" if use.mask else f"results[j] = {value}")
    body += [f"faults = faulty(faults, {texts.of(node)})" for node in loop.inside]
    lines += ["for j in range(columns):", *_indent(body)] if body else []
    if loop.sums:
        scope = _scope(loop, names, keep_in, own=True)
        roots = [reduced(node) for node in loop.sums]
        body = [*_loads(program, roots, scope, use), *_definitions(roots, scope)]
        starts, steps, sums = _reductions(loop.sums, names, _Text(scope))
        lines += [*starts, "for j in range(columns):", *_indent([*body, *steps])]
        results += sums
    return [*lines, *results]


def _scope(loop: Loop, names: _Names, keep_in: dict[int, str], *, own: bool) -> _Names:
    """The variables of a loop: what earlier ones stored, and with ``own`` what this one stored itself."""
    scope = names.inner()
    mine = {id(node) for node in loop.keeps}
    for key, store in keep_in.items():
        if own or key not in mine:
            scope.known[key] = f"{store}[j]"
    return scope


def _reductions(nodes: Sequence[Node], names: _Names, texts: _Text) -> tuple[list[str], list[str], list[str]]:
    """Lines before the loop, in it and after it; afterwards the results have names."""
    starts, steps, results = [], [], []
    for node in nodes:
        total, name = f"s{names.count}", f"r{names.count}"
        names.count += 1
        start, step, result = _REDUCE[node.op]
        starts.append(f"{total} = {start}")
        steps.append(f"{total} = {step.format(total=total, x=texts.of(reduced(node)))}")
        results.append(f"{name} = {result.format(total=total)}")
        names.known[id(node)] = name
    return starts, steps, results


def _loads(program: Program, roots: Sequence[Node], scope: _Names, use: Use | None) -> list[str]:
    """The inputs that these elements need, read once."""
    needed = {id(node) for node in _reach(roots, scope)}
    lines = []
    for node, name, row in ((program.y_true, "t", "targets"), (program.y_pred, "p", "predictions")):
        if node.kind is Kind.ELEMENT and id(node) in needed:
            text = f"{row}[j]"
            if use is not None and use.points and use.mask:
                neutral = "NEUTRAL_TARGET" if name == "t" else "NEUTRAL_PREDICTION"
                text = f"where(kept_in[j], {text}, {neutral})"
            lines.append(f"{name} = {text}")
            scope.known[id(node)] = name
    return lines


def _reach(roots: Sequence[Node], scope: _Names) -> list[Node]:
    """The element nodes that must be computed here, operands first."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) in seen or id(node) in scope.known or node.kind is not Kind.ELEMENT:
            return
        seen.add(id(node))
        for arg in node.args:
            visit(arg)
        order.append(node)

    for root in roots:
        visit(root)
    return order


def _definitions(roots: Sequence[Node], scope: _Names) -> list[str]:
    """Lines for element values used more than once, or too long to stand inside another."""
    order = _reach(roots, scope)
    uses = Counter(id(arg) for node in order for arg in node.args)
    uses.update(id(root) for root in roots)
    texts = _Text(scope)
    lines = []
    for node in order:
        if node.args and node.op not in ("spread", "at") and (uses[id(node)] > 1 or texts.length(node) > _LONG):
            name = f"v{scope.count}"
            scope.count += 1
            lines.append(f"{name} = {texts.expression(node)}")
            scope.known[id(node)] = name
    return lines


class _Text:
    """Nodes as Python expressions."""

    def __init__(self, names: _Names) -> None:
        self.names = names

    def length(self, node: Node) -> int:
        return len(self.expression(node))

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression in parentheses where they are needed."""
        known = self.names.known.get(id(node))
        if known is not None:
            return known
        text = self.expression(node)
        return f"({text})" if node.op in INFIX or node.op == "negative" else text

    def expression(self, node: Node) -> str:
        """The expression itself."""
        if node.op == "input":
            return self.names.known[id(node)] if node.kind is not Kind.ROW else "label"
        if node.op == "constant":
            return (
                f"F({float(node.value)!r})"
                if abs(node.value) != float("inf")
                else f"F({'-' * (node.value < 0)}INFINITY)"
            )
        if node.op == "count":
            return "count"
        if node.op in ("at", "is_label"):
            return f"at(j, {self.of(node.args[0])})"
        if node.op in ("spread", "indicator"):
            first = self.of(node.args[0])
            return first if node.op == "spread" else f"indicator({first})"
        args = [self.of(arg) for arg in node.args]
        if node.op in INFIX:
            return f"{args[0]} {INFIX[node.op]} {args[1]}"
        if node.op == "negative":
            return f"-{args[0]}"
        return f"{node.op}({', '.join(args)})"
