"""The source of a kernel in Triton: a block of elements, or rows held in registers, per program.

Value and gradient come from one pass.  An array that is None is left out: ``gradient``, ``values`` (one number per
data point), ``totals`` (one float64 sum per program, added up in order by ``finish``), ``factors`` and ``live`` (one
entry per data point), ``upstream`` (what the gradient is multiplied with).  The outputs of a row lie ``inner`` elements
apart.  Sums are float64: what they are off by is their one rounding to float32.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...graph import Node, walk
from ...graph.emit import INFIX
from ...graph.program import Program
from ..lowering.form import Input, Loop, Lowered, Stage, Target
from ..lowering.lower import lower
from . import functions

# What is computed stays in registers, so only reductions part one loop from the next.
DEVICE = Target()
_LONG = 60
_OPERATORS = {k: v for k, v in INFIX.items() if k != "divide"} | {"less": "<", "less_equal": "<=", "equal": "=="}
_OPERATORS |= {"logical_and": "&", "logical_or": "|"}
_SPELLED = {
    "abs": "tl.abs({0})",
    "at": "(cols == {0})",
    "divide": "divided({0}, {1})",
    "guard": "maximum({0}, {1})",
    "indicator": "tl.where({0}, 1.0, 0.0)",
    "is_label": "(cols == {0})",
    "logical_not": "({0} == 0)",
    "negative": "(-{0})",
    "spread": "{0}",
    "sqrt": "root({0})",
    "square": "({0} * {0})",
    "where": "tl.where({0}, {1}, {2})",
}
_WIDE = "tl.where(inside, {x}, 0.0).to(tl.float64)"
_SUM = "tl.sum({x}, axis=1, keep_dims=True)"
_REDUCE = {
    "sum": _SUM.format(x=_WIDE) + ".to(tl.float32)",
    "mean": f"({_SUM.format(x=_WIDE)} / tl.cast(columns, tl.float64)).to(tl.float32)",
    "mean_square": "(" + _SUM.format(x=f"{_WIDE} * {_WIDE}") + " / tl.cast(columns, tl.float64)).to(tl.float32)",
    "max": "from_order_key(tl.max(tl.where(inside, order_key({x}), -2147483648), axis=1, keep_dims=True))",
    "total": f"tl.sum({_WIDE}, axis=0)",
}
_TAKE = 'tl.where({1} >= 0, tl.sum(tl.where(inside & (cols == {1}), {0}, 0.0), axis=1, keep_dims=True), float("nan"))'
_FIRST = "tl.min(tl.where(inside & ({0} == {1}), cols, columns), axis=1, keep_dims=True)"
_NAMES = {"y_true": "t", "y_pred": "p"}
FINISH = '''@triton.jit
def finish(totals, value, size, divisor, BLOCK: tl.constexpr):
    """The sum of what programs have summed, divided; always in the same order."""
    total = tl.zeros((BLOCK,), tl.float64)
    for start in range(0, size, BLOCK):
        at = start + tl.arange(0, BLOCK)
        total += tl.load(totals + at, mask=at < size, other=0.0)
    tl.store(value, (tl.sum(total, axis=0) / tl.cast(divisor, tl.float64)).to(tl.float32))
'''


@dataclass(frozen=True)
class Source:
    """A kernel as text; ``numbers`` are the nodes of its ``h0, h1, ...``, computed from parameters alone."""

    name: str
    text: str
    numbers: tuple[Node, ...]


def source(program: Program, *, rows: bool) -> Source:
    """The kernel that keeps data points apart, or the one that adds up the elements of a separable loss."""
    form = lower(program, DEVICE, gradient=True, rows=rows)
    name = f"{form.name}_{'rows' if rows else 'elements'}"
    printer = _Printer(form)
    body = printer.of_rows() if rows else printer.of_elements()
    arrays = (
        "values, totals, factors, live, upstream, rows, columns, inner" if rows else "totals, upstream, size, columns"
    )
    sizes = "ROWS: tl.constexpr, BLOCK: tl.constexpr" if rows else "BLOCK: tl.constexpr"
    numbers = "".join(f", h{place}" for place in range(len(form.numbers)))
    head = f"def {name}(y_true, y_pred, gradient, {arrays}, factor{numbers}, {sizes}):"
    kernel = "\n".join(["@triton.jit", head, *(f"    {line}" for line in body), ""])
    parts = ["import triton\nimport triton.language as tl\n", functions.source(kernel), FINISH, kernel]
    return Source(name, "\n\n".join(parts), form.numbers)


class _Printer:
    def __init__(self, form: Lowered) -> None:
        self.form = form
        self.known = {id(node): f"(h{i} != 0.0)" if node.is_bool else f"h{i}" for i, node in enumerate(form.numbers)}
        self.known |= {id(each.node): "label" if each.is_label else _NAMES[each.name] for each in form.inputs}
        roots = [form.value, *(node for _, node in form.scale)]
        roots += [w.value for stage in form.stages for loop in stage.loops for w in loop.writes]
        self.uses = Counter(id(arg) for node in walk(roots) for arg in node.args)
        self.uses.update(map(id, roots))
        self.count = 0

    def of_elements(self) -> list[str]:
        """Lines for a block of elements that do not see each other."""
        lines = ["at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)", "inside = at < size"]
        lines += [self._load(each, "inside") for each in self.form.inputs]
        lines += ["count = tl.cast(columns, tl.float32)", *self._upstream()]
        for stage in self.form.stages:
            lines += self._stage(stage, "inside", "inside")
        total = self.of(self.form.value)
        return [*lines, "if totals is not None:", f"    tl.store(totals + tl.program_id(0), {total})"]

    def of_rows(self) -> list[str]:
        """Lines for some rows at once."""
        lines = [
            "row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]",
            "cols = tl.arange(0, BLOCK)[None, :]",
            "used = row < rows",
            "written = used & (cols < columns)",
            "at = (row // inner) * columns * inner + row % inner + cols.to(tl.int64) * inner",
            "if live is not None:",
            "    used = used & (tl.load(live + row, mask=used, other=0) != 0)",
            "inside = used & (cols < columns)",
            "count = tl.cast(columns, tl.float32)",
            *(self._load(each, "inside") for each in self.form.inputs),
            "if factors is not None:",
            "    weight = tl.load(factors + row, mask=used, other=0.0).to(tl.float32)",
            "    factor = weight",
        ]
        slopes = [line for stage in self.form.stages for line in self._stage(stage, "used", "written")]
        value = self.of(self.form.value)
        return [
            *lines,
            *self._upstream(),
            *slopes,
            f"value = tl.where(used, {value}, 0.0)",
            "weighted = value.to(tl.float64)",
            "if factors is not None:",
            "    value = tl.where(used, value * weight, 0.0)",
            "    weighted = tl.where(used, weighted * weight.to(tl.float64), 0.0)",
            "if values is not None:",
            "    tl.store(values + row, value, mask=row < rows)",
            "if totals is not None:",
            "    tl.store(totals + tl.program_id(0), tl.sum(tl.sum(weighted, axis=1), axis=0))",
        ]

    def _upstream(self) -> list[str]:
        return ["if upstream is not None:", "    factor = factor * tl.load(upstream).to(tl.float32)"]

    def _load(self, each: Input, mask: str) -> str:
        if each.is_label:
            text = "tl.load(y_true + row, mask=used, other=0)"
            return f"label = tl.where(({text} >= 0) & ({text} < columns), {text}, -1).to(tl.int32)"
        other = _literal(each.neutral)
        return f"{_NAMES[each.name]} = tl.load({each.name} + at, mask={mask}, other={other}).to(tl.float32)"

    def _stage(self, stage: Stage, used: str, written: str) -> Iterator[str]:
        for number in stage.numbers:
            if number.body is not None:
                yield from self._define(number.body.computes)
            yield self._named("r", number.node)
        for loop in stage.loops:
            yield from self._loop(loop, used, written)

    def _loop(self, loop: Loop, used: str, written: str) -> Iterator[str]:
        wanted = walk([*(r.of for r in loop.reductions), *(w.value for w in loop.writes)])
        needed = {id(node) for node in wanted}
        yield from self._define(node for node in loop.body.computes if id(node) in needed)
        for reduction in loop.reductions:
            yield self._named("r", reduction.node)
        for write in loop.writes:
            scale = "factor"
            for sign, node in self.form.scale:
                scale = f"divided({scale}, {self.of(node)})" if sign == "/" else f"{scale} * {self.of(node)}"
            yield "if gradient is not None:"
            yield f"    slope = tl.where({used}, ({scale}) * {self.of(write.value)}, 0.0)"
            yield f"    tl.store(gradient + at, slope, mask={written})"

    def _define(self, nodes: Iterable[Node]) -> Iterator[str]:
        for node in nodes:
            known = id(node) in self.known or node.op == "spread" or not node.args
            if not known and (self.uses[id(node)] > 1 or len(self._expression(node)) > _LONG):
                yield self._named("v", node)

    def _named(self, letter: str, node: Node) -> str:
        text = self._expression(node)
        name = f"{letter}{self.count}"
        self.count += 1
        self.known[id(node)] = name
        return f"{name} = {text}"

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression."""
        return self.known.get(id(node)) or self._expression(node)

    def _expression(self, node: Node) -> str:
        if node.op == "constant":
            return _literal(node.value)
        if node.op == "count":
            return "count"
        args = [self.of(arg) for arg in node.args]
        if node.op in _OPERATORS:
            return f"({args[0]} {_OPERATORS[node.op]} {args[1]})"
        if node.op in _REDUCE:
            return _REDUCE[node.op].format(x=args[0])
        if node.op in ("take", "first"):
            return (_TAKE if node.op == "take" else _FIRST).format(*args)
        if node.op in _SPELLED:
            return _SPELLED[node.op].format(*args)
        if node.op not in functions.NAMES:
            raise KeyError(node.op)
        return f"{node.op}({', '.join(args)})"


def _literal(value: float) -> str:
    single = float(np.float32(value))
    if math.isnan(single) or math.isinf(single):
        return f'float("{single}")'
    return repr(single) if single >= 0 else f"({single!r})"
