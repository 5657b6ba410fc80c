"""A traced formula printed as a JavaScript function of one data point, which needs nothing but `_script_words`.

A number per output is an array, everything else is a number.  Where outputs do not see each other the function is that
of a single output, and all of its arguments are numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ..facts.axes import ELEMENT, NUMBER, OTHERS, PAIR, ROW
from ..graph.emit import INFIX
from ..graph.node import Node, walk

_LONG = 72
_OPERATORS = {**INFIX, "less": "<", "less_equal": "<=", "equal": "===", "logical_and": "&&", "logical_or": "||"}
_MATH = {"arctan": "atan", "maximum": "max", "minimum": "min", "guard": "max", "power": "pow"} | {
    name: name
    for name in ("abs", "cos", "exp", "expm1", "floor", "log", "log1p", "sign", "sin", "sinh", "sqrt", "tanh")
}
_OF_OTHERS = {"sum_other": "sum", "max_other": "max"}
_REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max"})
# What is made of a whole row before any of its elements is known.
_OF_ROWS = frozenset({"first_max", "sorted_down", "cumulated", "sparsemax"})
# What a row of a single output makes of these words.
_OF_ONE: Mapping[str, str] = {
    "count": "1", "first_max": "true", "is_label": "true", "position": "0", "sparsemax": "1"
}  # fmt: skip
_AXES = frozenset({NUMBER, ROW, ELEMENT, OTHERS, PAIR})
# Names that a function uses for itself: the words, the length of a row, a place in it and another.
_OWN = frozenset({"w", "n", "j", "i"})
_RESERVED = _OWN | frozenset(
    {"break", "case", "catch", "class", "const", "continue", "default", "delete", "do", "else", "enum", "export"}
    | {"extends", "false", "for", "function", "if", "import", "in", "instanceof", "let", "new", "null", "return"}
    | {"static", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield"}
)


def unspelled(outputs: Sequence[Node], composed: frozenset[str]) -> str:
    """What of the nodes has no spelling, or nothing."""
    nodes = walk(outputs)
    if not all(node.axes in _AXES for node in nodes):
        return "its arguments are lists of their own length"
    spelled = {*_OPERATORS, *_MATH, *_REDUCTIONS, *_OF_ROWS, *_OF_ONE, *_SPELLED, *composed}
    missing = sorted({node.op for node in nodes} - spelled)
    return f"{', '.join(missing)}: no spelling" if missing else ""


def function(
    name: str,
    inputs: Sequence[tuple[str, Node]],
    outputs: Sequence[Node],
    *,
    single: bool,
    defaults: Mapping[str, float] | None = None,
) -> str:
    """Source of a function of the inputs that returns the outputs, in an array if there are several."""
    return _Printer(inputs, outputs, single=single).source(name, defaults or {})


class _Printer:
    """Prints one function."""

    def __init__(self, inputs: Sequence[tuple[str, Node]], outputs: Sequence[Node], *, single: bool) -> None:
        self.inputs = [(argument(name), node) for name, node in inputs]
        self.outputs = outputs
        self.single = single
        self.uses = Counter(id(node) for node in outputs)
        for node in reversed(walk(outputs)):
            if self.uses[id(node)]:
                self.uses.update(id(arg) for arg in _operands(node))
        self.order = [node for node in walk(outputs) if self.uses[id(node)]]
        self.named = {id(node): name for name, node in self.inputs}

    def source(self, name: str, defaults: Mapping[str, float]) -> str:
        """The whole function."""
        lines = []
        if not self.single and any(node.axes != NUMBER for node in self.order):
            row = next(name for name, node in self.inputs if node.axes == ELEMENT)
            lines.append(f"const n = {row}.length;")
        lines += [line for node in self.order for line in self._line(node)]
        results = [self._result(node) for node in self.outputs]
        returned = results[0] if len(results) == 1 else f"[{', '.join(results)}]"
        given = [f"{name} = {literal(defaults[name])}" if name in defaults else name for name, _ in self.inputs]
        body = "\n".join(f"  {line}" for line in [*lines, f"return {returned};"])
        return f"function {name}({', '.join(given)}) {{\n{body}\n}}"

    def _line(self, node: Node) -> list[str]:
        """The line that gives a node a name, where it is worth one."""
        if not node.args or id(node) in self.named or node.op in ("spread", "count", "position", "detach"):
            return []
        row = not self.single and (node.op in _REDUCTIONS or node.op in _OF_ROWS or node.op in _OF_OTHERS)
        if not row and self.uses[id(node)] == 1 and len(self.text(node)) <= _LONG:
            return []
        text = self._whole(node)
        name = f"v{sum(name.startswith('v') for name in self.named.values())}"
        self.named[id(node)] = name
        return [f"const {name} = {text};"]

    def _whole(self, node: Node) -> str:
        """All numbers of a node: an array where it varies along outputs."""
        if self.single or node.axes in (NUMBER, ROW):
            return self._bare(node, "j", "i")
        if node.op == "first_max":
            return f"w.first(n, {self._row(node.args[0])})"
        if node.op in _OF_ROWS:
            return f"w.{node.op}(w.row(n, {self._row(node.args[0])}))"
        if node.axes == PAIR:
            return f"w.row(n, i => w.row(n, j => {self._bare(node, 'j', 'i')}))"
        place = "i" if node.axes == OTHERS else "j"
        return f"w.row(n, {place} => {self._bare(node, 'j', 'i')})"

    def _result(self, node: Node) -> str:
        known = self.named.get(id(node))
        return known if known is not None else self._whole(node)

    def _row(self, node: Node) -> str:
        return f"j => {self._bare(node, 'j', 'i')}"

    def text(self, node: Node, output: str = "j", other: str = "i") -> str:
        """The number of a node at an output and another one, in parentheses where it stands beside an operator."""
        if id(node) not in self.named and node.op in ("spread", "detach", "other"):
            places = (other, output) if node.op == "other" else (output, other)
            return self.text(node.args[0], *places)
        bare = self._bare(node, output, other)
        known = id(node) in self.named or not node.args
        return f"({bare})" if not known and node.op in (_OPERATORS.keys() | _OPEN) else bare

    def _bare(self, node: Node, output: str, other: str) -> str:
        known = self.named.get(id(node))
        if known is not None:
            return self._at(known, node, output, other)
        if node.op == "constant":
            return literal(float(node.value))
        if self.single and node.op in _OF_ONE:
            return _OF_ONE[node.op]
        if node.op in _REDUCTIONS:
            return self._reduced(node)
        if node.op in _OF_OTHERS:
            return f"w.{_OF_OTHERS[node.op]}(n, i => {self._bare(node.args[0], output, 'i')})"
        if node.op == "other":
            return self._bare(node.args[0], other, output)
        if node.op in ("position", "count"):
            return output if node.op == "position" else "n"
        if node.op == "is_label":
            return f"{output} === {self.text(node.args[0])}"
        if node.op in ("take", "lead"):
            return self._taken(node)
        if node.op in ("spread", "detach"):
            return self._bare(node.args[0], output, other)
        args = [self.text(arg, output, other) for arg in node.args]
        if node.op in _OPERATORS:
            return f"{args[0]} {_OPERATORS[node.op]} {args[1]}"
        if node.op in _SPELLED:
            return _SPELLED[node.op](*args)
        bare = ", ".join(self._bare(arg, output, other) for arg in node.args)
        return f"Math.{_MATH[node.op]}({bare})" if node.op in _MATH else f"w.{node.op}({bare})"

    def _at(self, name: str, node: Node, output: str, other: str) -> str:
        """The number of a named node."""
        if self.single or node.axes in (NUMBER, ROW):
            return name
        if node.op == "first_max":
            return f"({output} === {name})"
        return {ELEMENT: f"{name}[{output}]", OTHERS: f"{name}[{other}]"}.get(node.axes) or f"{name}[{other}][{output}]"

    def _reduced(self, node: Node) -> str:
        of = node.args[0]
        if self.single:
            return f"w.square({self._bare(of, 'j', 'i')})" if node.op == "mean_square" else self._bare(of, "j", "i")
        if node.axes == ROW and of.axes == OTHERS:
            return f"w.{node.op}(n, i => {self._bare(of, 'j', 'i')})"
        return f"w.{node.op}(n, {self._row(of)})"

    def _taken(self, node: Node) -> str:
        if self.single:
            return self._bare(node.args[0], "j", "i")
        place = f"w.first(n, {self._row(node.args[0])})" if node.op == "lead" else self._bare(node.args[1], "j", "i")
        return f"w.take(n, {place}, {self._row(node.args[0])})"


def _operands(node: Node) -> tuple[Node, ...]:
    """What a node is computed from, without what only says how long a row is."""
    return node.args[: {"count": 0, "position": 0, "spread": 1, "indicator": 1, "is_label": 1}.get(node.op)]


_SPELLED: dict[str, Callable[..., str]] = {
    "input": lambda: "",
    "constant": lambda: "",
    "spread": lambda x, like: x,
    "detach": lambda x: x,
    "other": lambda x: x,
    "sum_other": lambda x: x,
    "max_other": lambda x: x,
    "lead": lambda x: x,
    "take": lambda x, label: x,
    "negative": lambda x: f"-{x}",
    "logical_not": lambda x: f"!{x}",
    "indicator": lambda condition, like: f"{condition} ? 1 : 0",
    "where": lambda condition, a, b: f"{condition} ? {a} : {b}",
}
# Words whose text needs parentheses beside an operator.
_OPEN = frozenset({"negative", "logical_not", "indicator", "where", "is_label"})


def argument(name: str) -> str:
    """An input's name, unless it means something else here."""
    own = name in _RESERVED or (name[:1] == "v" and name[1:].isdigit())
    return f"{name}_" if own else name


def literal(value: float) -> str:
    """A number as JavaScript reads it back."""
    if math.isnan(value):
        return "NaN"
    text = "Infinity" if math.isinf(value) else repr(abs(value)).removesuffix(".0")
    return f"(-{text})" if math.copysign(1.0, value) < 0 else text
