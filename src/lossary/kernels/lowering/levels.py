"""A graph arranged as loops over one row that stays in cache.

A reduction over the row (``sum``, ``max``, ...) is a barrier: what depends on its result needs another loop.  The
level of a node is the number of barriers below it; loop k computes the reductions and the slope of level k, and the
row's own numbers of level k are computed just before it.

A costly function of a costly function is a barrier too: in one loop the processor would wait for the whole chain,
while two loops over stored values keep it busy with several elements at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...graph import ELEMENT, ROW, Node, walk
from .form import SLOPES, Target

REDUCTIONS = frozenset({"sum", "mean", "mean_square", "max", "total"})


class Slope(NamedTuple):
    """The slope of one prediction, where it is written, and the numbers that scale it."""

    node: Node
    store: str = SLOPES
    scale: tuple[tuple[str, Node], ...] = ()

    @property
    def roots(self) -> tuple[Node, ...]:
        """Everything that must be there when it is written."""
        return (self.node, *(node for _, node in self.scale))


@dataclass
class Draft:
    """One pass over the row: what it reduces, what it writes, what it keeps for later loops.

    Checks and narrow reductions, and wide reductions, get light loops of their own after a heavy one, and where
    nothing is written.
    """

    reductions: list[Node] = field(default_factory=list)
    heavy: bool = False
    result: Node | None = None
    slopes: list[Slope] = field(default_factory=list)
    curve: Node | None = None
    keeps: list[Node] = field(default_factory=list)
    checks: list[Node] = field(default_factory=list)

    def written(self) -> list[Node]:
        """What the loop stores, element by element."""
        found = [*self.keeps, *(slope.node for slope in self.slopes)]
        return [*found, *(node for node in (self.result, self.curve) if node is not None)]

    @property
    def fills_slopes(self) -> bool:
        """Whether it writes where values may have been kept until then."""
        return any(slope.store == SLOPES for slope in self.slopes)

    def passes(self, target: Target) -> list[Draft]:
        """The loops that this one becomes."""
        if self.written() and not self.heavy:
            return [self]
        narrow = [node for node in self.reductions if node.op not in target.wide]
        wide = [node for node in self.reductions if node.op in target.wide]
        light = [Draft(reductions=narrow, checks=self.checks), Draft(reductions=wide)]
        return [loop for loop in (replace(self, reductions=[], checks=[]), *light) if loop.roots()]

    def roots(self) -> list[Node]:
        """Everything computed per element."""
        return [*(node.args[0] for node in self.reductions), *self.written(), *self.checks]


@dataclass(frozen=True)
class Arranged:
    """The loops, the numbers of the row computed before each, and where the kept values lie."""

    loops: list[Draft]
    numbers: list[list[Node]]

    def stores(self) -> dict[int, str]:
        """Where written values live: the first kept ones in a gradient's own row, further ones in their own."""
        found: dict[int, str] = {}
        writer = next((number for number, loop in enumerate(self.loops) if loop.fills_slopes), 0)
        for number, loop in enumerate(self.loops):
            for node in loop.keeps:
                free = number < writer and SLOPES not in found.values()
                found[id(node)] = SLOPES if free else f"kept{len(found)}"
        return found


def arranged(
    target: Target,
    value: Node | None,
    slopes: Sequence[Slope],
    curve: Node | None,
    checks: list[Node],
    of_rows: Sequence[Node],
    *,
    points: bool,
) -> Arranged:
    """Loops for a value and slopes, which are scaled where they are written, or for both derivatives.

    With ``points`` the value is one of the elements.
    """
    first = [] if value is None else [value]
    last = [] if curve is None else [curve]
    scales = [node for slope in slopes for _, node in slope.scale]
    order = walk([*first, *(slope.node for slope in slopes), *last, *checks, *of_rows, *scales])
    level, stored = _levels(order, target)
    deepest = max(level.values())
    loops = [Draft() for _ in range(deepest + 1)]
    rows: list[list[Node]] = [[] for _ in range(deepest + 1)]
    for node in order:
        if node.op in REDUCTIONS:
            loops[level[id(node)] - 1].reductions.append(node)
        elif node.axes == ROW and node.args and node.op != "count":
            rows[level[id(node)]].append(node)
    for slope in slopes:
        loops[max(level[id(node)] for node in slope.roots)].slopes.append(slope)
    if curve is not None:
        loops[level[id(curve)]].curve = curve
    if points and value is not None:
        loops[level[id(value)]].result = value
    loops[0].checks = checks
    _keep(loops, rows, level, _with_selections(order, level, stored))
    for number, loop in enumerate(loops):
        _lighten(loop, {id(node) for earlier in loops[:number] for node in earlier.keeps}, target)
    return Arranged(loops, rows)


def _levels(order: Iterable[Node], target: Target) -> tuple[dict[int, int], set[int]]:
    """The level of every node, and the element values worth storing once a later loop needs them."""
    stored: set[int] = set()
    level: dict[int, int] = {}
    busy: dict[int, int] = {}  # The highest level at which something costly is computed on the way to the node.
    for node in order:
        below = max((level[id(arg)] for arg in node.args), default=0)
        chain = max((busy[id(arg)] for arg in node.args), default=-1)
        costly = node.op in target.costly and node.axes == ELEMENT
        late = costly and chain == below
        level[id(node)] = below + (node.op in REDUCTIONS or late)
        busy[id(node)] = level[id(node)] if costly else chain
        slow = target.keeps_quotients and node.op == "divide" and node.args[1].axes == ELEMENT
        stored |= {id(node)} if costly or slow else set()
        # What is kept lies in an array of numbers.
        stored |= {id(arg) for arg in node.args if busy[id(arg)] == below and not arg.is_bool} if late else set()
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


def _keep(loops: Sequence[Draft], rows: Sequence[Sequence[Node]], level: dict[int, int], stored: set[int]) -> None:
    """Stores the results of costly functions that a later loop, or a search before it, needs."""
    for number in reversed(range(len(loops))):
        searched = [node.args[0] for node in rows[number] if node.op == "first"]
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


def _lighten(loop: Draft, kept: set[int], target: Target) -> None:
    """Makes a loop with many operations keep what its reductions look at."""
    loop.heavy = _work(loop.roots(), kept, target) > target.heavy
    if loop.heavy:
        for node in (reduction.args[0] for reduction in loop.reductions):
            if _work([node], kept | {id(keep) for keep in loop.keeps}, target) > 2 and not node.is_bool:
                _add(loop.keeps, node)


def _work(roots: Sequence[Node], kept: set[int], target: Target) -> int:
    """How many operations a loop over these elements does, costly functions counted as many."""
    stack, seen, work = list(roots), set(), 0
    while stack:
        node = stack.pop()
        if id(node) not in seen and id(node) not in kept and node.axes == ELEMENT:
            seen.add(id(node))
            work += 20 if node.op in target.costly else int(bool(node.args) and node.op not in ("spread", "at"))
            stack.extend(node.args)
    return work
