"""Which numbers a node of a graph can be, as far as its structure tells: bounds that hold for any input.

They are computed in single and in double precision.  Rounding is monotone: what an operation makes of bounds bounds, to
the last digit, what it makes of the numbers between them.

The declared domains of the inputs do not count: values outside of them are found while the loop runs, and until then
a function must not make an ordinary number of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...facts.settings import Interval
from ...graph import NUMBER, Node, walk
from ...graph.program import Program

Range = tuple[float, float]
ANY: Range = (-math.inf, math.inf)
_KINDS = (np.float32, np.float64)


class Ranges:
    """Ranges of nodes, computed once each; NaN is in every range."""

    def __init__(self, program: Program) -> None:
        allowed = {parameter.name: parameter.allowed for parameter in program.record.parameters}
        self._inputs: dict[str, Range] = {
            name: (domain.minimum, domain.maximum) for name, domain in allowed.items() if isinstance(domain, Interval)
        }
        self._known: dict[int, dict[Any, Range]] = {}
        # Ids identify nodes only as long as the nodes live.
        self._alive: list[Node] = []

    def of(self, node: Node) -> Range:
        """The least and the largest number that the node can be."""
        for below in walk([node]):
            if id(below) not in self._known:
                self._alive.append(below)
                with np.errstate(all="ignore"):
                    self._known[id(below)] = {kind: self._rounded(below, kind) for kind in _KINDS}
        lows, highs = zip(*self._known[id(node)].values(), strict=True)
        return float(min(lows)), float(max(highs))

    def is_finite(self, node: Node) -> bool:
        """Whether it is a finite number wherever no input is NaN."""
        low, high = self.of(node)
        return -math.inf < low and high < math.inf and all(map(self._makes_no_nan, walk([node])))

    def _makes_no_nan(self, node: Node) -> bool:
        if node.op in _LEAST:
            return self.of(node.args[0])[0] >= _LEAST[node.op]
        if node.op == "divide":
            return all(map(math.isfinite, self.of(node.args[0]))) and self.of(node.args[1])[0] > 0.0
        return node.op in _CHOICES

    def _rounded(self, node: Node, kind: Any) -> Range:
        low, high = self._found(node, kind)
        return kind(low), kind(high)

    def _found(self, node: Node, kind: Any) -> Range:
        if node.constant is not None:
            return node.constant, node.constant
        if node.op == "input":
            return self._inputs.get(node.value, ANY) if node.axes == NUMBER else ANY
        args = [self._known[id(arg)][kind] for arg in node.args]
        if node.op == "where":
            return _selected(node, args)
        if node.op == "subtract" and _is_largest_of(node.args[1], node.args[0]):
            return -math.inf, 0.0
        rule = _RULES.get(node.op)
        return ANY if rule is None else rule(*args)


def _selected(node: Node, args: list[Range]) -> Range:
    condition, first, _ = node.args
    low, high = args[1]
    if condition.op in ("less", "less_equal") and condition.args[0] is first and condition.args[1].constant is not None:
        high = min(high, condition.args[1].constant)
    return min(low, args[2][0]), max(high, args[2][1])


def _is_largest_of(largest: Node, x: Node) -> bool:
    while largest.op == "spread":
        largest = largest.args[0]
    return largest.op == "max" and largest.args[0] is x


def _product(a: Range, b: Range) -> Range:
    ends = [x * y for x in a for y in b]
    # 0 * inf: whatever comes out of it is NaN, or between the other products.
    known = [end for end in ends if end == end]
    return (min(known), max(known)) if known else ANY


def _quotient(a: Range, b: Range) -> Range:
    if a[0] >= 0 and b[0] >= 0:
        return 0.0, (a[1] / b[0] if b[0] > 0 else math.inf)
    return ANY


def _magnitude(a: Range) -> Range:
    return 0.0 if a[0] <= 0 <= a[1] else min(map(abs, a)), max(map(abs, a))


def _square(a: Range) -> Range:
    low, high = _magnitude(a)
    return low * low, high * high


def _larger(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), max(a[1], b[1])


def _smaller(a: Range, b: Range) -> Range:
    return min(a[0], b[0]), min(a[1], b[1])


def _monotone(function: Callable[[float], float], least: float) -> Callable[[Range], Range]:
    def image(a: Range) -> Range:
        def at(x: float) -> float:
            try:
                return function(max(float(x), least))
            except OverflowError:
                return math.inf

        return at(a[0]), at(a[1])

    return image


def _logarithm(a: Range) -> Range:
    low, high = (math.log(end) if end > 0 else -math.inf for end in map(float, a))
    return low, high


# What makes no NaN of numbers, and the least number of which a logarithm is none.
_CHOICES = frozenset({"input", "constant", "abs", "at_least", "at_most", "maximum", "minimum", "negative"})
_LEAST = {"log": 0.0, "log1p": -1.0}
_RULES: dict[str, Callable[..., Range]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "multiply": _product,
    "divide": _quotient,
    "negative": lambda a: (-a[1], -a[0]),
    "abs": _magnitude,
    "square": _square,
    "maximum": _larger,
    "at_least": _larger,
    "minimum": _smaller,
    "at_most": _smaller,
    "exp": _monotone(math.exp, -800.0),
    "sinh": _monotone(math.sinh, -800.0),
    "small_sinh": _monotone(math.sinh, -800.0),
    "log": _logarithm,
    "log1p": _monotone(math.log1p, math.nextafter(-1.0, 0.0)),
    "hypot1": lambda a: (1.0, math.inf),
    "count": lambda *_: (1.0, math.inf),
    "spread": lambda a, *_: a,
    "max": lambda a: a,
    "indicator": lambda *_: (0.0, 1.0),
}
