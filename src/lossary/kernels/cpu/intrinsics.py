"""Single machine operations that Python has no spelling for: bit casts, selection, sums whose order is free.

Each is one or a few LLVM instructions, without a branch, so that loops over them vectorise on any processor.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .target import CHUNK, LANES, TILE

# Per float type: bits, bits of the mantissa, bias of the exponent, bits of sqrt(1/2).
_LAYOUT = {
    types.float32: (32, 23, 127, 0x3F3504F3),
    types.float64: (64, 52, 1023, 0x3FE6A09E667F3BCD),
}
_HAS_FAST_512_BITS = binding.get_host_cpu_features().get("avx512fp16", False)
# The letter by which inline assembly asks for a vector register.
_VECTOR_REGISTER = {"x86_64": "x", "AMD64": "x", "aarch64": "w", "arm64": "w"}.get(platform.machine())


def _bits(builder: Any, value: Any, kind: Any) -> tuple[Any, Any]:
    word = ir.IntType(_LAYOUT[kind][0])
    return builder.bitcast(value, word), word


def _unary(typing_context: Any, x: Any, name: str) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = args[0].type
        function = builder.module.declare_intrinsic(f"llvm.{name}", [kind])
        return builder.call(function, args)

    return x(x), codegen


@intrinsic
def held(typing_context: Any, number: Any) -> Any:
    """The same number, about which LLVM knows nothing.

    A constant known to LLVM is fetched and spread over a vector anew in every turn of a loop that has more constants
    than there are registers: two instructions each, a quarter of a loop with polynomials.  An unknown number that does
    not change is spread once, before the loop, and then read from the stack as part of the instruction that needs it.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if _VECTOR_REGISTER is None:
            return args[0]
        kind = args[0].type
        nothing = ir.InlineAsm(ir.FunctionType(kind, [kind]), "", f"={_VECTOR_REGISTER},0", side_effect=False)
        return builder.call(nothing, args, attrs=("readnone", "nounwind"))

    return number(number), codegen


@intrinsic
def widest_vectors(typing_context: Any) -> Any:
    """Has LLVM use the longest vectors there are in the function that calls this.

    For all of Intel's processors with 512 bits it takes 256 by default, because older ones slow down for longer ones.
    Those since Sapphire Rapids, known by their half precision, hardly do.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if _HAS_FAST_512_BITS:
            # llvmlite prints whatever is in the set, but its own `add` knows no attributes with values.
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def absolute(typing_context: Any, x: Any) -> Any:
    """|x|, by clearing the sign bit."""
    return _unary(typing_context, x, "fabs")


@intrinsic
def root(typing_context: Any, x: Any) -> Any:
    """The square root instruction."""
    return _unary(typing_context, x, "sqrt")


@intrinsic
def residual(typing_context: Any, a: Any, factor: Any, b: Any) -> Any:
    """``a - factor * b``, rounded once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(builder.fneg(args[1]), args[2], args[0])

    return a(a, a, a), codegen


@intrinsic
def with_sign(typing_context: Any, x: Any, sign: Any) -> Any:
    """|x| with the sign of the second argument."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        size, word = _bits(builder, args[0], kind)
        direction, _ = _bits(builder, args[1], kind)
        top = 1 << (word.width - 1)
        joined = builder.or_(builder.and_(size, word(top - 1)), builder.and_(direction, word(top)))
        return builder.bitcast(joined, args[0].type)

    return x(x, sign), codegen


@intrinsic
def select(typing_context: Any, condition: Any, a: Any, b: Any) -> Any:
    """``a if condition else b`` with both at hand."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], args[1], args[2])

    return a(types.boolean, a, a), codegen


def _logic(name: str) -> Any:
    def typed(typing_context: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(*args)

        return types.boolean(types.boolean, types.boolean), codegen

    return typed


both = intrinsic(_logic("and_"))
either = intrinsic(_logic("or_"))


@intrinsic
def lower_half(typing_context: Any, shifted: Any) -> Any:
    """``2**(k >> 1)`` for a float whose low bits are k and twice the exponent's bias; above them only zeros count."""
    return shifted(shifted), _power(lambda builder, bits, one: builder.lshr(bits, one))


@intrinsic
def upper_half(typing_context: Any, shifted: Any) -> Any:
    """``2**(k - (k >> 1))``, the other half of ``2**k``."""
    return shifted(shifted), _power(lambda builder, bits, one: builder.sub(bits, builder.lshr(bits, one)))


@intrinsic
def power_of_two(typing_context: Any, shifted: Any) -> Any:
    """``2**k`` for a float whose low bits are k and the exponent's bias."""
    return shifted(shifted), _power(lambda builder, bits, one: bits)


def _power(part: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits, word = _bits(builder, args[0], signature.args[0])
        mantissa = _LAYOUT[signature.args[0]][1]
        return builder.bitcast(builder.shl(part(builder, bits, word(1)), word(mantissa)), args[0].type)

    return codegen


def _exponent(builder: Any, value: Any, kind: Any) -> tuple[Any, Any, Any]:
    """The k that brings value / 2**k into [sqrt(1/2), sqrt(2)), at the place of the exponent."""
    bits, word = _bits(builder, value, kind)
    _, mantissa, _, half_root = _LAYOUT[kind]
    return builder.and_(builder.sub(bits, word(half_root)), word(-1 << mantissa)), bits, word


@intrinsic
def exponent(typing_context: Any, x: Any) -> Any:
    """The k, as a float, that brings a normal ``x / 2**k`` into [sqrt(1/2), sqrt(2))."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        mantissa = _LAYOUT[kind][1]
        placed, _, word = _exponent(builder, args[0], kind)
        # 64-bit processors of before AVX-512 turn only 32-bit integers into floats a vector at a time.
        narrow = builder.trunc(builder.ashr(placed, word(mantissa)), ir.IntType(32))
        return builder.sitofp(narrow, args[0].type)

    return x(x), codegen


def _rescaled(typing_context: Any, x: Any, of: Any) -> Any:
    """``x / 2**k`` for the k of `exponent` of the second argument, where both are normal numbers or k is 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        placed, _, _ = _exponent(builder, args[1], kind)
        bits, _ = _bits(builder, args[0], kind)
        return builder.bitcast(builder.sub(bits, placed), args[0].type)

    return x(x, of), codegen


rescaled = intrinsic(_rescaled)


# --- reductions: the flags let LLVM keep several partial results side by side ---------------------------------------


def _wide(builder: Any, value: Any) -> Any:
    return value if value.type == ir.DoubleType() else builder.fpext(value, ir.DoubleType())


@intrinsic
def accumulate(typing_context: Any, total: Any, x: Any) -> Any:
    """``total + x`` in double precision, in any order."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(args[0], _wide(builder, args[1]), flags=("reassoc", "nsz"))

    return types.float64(types.float64, x), codegen


@intrinsic
def accumulate_square(typing_context: Any, total: Any, x: Any) -> Any:
    """``total + x * x`` in double precision, in any order."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = _wide(builder, args[1])
        return builder.fadd(
            args[0], builder.fmul(wide, wide, flags=("contract",)), flags=("reassoc", "contract", "nsz")
        )

    return types.float64(types.float64, x), codegen


@intrinsic
def order_key(typing_context: Any, x: Any) -> Any:
    """An integer that sorts as the float does; a NaN sorts above everything."""
    kind = types.int32 if x is types.float32 else types.int64

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits, word = _bits(builder, args[0], signature.args[0])
        width = word.width
        flip = builder.and_(builder.ashr(bits, word(width - 1)), word((1 << (width - 1)) - 1))
        undefined = builder.fcmp_unordered("uno", args[0], args[0])
        return builder.select(undefined, word((1 << (width - 1)) - 1), builder.xor(bits, flip))

    return kind(x), codegen


@intrinsic
def from_order_key(typing_context: Any, key: Any, like: Any) -> Any:
    """The float of an order key."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = args[0].type
        flip = builder.and_(builder.ashr(args[0], word(word.width - 1)), word((1 << (word.width - 1)) - 1))
        return builder.bitcast(builder.xor(args[0], flip), args[1].type)

    return like(key, like), codegen


@intrinsic
def larger(typing_context: Any, a: Any, b: Any) -> Any:
    """The larger of two integers of one width."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(builder.icmp_signed(">", *args), *args)

    return a(a, a), codegen


@intrinsic
def earlier(typing_context: Any, found: Any, index: Any, condition: Any) -> Any:
    """The smaller of ``found`` and, where the condition holds, ``index`` (rows are shorter than 2**31)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = args[0].type
        index = builder.trunc(args[1], word) if args[1].type != word else args[1]
        candidate = builder.select(args[2], index, word((1 << 31) - 1))
        return builder.select(builder.icmp_signed("<", candidate, args[0]), candidate, args[0])

    return types.int32(types.int32, index, types.boolean), codegen


@intrinsic
def at(typing_context: Any, index: Any, place: Any) -> Any:
    """Whether the index of a row element is the place."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = args[1].type
        index = builder.trunc(args[0], word) if args[0].type.width > word.width else args[0]
        return builder.icmp_signed("==", index, args[1])

    return types.boolean(index, place), codegen


@intrinsic
def place(typing_context: Any, label: Any, columns: Any) -> Any:
    """A label as a position in the row, -1 where it names none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(32)
        below = builder.icmp_unsigned("<", args[0], args[1])
        return builder.select(below, builder.trunc(args[0], word), word(-1))

    return types.int32(types.int64, types.int64), codegen


@intrinsic
def faulty(typing_context: Any, faults: Any, inside: Any) -> Any:
    """Remembers that something lay outside."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.or_(args[0], builder.not_(args[1]))

    return types.boolean(types.boolean, types.boolean), codegen


# --- where rows begin: bare pointers, because a view of an array counts references, and a call empties registers ----


@intrinsic
def row(typing_context: Any, array: Any, index: Any) -> Any:
    """Where a row of an array of rows that lie one after another begins."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        columns = cgutils.unpack_tuple(builder, made.shape)[1]
        return builder.gep(made.data, [builder.mul(args[1], columns)])

    return types.CPointer(array.dtype)(array, types.int64), codegen


@intrinsic
def beginning(typing_context: Any, array: Any, start: Any) -> Any:
    """Where the elements of an array of one dimension from ``start`` on begin."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.gep(made.data, [args[1]])

    return types.CPointer(array.dtype)(array, types.int64), codegen


@intrinsic
def onward(typing_context: Any, pointer: Any, count: Any) -> Any:
    """So many elements further on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.int64), codegen


# --- room on the stack: LLVM knows that no two of these overlap ---------------------------------------------------


def _room(count: int) -> Any:
    def typed(typing_context: Any, like: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_data_type(signature.args[0])
            return cgutils.alloca_once(builder, kind, size=ir.Constant(ir.IntType(64), count))

        return types.CPointer(like)(like), codegen

    return typed


lanes = intrinsic(_room(LANES))
tile = intrinsic(_room(TILE))
chunk = intrinsic(_room(CHUNK))
