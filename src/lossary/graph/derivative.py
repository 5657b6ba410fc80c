"""Reverse differentiation of a traced formula."""

from __future__ import annotations

from . import words
from .node import Kind, Node, walk


def differentiate(output: Node, wrt: Node) -> Node:
    """The derivative of a per-data-point output with respect to one input, element by element.

    Rows are independent of each other, so the derivative of row i's value with respect to row i's elements is the
    whole Jacobian.  Contributions that arrive at a ROW or HOST node from the elements of the row are summed.
    """
    adjoints: dict[int, Node] = {id(output): output.graph.constant(1.0)}
    for node in reversed(walk([output])):
        adjoint = adjoints.get(id(node))
        if adjoint is None or node.op in ("input", "constant") or node.is_bool:
            continue
        for arg, contribution in zip(node.args, words.RULES[node.op](node, adjoint), strict=True):
            if contribution is None or contribution.constant == 0 or arg.is_bool:
                continue
            fitted = _fit(contribution, node, arg)
            known = adjoints.get(id(arg))
            adjoints[id(arg)] = fitted if known is None else known + fitted
    return adjoints.get(id(wrt), output.graph.constant(0.0))


def _fit(contribution: Node, node: Node, arg: Node) -> Node:
    """A contribution from elements to something that is one number per row is the sum over the row."""
    if node.kind is Kind.ELEMENT and arg.kind is not Kind.ELEMENT:
        if contribution.kind is Kind.ELEMENT:
            return words.sum(contribution)
        return contribution * words.count(node)
    return contribution
