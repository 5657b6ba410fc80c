"""A traced formula arranged as loops over one row that stays in cache.

A reduction over the row (``sum``, ``max``, ...) is a barrier: what depends on its result needs another loop.  The
level of a node is the number of barriers below it; loop k computes the reductions and the slope of level k, and the
row's own numbers of level k are computed just before it.

A costly function of a costly function is a barrier too: in one loop the processor would wait for the whole chain,
while two loops over stored values keep it busy with several elements at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .._domain import Domain, OneHot
from ..graph import Kind, Node, walk, words
from ..program import Program
from .rewrite import lowered, without_scale

REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max", "position", "total"})
# Worth a store and a load instead of a second computation.
COSTLY = frozenset({"exp", "expm1", "log", "log1p", "sinh", "tanh", "power", "xlogy"})
# Kept in double precision.  A loop that carries such a sum processes half as many float32 elements at a time, so a
# loop with costly functions stores what is to be summed, and a second, light loop over the stored row sums it.
WIDE = frozenset({"sum", "mean", "mean_square", "total"})


# A loop with at most this many operations sums directly.
LIGHT = 10


@dataclass
class Loop:
    """One pass over the row: what it reduces, what it writes, what it keeps for later loops.

    ``sums`` are the reductions left to a light loop of their own.
    """

    reductions: list[Node] = field(default_factory=list)
    sums: list[Node] = field(default_factory=list)
    result: Node | None = None
    slope: Node | None = None
    scale: list[tuple[str, Node]] = field(default_factory=list)
    keeps: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)

    def roots(self) -> list[Node]:
        """Everything computed per element."""
        written = [node for node in (self.result, self.slope) if node is not None]
        return [*map(reduced, self.reductions), *self.keeps, *written, *self.inside]


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


def schedule(program: Program, *, slope: bool, rows: bool, points: bool) -> Schedule:
    """The loops of a program; without ``rows`` a separable one is a total over elements, or the elements themselves."""
    output = program.output
    value = output
    if not rows:
        value = words.square(output.args[0]) if output.op == "mean_square" else output.args[0]
    outputs = [value, program.derivative(1)] if slope else [value]
    checks = [
        conditions(program.record.target, program.y_true),
        conditions(program.record.prediction_domain(program.switches), program.y_pred),
    ]
    inside = [node for element, _ in checks for node in element]
    row_inside = [node for _, row in checks for node in row] if rows else []
    roots = lowered([*outputs, *inside, *row_inside])
    value, inside, row_inside = roots[0], roots[len(outputs) :][: len(inside)], roots[len(outputs) + len(inside) :]
    gradient, scale = without_scale(roots[1]) if slope else (None, [])
    if not rows and not points:
        value = value.graph.node("total", (value,), Kind.ROW)
    return _arrange(value, gradient, scale, inside, row_inside, points=points)


def _arrange(
    value: Node,
    slope: Node | None,
    scale: list[tuple[str, Node]],
    inside: list[Node],
    row_inside: list[Node],
    *,
    points: bool,
) -> Schedule:
    order = walk([value, *([slope] if slope is not None else []), *inside, *row_inside])
    level, stored = _levels(order)
    deepest = max(level.values())
    loops = [Loop() for _ in range(deepest + 1)]
    rows: list[list[Node]] = [[] for _ in range(deepest + 1)]
    for node in order:
        if node.op in REDUCTIONS:
            loops[level[id(node)] - 1].reductions.append(node)
        elif node.kind is Kind.ROW and node.args and node.op != "count":
            rows[level[id(node)]].append(node)
    if slope is not None:
        writer = loops[level[id(slope)]]
        writer.slope, writer.scale = slope, scale
    if points:
        loops[level[id(value)]].result = value
    loops[0].inside = inside
    _keep(loops, level, stored)
    for number, loop in enumerate(loops):
        _lighten(loop, {id(node) for earlier in loops[:number] for node in earlier.keeps})
    return Schedule(loops, rows, value, row_inside, _parameters(order, scale))


def _levels(order: Iterable[Node]) -> tuple[dict[int, int], set[int]]:
    """The level of every node, and the element values worth storing once a later loop needs them."""
    stored: set[int] = set()
    level: dict[int, int] = {}
    busy: dict[int, int] = {}  # The highest level at which something costly is computed on the way to the node.
    for node in order:
        below = max((level[id(arg)] for arg in node.args), default=0)
        chain = max((busy[id(arg)] for arg in node.args), default=-1)
        costly = node.op in COSTLY and node.kind is Kind.ELEMENT
        late = costly and chain == below
        level[id(node)] = below + (node.op in REDUCTIONS or late)
        busy[id(node)] = level[id(node)] if costly else chain
        stored |= {id(node)} if costly else set()
        stored |= {id(arg) for arg in node.args if busy[id(arg)] == below} if late else set()
    return level, stored


def _keep(loops: Sequence[Loop], level: dict[int, int], stored: set[int]) -> None:
    """Stores the results of costly functions that a later loop needs."""
    for number in reversed(range(len(loops))):
        stack, seen = list(loops[number].roots()), set()
        while stack:
            node = stack.pop()
            if id(node) in seen or node.kind is not Kind.ELEMENT:
                continue
            seen.add(id(node))
            if id(node) in stored and level[id(node)] < number:
                _add(loops[level[id(node)]].keeps, node)
            else:
                stack.extend(node.args)


def _add(nodes: list[Node], node: Node) -> None:
    """Appends what is not there yet; ``in`` will not do, because ``==`` on nodes builds a node."""
    if not any(other is node for other in nodes):
        nodes.append(node)


def _lighten(loop: Loop, kept: set[int]) -> None:
    """Leaves the sums of a loop with many operations to a light loop."""
    if _work(loop.roots(), kept) <= LIGHT:
        return
    loop.sums = [node for node in loop.reductions if node.op in WIDE]
    loop.reductions = [node for node in loop.reductions if node.op not in WIDE]
    for node in loop.sums:
        if _work([node.args[0]], kept | {id(keep) for keep in loop.keeps}) > 2:
            _add(loop.keeps, node.args[0])


def _work(roots: Sequence[Node], kept: set[int]) -> int:
    """How many operations a loop over these elements does, costly functions counted as many."""
    stack, seen, work = list(roots), set(), 0
    while stack:
        node = stack.pop()
        if id(node) not in seen and id(node) not in kept and node.kind is Kind.ELEMENT:
            seen.add(id(node))
            work += 20 if node.op in COSTLY else int(bool(node.args) and node.op not in ("spread", "at"))
            stack.extend(node.args)
    return work


def _parameters(order: Sequence[Node], scale: list[tuple[str, Node]]) -> list[Node]:
    """The numbers computed from parameters alone that arrays meet."""
    found = {id(node): node for _, node in scale if node.kind is Kind.HOST and node.op != "constant"}
    for node in order:
        if node.kind is not Kind.HOST:
            for arg in node.args:
                if arg.kind is Kind.HOST and arg.op != "constant":
                    found[id(arg)] = arg
    return list(found.values())
