"""The expression graph that a formula becomes when it is traced.

A formula is called once with symbolic arguments (`Node`).  Everything a user meets later - values, slopes, fused
loops, printed formulas - is made from the graph, so there is never a second formula.  Every node knows the axes that
it varies along (`lossary.graph.axes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union

import numpy as np

from ..errors import TraceError
from ..facts.axes import ELEMENT, NUMBER, Axes

Operand = Union["Node", float, int, bool]


class Graph:
    """Interns nodes, so that equal expressions are one node and common terms are computed once.

    ``like`` names the input that has the shape and dtype of the elements, which vary along these axes.
    """

    def __init__(self, like: str = "y_pred", axes: Axes = ELEMENT) -> None:
        self._interned: dict[tuple[Any, ...], Node] = {}
        self._like = like, axes

    @property
    def like(self) -> Node:
        """An input in the shape and dtype of the elements."""
        return self.input(*self._like)

    def node(self, op: str, args: tuple[Node, ...], axes: Axes, value: Any = None, *, is_bool: bool = False) -> Node:
        """The one node for this expression."""
        key = (op, tuple(map(id, args)), repr(value), axes)
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = Node(self, op, args, axes, value, is_bool)
        return found

    def input(self, name: str, axes: Axes) -> Node:
        """A symbolic argument of the formula."""
        return self.node("input", (), axes, name)

    def constant(self, value: float) -> Node:
        """A number written in the formula."""
        return self.node("constant", (), NUMBER, float(value))


class Node:
    """One operation of a traced formula.  Supports Python's operators and the NumPy functions of the vocabulary."""

    __slots__ = ("args", "axes", "graph", "is_bool", "op", "value")
    __array_priority__ = 1000

    def __init__(self, graph: Graph, op: str, args: tuple[Node, ...], axes: Axes, value: Any, is_bool: bool) -> None:
        self.graph = graph
        self.op = op
        self.args = args
        self.axes = axes
        self.value = value
        self.is_bool = is_bool

    @property
    def constant(self) -> float | None:
        """The number this node stands for, or None when it is not a literal."""
        return self.value if self.op == "constant" else None

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.args)) if self.args else repr(self.value)
        return f"{self.op}({inside})"

    def __add__(self, other: Operand) -> Node:
        return _word("add", self, other)

    def __radd__(self, other: Operand) -> Node:
        return _word("add", other, self)

    def __sub__(self, other: Operand) -> Node:
        return _word("subtract", self, other)

    def __rsub__(self, other: Operand) -> Node:
        return _word("subtract", other, self)

    def __mul__(self, other: Operand) -> Node:
        return _word("multiply", self, other)

    def __rmul__(self, other: Operand) -> Node:
        return _word("multiply", other, self)

    def __truediv__(self, other: Operand) -> Node:
        return _word("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Node:
        return _word("divide", other, self)

    def __pow__(self, other: float) -> Node:
        return _word("power", self, other)

    def __neg__(self) -> Node:
        return _word("negative", self)

    def __abs__(self) -> Node:
        return _word("abs", self)

    def __lt__(self, other: Operand) -> Node:
        return _word("less", self, other)

    def __gt__(self, other: Operand) -> Node:
        return _word("less", other, self)

    def __le__(self, other: Operand) -> Node:
        return _word("less_equal", self, other)

    def __ge__(self, other: Operand) -> Node:
        return _word("less_equal", other, self)

    def __eq__(self, other: object) -> Node:  # type: ignore[override]
        return _word("equal", self, other)

    def __ne__(self, other: object) -> Node:  # type: ignore[override]
        return _word("logical_not", _word("equal", self, other))

    def __and__(self, other: Operand) -> Node:
        return _word("logical_and", self, other)

    def __or__(self, other: Operand) -> Node:
        return _word("logical_or", self, other)

    def __invert__(self) -> Node:
        return _word("logical_not", self)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise TraceError.branch()

    def __iter__(self) -> Iterator[Node]:
        raise TraceError.iteration()

    def __len__(self) -> int:
        raise TraceError.iteration()

    def __getitem__(self, _: Any) -> Node:
        raise TraceError.iteration()

    def __float__(self) -> float:
        raise TraceError.number()

    __int__ = __index__ = __float__

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TraceError.number()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Node:
        word = VOCABULARY.get(_NUMPY_SPELLING.get(ufunc.__name__, ufunc.__name__))
        if method != "__call__" or kwargs or word is None:
            raise TraceError.unknown_word(f"np.{ufunc.__name__}")
        return word(*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: dict[str, Any]) -> Node:
        name = _NUMPY_SPELLING.get(function.__name__, function.__name__)
        word = VOCABULARY.get(name)
        operands, axes = (args[:1], args[1:]) if name in _ROW_WORDS else (args, ())
        axis = kwargs.pop("axis", -1) if not axes else axes[0] if len(axes) == 1 else None
        keepdims = kwargs.pop("keepdims", True)
        if word is None or kwargs or axis != -1 or keepdims not in (True, False):
            raise TraceError.unknown_word(f"np.{function.__name__}")
        return word(*operands)


_ROW_WORDS = frozenset({"sum", "mean", "max"})
_NUMPY_SPELLING = {
    "absolute": "abs",
    "fabs": "abs",
    "true_divide": "divide",
    "amax": "max",
    "greater": "greater",
    "fmax": "maximum",
    "fmin": "minimum",
}


# The words by name; `lossary.graph.words`, whose functions build nodes, enters them here.
VOCABULARY: dict[str, Callable[..., Node]] = {}


def _word(name: str, *operands: Any) -> Node:
    """One word of the vocabulary."""
    return VOCABULARY[name](*operands)


def walk(outputs: Sequence[Node]) -> list[Node]:
    """Every node that the outputs need, operands before the operations that use them."""
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(outputs)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))
    return order
