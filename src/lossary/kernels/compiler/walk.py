"""The statements of a function, turned into instructions one after another.

The subset: numbers that keep their type, loops over a `range`, `while`, `if`, subscripts, calls of whatever the
function's names mean, and nested functions.  What is called is written in place where the call stands.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from .values import BINARY, COMPARED, LONG, Array, Value, builder, convert, fitting, kind_of, merged, value


class Routine:
    """A function with loops or branches, to be called from a source: its statements and what its names mean."""

    def __init__(self, tree: ast.FunctionDef, scope: Mapping[str, Any]) -> None:
        self.tree, self.scope = tree, scope

    @classmethod
    def of(cls, source: str, scope: Mapping[str, Any]) -> Routine:
        """The function of a source."""
        tree = ast.parse(source).body[0]
        assert isinstance(tree, ast.FunctionDef)
        return cls(tree, scope)

    @property
    def names(self) -> list[str]:
        """What its parameters are called."""
        return [each.arg for each in self.tree.args.args]

    def __call__(self, *arguments: Any) -> Any:
        """Its result; the statements are written where the call stands."""
        return inlined(self, arguments)


class routine(Routine):  # noqa: N801
    """Marks a Python function as one that is compiled from its source, when something first calls it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.scope = function, function.__globals__

    @cached_property
    def tree(self) -> ast.FunctionDef:  # type: ignore[override]
        """Its statements."""
        return Routine.of(textwrap.dedent(inspect.getsource(self.function)), {}).tree


class _Slot:
    """A variable: it has one type, that of what is first put there."""

    def __init__(self, kind: Any, name: str) -> None:
        with builder().goto_entry_block():
            self.place = builder().alloca(kind, name=name)
        self.kind = kind

    def get(self) -> Value:
        return Value(builder().load(self.place))

    def put(self, x: Any) -> None:
        builder().store(fitting(x, self.kind).of, self.place)


class Results:
    """What a function returns, collected where its `return` statements are."""

    def __init__(self, kind: Any = None) -> None:
        self.after = builder().append_basic_block("after")
        self._slots = [] if kind is None else [_Slot(kind, "result")]
        self._is_tuple = False
        if kind is not None:
            self._slots[0].put(0)

    def give(self, found: Any) -> None:
        """Ends here with this result."""
        self._is_tuple = isinstance(found, tuple)
        given = [] if found is None else list(found) if self._is_tuple else [found]
        while len(self._slots) < len(given):
            self._slots.append(_Slot(value(given[len(self._slots)]).kind, "result"))
        for slot, one in zip(self._slots, given, strict=False):
            slot.put(convert(one, slot.kind))
        builder().branch(self.after)

    def taken(self) -> Any:
        """The result, behind the end."""
        if not builder().block.is_terminated:
            builder().branch(self.after)
        builder().position_at_end(self.after)
        found = tuple(slot.get() for slot in self._slots)
        return found if self._is_tuple else found[0] if found else None


def inlined(called: Routine, arguments: Sequence[Any], results: Results | None = None) -> Any:
    """The result of a function, whose statements are written here."""
    results = results or Results()
    walker = _Walker(called.scope, results, {})
    for name, given in zip(called.names, arguments, strict=True):
        walker.assign(name, given)
    walker.block(called.tree.body)
    return results.taken()


class _Walker:
    """Walks through the statements of one function."""

    def __init__(self, scope: Mapping[str, Any], results: Results, variables: dict[str, Any]) -> None:
        self.scope, self.results, self.variables = scope, results, variables
        self.latches: list[Any] = []

    # --- statements --------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Statements up to one that goes elsewhere."""
        for statement in statements:
            if builder().block.is_terminated:
                return
            name = type(statement).__name__
            visit = getattr(self, f"_{name.lower()}", None)
            if visit is None:
                raise TypeError(f"line {statement.lineno}: {name} is not compiled")
            visit(statement)

    def _pass(self, statement: ast.Pass) -> None:
        pass

    def _expr(self, statement: ast.Expr) -> None:
        self.of(statement.value)

    def _assign(self, statement: ast.Assign) -> None:
        (target,) = statement.targets
        self._put(target, self.of(statement.value))

    def _annassign(self, statement: ast.AnnAssign) -> None:
        assert statement.value is not None
        self._put(statement.target, self.of(statement.value))

    def _augassign(self, statement: ast.AugAssign) -> None:
        change, target = BINARY[type(statement.op).__name__], statement.target
        if isinstance(target, ast.Subscript):
            base, index = self.of(target.value), self.of(target.slice)
            base[index] = change(base[index], self.of(statement.value))
        else:
            self._put(target, change(self.of(target), self.of(statement.value)))

    def _put(self, target: ast.expr, found: Any) -> None:
        if isinstance(target, ast.Tuple):
            for each, one in zip(target.elts, found, strict=True):
                self._put(each, one)
        elif isinstance(target, ast.Subscript):
            self.of(target.value)[self.of(target.slice)] = found
        else:
            assert isinstance(target, ast.Name)
            self.assign(target.id, found)

    def assign(self, name: str, found: Any) -> None:
        """Gives a variable a value; numbers can change, arrays and functions are names for what they are."""
        if not isinstance(found, (Value, int, float, np.generic)):
            self.variables[name] = found
            return
        if not isinstance(self.variables.get(name), _Slot):
            self.variables[name] = _Slot(value(found).kind, name)
        self.variables[name].put(found)

    def _functiondef(self, statement: ast.FunctionDef) -> None:
        # A nested function changes nothing around it, but for elements of arrays.
        self.variables[statement.name] = Routine(statement, _Around(self))

    def _return(self, statement: ast.Return) -> None:
        self.results.give(None if statement.value is None else self.of(statement.value))

    def _continue(self, statement: ast.Continue) -> None:
        builder().branch(self.latches[-1])

    def _if(self, statement: ast.If) -> None:
        made = builder()
        yes, no, after = (made.append_basic_block(name) for name in ("then", "else", "endif"))
        made.cbranch(value(self.of(statement.test)).of, yes, no)
        for start, body in ((yes, statement.body), (no, statement.orelse)):
            made.position_at_end(start)
            self.block(body)
            if not made.block.is_terminated:
                made.branch(after)
        made.position_at_end(after)

    def _while(self, statement: ast.While) -> None:
        made = builder()
        head = made.append_basic_block("head")
        made.branch(head)
        made.position_at_end(head)
        after = self._turns(statement.body, value(self.of(statement.test)), head)
        made.position_at_end(after)

    def _for(self, statement: ast.For) -> None:
        """The number of the turn is no variable that can change."""
        assert isinstance(statement.iter, ast.Call)
        assert isinstance(statement.target, ast.Name)
        given = [convert(self.of(each), LONG) for each in statement.iter.args]
        first, last = (convert(0, LONG), given[0]) if len(given) == 1 else given[:2]
        step = given[2] if len(given) == 3 else convert(1, LONG)
        made = builder()
        before, head, latch = made.block, made.append_basic_block("head"), made.append_basic_block("latch")
        made.branch(head)
        made.position_at_end(head)
        index = made.phi(LONG)
        index.add_incoming(first.of, before)
        after = self._turns(statement.body, Value(index) < last, latch, {statement.target.id: Value(index)})
        made.position_at_end(latch)
        index.add_incoming(made.add(index, step.of, flags=("nsw",)), latch)
        made.branch(head)
        made.position_at_end(after)

    def _turns(
        self, body: Sequence[ast.stmt], again: Value, latch: Any, known: Mapping[str, Any] = MappingProxyType({})
    ) -> Any:
        """The body of a loop, whose turns end at the latch; returns the block behind the loop.

        A variable that a loop introduces ends with it.
        """
        made = builder()
        inside, after = made.append_basic_block("loop"), made.append_basic_block("after")
        made.cbranch(again.of, inside, after)
        made.position_at_end(inside)
        around = self.variables
        self.variables = {**around, **known}
        self.latches.append(latch)
        self.block(body)
        self.latches.pop()
        self.variables = around
        if not made.block.is_terminated:
            made.branch(latch)
        return after

    # --- expressions -------------------------------------------------------------------------------------------------

    def of(self, expression: ast.expr) -> Any:
        """What an expression is: a value, or something known now."""
        name = type(expression).__name__
        visit = getattr(self, f"_{name.lower()}", None)
        if visit is None:
            raise TypeError(f"line {expression.lineno}: {name} is not compiled")
        return visit(expression)

    def _constant(self, expression: ast.Constant) -> Any:
        return expression.value

    def _name(self, expression: ast.Name) -> Any:
        return self.look_up(expression.id)

    def look_up(self, name: str) -> Any:
        """What a name means here."""
        if name in self.variables:
            found = self.variables[name]
            return found.get() if isinstance(found, _Slot) else found
        return self.scope[name] if name in self.scope else _BUILTINS[name]

    def _binop(self, expression: ast.BinOp) -> Any:
        return BINARY[type(expression.op).__name__](self.of(expression.left), self.of(expression.right))

    def _unaryop(self, expression: ast.UnaryOp) -> Any:
        operand = self.of(expression.operand)
        if isinstance(expression.op, ast.Not):
            return ~value(operand)
        assert isinstance(expression.op, ast.USub)
        return -operand

    def _compare(self, expression: ast.Compare) -> Any:
        sides = [self.of(each) for each in (expression.left, *expression.comparators)]
        found = None
        for sign, left, right in zip(expression.ops, sides, sides[1:], strict=False):
            one = COMPARED[type(sign).__name__](left, right)
            found = one if found is None else found & one
        return found

    def _boolop(self, expression: ast.BoolOp) -> Any:
        first, *others = expression.values
        rest = others[0] if len(others) == 1 else ast.BoolOp(expression.op, others)
        if isinstance(expression.op, ast.And):
            return self._choice(first, rest, ast.Constant(False))
        return self._choice(first, ast.Constant(True), rest)

    def _ifexp(self, expression: ast.IfExp) -> Any:
        return self._choice(expression.test, expression.body, expression.orelse)

    def _choice(self, test: ast.expr, body: ast.expr, otherwise: ast.expr) -> Any:
        """One side alone is computed."""
        made, results = builder(), Results()
        yes, no = made.append_basic_block("then"), made.append_basic_block("else")
        made.cbranch(value(self.of(test)).of, yes, no)
        for start, side in ((yes, body), (no, otherwise)):
            made.position_at_end(start)
            results.give(self.of(side))
        return results.taken()

    def _tuple(self, expression: ast.Tuple) -> Any:
        return tuple(self.of(each) for each in expression.elts)

    def _subscript(self, expression: ast.Subscript) -> Any:
        return self.of(expression.value)[self.of(expression.slice)]

    def _attribute(self, expression: ast.Attribute) -> Any:
        return getattr(self.of(expression.value), expression.attr)

    def _call(self, expression: ast.Call) -> Any:
        called, given = self.of(expression.func), [self.of(each) for each in expression.args]
        if isinstance(called, type) and issubclass(called, np.generic):
            return convert(given[0], kind_of(called)) if isinstance(given[0], Value) else called(given[0])
        return called(*(value(each) if isinstance(each, np.generic) else each for each in given))


class _Around(Mapping[str, Any]):
    """The names around a nested function."""

    def __init__(self, walker: _Walker) -> None:
        self.walker = walker

    def __getitem__(self, name: str) -> Any:
        return self.walker.look_up(name)

    def __iter__(self) -> Any:
        return iter((*self.walker.variables, *self.walker.scope))

    def __len__(self) -> int:
        return len(self.walker.variables) + len(self.walker.scope)


def _smaller(a: Any, b: Any) -> Any:
    return merged(a < b, a, b) if isinstance(a, Value) or isinstance(b, Value) else min(a, b)


def _larger(a: Any, b: Any) -> Any:
    return merged(a > b, a, b) if isinstance(a, Value) or isinstance(b, Value) else max(a, b)


def _length(of: Array) -> Any:
    return of.shape[0]


_BUILTINS: dict[str, Any] = {"min": _smaller, "max": _larger, "len": _length}
