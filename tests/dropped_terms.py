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
        inner = node.args[0] if node.args else node
        if _is_centred(node) and _is_centred(inner):  # The mean taken away again is 0 but for rounding.
            seen.add(id(inner))
            stack.extend(inner.args)
            found.append((node, inner.args[0]))
            continue
        stack.extend(node.args)
        # Of two products by what each is off: it matters in rounding alone, which tests at small angles see.
        if node.op in ("add", "subtract") and not all(arg.op == "residual" for arg in node.args):
            found += [(node, arg) for arg in node.args if arg.axes == node.axes]
    return found


def _is_centred(node: Node) -> bool:
    """Whether it is something less its mean."""
    if node.op != "subtract":
        return False
    x, middle = node.args
    while middle.op == "spread":
        middle = middle.args[0]
    return middle.op == "mean" and middle.args[0] is x


def without(output: Node, position: int) -> Node:
    """The expression without this one of its terms; as it is where it has fewer."""
    found = terms(output)
    if position >= len(found):
        return output
    whole, left = found[position]
    return rebuilt(output, lambda node, _: left if node is whole else None)
