"""Nodes as Python text: which variable holds which node, and the lines that compute the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...graph import Node
from ...graph.emit import INFIX
from ...graph.program import UPSTREAM
from ..lowering.form import Body, Input, Kept

_LONG = 60
# Start, step and result of a running reduction.
REDUCE = {
    "sum": ("0.0", "accumulate({total}, {x})", "F({total})"),
    "mean": ("0.0", "accumulate({total}, {x})", "F({total} / columns)"),
    "mean_square": ("0.0", "accumulate_square({total}, {x})", "F({total} / columns)"),
    "max": ("LOWEST", "larger({total}, order_key({x}))", "from_order_key({total}, ONE)"),
    "total": ("0.0", "accumulate({total}, {x})", "{total}"),
}
# The local variables of the usual inputs: the array, an element of it, and what is put there under a mask.
_USUAL = {
    "y_true": ("targets", "t", "NEUTRAL_TARGET"),
    "y_pred": ("predictions", "p", "NEUTRAL_PREDICTION"),
    UPSTREAM: ("directions", "d", ""),
}


def local(name: str) -> tuple[str, str, str]:
    """The same of any input."""
    return _USUAL.get(name) or (f"all_{name}", f"one_{name}", f"NEUTRAL_{name.upper()}")


def neutrals(inputs: Iterable[Input]) -> dict[str, float]:
    """The constants of a kernel that reads elements under a mask."""
    return {local(each.name)[2]: each.neutral for each in inputs}


def of_points(inputs: Iterable[Input], index: str) -> dict[int, Variable]:
    """The variables of inputs that hold one number per data point, or a label."""
    alone = [each for each in inputs if each.is_label or each.is_number]
    return {id(each.node): Variable("label" if each.is_label else local(each.name)[1], index) for each in alone}


@dataclass(frozen=True)
class Variable:
    """A local variable, and how it is indexed."""

    name: str
    index: str = ""

    def __str__(self) -> str:
        return f"{self.name}{self.index}"


class Names:
    """Which local variable holds which node; scopes nest.

    ``element`` and ``number`` are how elements and numbers of the row are indexed; numbers that are in arrays are
    listed in ``made``, each with a constant of its type.  ``read`` and ``written`` are the variables that have been
    spelled, and the numbers of the row that have been given values, since somebody last asked.
    """

    def __init__(self, known: dict[int, Variable], element: str = "[j]", number: str = "") -> None:
        self.known = dict(known)
        self.element = element
        self.number = number
        self.made: dict[str, str] = {}
        self.count = 0
        self.read: dict[str, None] = {}
        self.written: dict[str, None] = {}

    def inner(self, kept: Iterable[Kept] = ()) -> Names:
        """The same, for a scope inside, where these values lie in memory."""
        made = Names(self.known, self.element, self.number)
        made.known.update({id(each.node): Variable(each.store, self.element) for each in kept})
        made.count = self.count
        made.read = self.read
        return made

    def use(self, name: str) -> str:
        """The name of a variable that is spelled."""
        self.read[name] = None
        return name

    def asked(self) -> tuple[list[str], list[str]]:
        """What has been read and written, in order, which then is forgotten."""
        found = list(self.read), list(self.written)
        self.read.clear()
        self.written.clear()
        return found

    def fresh(self, letter: str) -> str:
        """A name that is not in use."""
        self.count += 1
        return f"{letter}{self.count - 1}"

    def lane(self, letter: str, like: str = "ZERO") -> Variable:
        """A variable for a number of the row that is not in use."""
        made = Variable(self.fresh(letter), self.number)
        self.made[made.name] = like
        return made

    def result(self, node: Node, like: str = "ZERO") -> Variable:
        """A variable for this number of the row."""
        made = self.known[id(node)] = self.lane("r", like)
        self.written[made.name] = None
        return made


def loads(body: Body, scope: Names, *, masked: bool = False) -> list[str]:
    """The inputs that these elements need, read once."""
    lines = []
    for each in body.loads:
        array, element, neutral = local(each.name)
        text = f"{scope.use(array)}{scope.element}"
        if masked:
            text = f"where(kept_in[j], {text}, {neutral})"
        scope.known[id(each.node)] = Variable(element)
        lines.append(f"{element} = {text}")
    return lines


def definitions(body: Body, scope: Names) -> list[str]:
    """Lines for element values used more than once, or too long to stand inside another."""
    uses = Counter(id(arg) for node in body.computes for arg in node.args)
    uses.update(id(root) for root in body.results)
    lines = []
    for node in body.computes:
        if node.args and node.op not in ("spread", "at") and (uses[id(node)] > 1 or _is_long(node, scope)):
            text = Text(scope).expression(node)
            name = scope.fresh("v")
            lines.append(f"{name} = {text}")
            scope.known[id(node)] = Variable(name)
    return lines


def _is_long(node: Node, scope: Names) -> bool:
    return len(Text(scope, aloud=False).expression(node)) > _LONG


class Text:
    """Nodes as Python expressions; what is not said aloud does not count as read."""

    def __init__(self, names: Names, *, aloud: bool = True) -> None:
        self.names = names
        self.aloud = aloud

    def of(self, node: Node) -> str:
        """The variable that holds the node, or its expression in parentheses where they are needed."""
        if id(node) in self.names.known:
            return self._known(node)
        text = self.expression(node)
        return f"({text})" if node.op in INFIX or node.op == "negative" else text

    def _known(self, node: Node) -> str:
        found = self.names.known[id(node)]
        if self.aloud:
            self.names.use(found.name)
        return str(found)

    def expression(self, node: Node) -> str:
        """The expression itself."""
        if node.op == "input":
            return self._known(node)
        if node.op == "constant":
            return _constant(node.value)
        if node.op == "count":
            return "count"
        if node.op == "position":
            return "F(j)"
        if node.op == "place":
            return f"F({self.of(node.args[0])})"
        if node.op == "inverse":
            return f"ONE / {self.of(node.args[0])}"
        if node.op in ("at", "is_label"):
            return f"at(j, {self.of(node.args[0])})"
        if node.op == "same":
            return f"at({self.of(node.args[0])}, {self.of(node.args[1])})"
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


def parameters(numbers: Sequence[Node]) -> dict[int, Variable]:
    """The numbers computed from parameters alone, as a kernel takes them."""
    named = [(node, f"h{place}") for place, node in enumerate(numbers)]
    return {id(node): Variable(f"({name} != ZERO)" if node.is_bool else name) for node, name in named}


def indent(lines: Iterable[str]) -> list[str]:
    """The lines one level deeper."""
    return [f"    {line}" for line in lines]


def over_columns(lines: list[str]) -> list[str]:
    """The lines for every output of the row."""
    return ["for j in range(columns):", *indent(lines)] if lines else []
