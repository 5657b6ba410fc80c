"""Changes to a graph that only a loop needs: positions instead of marks, and one computation for two branches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..graph import Kind, Node, walk, words

# Functions worth merging when two branches of one condition each call one.
_MERGED = ("log1p", "log", "expm1", "exp", "tanh", "sinh")


def lowered(outputs: Sequence[Node]) -> list[Node]:
    """The outputs in the words of a kernel."""
    found = _mapped(outputs, {})
    for _ in range(8):
        pair = _branches(found)
        if pair is None:
            break
        condition, first, second = pair
        graph = condition.graph
        argument = words.where(condition, first.args[0], second.args[0])
        merged = graph.node(first.op, (argument,), first.kind)
        found = _mapped(found, {id(first): merged, id(second): merged})
    return found


def _mapped(outputs: Sequence[Node], replaced: dict[int, Node]) -> list[Node]:
    """The outputs with some nodes replaced and every mark of a first maximum as a comparison with its position."""
    made = dict(replaced)
    for node in walk(outputs):
        if id(node) not in made:
            made[id(node)] = _rebuilt(node, tuple(made[id(arg)] for arg in node.args))
    return [made[id(node)] for node in outputs]


def _rebuilt(node: Node, args: tuple[Node, ...]) -> Node:
    graph = node.graph
    if node.op == "first_max":
        position = graph.node("position", (args[0], words.max(args[0])), Kind.ROW)
        return graph.node("at", (position,), Kind.ELEMENT, is_bool=True)
    if node.op == "where":
        args = _as_magnitude(args)
        if len(args) == 1:
            return args[0]
    if node.op == "sum" and _is_leader(args[0]):
        return words.max(args[0].args[1])
    if node.op == "softplus":
        return words.maximum(args[0], 0.0) + words.log1p(words.exp(-words.abs(args[0])))
    if node.op == "sigmoid":
        odds = words.exp(-words.abs(args[0]))
        return words.where(words.less_equal(0.0, args[0]), 1.0, odds) / (1.0 + odds)
    if node.op == "sinh" and _bound(args[0]) <= 1.0:
        return graph.node("small_sinh", args, node.kind)
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    return graph.node(node.op, args, node.kind, node.value, is_bool=node.is_bool)


def _is_leader(node: Node) -> bool:
    """Whether all but the row's largest element are replaced by 0."""
    if node.op != "where" or node.args[0].op != "at" or node.args[2].constant != 0:
        return False
    position = node.args[0].args[0]
    return position.op == "position" and position.args[0] is node.args[1]


def _as_magnitude(args: tuple[Node, ...]) -> tuple[Node, ...]:
    """``where(x > 0, x, -x)`` as |x|, and its negative; anything else as it is."""
    condition, a, b = args
    if condition.op != "less" or condition.args[0].constant != 0:
        return args
    x = condition.args[1]
    if a is x and b.op == "negative" and b.args[0] is x:
        return (words.abs(x),)
    if b is x and a.op == "negative" and a.args[0] is x:
        return (-words.abs(x),)
    return args


def _bound(node: Node) -> float:
    """A number that the magnitude of the node is known not to exceed."""
    if node.constant is not None:
        return abs(node.constant)
    if node.op == "multiply":
        return _bound(node.args[0]) * _bound(node.args[1])
    if node.op == "where":
        condition, a, b = node.args
        limit = condition.args[1].constant if condition.op == "less" and condition.args[0] is a else None
        if a.op == "abs" and limit is not None:
            return max(limit, _bound(b))
    return math.inf


def without_scale(slope: Node) -> tuple[Node, list[tuple[str, Node]]]:
    """The slope without the numbers that all elements are multiplied with or divided by, and those, in order."""
    scale: list[tuple[str, Node]] = []
    while True:
        if slope.op == "spread":
            slope = slope.args[0]
        elif slope.op == "divide" and _is_uniform(slope.args[1]):
            scale.append(("/", slope.args[1]))
            slope = slope.args[0]
        elif slope.op == "multiply" and _is_uniform(slope.args[0]):
            scale.append(("*", slope.args[0]))
            slope = slope.args[1]
        else:
            return slope, scale


def _is_uniform(node: Node) -> bool:
    return node.kind is Kind.HOST or node.op == "count"


def _branches(outputs: Sequence[Node]) -> tuple[Node, Node, Node] | None:
    """Two calls of one function, each needed only where a condition holds, or only where it does not."""
    order = walk(outputs)
    for condition in {id(node.args[0]): node.args[0] for node in order if node.op == "where"}.values():
        holds, fails = _only_under(outputs, order, condition, 1), _only_under(outputs, order, condition, 2)
        for op in _MERGED:
            first = [node for node in holds if node.op == op]
            second = [node for node in fails if node.op == op]
            if first and second and first[-1].kind is second[-1].kind:
                return condition, first[-1], second[-1]
    return None


def _only_under(outputs: Sequence[Node], order: Sequence[Node], condition: Node, branch: int) -> list[Node]:
    """Nodes that no output reaches once this branch of every selection by the condition is cut."""
    reached: set[int] = set()
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if id(node) in reached:
            continue
        reached.add(id(node))
        cut = branch if node.op == "where" and node.args[0] is condition else None
        stack.extend(arg for place, arg in enumerate(node.args) if place != cut)
    return [node for node in order if id(node) not in reached]
