"""Reverse differentiation of a traced formula."""

from __future__ import annotations

from ..facts.axes import OTHER, OUTPUT, POINT
from . import words
from .node import Node, walk
from .rules import RULES


def differentiate(output: Node, wrt: Node) -> Node:
    """The derivative of a per-data-point output with respect to one input, element by element.

    Rows are independent of each other, so the derivative of row i's value with respect to row i's elements is the
    whole Jacobian.
    """
    adjoints: dict[int, Node] = {id(output): output.graph.constant(1.0)}
    for node in reversed(walk([output])):
        adjoint = adjoints.get(id(node))
        if adjoint is None or node.op in ("input", "constant") or node.is_bool:
            continue
        for arg, contribution in zip(node.args, RULES[node.op](node, adjoint), strict=True):
            if contribution is None or contribution.constant == 0 or arg.is_bool:
                continue
            fitted = _fit(contribution, node, arg)
            known = adjoints.get(id(arg))
            adjoints[id(arg)] = fitted if known is None else known + fitted
    return adjoints.get(id(wrt), output.graph.constant(0.0))


def _fit(contribution: Node, node: Node, arg: Node) -> Node:
    """A contribution to what is the same along an axis of the node is the sum over that axis.

    Along the data points nothing is summed: they do not see each other, and a parameter's derivative is one per point.
    """
    if node.op == "other":  # It exchanges axes and has none that its operand lacks.
        return contribution
    for axis in sorted(node.axes - arg.axes - {POINT}):
        if axis not in contribution.axes:
            contribution = contribution * words.count(node)
        elif axis == OTHER:
            contribution = words.sum(contribution, over=OTHER)
        else:
            contribution = words.sum(contribution, over=OUTPUT)
    return contribution
