"""Memory by address, atomic counters and calls through pointers, for code that runs where there is no Python."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .values import INT, LONG, Value, builder, value

_BYTES = ir.IntType(8).as_pointer()


def _pointer(address: Any, kind: Any = LONG) -> Any:
    return builder().inttoptr(value(address).of, kind.as_pointer())


def load(address: Any, kind: Any = LONG) -> Value:
    """The word at an address, or a number of another size."""
    return Value(builder().load(_pointer(address, kind)))


def store(address: Any, number: Any) -> None:
    """Writes a word, or a number of another size, to an address."""
    number = value(number)
    builder().store(number.of, _pointer(address, number.kind))


def fetch_add(address: Any, amount: Any) -> Value:
    """Adds to a word that several threads use, and returns what was there."""
    return Value(builder().atomic_rmw("add", _pointer(address), value(amount).of, "seq_cst"))


def call(function: Any, argument: Any) -> Value:
    """Calls the C function at an address with one word, and returns the word that it returns."""
    return Value(builder().call(_pointer(function, ir.FunctionType(LONG, [LONG])), [value(argument).of]))


def library(name: str, *arguments: Any, result: Any = LONG) -> Value:
    """Calls a function that the process knows by name; its arguments are words, or pointers."""
    given = [each.of if isinstance(each, Value) else value(each).of for each in arguments]
    module, kind = builder().module, ir.FunctionType(result, [each.type for each in given])
    return Value(builder().call(module.globals.get(name) or ir.Function(module, kind, name), given))


def named(name: str) -> Value:
    """The address of something that the process knows by name."""
    module = builder().module
    found = module.globals.get(name) or ir.GlobalVariable(module, ir.IntType(8), name)
    return Value(builder().ptrtoint(found, LONG))


def block(size: Any) -> Value:
    """Memory of this many bytes, or null; LLVM knows that nothing else lies there."""
    return library("malloc", size, result=_BYTES)


def allocate(size: Any) -> Value:
    """The address of so many bytes."""
    return Value(builder().ptrtoint(block(size).of, LONG))


def release(address: Any) -> None:
    """Gives memory back."""
    address = value(address)
    given = address.of if address.kind == _BYTES else builder().inttoptr(address.of, _BYTES)
    library("free", Value(given), result=ir.VoidType())


def abort() -> None:
    """Ends the process."""
    library("abort", result=ir.VoidType())


def yield_processor() -> None:
    """Lets another thread run."""
    library("sched_yield", result=INT)
