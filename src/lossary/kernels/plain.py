"""Kernels printed as plain Python: one data point in the stages of its kernel, for people, and for whoever checks one.

What is printed takes arrays of one dimension and needs nothing but NumPy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

from ..graph import ELEMENT, Node, walk
from ..graph.emit import INFIX
from ..graph.program import Program
from .lowering.form import SLOPES, Loop, Lowered, Number, Stage, Target
from .lowering.lower import lower

# NumPy takes whole rows at a time and keeps what it has computed, so that only reductions part one loop from the next.
PLAIN = Target()
_LONG = 60
_OPERATORS = {**INFIX, "less": "<", "less_equal": "<=", "equal": "=="}
_FUNCTIONS = {
    "at_least": "maximum",
    "at_most": "minimum",
    "exp_decaying": "exp",
    "log1p_of_normal": "log1p",
    "log_of_normal": "log",
    "log1p_unit": "log1p",
    "small_sinh": "sinh",
}
_SPELLED = {
    "negative": "-{0}",
    "at": "np.arange(columns) == {0}",
    "expm1mx": "np.expm1({0}) - {0}",
    "hypot1": "np.hypot(1.0, {0})",
    "is_label": "np.arange(columns) == {0}",
    "log1mexp": "np.log(-np.expm1({0}))",
    "log1pmx": "np.log1p({0}) - {0}",
    "logcosh": "np.logaddexp({0}, -{0}) - np.log(2.0)",
    "log_or_log1p": "np.where({1}, np.log1p({0}), np.log({0}))",
    "log_or_log1p_of_normal": "np.where({1}, np.log1p({0}), np.log({0}))",
    "first": "np.argmax({0} == {1})",
    "place": "{0}",
    "position": "np.arange(columns)",
    "residual": "{0} - {1} * {2}",
    "same": "{0} == {1}",
    "scale_to_one": "np.ldexp(1.0, -np.clip(np.frexp({0})[1], -1022, 1022))",
    "take": "{0}[{1}] if 0 <= {1} < columns else np.nan",
    "mean_square": "np.mean(np.square({0}))",
    "total": "np.sum({0})",
}
# Results of these stand beside an operator as they are.
_CLOSED = frozenset(
    {"hypot1", "log1mexp", "log_or_log1p", "log_or_log1p_of_normal"} | {"first", "scale_to_one", "mean_square", "total"}
)


def source(program: Program, *, gradient: bool) -> str:
    """The kernel of a program as a function of one data point."""
    return _Printer(lower(program, PLAIN, gradient=gradient, rows=True)).source()


class _Printer:
    """Prints one kernel."""

    def __init__(self, form: Lowered) -> None:
        self.form = form
        self.known = {id(each.node): each.name for each in form.inputs}
        self.parameters = [_argument(name) for name in form.parameters]
        self.taken = {*self.parameters, *self.known.values()}
        self.uses = Counter(id(arg) for node in walk(list(_roots(form))) for arg in node.args)
        self.uses.update(id(node) for node in _roots(form))

    def source(self) -> str:
        """The whole function."""
        form = self.form
        names = [*(each.name for each in form.inputs), *(["*", *self.parameters] if self.parameters else [])]
        slopes = [_slope(store) for store in form.slopes]
        said = f"value, the slope{'s' if slopes[1:] else ''}" if slopes else "value"
        lines = [f"columns = len({form.main.name})", "inside = True"]
        lines += [f"inside &= 0 <= {each.name} < columns" for each in form.inputs if each.is_label]
        for stage in form.stages:
            lines += self._stage(stage)
        lines += [f"inside &= {self.bare(node)}" for node in form.checks]
        lines += ["", f"return {', '.join([self.bare(form.value), *slopes, 'inside'])}"]
        return "\n".join(
            [
                "import numpy as np",
                "",
                "",
                f"def {form.name}({', '.join(names)}):",
                f'    """The {said} and whether all numbers lie in their sets, for one data point."""',
                *(f"    {line}" if line else "" for line in lines),
                "",
            ]
        )

    def _stage(self, stage: Stage) -> Iterator[str]:
        numbers = [line for number in stage.numbers for line in self._number(number)]
        yield from ["", "# Of the data point", *numbers] if numbers else []
        for loop in stage.loops:
            yield from ["", "# Over its outputs", *self._loop(loop)]

    def _number(self, number: Number) -> Iterator[str]:
        if number.body is not None:
            yield from self._definitions(number.body.computes)
        if number.body is not None or self._is_worth_a_name(number.node):
            yield self._named("r", number.node)

    def _loop(self, loop: Loop) -> Iterator[str]:
        alone = {id(w.value) for w in loop.writes if self.uses[id(w.value)] == 1}
        yield from self._definitions([node for node in loop.body.computes if id(node) not in alone])
        yield from (f"inside &= np.all({self.bare(node)})" for node in loop.checks)
        for write in loop.writes:
            if write.is_slope:
                scale = "".join(f" {sign} {self.of(number)}" for sign, number in write.scale)
                yield f"{_slope(write.store)} = {self._row(write.value, bare=not scale)}{scale}"
            else:
                yield self._named("v", write.value)
        yield from (self._named("r", reduction.node) for reduction in loop.reductions)

    def _definitions(self, nodes: Sequence[Node]) -> Iterator[str]:
        """Lines for what is used more than once, or too long to stand inside another expression."""
        for node in nodes:
            if id(node) not in self.known and node.op != "spread" and self._is_worth_a_name(node):
                yield self._named("v", node)

    def _is_worth_a_name(self, node: Node) -> bool:
        return bool(node.args) and (self.uses[id(node)] > 1 or len(self.expression(node)) > _LONG)

    def _named(self, letter: str, node: Node) -> str:
        text = self.expression(node)
        name = next(name for name in map(f"{letter}{{}}".format, count()) if name not in self.taken)
        self.taken.add(name)
        self.known[id(node)] = name
        return f"{name} = {text}"

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression in parentheses where they are needed."""
        known = self.known.get(id(node))
        if known is not None:
            return known
        text = self.expression(node)
        bare = node.op in _OPERATORS or (node.op in _SPELLED and node.op not in _CLOSED)
        return f"({text})" if bare else text

    def bare(self, node: Node) -> str:
        """As `of`, without parentheses."""
        return self.known.get(id(node)) or self.expression(node)

    def expression(self, node: Node) -> str:
        """The expression itself."""
        if node.op == "input":
            return _argument(node.value)
        if node.op == "constant":
            return _literal(node.value)
        if node.op == "count":
            return "columns"
        if node.op == "spread":
            return self.of(node.args[0])
        if node.op in ("sum", "mean", "mean_square", "max"):
            return _SPELLED.get(node.op, f"np.{node.op}({{0}})").format(self._row(node.args[0], bare=True))
        if node.op == "indicator":
            return f"np.where({self.bare(node.args[0])}, 1.0, 0.0)"
        args = [self.of(arg) for arg in node.args]
        if node.op in _OPERATORS:
            return f"{args[0]} {_OPERATORS[node.op]} {args[1]}"
        if node.op in _SPELLED:
            return _SPELLED[node.op].format(*args)
        bare = ", ".join(map(self.bare, node.args))
        return f"np.{_FUNCTIONS.get(node.op, node.op)}({bare})"

    def _row(self, node: Node, *, bare: bool = False) -> str:
        """All elements, also where they are the same number."""
        if _varies(node):
            return self.bare(node) if bare else self.of(node)
        return f"np.full(columns, {self.bare(node)})"


def _roots(form: Lowered) -> Iterator[Node]:
    """What is computed of a kernel."""
    yield from (form.value, *form.checks, *(node for write in form.writes for _, node in write.scale))
    for stage in form.stages:
        for loop in stage.loops:
            yield from loop.body.results


def _varies(node: Node) -> bool:
    """Whether an element is made of something that differs from output to output."""
    found: dict[int, bool] = {}
    for below in walk([node]):
        own = below.op in ("input", "at", "is_label", "position")
        found[id(below)] = below.axes == ELEMENT and (own or any(found[id(arg)] for arg in below.args))
    return found[id(node)]


def _slope(store: str) -> str:
    """The variable for a slope."""
    return store.replace(SLOPES, "slope")


def _argument(name: str) -> str:
    """A parameter's name, unless it names something else here."""
    return f"{name}_" if name in ("np", "columns", "inside") or name.startswith("slope") else name


def _literal(value: float) -> str:
    if math.isnan(value):
        return "np.nan"
    text = repr(value).replace("inf", "np.inf")
    return f"({text})" if value < 0 else text
