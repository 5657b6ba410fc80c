"""Functions that are compiled together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from . import memory
from .typed import Typed
from .values import INT, LONG, Array, Value, builder, building, convert, kind_of, stored_kind, value
from .walk import Results, Routine, inlined

# Rows that are computed in memory begin where vectors do.
_ALIGNED = 64
# What a function returns that has found no memory.
NO_MEMORY = -1


class Unit:
    """What is compiled at once; its functions share attributes of LLVM, as they end up inside each other."""

    def __init__(self, attributes: Sequence[str] = ()) -> None:
        self.module = ir.Module()
        self._attributes = attributes

    def declared(self, name: str, result: Any, kinds: Sequence[Any], *, public: bool) -> ir.Function:
        """A function without statements yet."""
        made = ir.Function(self.module, ir.FunctionType(result, kinds), name)
        made.linkage = "" if public else "internal"
        for attribute in self._attributes:
            # llvmlite prints whatever is in the set, but its own `add` knows no attributes with values.
            set.add(made.attributes, attribute)
        return made

    def function(
        self,
        name: str,
        routine: Routine,
        parameters: Sequence[Typed],
        *,
        result: Any = INT,
        public: bool = False,
    ) -> Function:
        """Adds a function: one for other code in the unit, or one with the C types of numbers and addresses."""
        made = Function(self.declared(name, result, _kinds(parameters), public=public), parameters)
        block = made.of.append_basic_block("entry")
        with building(ir.IRBuilder(block)) as here:
            body = here.append_basic_block("body")
            here.branch(body)
            here.position_at_end(body)
            scratch = _Scratch(result)
            within = Routine(routine.tree, {**routine.scope, "empty": scratch.empty})
            found = inlined(within, made.received(), Results(result))
            scratch.release()
            here.ret(found.of)
        return made


class Function:
    """A function of a unit, which its other functions may call: an array is an address and its lengths."""

    def __init__(self, of: ir.Function, parameters: Sequence[Typed]) -> None:
        self.of, self.parameters = of, list(parameters)
        for given in of.args:
            if isinstance(given.type, ir.PointerType):
                # Results lie apart from everything; what is only read may well be read twice.
                given.add_attribute("noalias")

    def received(self) -> list[Any]:
        """Its arguments, for its own statements."""
        given, found = iter(self.of.args), list[Any]()
        for each in self.parameters:
            if each.axes:
                found.append(Array(next(given), each.dtype, [Value(next(given)) for _ in range(each.axes)]))
            else:
                found.append(Value(next(given)))
        return found

    def __call__(self, *arguments: Any) -> Value:
        """Calls it."""
        given: list[Any] = []
        for each, one in zip(self.parameters, arguments, strict=True):
            if each.axes:
                given += [one.address, *(value(length).of for length in one.shape)]
            else:
                given.append(convert(one, kind_of(each.dtype)).of)
        return Value(builder().call(self.of, given))

    def address(self) -> Value:
        """Where it begins."""
        return Value(builder().ptrtoint(self.of, LONG))


def _kinds(parameters: Sequence[Typed]) -> list[Any]:
    found: list[Any] = []
    for each in parameters:
        found += [stored_kind(each.dtype).as_pointer(), *[LONG] * each.axes] if each.axes else [kind_of(each.dtype)]
    return found


class _Scratch:
    """Arrays that live as long as a call, from the C library."""

    def __init__(self, result: Any) -> None:
        self._result = result
        self._taken: list[Value] = []

    def empty(self, shape: Any, kind: Any) -> Array:
        """An array whose contents are arbitrary; a function takes them before its first loop."""
        made, array = builder(), Array(None, kind, shape)
        place = memory.block(array.size * array.dtype.itemsize + _ALIGNED)
        address = Value(made.ptrtoint(place.of, LONG))
        with made.if_then((address == 0).of, likely=False):
            self.release()
            made.ret(ir.Constant(self._result, NO_MEMORY))
        self._taken.append(place)
        begin = made.gep(place.of, [((-address) & (_ALIGNED - 1)).of])
        array.address = made.bitcast(begin, stored_kind(kind).as_pointer())
        return array

    def release(self) -> None:
        """Gives all of them back."""
        for place in self._taken:
            memory.release(place)
