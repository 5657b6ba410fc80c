"""Nodes of a lowered form as expressions of Triton: which are named, and how each word is spelled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ...graph import Node, walk
from ...graph.emit import INFIX
from ..lowering.form import Input, Lowered
from . import functions

_LONG = 60
_OPERATORS = {k: v for k, v in INFIX.items() if k != "divide"} | {"less": "<", "less_equal": "<=", "equal": "=="}
_OPERATORS |= {"logical_and": "&", "logical_or": "|"}
_SPELLED = {
    "abs": "tl.abs({0})",
    "at": "({cols} == {0})",
    "divide": "divided({0}, {1})",
    "guard": "maximum({0}, {1})",
    "indicator": "tl.where({0}, 1.0, 0.0)",
    "inverse": "divided(1.0, {0})",
    "is_label": "({cols} == {0})",
    "logical_not": "({0} == 0)",
    "negative": "(-{0})",
    "place": "{0}.to(tl.float32)",
    "position": "{cols}.to(tl.float32)",
    "same": "({0} == {1})",
    "spread": "{0}",
    "sqrt": "root({0})",
    "square": "({0} * {0})",
    # Of a row in registers, the element at a place.
    "take": "tl.where({1} >= 0, "
    'tl.sum(tl.where({inside} & ({cols} == {1}), {0}, 0.0), axis=1, keep_dims=True), float("nan"))',
    "where": "tl.where({0}, {1}, {2})",
}
_USUAL = {"y_true": "t", "y_pred": "p"}


@dataclass(frozen=True)
class Reduced:
    """A reduction: with what it starts, what it takes of an element, how two of those become one, and what follows."""

    start: str
    element: str
    join: str
    whole: str
    result: str = "{0}"

    def at_once(self, *args: str, **names: str) -> str:
        """Of elements that all lie in registers."""
        return self.result.format(self.whole.format(self.element.format(*args, **names)))


_WIDE = "tl.where({inside}, {0}, 0.0).to(tl.float64)"
_ADD, _SUM = "{0} + {1}", "tl.sum({0}, axis=1, keep_dims=True)"
_MEAN = "({0} / tl.cast(columns, tl.float64)).to(tl.float32)"
REDUCTIONS = {
    "sum": Reduced("0.0, tl.float64", _WIDE, _ADD, _SUM, "{0}.to(tl.float32)"),
    "mean": Reduced("0.0, tl.float64", _WIDE, _ADD, _SUM, _MEAN),
    "mean_square": Reduced("0.0, tl.float64", f"({_WIDE} * {_WIDE})", _ADD, _SUM, _MEAN),
    "max": Reduced(
        "-2147483648, tl.int32",
        "tl.where({inside}, order_key({0}), -2147483648)",
        "tl.maximum({0}, {1})",
        "tl.max({0}, axis=1, keep_dims=True)",
        "from_order_key({0})",
    ),
    "first": Reduced(
        "2147483647, tl.int32",
        "tl.where({inside} & ({0} == {1}), {cols}, 2147483647)",
        "tl.minimum({0}, {1})",
        "tl.min({0}, axis=1, keep_dims=True)",
    ),
    "total": Reduced("0.0, tl.float64", _WIDE, _ADD, "tl.sum({0}, axis=0)"),
}


class Speller:
    """The names that nodes have so far, and expressions made of them."""

    def __init__(self, form: Lowered) -> None:
        self.form = form
        self.known = {id(node): f"(h{i} != 0.0)" if node.is_bool else f"h{i}" for i, node in enumerate(form.numbers)}
        self.known |= {id(each.node): local(each) for each in form.inputs}
        roots = [form.value, *(node for write in form.writes for _, node in write.scale)]
        roots += [write.value for write in form.writes]
        self._uses = Counter(id(arg) for node in walk(roots) for arg in node.args)
        self._uses.update(map(id, roots))
        self._count = 0
        # What says which outputs are looked at, and which of these exist.
        self.names = {"cols": "cols", "inside": "inside"}

    def fresh(self, letter: str) -> str:
        """A name that nothing has."""
        self._count += 1
        return f"{letter}{self._count - 1}"

    @contextmanager
    def within(self, cols: str, inside: str) -> Iterator[None]:
        """A block in which elements are computed anew, for outputs that have these names; afterwards none is known."""
        known, names = self.known, self.names
        self.known, self.names = dict(known), {"cols": cols, "inside": inside}
        yield
        self.known, self.names = known, names

    def define(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Lines that name what is used twice or is long."""
        for node in nodes:
            known = id(node) in self.known or node.op == "spread" or not node.args
            if not known and (self._uses[id(node)] > 1 or len(self.expression(node)) > _LONG):
                yield self.named("v", node)

    def named(self, letter: str, node: Node) -> str:
        """The line that names a node."""
        text, name = self.expression(node), self.fresh(letter)
        self.known[id(node)] = name
        return f"{name} = {text}"

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression."""
        return self.known.get(id(node)) or self.expression(node)

    def expression(self, node: Node) -> str:
        """The node, made of its operands."""
        if node.op == "constant":
            return literal(node.value)
        if node.op == "count":
            return "count"
        args = [self.of(arg) for arg in node.args]
        if node.op in _OPERATORS:
            return f"({args[0]} {_OPERATORS[node.op]} {args[1]})"
        if node.op in REDUCTIONS:
            return REDUCTIONS[node.op].at_once(*args, **self.names)
        if node.op in _SPELLED:
            return _SPELLED[node.op].format(*args, **self.names)
        if node.op not in functions.NAMES:
            raise KeyError(node.op)
        return f"{node.op}({', '.join(args)})"


def local(given: Input) -> str:
    """The variable that holds a number of an input; names that a loss chose are kept apart from those of the kernel."""
    return "label" if given.is_label else _USUAL.get(given.name) or f"{given.name}_"


def literal(value: float) -> str:
    """A number as float32 holds it."""
    single = float(np.float32(value))
    if math.isnan(single) or math.isinf(single):
        return f'float("{single}")'
    return repr(single) if single >= 0 else f"({single!r})"
