"""Changes to a graph that only a loop needs: positions instead of marks, and one computation for two branches."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Kind, Node, walk, words

# Functions worth merging when two branches of one condition each call one.
_MERGED = ("log1p", "log", "expm1", "exp", "tanh", "sinh", "sigmoid", "softplus")


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
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    return graph.node(node.op, args, node.kind, node.value, is_bool=node.is_bool)


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
