"""A traced formula arranged as loops over one row that stays in cache.

A reduction over the row (``sum``, ``max``, ...) is a barrier: what depends on its result needs another loop.  The
level of a node is the number of barriers below it; loop k computes the reductions and the slope of level k, and the
row's own numbers of level k are computed just before it.

A costly function of a costly function is a barrier too: in one loop the processor would wait for the whole chain,
while two loops over stored values keep it busy with several elements at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..._domain import Domain, OneHot
from ...graph import ELEMENT, NUMBER, ROW, Node, walk, words
from ...graph.program import Program
from .rewrite import lowered, without_divisions, without_scale

REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max", "total"})
# Worth a store and a load instead of a second computation.
COSTLY = frozenset(
    {"exp", "exp_decaying", "expm1", "log", "log1p", "log1p_growing", "log1p_unit", "log_or_log1p"}
    | {"sinh", "small_sinh", "tanh", "power"}
)
# Kept in double precision, which halves the number of float32 elements that a loop takes at a time.
WIDE = frozenset({"sum", "mean", "mean_square", "total"})
# A loop with more operations leaves its reductions to light loops over what it stores: LLVM interleaves loops that
# reduce, and a long loop then has far more numbers at hand than the processor has registers.  Whatever has no costly
# function is faster as one loop.
LIGHT = 19


# Start, step and result of a running reduction.
REDUCE = {
    "sum": ("0.0", "accumulate({total}, {x})", "F({total})"),
    "mean": ("0.0", "accumulate({total}, {x})", "F({total} / columns)"),
    "mean_square": ("0.0", "accumulate_square({total}, {x})", "F({total} / columns)"),
    "max": ("LOWEST", "larger({total}, order_key({x}))", "from_order_key({total}, ONE)"),
    "total": ("0.0", "accumulate({total}, {x})", "{total}"),
}


@dataclass(frozen=True)
class Use:
    """What a kernel is for.

    ``rows`` keeps data points apart; otherwise a separable loss runs over all elements at once and gives their total.
    ``points`` is the same with one element per data point, whose values and factors are arrays.  ``narrow`` is for
    short rows.
    """

    rows: bool
    points: bool
    gradient: bool
    mask: bool
    narrow: bool = False

    @property
    def name(self) -> str:
        """A short name for files and functions."""
        shape = "narrow" if self.narrow else "rows" if self.rows else "points" if self.points else "total"
        return "_".join([shape, *(["gradient"] if self.gradient else []), *(["masked"] if self.mask else [])])


@dataclass
class Loop:
    """One pass over the row: what it reduces, what it writes, what it keeps for later loops.

    Checks and narrow reductions, and wide reductions, get light loops of their own after a heavy one, and where
    nothing is written.
    """

    reductions: list[Node] = field(default_factory=list)
    heavy: bool = False
    result: Node | None = None
    slope: Node | None = None
    scale: list[tuple[str, Node]] = field(default_factory=list)
    keeps: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)

    def written(self) -> list[Node]:
        """What the loop stores, element by element."""
        return [*self.keeps, *(node for node in (self.result, self.slope) if node is not None)]

    def passes(self) -> list[Loop]:
        """The loops that this one becomes."""
        if self.written() and not self.heavy:
            return [self]
        narrow = [node for node in self.reductions if node.op not in WIDE]
        wide = [node for node in self.reductions if node.op in WIDE]
        light = [Loop(reductions=narrow, inside=self.inside), Loop(reductions=wide)]
        return [loop for loop in (replace(self, reductions=[], inside=[]), *light) if loop.roots()]

    def roots(self) -> list[Node]:
        """Everything computed per element."""
        return [*map(reduced, self.reductions), *self.written(), *self.inside]


def reduced(node: Node) -> Node:
    """What a reduction looks at, element by element."""
    return node.args[0]


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


def membership(domain: Domain, x: Node) -> tuple[list[Node], list[Node]]:
    """What membership in the domain means, element by element and for the whole row."""
    if x.axes == ROW:
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
        membership(program.record.target, program.y_true),
        membership(program.record.prediction_domain(program.switches), program.y_pred),
    ]
    inside = [node for element, _ in checks for node in element]
    row_inside = [node for _, row in checks for node in row] if rows else []
    roots = lowered(program, [*outputs, *inside, *row_inside])
    value, inside, row_inside = roots[0], roots[len(outputs) :][: len(inside)], roots[len(outputs) + len(inside) :]
    gradient, scale = without_scale(roots[1]) if slope else (None, [])
    if rows:
        value, *rest = without_divisions([value, *(n for _, n in scale), *([] if gradient is None else [gradient])])
        scale = [(sign, node) for (sign, _), node in zip(scale, rest, strict=False)]
        gradient = rest[-1] if slope else None
    if not rows and not points:
        value = value.graph.node("total", (value,), ROW)
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
        elif node.axes == ROW and node.args and node.op != "count":
            rows[level[id(node)]].append(node)
    if slope is not None:
        writer = loops[level[id(slope)]]
        writer.slope, writer.scale = slope, scale
    if points:
        loops[level[id(value)]].result = value
    loops[0].inside = inside
    _keep(loops, rows, level, _with_selections(order, level, stored))
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
        costly = node.op in COSTLY and node.axes == ELEMENT
        late = costly and chain == below
        level[id(node)] = below + (node.op in REDUCTIONS or late)
        busy[id(node)] = level[id(node)] if costly else chain
        slow = node.op == "divide" and node.args[1].axes == ELEMENT
        stored |= {id(node)} if costly or slow else set()
        stored |= {id(arg) for arg in node.args if busy[id(arg)] == below} if late else set()
    return level, stored


def _with_selections(order: Sequence[Node], level: dict[int, int], stored: set[int]) -> set[int]:
    """Values to store, each with the selection that is its only use, if there is one, which is then not repeated."""
    users: dict[int, list[Node]] = {}
    for node in order:
        for arg in node.args:
            users.setdefault(id(arg), []).append(node)
    found = set()
    for node in order:
        if id(node) in stored:
            use = users.get(id(node), [])
            selected = len(use) == 1 and use[0].op == "where" and level[id(use[0])] == level[id(node)]
            found.add(id(use[0]) if selected else id(node))
    return found


def _keep(loops: Sequence[Loop], rows: Sequence[Sequence[Node]], level: dict[int, int], stored: set[int]) -> None:
    """Stores the results of costly functions that a later loop, or a search before it, needs."""
    for number in reversed(range(len(loops))):
        searched = [node.args[0] for node in rows[number] if node.op == "position"]
        stack, seen = [*loops[number].roots(), *searched], set()
        while stack:
            node = stack.pop()
            if id(node) in seen or node.axes != ELEMENT:
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
    """Makes a loop with many operations keep what its reductions look at."""
    loop.heavy = _work(loop.roots(), kept) > LIGHT
    if loop.heavy:
        for node in map(reduced, loop.reductions):
            if _work([node], kept | {id(keep) for keep in loop.keeps}) > 2 and not node.is_bool:
                _add(loop.keeps, node)


def _work(roots: Sequence[Node], kept: set[int]) -> int:
    """How many operations a loop over these elements does, costly functions counted as many."""
    stack, seen, work = list(roots), set(), 0
    while stack:
        node = stack.pop()
        if id(node) not in seen and id(node) not in kept and node.axes == ELEMENT:
            seen.add(id(node))
            work += 20 if node.op in COSTLY else int(bool(node.args) and node.op not in ("spread", "at"))
            stack.extend(node.args)
    return work


def _parameters(order: Sequence[Node], scale: list[tuple[str, Node]]) -> list[Node]:
    """The numbers computed from parameters alone that arrays meet."""
    found = {id(node): node for _, node in scale if node.axes == NUMBER and node.op != "constant"}
    for node in order:
        if node.axes != NUMBER:
            for arg in node.args:
                if arg.axes == NUMBER and arg.op != "constant":
                    found[id(arg)] = arg
    return list(found.values())
