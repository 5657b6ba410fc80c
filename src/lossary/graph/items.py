"""Rows with gaps: the same formula, whose reductions see only the elements that are kept.

A row of which some elements are left out has the value of the shorter row, for any formula: a sum adds 0 there, a
mean divides by what is left, a maximum looks at minus infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..facts.axes import OTHER, OUTPUT, PAIR
from . import words
from .node import Graph, Node, walk

# The name of the input that says which elements are kept.
KEEP = "keep"


class Gaps:
    """What is kept of each row of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._axes = graph.like.axes
        self.keep = graph.node("input", (), self._axes, KEEP, is_bool=True)
        kept = words.sum(words.indicator(self.keep))
        # Where nothing is kept, everything is computed with and then left out: no row is empty on the way.
        self._all = words.equal(kept, 0.0)
        self._seen = words.logical_or(self.keep, self._all)
        self._count = words.sum(words.indicator(self._seen))

    def value(self, output: Node) -> Node:
        """The value of each row without its gaps; 0 where nothing is left."""
        return words.where(self._all, 0.0, self.rewritten(output))

    def slope(self, slope: Node) -> Node:
        """A hand-written slope without the gaps, where it is 0."""
        return words.where(self.keep, words.spread(self.rewritten(slope), slope.graph.like), 0.0)

    def rewritten(self, output: Node) -> Node:
        """The expression whose reductions see only what is kept."""
        made: dict[int, Node] = {}
        for node in walk([output]):
            args = tuple(made[id(arg)] for arg in node.args)
            rewrite = _REWRITES.get(node.op)
            if node.op in _OF_STEPS:
                made[id(node)] = node.graph.node(node.op, (*args, self._seen), node.axes)
            elif rewrite is not None:
                made[id(node)] = rewrite(self, *args)
            else:
                made[id(node)] = node.graph.node(node.op, args, node.axes, node.value, is_bool=node.is_bool)
        return made[id(output)]

    def _filled(self, x: Node, filler: float) -> Node:
        seen = self._seen
        if self._axes == PAIR:  # What is no element of a matrix has been made of those that are kept.
            return words.where(seen, x, filler) if x.axes == PAIR else x
        if OTHER in x.axes:
            seen = words.logical_and(seen, words.other(seen))
        return words.where(seen, x, filler)

    def _sum(self, x: Node) -> Node:
        return words.sum(self._filled(x, 0.0), over=OUTPUT)  # Where both of a pair are summed over, these are two sums.

    def _sum_other(self, x: Node) -> Node:
        return words.sum(self._filled(x, 0.0), over=OTHER)

    def _max_other(self, x: Node) -> Node:
        largest = words.max(self._filled(x, -math.inf), over=OTHER)
        return words.where(largest == -math.inf, 0.0, largest)  # A number, also where nothing is left.

    def _mean(self, x: Node) -> Node:
        return words.mean(self._filled(x, 0.0)) * (words.count(x) / self._count)

    def _mean_square(self, x: Node) -> Node:
        return words.mean_square(self._filled(x, 0.0)) * (words.count(x) / self._count)

    def _max(self, x: Node) -> Node:
        return words.max(self._filled(x, -math.inf))

    def _lead(self, x: Node) -> Node:
        return words.lead(self._filled(x, -math.inf))

    def _first_max(self, x: Node) -> Node:
        return words.first_max(self._filled(x, -math.inf))

    def _sparsemax(self, x: Node) -> Node:
        return words.sparsemax(self._filled(x, -math.inf))

    def _position(self, x: Node) -> Node:
        place = words.position(x)
        before = words.logical_and(words.other(self._seen), words.other(place) < place)
        return words.sum(words.indicator(before), over=OTHER)

    def _counted(self, x: Node) -> Node:
        return self._count


# Words that leave steps out by themselves.
_OF_STEPS = frozenset({"alignment_nll", "alignment_slope"})
_REWRITES: dict[str, Callable[..., Node]] = {
    "sum": Gaps._sum,
    "sum_other": Gaps._sum_other,
    "max_other": Gaps._max_other,
    "mean": Gaps._mean,
    "mean_square": Gaps._mean_square,
    "max": Gaps._max,
    "lead": Gaps._lead,
    "first_max": Gaps._first_max,
    "count": Gaps._counted,
    "position": Gaps._position,
    "sparsemax": Gaps._sparsemax,
}
