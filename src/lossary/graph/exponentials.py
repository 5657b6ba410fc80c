"""What a link takes apart put together again: exponentials and logarithms that cancel on paper do so in the graph.

A loss of positive rates, of scores through ``exp``, holds ``log(exp(s))`` and ``(exp(s) - y) / exp(s) * exp(s)``.
Computed as they stand they lose digits, and NaN is all that is left where ``exp(s)`` is 0 or infinite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..facts.axes import NUMBER
from . import words
from .node import Graph, Node, walk
from .rebuild import rebuilt


def cancelled(output: Node) -> Node:
    """The expression without exponentials that are only multiplied and divided away again."""
    return rebuilt(decided(output), _shortened)


def decided(output: Node) -> Node:
    """The expression without choices that a choice around them has made already."""
    return rebuilt(rebuilt(output, _decided), _decided)


# --- a branch knows its condition ------------------------------------------------------------------------------------


def _decided(node: Node, args: tuple[Node, ...]) -> Node | None:
    if node.op == "count":  # Of what it counts, the length alone matters.
        return words.count(node.graph.like)
    if node.op == "multiply":
        return _switched(args)
    if node.op != "where":
        return None
    condition, holds, fails = args[0], _assuming(args[0], args[1], True), _assuming(args[0], args[2], False)
    return holds if holds is fails else words.where(condition, holds, fails)


def _switched(args: tuple[Node, ...]) -> Node | None:
    """A product with 0 or 1 as the choice that it is."""
    for switch, other in (args, args[::-1]):
        flips = switch.op == "subtract" and switch.args[0].constant == 1.0
        inside = switch.args[1] if flips else switch
        if inside.op == "indicator" and inside.axes == other.axes:
            condition = inside.args[0]
            return words.where(condition, 0.0, other) if flips else words.where(condition, other, 0.0)
    return None


_WITHIN_ROWS = ("other", "mean", "mean_square", "lead", "first_max", "take", "position", "sparsemax")
_OF_ROWS = frozenset(("sum", "sum_other", "max", "max_other", *_WITHIN_ROWS))


def _assuming(condition: Node, branch: Node, holds: bool) -> Node:
    def chosen(node: Node, args: tuple[Node, ...]) -> Node | None:
        if node.op in _OF_ROWS:  # They see other outputs, of which the condition may not hold.
            return node
        return args[1 if holds else 2] if node.op == "where" and args[0] is condition else None

    return rebuilt(branch, chosen)


# --- exponents: sums of inputs times numbers -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Number:
    """``constant + sum of factor * parameter``."""

    constant: float = 0.0
    parameters: Mapping[Node, float] = field(default_factory=dict)

    def plus(self, other: _Number, factor: float = 1.0) -> _Number:
        found = dict(self.parameters)
        for node, own in other.parameters.items():
            found[node] = found.get(node, 0.0) + factor * own
        left = {node: own for node, own in found.items() if own != 0.0}
        return _Number(self.constant + factor * other.constant, left)

    def times(self, other: _Number) -> _Number | None:
        """The product, where it is such a sum."""
        if not self.parameters:
            return _Number().plus(other, self.constant)
        return _Number().plus(self, other.constant) if not other.parameters else None

    @property
    def key(self) -> tuple[float, frozenset[tuple[int, float]]]:
        return self.constant, frozenset((id(node), own) for node, own in self.parameters.items())

    def node(self, graph: Graph) -> Node:
        found = graph.constant(self.constant)
        for node, own in self.parameters.items():
            found = found + own * node
        return found


def _number(node: Node) -> _Number:
    """A number of parameters as such a sum."""
    if node.constant is not None:
        return _Number(node.constant)
    if node.op in ("add", "subtract"):
        one, other = map(_number, node.args)
        return one.plus(other, 1.0 if node.op == "add" else -1.0)
    if node.op == "negative":
        return _Number().plus(_number(node.args[0]), -1.0)
    return _Number(0.0, {node: 1.0})


# What an exponential holds: an array and the number that it is multiplied by.
_Exponent = dict[Node, _Number]


def _exponent(node: Node) -> _Exponent:
    if node.op == "negative":
        return _scaled(_exponent(node.args[0]), _Number(-1.0)) or {node: _Number(1.0)}
    if node.op in ("multiply", "divide"):
        first, second = node.args
        if second.axes == NUMBER and (node.op == "multiply" or second.constant):
            by = _number(second) if node.op == "multiply" else _Number(1.0 / (second.constant or 1.0))
            return _scaled(_exponent(first), by) or {node: _Number(1.0)}
        if node.op == "multiply" and first.axes == NUMBER:
            return _scaled(_exponent(second), _number(first)) or {node: _Number(1.0)}
    return {node: _Number(1.0)}


def _scaled(exponent: _Exponent, factor: _Number) -> _Exponent | None:
    found = {base: own.times(factor) for base, own in exponent.items()}
    return None if None in found.values() else {base: own for base, own in found.items() if own is not None}


def _added(one: _Exponent, other: _Exponent) -> _Exponent:
    found = dict(one)
    for base, own in other.items():
        found[base] = found[base].plus(own) if base in found else own
    return {base: own for base, own in found.items() if own.constant or own.parameters}


# --- sums of coefficients times exponentials ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Term:
    """``coefficient * exp(exponent)``; the coefficient holds no exponential."""

    coefficient: Node
    exponent: _Exponent

    def times(self, other: _Term) -> _Term:
        return _Term(self.coefficient * other.coefficient, _added(self.exponent, other.exponent))

    def inverse(self) -> _Term:
        exponent = {base: _Number().plus(own, -1.0) for base, own in self.exponent.items()}
        return _Term(1.0 / self.coefficient, exponent)

    def node(self) -> Node:
        if not self.exponent:
            return self.coefficient
        graph = self.coefficient.graph
        inside = [_product(own.node(graph), base) for base, own in self.exponent.items()]
        total = inside[0]
        for each in inside[1:]:
            total = total + each
        return self.coefficient * words.exp(total)


def _product(number: Node, base: Node) -> Node:
    return number * base


def _terms(node: Node) -> list[_Term]:
    """The sum that an expression is; an expression that holds no exponential is its own coefficient."""
    one = node.graph.constant(1.0)
    if node.op == "exp":
        return [_Term(one, _exponent(node.args[0]))]
    if node.op in ("add", "subtract"):
        first, second = map(_terms, node.args)
        return [*first, *(second if node.op == "add" else [_Term(-each.coefficient, each.exponent) for each in second])]
    if node.op == "negative":
        return [_Term(-each.coefficient, each.exponent) for each in _terms(node.args[0])]
    if node.op == "multiply":
        first, second = map(_terms, node.args)
        if len(first) * len(second) <= _FEW:
            return [one.times(other) for one in first for other in second]
    if node.op in ("divide", "power", "square") and (found := _quotient_or_power(node)) is not None:
        return found
    return [_Term(node, {})]


# Longer products stay products.
_FEW = 6


def _quotient_or_power(node: Node) -> list[_Term] | None:
    first = _terms(node.args[0])
    if node.op == "divide":
        below = _terms(node.args[1])
        return [each.times(below[0].inverse()) for each in first] if len(below) == 1 else None
    if len(first) != 1 or first[0].coefficient.constant != 1:
        return None
    exponent = _scaled(first[0].exponent, _Number(2.0) if node.op == "square" else _number(node.args[1]))
    return None if exponent is None else [_Term(node.graph.constant(1.0), exponent)]


def _single(node: Node) -> _Term | None:
    """The one exponential that an expression is, with its coefficient."""
    terms = _terms(node)
    return terms[0] if len(terms) == 1 and terms[0].exponent else None


def _holds(node: Node) -> bool:
    return any(each.op == "exp" for each in walk([node]))


def _shortened(node: Node, args: tuple[Node, ...]) -> Node | None:
    if node.op == "multiply":
        for one, other in (args, args[::-1]):
            factor = _single(other)
            if factor is not None and _holds(one):
                return _times(one, factor)
    elif node.op == "divide":
        factor = _single(args[1])
        if factor is not None and _holds(args[0]):
            return _times(args[0], factor.inverse())
    elif node.op in ("guard", "maximum") and args[1].constant is not None and args[1].constant <= 0.0:
        return args[0] if _is_positive(args[0]) else None
    elif node.op == "log":
        return logarithm(args[0])
    elif node.op == "xlogy" and (found := logarithm(args[1])) is not None:
        return args[0] * found
    return None


def _times(node: Node, factor: _Term) -> Node:
    """A product, taken into whatever holds an exponential that may cancel."""
    if node.op == "where":
        return words.where(node.args[0], _times(node.args[1], factor), _times(node.args[2], factor))
    if node.op == "negative":
        return -_times(node.args[0], factor)
    if node.op == "divide" and not _holds(node.args[1]):
        return _times(node.args[0], factor) / node.args[1]
    if node.op == "multiply":
        for one, other in (node.args, node.args[::-1]):
            if not _holds(other):
                return _times(one, factor) * other
    return _sum(term.times(factor) for term in _terms(node))


def _sum(terms: Iterator[_Term]) -> Node:
    """The sum, with equal exponentials put together."""
    found: dict[object, _Term] = {}
    for term in terms:
        key = frozenset((id(base), own.key) for base, own in term.exponent.items())
        known = found.get(key)
        found[key] = term if known is None else _Term(known.coefficient + term.coefficient, term.exponent)
    first, *rest = (term.node() for term in found.values())
    for each in rest:
        first = first + each
    return first


def _is_positive(node: Node) -> bool:
    if node.op in ("exp", "sigmoid"):
        return True
    if node.op in ("add", "multiply", "divide"):
        return all(map(_is_positive, node.args))
    return (node.op == "power" and _is_positive(node.args[0])) or (node.constant or 0.0) > 0.0


def logarithm(node: Node) -> Node | None:
    """The logarithm of what is known to be an exponential, or a sigmoid."""
    if node.op == "sigmoid":
        return -words.softplus(-node.args[0])
    term = _single(node)
    return term.node().args[0] if term is not None and term.coefficient.constant == 1 else None
