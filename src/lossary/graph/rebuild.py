"""A graph built once more, with some of its nodes replaced by others."""

from __future__ import annotations

from collections.abc import Callable

from .node import VOCABULARY, Node, walk

# What a rule makes of a node whose operands have been rebuilt; None leaves the node as it is.
Rule = Callable[[Node, tuple[Node, ...]], Node | None]
# Words whose functions shorten what they are given.
_SHORTENED = frozenset({"add", "subtract", "multiply", "divide", "negative"})


def rebuilt(output: Node, rule: Rule) -> Node:
    """The expression with every node passed through the rule, operands first."""
    made: dict[int, Node] = {}
    for node in walk([output]):
        args = tuple(made[id(arg)] for arg in node.args)
        found = rule(node, args)
        made[id(node)] = plain(node, args) if found is None else found
    return made[id(output)]


def plain(node: Node, args: tuple[Node, ...]) -> Node:
    """The same operation on these operands."""
    if all(one is other for one, other in zip(args, node.args, strict=True)):
        return node
    if node.op in _SHORTENED:
        return VOCABULARY[node.op](*args)
    return node.graph.node(node.op, args, node.axes, node.value, is_bool=node.is_bool)


def alone(output: Node) -> Node:
    """The expression for rows of one output, to which a mean over several outputs that do not see each other falls."""
    return rebuilt(output, lambda node, args: node.graph.constant(1.0) if node.op == "count" else None)
