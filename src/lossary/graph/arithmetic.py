"""How a word adds its node to the graph, and the words of arithmetic."""

from __future__ import annotations

from typing import Any

from ..errors import TraceError
from ..facts.axes import NUMBER, Axes
from .node import Graph, Node, Operand


def graph_of(*operands: Any) -> Graph:
    """The graph that the operands belong to."""
    for operand in operands:
        if isinstance(operand, Node):
            return operand.graph
    raise TraceError(
        "a word of lossary.words was called outside a formula; decorate the function that uses it with @lossary.loss"
    )


def lift(graph: Graph, operand: Any) -> Node:
    """The operand as a node."""
    if isinstance(operand, Node):
        return operand
    try:
        return graph.constant(float(operand))
    except (TypeError, ValueError):
        raise TraceError.number() from None


def apply(op: str, *operands: Operand, axes: Axes | None = None, is_bool: bool = False) -> Node:
    """The node of a word, which varies along all axes of its operands if no others are given."""
    graph = graph_of(*operands)
    args = tuple(lift(graph, operand) for operand in operands)
    if axes is None:
        axes = NUMBER.union(*(arg.axes for arg in args))
    return graph.node(op, args, axes, is_bool=is_bool)


def axes_of(operand: Operand) -> Axes:
    """What the operand varies along."""
    return lift(graph_of(operand), operand).axes


def constants(*operands: Operand) -> tuple[float | None, ...]:
    """The numbers that operands are, None for those that are known later."""
    return tuple(o.constant if isinstance(o, Node) else float(o) for o in operands)


# --- arithmetic: the identities below keep differentiated graphs as short as a hand would write them ---------------


def add(a: Operand, b: Operand) -> Node:
    """``a + b``"""
    left, right = constants(a, b)
    if left == 0:
        return lift(graph_of(a, b), b)
    if right == 0:
        return lift(graph_of(a, b), a)
    if left is not None and right is not None:
        return graph_of(a, b).constant(left + right)
    if isinstance(b, Node) and b.op == "negative":
        return subtract(a, b.args[0])
    if isinstance(a, Node) and a.op == "negative":
        return subtract(b, a.args[0])
    return apply("add", a, b)


def subtract(a: Operand, b: Operand) -> Node:
    """``a - b``"""
    left, right = constants(a, b)
    if right == 0:
        return lift(graph_of(a, b), a)
    if left == 0:
        return negative(b)
    if left is not None and right is not None:
        return graph_of(a, b).constant(left - right)
    if isinstance(b, Node) and b.op == "negative":
        return add(a, b.args[0])
    return apply("subtract", a, b)


def multiply(a: Operand, b: Operand) -> Node:
    """``a * b``"""
    left, right = constants(a, b)
    if left is not None and right is not None:
        return graph_of(a, b).constant(left * right)
    for number, other in ((left, b), (right, a)):
        if number == 1:
            return lift(graph_of(a, b), other)
        if number == -1:
            return negative(other)
    if isinstance(a, Node) and a.op == "negative":
        return negative(multiply(a.args[0], b))
    if isinstance(b, Node) and b.op == "negative":
        return negative(multiply(a, b.args[0]))
    if isinstance(a, Node) and a.op == "divide" and a.args[0].constant == 1:
        return divide(b, a.args[1])
    if isinstance(b, Node) and b.op == "divide" and b.args[0].constant == 1:
        return divide(a, b.args[1])
    return apply("multiply", a, b)


def divide(a: Operand, b: Operand) -> Node:
    """``a / b``"""
    left, right = constants(a, b)
    if right == 1:
        return lift(graph_of(a, b), a)
    if left is not None and right:
        return graph_of(a, b).constant(left / right)
    if isinstance(a, Node) and a.op == "negative":
        return negative(divide(a.args[0], b))
    return apply("divide", a, b)


def negative(a: Operand) -> Node:
    """``-a``"""
    (number,) = constants(a)
    if number is not None:
        return graph_of(a).constant(-number)
    if isinstance(a, Node) and a.op == "negative":
        return a.args[0]
    return apply("negative", a)


def power(a: Operand, exponent: Operand) -> Node:
    """``a ** exponent`` for an exponent that is a number."""
    if isinstance(exponent, Node):
        if exponent.axes != NUMBER:
            raise TraceError.unknown_word("a power whose exponent is an array")
        return apply("power", a, exponent)
    if exponent == 2:
        return square(a)
    if exponent == 0.5:
        return apply("sqrt", a)
    if exponent == 1:
        return lift(graph_of(a), a)
    return apply("power", a, exponent)


def square(a: Operand) -> Node:
    """``a * a``"""
    return apply("square", a)
