"""Memory by address, atomic counters and calls through pointers, for code that runs where there is no Python."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_WORD = ir.IntType(64)


def _pointer(builder: Any, address: Any, kind: Any = _WORD) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


@intrinsic
def load(typing_context: Any, address: Any) -> Any:
    """The word at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0]))

    return types.intp(types.intp), codegen


@intrinsic
def store(typing_context: Any, address: Any, value: Any) -> Any:
    """Writes a word, or a number of another size, to an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], _pointer(builder, args[0], args[1].type))
        return context.get_dummy_value()

    return types.void(types.intp, value), codegen


@intrinsic
def fetch_add(typing_context: Any, address: Any, amount: Any) -> Any:
    """Adds to a word that several threads use, and returns what was there."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], "seq_cst")

    return types.intp(types.intp, types.intp), codegen


@intrinsic
def pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer, of which `numba.carray` makes an array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _pointer(builder, args[0], ir.IntType(8))

    return types.voidptr(types.intp), codegen


@intrinsic
def call(typing_context: Any, function: Any, argument: Any) -> Any:
    """Calls the C function at an address with one word, and returns the word that it returns."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_WORD, [_WORD])
        return builder.call(_pointer(builder, args[0], kind), [args[1]])

    return types.intp(types.intp, types.intp), codegen


def symbol(name: str) -> Any:
    """A function of no arguments that returns the address which LLVM knows by this name."""

    @intrinsic
    def address(typing_context: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = ir.FunctionType(_WORD, [_WORD])
            function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
            return builder.ptrtoint(function, _WORD)

        return types.intp(), codegen

    return address


def _library(builder: Any, name: str, *args: Any) -> Any:
    """Calls a function of the C library whose arguments and result are words."""
    kind = ir.FunctionType(_WORD, [_WORD] * len(args))
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, args)


@intrinsic
def allocate(typing_context: Any, size: Any) -> Any:
    """Memory of this many bytes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _library(builder, "malloc", args[0])

    return types.intp(types.intp), codegen


@intrinsic
def release(typing_context: Any, address: Any) -> Any:
    """Gives memory back."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _library(builder, "free", args[0])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@intrinsic
def yield_processor(typing_context: Any) -> Any:
    """Lets another thread run."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _library(builder, "sched_yield")
        return context.get_dummy_value()

    return types.void(), codegen
