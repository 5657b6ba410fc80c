"""The diagonal of a Hessian: how the slope of each output changes with that output.

Outputs of a row see each other through sums over it.  So the derivative runs forward through what is computed output
by output, and backward through every sum, whose derivative with respect to each output is one array: the diagonal costs
a few passes over the row, however many outputs it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import TraceError
from ..facts.axes import OTHER, OUTPUT
from . import words
from .derivative import differentiate
from .node import Node, walk
from .rules import RULES

_REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max", "lead", "take"})


def diagonal(slope: Node, wrt: Node) -> Node:
    """The derivative of each element of a slope with respect to the same element of an input.

    A `TraceError` where pairs of outputs are compared, as rankings do.
    """
    found: dict[int, Node | None] = {}
    for node in walk([slope]):
        tangents = [found[id(arg)] for arg in node.args]
        if node is wrt:
            found[id(node)] = node.graph.constant(1.0)
        elif node.is_bool or all(tangent is None for tangent in tangents):
            found[id(node)] = None
        else:
            found[id(node)] = _tangent(node, tangents, wrt)
    last = found[id(slope)]
    return slope.graph.constant(0.0) if last is None else last


def _tangent(node: Node, tangents: Sequence[Node | None], wrt: Node) -> Node | None:
    if OTHER in node.axes:
        raise TraceError.no_diagonal()
    if node.op in _REDUCTIONS and OUTPUT in node.args[0].axes:
        return _some(differentiate(node, wrt))
    zero = node.graph.constant(0.0)
    known = [zero if tangent is None else tangent for tangent in tangents]
    if node.op in _FORWARD:
        return _some(_FORWARD[node.op](node, known))
    total = zero
    for partial, tangent in zip(RULES[node.op](node, node.graph.constant(1.0)), known, strict=True):
        if partial is not None and tangent.constant != 0 and partial.constant != 0:
            total = total + partial * tangent
    return _some(total)


def _some(tangent: Node) -> Node | None:
    return None if tangent.constant == 0 else tangent


# --- words whose derivative is written otherwise where it runs forward: a branch that is not taken touches nothing, and
# no digits are lost far out ---------------------------------------------------------------------------------------


def _where(node: Node, tangents: Sequence[Node]) -> Node:
    return words.where(node.args[0], tangents[1], tangents[2])


def _maximum(node: Node, tangents: Sequence[Node]) -> Node:
    return words.where(words.less(node.args[1], node.args[0]), *tangents)


def _minimum(node: Node, tangents: Sequence[Node]) -> Node:
    return words.where(words.less(node.args[0], node.args[1]), *tangents)


def _multiply(node: Node, tangents: Sequence[Node]) -> Node:
    return _times(tangents[0], node.args[1]) + _times(tangents[1], node.args[0])


def _divide(node: Node, tangents: Sequence[Node]) -> Node:
    (above, below), (of_above, of_below) = node.args, tangents
    if above is _bent(below):  # u / sqrt(1 + u^2), u / (1 + |u|)
        power = 3 if below.op == "hypot1" else 2
        for _ in range(power):
            of_above = of_above / below
        return of_above
    change = of_above - _times(of_below, node)
    return change if change.constant == 0 else change / below


def _bent(below: Node) -> Node | None:
    """What a denominator that grows with its size was made of."""
    if below.op == "hypot1":
        return below.args[0]
    if below.op == "add" and below.args[0].constant == 1 and below.args[1].op == "abs":
        return below.args[1].args[0]
    return None


def _tanh(node: Node, tangents: Sequence[Node]) -> Node:
    twice = 2.0 * node.args[0]
    return 4.0 * (words.sigmoid(twice) * words.sigmoid(-twice)) * tangents[0]


def _sparsemax(node: Node, tangents: Sequence[Node]) -> Node:
    if tangents[0].constant != 1:
        raise TraceError.no_diagonal()
    shared = words.less(0.0, node)
    return words.where(shared, 1.0 - 1.0 / words.sum(words.indicator(shared)), 0.0)


def _times(tangent: Node, factor: Node) -> Node:
    if 0.0 in (tangent.constant, factor.constant):
        return tangent.graph.constant(0.0)
    return tangent * factor


_FORWARD: dict[str, Callable[[Node, Sequence[Node]], Node]] = {
    "where": _where,
    "maximum": _maximum,
    "minimum": _minimum,
    "multiply": _multiply,
    "divide": _divide,
    "tanh": _tanh,
    "sparsemax": _sparsemax,
    "spread": lambda node, tangents: tangents[0],
}
