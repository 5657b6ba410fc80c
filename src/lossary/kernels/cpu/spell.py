"""Nodes as Python text: which variable holds which node, and the lines that compute the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ...graph import ELEMENT, Node
from ...graph.emit import INFIX
from ...graph.program import Program

_LONG = 60


class Names:
    """Which local variable holds which node; scopes nest.

    ``element`` and ``number`` are how elements and numbers of the row are indexed; numbers that are in arrays are
    listed in ``made``, each with a constant of its type.
    """

    def __init__(self, known: dict[int, str], element: str = "[j]", number: str = "") -> None:
        self.known = dict(known)
        self.element = element
        self.number = number
        self.made: list[tuple[str, str]] = []
        self.count = 0

    def inner(self) -> Names:
        """The same, for a scope inside."""
        made = Names(self.known, self.element, self.number)
        made.count = self.count
        return made

    def fresh(self, letter: str) -> str:
        """A name that is not in use."""
        self.count += 1
        return f"{letter}{self.count - 1}"

    def lane(self, letter: str, like: str = "ZERO") -> str:
        """A variable for a number of the row that is not in use."""
        name = self.fresh(letter)
        self.made.append((name, like))
        return f"{name}{self.number}"

    def result(self, node: Node, like: str = "ZERO") -> str:
        """A variable for this number of the row."""
        self.known[id(node)] = self.lane("r", like)
        return self.known[id(node)]

    def forget(self, text: str) -> None:
        """What stood there stands there no longer."""
        self.known = {key: known for key, known in self.known.items() if known != text}


def loads(program: Program, roots: Sequence[Node], scope: Names, *, masked: bool = False) -> list[str]:
    """The inputs that these elements need, read once."""
    needed = {id(node) for node in _reach(roots, scope)}
    lines = []
    for node, name, row in ((program.y_true, "t", "targets"), (program.y_pred, "p", "predictions")):
        if node.axes == ELEMENT and id(node) in needed:
            text = f"{row}{scope.element}"
            if masked:
                neutral = "NEUTRAL_TARGET" if name == "t" else "NEUTRAL_PREDICTION"
                text = f"where(kept_in[j], {text}, {neutral})"
            lines.append(f"{name} = {text}")
            scope.known[id(node)] = name
    return lines


def _reach(roots: Sequence[Node], scope: Names) -> list[Node]:
    """The element nodes that must be computed here, operands first."""
    order: list[Node] = []
    seen: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) in seen or id(node) in scope.known or node.axes != ELEMENT:
            return
        seen.add(id(node))
        for arg in node.args:
            visit(arg)
        order.append(node)

    for root in roots:
        visit(root)
    return order


def definitions(roots: Sequence[Node], scope: Names) -> list[str]:
    """Lines for element values used more than once, or too long to stand inside another."""
    order = _reach(roots, scope)
    uses = Counter(id(arg) for node in order for arg in node.args)
    uses.update(id(root) for root in roots)
    texts = Text(scope)
    lines = []
    for node in order:
        if node.args and node.op not in ("spread", "at") and (uses[id(node)] > 1 or texts.length(node) > _LONG):
            name = scope.fresh("v")
            lines.append(f"{name} = {texts.expression(node)}")
            scope.known[id(node)] = name
    return lines


class Text:
    """Nodes as Python expressions."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def length(self, node: Node) -> int:
        """How long the expression is."""
        return len(self.expression(node))

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression in parentheses where they are needed."""
        known = self.names.known.get(id(node))
        if known is not None:
            return known
        text = self.expression(node)
        return f"({text})" if node.op in INFIX or node.op == "negative" else text

    def expression(self, node: Node) -> str:
        """The expression itself."""
        if node.op == "input":
            return self.names.known[id(node)]
        if node.op == "constant":
            return _constant(node.value)
        if node.op == "count":
            return "count"
        if node.op == "inverse":
            return f"ONE / {self.of(node.args[0])}"
        if node.op in ("at", "is_label"):
            return f"at(j, {self.of(node.args[0])})"
        if node.op in ("spread", "indicator"):
            first = self.of(node.args[0])
            return first if node.op == "spread" else f"indicator({first})"
        args = [self.of(arg) for arg in node.args]
        if node.op in INFIX:
            return f"{args[0]} {INFIX[node.op]} {args[1]}"
        if node.op == "negative":
            return f"-{args[0]}"
        return f"{node.op}({', '.join(args)})"


def _constant(value: float) -> str:
    if value != value:
        return "UNDEFINED"
    return f"F({value!r})" if abs(value) != float("inf") else f"F({'-' * (value < 0)}INFINITY)"


def indent(lines: Iterable[str]) -> list[str]:
    """The lines one level deeper."""
    return [f"    {line}" for line in lines]
