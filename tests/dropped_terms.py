"""Formulas with one term missing, term by term, for the tests that show that a missing one is noticed."""

from __future__ import annotations

from lossary.graph import Node
from lossary.graph.rebuild import rebuilt


def terms(output: Node) -> list[tuple[Node, Node]]:
    """Each sum or difference that reaches the value, with what is left when one of its terms is dropped."""
    found, seen, stack = [], set(), [output]
    while stack:
        node = stack.pop()
        # What is scaled with any power of two comes out the same but for rounding.
        if id(node) in seen or node.is_bool or node.op == "scale_to_one":
            continue
        seen.add(id(node))
        stack.extend(node.args)
        # Of two products by what each is off: it matters in rounding alone, which tests at small angles see.
        if node.op in ("add", "subtract") and not all(arg.op == "residual" for arg in node.args):
            found += [(node, arg) for arg in node.args if arg.axes == node.axes]
    return found


def without(output: Node, position: int) -> Node:
    """The expression without this one of its terms; as it is where it has fewer."""
    found = terms(output)
    if position >= len(found):
        return output
    whole, left = found[position]
    return rebuilt(output, lambda node, _: left if node is whole else None)
