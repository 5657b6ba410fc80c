"""A formula, traced for one setting of its switches: the graph, its derivatives, and runnable functions of them."""

from __future__ import annotations

import itertools
import linecache
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol
from weakref import finalize

import numpy as np

from .._marks import unconverted
from ..errors import LossError, TraceError
from ..facts.axes import ELEMENT, NUMBER, PAIR
from ..facts.record import Record
from . import words
from .derivative import differentiate
from .diagonal import diagonal
from .emit import SPELLED, emit
from .exponentials import decided
from .items import KEEP, Gaps
from .node import Graph, Node, walk
from .rebuild import alone

Switches = tuple[tuple[str, Any], ...]
_serial, _numbers = itertools.count(), itertools.count()
# The name under which the Hessian takes the direction that it turns.
UPSTREAM = "upstream"


class Speller(Protocol):
    """An array library's spelling of the words."""

    name: str
    # Whether the library compiles the code that makes a call, in which no source can be made any more.
    is_traced: bool

    def namespace(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The words of these names."""

    def differentiable(self, program: Program) -> Callable[..., Any]:
        """The value with the slopes as its derivative in the library's own machinery."""


def _elements(value: Node) -> Node:
    """What a value is the mean of, if it is one or a multiple of one: then each element stands for itself."""
    if value.op == "mean":
        return value.args[0]
    if value.op == "negative" and value.args[0].op == "mean":
        return -_elements(value.args[0])
    if value.op in ("multiply", "divide"):
        first, second = value.args
        if second.axes == NUMBER and first.op == "mean":
            return first.args[0] * second if value.op == "multiply" else first.args[0] / second
        if value.op == "multiply" and first.axes == NUMBER and second.op == "mean":
            return first * second.args[0]
    return value


def seen(record: Record, graph: Graph, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a formula sees them: numbers as nodes, but those that are off.

    A formula may hand a parameter to a word by itself, which then has to know the graph.
    """
    nodes = {
        p.name: graph.constant(parameters[p.name])
        for p in record.parameters
        if p.is_number and isinstance(parameters.get(p.name), float)
        if not (p.is_bare and parameters[p.name] == p.off)
    }
    return {**parameters, **nodes}


class Program:
    """What a record means once its switches (``from_logits`` and other non-numbers) are fixed.

    Numeric parameters stay symbolic, so one program serves all their values.  ``inputs`` are, in order, the arrays of
    the record and the numeric parameters; rows lie along the last axis.  With ``gaps`` one more array, after the
    others, says which elements of each row are kept.
    """

    def __init__(self, record: Record, switches: Switches, *, gaps: bool = False) -> None:
        self.record = record
        self.key = switches, gaps
        self.switches = {name: record.off(name) if value is None else value for name, value in switches}
        self.number = str(next(_numbers))  # Text, of which torch.compile makes no number that may change.
        self.depth = record.depth  # How many axes the elements of a data point have.
        self.numbers = tuple(p.name for p in record.parameters if p.is_number and p.name not in self.switches)
        names = [*(each.name for each in record.seen), *([KEEP] if gaps else [])]
        self.inputs = (*names, *self.numbers)
        self.predictions = record.predictions
        main = record.seen[record.main]
        self.graph = Graph(main.name, main.axes)
        self.arrays = [self.graph.input(each.name, each.axes) for each in record.seen]
        self.gaps = Gaps(self.graph) if gaps else None
        kept = [] if self.gaps is None else [self.gaps.keep]
        self._nodes = [*self.arrays, *kept, *(self.graph.input(name, NUMBER) for name in self.numbers)]
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._differentiable: dict[str, Callable[..., Any]] = {}
        # Fused loops by use and dtype, and which of them small calls may use too.
        self.kernels: dict[Hashable, Any] = {}
        self.kernels_at_hand: set[Hashable] = set()
        self.built: set[str] = set()  # Names of the backends that it has been built for.
        self.is_symmetric = False  # Until it is built.
        self.separable = self._is_separable()

    @property
    def y_true(self) -> Node:
        """The targets of a loss of ``(y_true, y_pred)``."""
        return self.arrays[0]

    @property
    def y_pred(self) -> Node:
        """The predictions of a loss of ``(y_true, y_pred)``."""
        return self.arrays[1]

    def _trace(self, formula: Callable[[Sequence[Any], Mapping[str, Any]], Any]) -> Any:
        arrays = iter(self.arrays)
        arguments = [
            tuple(next(arrays) for _ in argument.inputs) if argument.parts else next(arrays)
            for argument in self.record.arguments
        ]
        first = len(self.inputs) - len(self.numbers)
        symbols = dict(zip(self.numbers, self._nodes[first:], strict=True))
        parameters = {**seen(self.record, self.graph, self.switches), **symbols}
        try:
            return formula(arguments, parameters)
        except TraceError as error:
            raise TraceError(f"{self.record.name}: {error}") from None
        except LossError:  # Of which some are TypeErrors too.
            raise
        except (TypeError, AttributeError) as error:
            raise TraceError(f"{self.record.name}: {TraceError.failed(error)}") from error

    @cached_property
    def output(self) -> Node:
        """The value per data point; a formula that returns elements means their mean."""
        traced = self._trace(self.record.value_of)
        if not isinstance(traced, Node) or traced.axes == NUMBER:
            raise TraceError(f"{self.record.name}: {TraceError.no_value(traced, self._predicted())}")
        value = words.mean(_elements(traced))
        return value if self.gaps is None else self.gaps.value(value)

    def _predicted(self) -> str:
        return " or ".join(self.inputs[place] for place in self.predictions)

    @cached_property
    def _slopes(self) -> dict[int, Node]:
        """The hand-written slopes by the place of their input, as far as there are some."""
        found = self._trace(self.record.slopes_of)
        if not found:
            return {}
        if self.gaps is not None:
            found = tuple(map(self.gaps.slope, found))
        return dict(zip(self.predictions, found, strict=True))

    def _is_separable(self) -> bool:
        """Whether the value is a mean over elements that do not see each other."""
        rows = self.gaps is not None or any(each.axes != ELEMENT for each in self.record.inputs)
        return (
            not rows
            and self.output.op in ("mean", "mean_square")
            and all(
                node.op not in ("position", "sparsemax")
                and not (node.axes == ELEMENT and any(arg.axes not in (ELEMENT, NUMBER) for arg in node.args))
                for node in walk(self.output.args)
            )
        )

    @cached_property
    def operations(self) -> Counter[str]:
        """How often each operation stands in a value and its slope."""
        return Counter(node.op for node in walk(self.outputs("value_and_slope")))

    def derivative(self, index: int) -> Node:
        """The derivative with respect to one input, element by element; hand-written where the record has a slope."""
        node = self._slopes.get(index)
        if node is None:
            node = differentiate(self.output, self._nodes[index])
        array = index < len(self.arrays) and self._nodes[index].axes in (ELEMENT, PAIR)
        return words.spread(node, self._nodes[index]) if array else node

    def source(self, part: str = "value") -> str:
        """Python source of a part: ``value``, ``slope`` or ``value_and_slope``; also ``slope_0``, ..."""
        inputs = (*self.inputs, UPSTREAM) if part == "turn" else self.inputs
        return emit(f"{self.record.name}_{part}", inputs, self.outputs(part))

    def outputs(self, part: str) -> list[Node]:
        """The nodes that a part returns; ``value_and_slope`` has a slope for each prediction."""
        if part == "curvature":
            return self._curvature()
        if part == "turn":
            raw, slope = self._nodes[self.predictions[0]], self._curvature()[0]
            turned = differentiate(words.sum(slope * self.graph.input(UPSTREAM, ELEMENT)), raw)
            return [slope, words.spread(turned, raw)]
        if part == "value":
            return [self.output]
        if part == "value_and_slope":
            return [self.output, *map(self.derivative, self.predictions)]
        index = part.partition("_")[2]
        return [self.derivative(int(index) if index else self.predictions[0])]

    def _curvature(self) -> list[Node]:
        """The slope and the diagonal of the Hessian; of outputs that do not see each other, each for itself."""
        raw = self._nodes[self.predictions[0]]
        slope = self.derivative(self.predictions[0])
        if self.separable:
            slope = alone(slope)
        return [words.spread(decided(each), raw) for each in (slope, diagonal(slope, raw))]

    def value(self, backend: Speller) -> Callable[..., Any]:
        """Value per data point, shape ``(..., 1)``."""
        return self._function(backend, "value")

    def slope(self, backend: Speller, index: int | None = None) -> Callable[..., Any]:
        """Derivative with respect to an input, the first prediction by default, in the shape of that input."""
        return self._function(backend, "slope" if index in (None, self.predictions[0]) else f"slope_{index}")

    def curvature(self, backend: Speller) -> Callable[..., Any]:
        """The slope and the diagonal of the Hessian, element by element."""
        return self._function(backend, "curvature")

    def turn(self, backend: Speller) -> Callable[..., Any]:
        """The slope, and the Hessian of each row times a direction, the last argument."""
        return self._function(backend, "turn")

    def value_and_slope(self, backend: Speller) -> Callable[..., Any]:
        """The value and its derivative with respect to each prediction, with common terms computed once."""
        return self._function(backend, "value_and_slope")

    def differentiable(self, backend: Speller) -> Callable[..., Any]:
        """The value, with our slope in the framework's own differentiation."""
        if backend.name not in self._differentiable:
            self._differentiable[backend.name] = backend.differentiable(self)
        return self._differentiable[backend.name]

    def build(self, backend: Speller, reference: Speller) -> None:
        """Makes what a call on this backend can need and cannot make by itself."""
        self.is_symmetric = self.record.is_pair and self.gaps is None and self._is_symmetric(reference)
        if not backend.is_traced:
            return
        for index in range(len(self.inputs)):
            self.slope(backend, index)
        self.differentiable(backend)

    def _is_symmetric(self, reference: Speller) -> bool:
        """Whether the two arrays may be exchanged, found by trial in the words of NumPy."""
        if self.record.labels_are_integers:
            return False
        one, other = np.array([[0.25, 0.125, 0.625]]), np.array([[0.5, 0.375, 0.125]])
        numbers = [p.default for p in self.record.parameters if p.name in self.numbers]
        run = self.value(reference)
        with np.errstate(all="ignore"):
            return bool(np.allclose(run(one, other, *numbers), run(other, one, *numbers), rtol=1e-12, atol=0.0))

    def _function(self, backend: Speller, part: str) -> Callable[..., Any]:
        key = (backend.name, part)
        if key not in self._functions:
            source = self.source(part)
            # Unique, because AutoGraph, tracebacks and debuggers look the source up by this name.
            filename = f"<lossary {self.record.name} {part} {backend.name} {next(_serial)}>"
            linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
            finalize(self, linecache.cache.pop, filename, None)
            scope = backend.namespace(SPELLED)
            exec(compile(source, filename, "exec"), scope)
            function = scope[f"{self.record.name}_{part}"]
            self._functions[key] = unconverted(function)
        return self._functions[key]
