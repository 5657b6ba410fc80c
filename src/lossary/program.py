"""A formula, traced for one setting of its switches: the graph, its derivatives, and runnable functions of them."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary, finalize

import numpy as np

from ._domain import OptionalLabel
from ._record import Record
from ._registry import definition, enrol, enrolled, is_enrolled, kept
from .backends import Backend, by_name
from .backends import words as namespace
from .errors import TraceError
from .graph import Graph, Kind, Node, differentiate, emit, walk, words

__all__ = ["Program", "enrol", "enrolled", "is_enrolled", "kept", "numbered", "program_for"]

Switches = tuple[tuple[str, Any], ...]
_serial, _numbers = itertools.count(), itertools.count()
# By its number a compiled step finds a program again, after its loss was defined anew too.
numbered: WeakValueDictionary[int, Program] = WeakValueDictionary()


class Program:
    """What a record means once its switches (``from_logits`` and other non-numbers) are fixed.

    Numeric parameters stay symbolic, so one program serves all their values.  Inputs are, in order, ``y_true``,
    ``y_pred`` and the numeric parameters; rows lie along the last axis.
    """

    def __init__(self, record: Record, switches: tuple[tuple[str, Any], ...]) -> None:
        self.record = record
        self.key = switches
        self.switches = dict(switches)
        self.number = next(_numbers)
        self.graph = Graph()
        self.numbers = tuple(p.name for p in record.parameters if p.is_number)
        self.inputs = ("y_true", "y_pred", *self.numbers)
        target_kind = Kind.ROW if record.labels_are_integers else Kind.ELEMENT
        self.y_true = self.graph.input("y_true", target_kind)
        self.y_pred = self.graph.input("y_pred", Kind.ELEMENT)
        self._nodes = [self.y_true, self.y_pred, *(self.graph.input(name, Kind.HOST) for name in self.numbers)]
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._differentiable: dict[str, Callable[..., Any]] = {}
        # Fused loops by use and dtype, and which of them small calls may use too.
        self.kernels: dict[Hashable, Any] = {}
        self.kernels_at_hand: set[Hashable] = set()
        self.built: set[str] = set()  # Names of the backends that it has been built for.
        self.is_symmetric = False  # Until it is built.
        self.separable = self._is_separable()

    def _trace(self, formula: Callable[..., Any]) -> Node:
        parameters = {**self.switches, **dict(zip(self.numbers, self._nodes[2:], strict=True))}
        try:
            result = formula(self.y_true, self.y_pred, **parameters)
        except TraceError as error:
            raise TraceError(f"{self.record.name}: {error}") from None
        except (TypeError, AttributeError) as error:
            raise TraceError(f"{self.record.name}: {TraceError.failed(error)}") from error
        if not isinstance(result, Node) or result.kind is Kind.HOST:
            raise TraceError(f"{self.record.name}: the formula returned {result!r}, which does not depend on y_pred")
        return result

    @cached_property
    def output(self) -> Node:
        """The value per data point; a formula that returns elements means their mean."""
        traced = self._trace(self.record.formula)
        if traced.op == "negative" and traced.args[0].op == "mean":
            traced = -traced.args[0].args[0]  # The same numbers, as a mean over elements.
        return words.mean(traced)

    def _is_separable(self) -> bool:
        """Whether the value is a mean over elements that do not see each other."""
        return self.output.op in ("mean", "mean_square") and all(
            not (node.kind is Kind.ELEMENT and any(arg.kind is Kind.ROW for arg in node.args))
            for node in walk(self.output.args)
        )

    def derivative(self, index: int) -> Node:
        """The derivative with respect to one input, element by element; hand-written where the record has a slope."""
        if index == 1 and self.record.slope is not None:
            node = self._trace(self.record.slope)
        else:
            node = differentiate(self.output, self._nodes[index])
        return words.spread(node, self._nodes[index]) if index < 2 else node

    def source(self, part: str = "value") -> str:
        """Python source of a part: ``value``, ``slope`` or ``value_and_slope``; also ``slope_0``, ``slope_2``, ..."""
        return emit(f"{self.record.name}_{part}", self.inputs, self.outputs(part))

    def outputs(self, part: str) -> list[Node]:
        """The nodes that a part returns."""
        if part == "value":
            return [self.output]
        if part == "value_and_slope":
            return [self.output, self.derivative(1)]
        return [self.derivative(int(part.removeprefix("slope_")) if "_" in part else 1)]

    def value(self, backend: Backend) -> Callable[..., Any]:
        """Value per data point, shape ``(..., 1)``."""
        return self._function(backend, "value")

    def slope(self, backend: Backend, index: int = 1) -> Callable[..., Any]:
        """Derivative with respect to an input, in the shape of that input."""
        return self._function(backend, "slope" if index == 1 else f"slope_{index}")

    def value_and_slope(self, backend: Backend) -> Callable[..., Any]:
        """Both, with common terms computed once."""
        return self._function(backend, "value_and_slope")

    def differentiable(self, backend: Backend) -> Callable[..., Any]:
        """The value, with our slope in the framework's own differentiation."""
        if backend.name not in self._differentiable:
            self._differentiable[backend.name] = backend.differentiable(self)
        return self._differentiable[backend.name]

    def _is_symmetric(self) -> bool:
        """Whether the two arrays may be exchanged, found by trial."""
        if self.record.labels_are_integers:
            return False
        one, other = np.array([[0.25, 0.125, 0.625]]), np.array([[0.5, 0.375, 0.125]])
        numbers = [p.default for p in self.record.parameters if p.is_number]
        run = self.value(by_name("numpy"))
        with np.errstate(all="ignore"):
            return bool(np.allclose(run(one, other, *numbers), run(other, one, *numbers), rtol=1e-12, atol=0.0))

    def build(self, backend: Backend) -> None:
        """Makes every function that a call on this backend can need."""
        self.is_symmetric = self._is_symmetric()
        for index in range(len(self.inputs)):
            self.slope(backend, index)
        self.differentiable(backend)

    @cached_property
    def for_labels(self) -> Program | None:
        """The program of the loss that this one is for integer labels, if there is one."""
        record = enrolled(f"sparse_{self.record.name}")
        if record is None or not record.builtin or not is_enrolled(self.record):
            return None
        shared = {name: value for name, value in self.switches.items() if name in record.defaults()}
        return program_for(record, record.defaults() | shared, by_name("numpy"))

    def _function(self, backend: Backend, part: str) -> Callable[..., Any]:
        key = (backend.name, part)
        if key not in self._functions:
            source = self.source(part)
            # Unique, because AutoGraph, tracebacks and debuggers look the source up by this name.
            filename = f"<lossary {self.record.name} {part} {backend.name} {next(_serial)}>"
            linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
            finalize(self, linecache.cache.pop, filename, None)
            scope = namespace(backend, words.__all__)
            exec(compile(source, filename, "exec"), scope)
            function = scope[f"{self.record.name}_{part}"]
            # TensorFlow's AutoGraph calls what carries this attribute as it is, instead of rewriting it.
            function.autograph_info__ = {}
            self._functions[key] = function
        return self._functions[key]


def program_for(record: Record, parameters: Mapping[str, Any], backend: Backend) -> Program:
    """The program of a record at these parameters, ready to run on the backend."""
    # Positions with the label to ignore are left out around the program, which is the same for all such labels.
    inside = [p for p in record.parameters if not (p.is_number or isinstance(p.allowed, OptionalLabel))]
    switches = tuple((p.name, parameters[p.name]) for p in inside)
    if record.number is None:
        return Program(record, switches)
    program: Program = getattr(record.programs, _ready(record.number, switches, backend.name))
    return program


def _ready(number: str, switches: Switches, backend_name: str) -> str:
    """The name under which the record of this number keeps the program, which is built first."""
    record = definition(number)
    found = next((program for program in vars(record.programs).values() if program.key == switches), None)
    program = Program(record, switches) if found is None else found
    name = f"program_{program.number}"
    if found is None:
        numbered[program.number] = program
        setattr(record.programs, name, program)
    if backend_name not in program.built:
        program.build(by_name(backend_name))
        program.built.add(backend_name)
    return name


# torch.compile runs a function with this mark as it is instead of tracing into it: generating and compiling source
# cannot be traced.  It takes and returns plain data, and programs are attributes: of those torch.compile asks for each
# when it comes to it, of a dict for all at once.
_ready._dynamo_marked_constant = True  # type: ignore[attr-defined]
