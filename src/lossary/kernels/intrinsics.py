"""Single machine operations that Python has no spelling for: bit casts, selection, sums whose order is free.

Each is one or a few LLVM instructions, without a branch, so that loops over them vectorise on any processor.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

# Per float type: bits, bits of the mantissa, bias of the exponent, bits of sqrt(1/2) and of 1.5 * 2**mantissa.
_LAYOUT = {
    types.float32: (32, 23, 127, 0x3F3504F3, 0x4B400000),
    types.float64: (64, 52, 1023, 0x3FE6A09E667F3BCD, 0x4338000000000000),
}


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
def held(typing_context: Any, constant: Any) -> Any:
    """A constant that LLVM takes for an unknown number.

    It then keeps the number in a register, or as a whole vector on the stack, instead of fetching and spreading it
    anew in every turn of the loop; that takes a third of the instructions out of a loop with several polynomials.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = args[0]
        if not isinstance(number, ir.Constant):
            return number
        name = f"lossary.{number.type}.{float(number.constant).hex()}"
        variable = builder.module.globals.get(name)
        if variable is None:
            variable = ir.GlobalVariable(builder.module, number.type, name)
            # A weak definition might be replaced, so its value is not known; it never is.
            variable.linkage, variable.initializer = "weak", number
        loaded = builder.load(variable)
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    return constant(constant), codegen


@intrinsic
def absolute(typing_context: Any, x: Any) -> Any:
    """|x|, by clearing the sign bit."""
    return _unary(typing_context, x, "fabs")


@intrinsic
def root(typing_context: Any, x: Any) -> Any:
    """The square root instruction."""
    return _unary(typing_context, x, "sqrt")


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
def scale_low(typing_context: Any, shifted: Any) -> Any:
    """``2**(k >> 1)`` for a float that holds the whole number k above 1.5 * 2**mantissa."""
    return shifted(shifted), _power(lambda builder, k, one: builder.ashr(k, one))


@intrinsic
def scale_high(typing_context: Any, shifted: Any) -> Any:
    """``2**(k - (k >> 1))``, the other half of ``2**k``."""
    return shifted(shifted), _power(lambda builder, k, one: builder.sub(k, builder.ashr(k, one)))


def _power(part: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        _, mantissa, bias, _, magic = _LAYOUT[kind]
        bits, word = _bits(builder, args[0], kind)
        k = part(builder, builder.sub(bits, word(magic)), word(1))
        return builder.bitcast(builder.shl(builder.add(k, word(bias)), word(mantissa)), args[0].type)

    return codegen


def _exponent(builder: Any, value: Any, kind: Any) -> tuple[Any, Any, Any]:
    """The k that brings value / 2**k into [sqrt(1/2), sqrt(2)), with the bits of the value."""
    bits, word = _bits(builder, value, kind)
    _, mantissa, _, half_root, _ = _LAYOUT[kind]
    return builder.ashr(builder.sub(bits, word(half_root)), word(mantissa)), bits, word


@intrinsic
def exponent(typing_context: Any, x: Any) -> Any:
    """The k, as a float, that brings a normal ``x / 2**k`` into [sqrt(1/2), sqrt(2))."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        magic = _LAYOUT[kind][4]
        k, _, word = _exponent(builder, args[0], kind)
        shifted = builder.bitcast(builder.add(k, word(magic)), args[0].type)
        return builder.fsub(shifted, builder.bitcast(word(magic), args[0].type))

    return x(x), codegen


@intrinsic
def significand(typing_context: Any, x: Any) -> Any:
    """``x / 2**k`` in [sqrt(1/2), sqrt(2))."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        k, bits, word = _exponent(builder, args[0], kind)
        return builder.bitcast(builder.sub(bits, builder.shl(k, word(_LAYOUT[kind][1]))), args[0].type)

    return x(x), codegen


@intrinsic
def inverse_scale(typing_context: Any, x: Any) -> Any:
    """``2**-k`` for the k of `exponent`, where that is a normal number."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        _, mantissa, bias, _, _ = _LAYOUT[kind]
        k, _, word = _exponent(builder, args[0], kind)
        return builder.bitcast(builder.shl(builder.sub(word(bias), k), word(mantissa)), args[0].type)

    return x(x), codegen


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
    """Remembers in an integer that something lay outside."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.or_(args[0], builder.zext(builder.not_(args[1]), args[0].type))

    return types.int32(types.int32, types.boolean), codegen
