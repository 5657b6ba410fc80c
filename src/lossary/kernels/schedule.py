"""A traced formula arranged as loops over one row that stays in cache.

A reduction over the row (``sum``, ``max``, ...) is a barrier: what depends on its result needs another loop.  The
level of a node is the number of barriers below it; loop k computes the reductions and the slope of level k, and the
row's own numbers of level k are computed just before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .._domain import Domain, OneHot
from ..graph import Kind, Node, walk, words
from ..program import Program
from .rewrite import lowered

REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max", "position"})
# Worth a store and a load instead of a second computation.
COSTLY = frozenset({"exp", "expm1", "log", "log1p", "sinh", "tanh", "sigmoid", "softplus", "power", "xlogy"})


# Kept in double precision.  A loop that carries such a sum processes half as many float32 elements at a time, so a
# loop with costly functions stores what is to be summed, and a second, light loop over the stored row sums it.
WIDE = frozenset({"sum", "mean", "mean_square"})


@dataclass
class Loop:
    """One pass over the row: what it reduces, what it writes, what it keeps for later loops.

    ``sums`` are the reductions left to a light loop of their own.
    """

    reductions: list[Node] = field(default_factory=list)
    sums: list[Node] = field(default_factory=list)
    slope: Node | None = None
    keeps: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)

    def roots(self) -> list[Node]:
        """Everything computed per element."""
        slope = [] if self.slope is None else [self.slope]
        stored = [node for node in self.keeps if node.args]
        return [*map(reduced, self.reductions), *stored, *slope, *self.inside]


def reduced(node: Node) -> Node:
    """What a reduction looks at, element by element."""
    return words.equal(*node.args) if node.op == "position" else node.args[0]


@dataclass
class Schedule:
    """The loops of a kernel, and the numbers it needs from outside."""

    loops: list[Loop]
    rows: list[list[Node]]
    value: Node
    row_inside: list[Node]
    parameters: list[Node]

    def stores(self) -> dict[int, str]:
        """Where kept element values live: one in the gradient's own row, further ones in rows of their own."""
        found: dict[int, str] = {}
        writer = next((number for number, loop in enumerate(self.loops) if loop.slope is not None), 0)
        for number, loop in enumerate(self.loops):
            for node in loop.keeps:
                free = number < writer and "slopes" not in found.values()
                found[id(node)] = "slopes" if free else f"kept{len(found)}"
        return found


def conditions(domain: Domain, x: Node) -> tuple[list[Node], list[Node]]:
    """What membership in the domain means, element by element and for the whole row."""
    if x.kind is Kind.ROW:
        return [], []
    plain = type(domain).contains is Domain.contains and domain.low == -float("inf") and domain.high == float("inf")
    element = words.equal(x, x) if plain else domain.contains(x)  # type: ignore[arg-type]
    row = []
    if isinstance(domain, OneHot):
        row = [words.less_equal(words.abs(words.sum(x) - 1.0), domain.tolerance)]
    return [element], row  # type: ignore[list-item]


def schedule(program: Program, *, slope: bool, flat: bool = False) -> Schedule:
    """The loops of a program; ``flat`` treats a separable one as elements without rows."""
    output = program.output
    value = output.args[0] if flat else output
    outputs = [value, program.derivative(1)] if slope else [value]
    if flat and output.op == "mean_square":
        outputs[0] = words.square(value)
    checks = [
        conditions(program.record.target, program.y_true),
        conditions(program.record.prediction_domain(program.switches), program.y_pred),
    ]
    inside = [node for element, _ in checks for node in element]
    row_inside = [] if flat else [node for _, row in checks for node in row]
    roots = lowered([*outputs, *inside, *row_inside])
    value = roots[0]
    gradient = roots[1] if slope else None
    inside = roots[len(outputs) : len(outputs) + len(inside)]
    row_inside = roots[len(outputs) + len(inside) :]
    return _arrange(value, gradient, inside, row_inside)


def _arrange(value: Node, slope: Node | None, inside: list[Node], row_inside: list[Node]) -> Schedule:
    roots = [value, *([slope] if slope is not None else []), *inside, *row_inside]
    order = walk(roots)
    level = _levels(order)
    deepest = max([level[id(node)] for node in roots], default=0)
    loops = [Loop() for _ in range(deepest + 1)]
    rows: list[list[Node]] = [[] for _ in range(deepest + 1)]
    for node in order:
        if node.op in REDUCTIONS:
            loops[level[id(node)] - 1].reductions.append(node)
        elif node.kind is Kind.ROW and node.args and node.op != "count":
            rows[level[id(node)]].append(node)
    if slope is not None:
        loops[level[id(slope)]].slope = slope
    loops[0].inside = inside
    while len(loops) > 1 and not loops[-1].roots():
        loops.pop()
    _keep(loops, level)
    for loop in loops:
        _lighten(loop)
    return Schedule(loops, rows, value, row_inside, _parameters(order))


def _levels(order: Iterable[Node]) -> dict[int, int]:
    level: dict[int, int] = {}
    for node in order:
        below = max((level[id(arg)] for arg in node.args), default=0)
        level[id(node)] = below + (node.op in REDUCTIONS)
    return level


def _keep(loops: Sequence[Loop], level: dict[int, int]) -> None:
    """Marks costly element values that an earlier loop computes and a later one uses again."""
    computed: dict[int, Loop] = {}
    for number, loop in enumerate(loops):
        stack, seen = list(loop.roots()), set()
        while stack:
            node = stack.pop()
            if id(node) in seen or node.kind is not Kind.ELEMENT:
                continue
            seen.add(id(node))
            if id(node) in computed and level.get(id(node), number) < number and is_costly(node):
                owner = computed[id(node)]
                if node not in _identities(owner.keeps):
                    owner.keeps.append(node)
                continue
            stack.extend(node.args)
        for node in _elements(loop.roots()):
            computed.setdefault(id(node), loop)


def _lighten(loop: Loop) -> None:
    """Leaves the sums of a loop with costly functions to a light loop."""
    if not any(is_costly(node) for node in loop.roots()):
        return
    loop.sums = [node for node in loop.reductions if node.op in WIDE]
    loop.reductions = [node for node in loop.reductions if node.op not in WIDE]
    for node in loop.sums:
        if is_costly(node.args[0]) and node.args[0] not in _identities(loop.keeps):
            loop.keeps.append(node.args[0])


class _identities(list[Node]):  # noqa: N801
    """A list of nodes compared by identity: ``==`` on nodes builds a node."""

    def __contains__(self, node: object) -> bool:
        return any(other is node for other in self)


def _elements(roots: Sequence[Node]) -> list[Node]:
    found, stack, seen = [], list(roots), set()
    while stack:
        node = stack.pop()
        if id(node) not in seen and node.kind is Kind.ELEMENT:
            seen.add(id(node))
            found.append(node)
            stack.extend(node.args)
    return found


def is_costly(node: Node) -> bool:
    """Whether computing it element by element takes more than a few instructions."""
    return any(inner.op in COSTLY for inner in _elements([node]))


def _parameters(order: Sequence[Node]) -> list[Node]:
    """The numbers computed from parameters alone that arrays meet."""
    found: dict[int, Node] = {}
    for node in order:
        if node.kind is not Kind.HOST:
            for arg in node.args:
                if arg.kind is Kind.HOST and arg.op != "constant":
                    found[id(arg)] = arg
    return list(found.values())
