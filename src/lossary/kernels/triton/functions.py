"""The elementary functions of the vocabulary as Triton source, from the coefficients that the other kernels use.

Only additions, multiplications, selections, bit casts and correctly rounded quotients and roots; ``fma`` stands where
one rounding does for two, and fusion is off elsewhere, so that all devices have the same bits.  The interpreter rounds
twice there.  The gamma function and the normal distribution are written down from their compositions in words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace

import numpy as np

from ...backends import _series as series
from ...backends import _special as special
from ..cpu import functions as tables
from ..lowering.form import SPECIAL

FUNCTION = "@triton.jit\ndef {name}({arguments}):\n{body}\n"


def _single(number: float) -> str:
    """A number of float32 as it is written."""
    return repr(float(np.float32(number)))


def _fma(x: str, y: str, z: str, *, wide: bool) -> str:
    """``x * y + z``; rounded once in float32, where a number in the source is one of float32."""
    return f"({z} + {x} * {y})" if wide else f"tl.fma({x}, {y}, {z})"


def _polynomial(coefficients: tuple[float, ...], x: str, *, wide: bool = False) -> str:
    """A polynomial, the lowest coefficient first."""
    written = [repr(float(c)) if wide else _single(c) for c in coefficients]
    text = written[-1]
    for number in reversed(written[:-1]):
        text = _fma(x, text, number, wide=wide)
    return text


def _reduced(offset: float, *, wide: bool = False) -> str:
    """``k`` holds a multiple of log 2 plus the offset in its low bits, ``p`` is expm1 of the rest."""
    kind = "float64" if wide else "float32"
    high, low = tables._split_log2(kind)
    magic = 1.5 * 2.0 ** (52 if wide else 23) + offset
    number = repr if wide else _single
    polynomial = _polynomial(tables.EXPM1[kind], "r", wide=wide)
    k = _fma("x", number(1.0 / math.log(2.0)), repr(magic), wide=wide)
    r = _fma("n", number(-low), _fma("n", number(-high), "x", wide=wide), wide=wide)
    return f"k = {k}\nn = k - {magic!r}\nr = {r}\np = {_fma('r * r', polynomial, 'r', wide=wide)}"


def _assembled(near: tuple[float, ...], kind: str = "float32") -> str:
    high, low = tables._split_log2(kind)
    wide = kind == "float64"
    number = repr if wide else _single
    rest = _fma("s", "inner", f"k * {number(low)}", wide=wide)
    return (
        f"s = {'f / (2.0 + f)' if wide else 'divided(f, 2.0 + f)'}\n"
        "z = s * s\n"
        "square = 0.5 * f * f\n"
        f"inner = {_fma('z', _polynomial(near, 'z', wide=wide), 'square', wide=wide)}\n"
        f"result = {_fma('k', number(high), f'f - (square - {rest})', wide=wide)}"
    )


_TINY, _INF, _NAN = "1.1754943508222875e-38", 'float("inf")', 'float("nan")'
_FINISHED = (
    f"regular = tl.where(x < {_INF}, result, x)\nreturn tl.where(u > 0.0, regular, tl.where(u == 0.0, -{_INF}, {_NAN}))"
)
_GROWING = f"return tl.where(x < {_INF}, result, x)"
_LOWEST = repr(float(np.finfo(np.float32).min))
_CLAMPED = "x = tl.where(x > {0}, {0}, x)\nx = tl.where(x < {1}, {1}, x)"
_LIFTED = (
    f"small = u < {_TINY}\n"
    "lifted = tl.where(small, u * 33554432.0, u)\n"
    "placed = exponent(lifted)\n"
    "k = (placed >> 23).to(tl.float32) - tl.where(small, 25.0, 0.0)"
)
_PLACED = "placed = exponent(lifted)\nk = (placed >> 23).to(tl.float32)"
_PLUS_ONE = (
    f"lifted = 1.0 + x\n{_PLACED}\n"
    "scale = number(1065353216 - placed)\n"
    "f = number(bits(x) - placed) + (tl.where(scale > 0.0, scale, 0.0) - 1.0)"
)
_NEAR = tables.ATANH["float32"]
_EITHER = "u = tl.where(plus_one, 1.0 + x, x)"
_OF_EITHER = (
    "scale = number(1065353216 - placed)\n"
    "whole = tl.where(plus_one, tl.where(scale > 0.0, scale, 0.0), 0.0)\n"
    "f = number(bits(tl.where(plus_one, x, lifted)) - placed) + (whole - 1.0)\n"
    f"{_assembled(_NEAR)}"
)
_UNIT = _polynomial(tables.WIDE_ATANH["float32"], "z")
_EXP = _polynomial(series.EXP["float32"], "x")

# Arguments and body of each; a name in a body that is a key here is a function that comes first.
_FUNCTIONS: dict[str, tuple[str, str]] = {
    "divided": ("a, b", "return tl.div_rn(a, b)"),
    "root": ("x", "return tl.sqrt_rn(x)"),
    "bits": ("x", "return x.to(tl.int32, bitcast=True)"),
    "number": ("x", "return x.to(tl.float32, bitcast=True)"),
    "exponent": ("x", "return (bits(x) - 1060439283) & -8388608"),
    "with_sign": ("x, sign", "return number((bits(x) & 2147483647) | (bits(sign) & -2147483648))"),
    "lower_half": ("k", "return number((bits(k) >> 1) << 23)"),
    "upper_half": ("k", "return number((bits(k) - (bits(k) >> 1)) << 23)"),
    "power_of_two": ("k", "return number(bits(k) << 23)"),
    "order_key": (
        "x",
        "key = bits(x)\nkey = key ^ ((key >> 31) & 2147483647)\nreturn tl.where(x != x, 2147483647, key)",
    ),
    "from_order_key": ("key", "return number(key ^ ((key >> 31) & 2147483647))"),
    "maximum": ("a, b", "return tl.where((a > b) | (a != a), a, b)"),
    "minimum": ("a, b", "return tl.where((a < b) | (a != a), a, b)"),
    "at_least": ("x, limit", "return tl.where(limit > x, limit, x)"),
    "at_most": ("x, limit", "return tl.where(limit < x, limit, x)"),
    # Of numbers below 2**31; `tl.floor` loses subnormal numbers.
    "rounded_down": ("x", "whole = x.to(tl.int32).to(tl.float32)\nreturn tl.where(whole > x, whole - 1.0, whole)"),
    "sign": ("x", "return tl.where(x > 0.0, 1.0, tl.where(x < 0.0, -1.0, x))"),
    "residual": (
        "a, factor, b",
        "exact = tl.cast(factor, tl.float64) * tl.cast(b, tl.float64)\n"
        "return (tl.cast(a, tl.float64) - exact).to(tl.float32)",
    ),
    # The remainder is exact; of infinity it is NaN, which no comparison holds for.
    "quotient": (
        "x, scale, divisor, inverse",
        "scaled = x * scale\nfound = scaled * inverse\nrest = tl.fma(-found, divisor, scaled)\n"
        f"return tl.fma(tl.where(rest > {_LOWEST}, rest, {_LOWEST}), inverse, found)",
    ),
    "scale_to_one": (
        "x",
        f"size = tl.abs(x)\nsize = tl.where(size < {_TINY}, {_TINY}, size)\n"
        "size = tl.where(size > 8.507059173023462e+37, 8.507059173023462e+37, size)\n"
        "return number(1065353216 - exponent(size))",
    ),
    "exp": (
        "x",
        f"{_CLAMPED.format('90.0', '-104.0')}\n{_reduced(254.0)}\nreturn ((1.0 + p) * lower_half(k)) * upper_half(k)",
    ),
    "exp_decaying": (
        "x",
        f"x = tl.where(x < -104.0, -104.0, x)\n{_reduced(127.0 + 64.0)}\n"
        f"return ((1.0 + p) * power_of_two(k)) * {2.0**-64!r}",
    ),
    "expm1": (
        "x",
        f"{_CLAMPED.format('90.0', '-104.0')}\n{_reduced(254.0)}\n"
        "lower = lower_half(k)\nupper = upper_half(k)\nscale = lower * upper\n"
        "return tl.where(x > 30.0, ((1.0 + p) * lower) * upper, tl.fma(scale, p, scale - 1.0))",
    ),
    "sinh": (
        "given",
        f"x = tl.abs(given)\n{_CLAMPED.format('90.0', '-104.0')}\n{_reduced(254.0)}\n"
        "huge = ((1.0 + p) * lower_half(k)) * (0.5 * upper_half(k))\n"
        "u = expm1(tl.where(x > 30.0, 30.0, x))\n"
        "return with_sign(tl.where(x > 30.0, huge, 0.5 * (u + divided(u, u + 1.0))), given)",
    ),
    "small_sinh": ("x", f"z = x * x\nreturn x + (x * z) * {_polynomial(tables.SINH['float32'], 'z')}"),
    "tanh": (
        "given",
        f"x = -(2.0 * tl.abs(given))\nx = tl.where(x < -104.0, -104.0, x)\n{_reduced(127.0 + 64.0)}\n"
        f"scale = power_of_two(k) * {2.0**-64!r}\nu = tl.fma(scale, p, scale - 1.0)\n"
        "return with_sign(divided(u, 2.0 + u), given)",
    ),
    "log": ("x", f"u = x\n{_LIFTED}\nf = number(bits(lifted) - placed) - 1.0\n{_assembled(_NEAR)}\n{_FINISHED}"),
    "log1p": ("x", f"{_PLUS_ONE}\nu = lifted\n{_assembled(_NEAR)}\n{_FINISHED}"),
    "log_of_normal": (
        "x",
        f"lifted = x\n{_PLACED}\nf = number(bits(x) - placed) - 1.0\n{_assembled(_NEAR)}\n{_GROWING}",
    ),
    "log1p_of_normal": ("x", f"{_PLUS_ONE}\n{_assembled(_NEAR)}\n{_GROWING}"),
    "log1p_unit": (
        "x",
        f"s = divided(x, 2.0 + x)\nz = s * s\nsquare = 0.5 * x * x\nreturn x - (square - s * (square + z * {_UNIT}))",
    ),
    "log_or_log1p": ("x, plus_one", f"{_EITHER}\n{_LIFTED}\n{_OF_EITHER}\n{_FINISHED}"),
    "log_or_log1p_of_normal": ("x, plus_one", f"{_EITHER}\nlifted = u\n{_PLACED}\n{_OF_EITHER}\n{_GROWING}"),
    "log1pmx": (
        "x",
        "s = divided(x, 2.0 + x)\nz = s * s\n"
        f"near = s * (z * {_polynomial(series.ATANH['float32'], 'z')} - x)\n"
        "return tl.where(tl.abs(x - 0.9) < 1.6, near, log1p(x) - x)",
    ),
    "expm1mx": (
        "x",
        f"near = (x * x) * {_EXP}\nreturn tl.where(tl.abs(x - 0.5) < 1.5, near, exp(x) - (1.0 + x))",
    ),
    "log1mexp": (
        "x",
        f"near = {_single(-math.log(2.0))} < x\nrest = -(x + (x * x) * {_EXP})\n"
        "return log_or_log1p(tl.where(near, rest, -exp_decaying(x)), near == 0)",
    ),
    "hypot1": ("x", f"size = tl.abs(x)\nreturn tl.where(size < {series.FAR!r}, root(1.0 + size * size), size)"),
    "logcosh": (
        "x",
        "size = tl.abs(x)\nz = size * size\nodds = exp_decaying(-2.0 * size)\n"
        f"near = z * {_polynomial(series.LOG_COSH['float32'], 'z')}\n"
        f"far = (size - {_single(math.log(2.0))}) + odds * {_polynomial(series.LOG1P['float32'], 'odds')}\n"
        "return tl.where(size < 1.0, near, far)",
    ),
    "arctan": (
        "x",
        "size = tl.abs(x)\nsteep = size > 1.0\nt = tl.where(steep, divided(1.0, size), size)\nz = t * t\n"
        f"angle = t + (t * z) * {_polynomial(tables.ARCTAN['float32'], 'z')}\n"
        f"flat = {_single(math.pi / 2)} - (angle - "
        f"{_single((math.pi / 2 - float(np.float32(math.pi / 2))) + 6.123233995736766e-17)})\n"
        "return with_sign(tl.where(steep, flat, angle), x)",
    ),
    # In double precision, where the error of k * log(x) is far below a unit in the last place of float32.
    "wide_exp": (
        "x",
        f"{_CLAMPED.format('711.0', '-746.0')}\n{_reduced(2046.0, wide=True)}\n"
        "whole = k.to(tl.int64, bitcast=True)\nhalf = whole >> 1\n"
        "lower = (half << 52).to(tl.float64, bitcast=True)\n"
        "upper = ((whole - half) << 52).to(tl.float64, bitcast=True)\n"
        "return ((1.0 + p) * lower) * upper",
    ),
    "wide_log": (
        "x",
        f"u = x\nwhole = x.to(tl.int64, bitcast=True)\nplaced = (whole - {0x3FE6A09E667F3BCD}) & {-1 << 52}\n"
        "k = (placed >> 52).to(tl.float64)\nf = (whole - placed).to(tl.float64, bitcast=True) - 1.0\n"
        f"{_assembled(tables.ATANH['float64'], 'float64')}\n{_FINISHED}",
    ),
    "power": (
        "x, exponents",
        "base = tl.cast(x, tl.float64)\nk = tl.cast(exponents, tl.float64)\n"
        "size = wide_exp(k * wide_log(tl.abs(base)))\nwhole = tl.floor(k) == k\n"
        "odd = whole & (tl.floor(k * 0.5) != k * 0.5)\n"
        f"signed = tl.where(odd, -size, tl.where(whole, size, {_NAN}))\n"
        "return tl.where(k == 0.0, 1.0, tl.where(base < 0.0, signed, size)).to(tl.float32)",
    ),
}


class _Written:
    """A number of a function that is being written down: the text that makes it of others."""

    def __init__(self, text: str, *operands: _Operand) -> None:
        self.text, self.operands = text, operands

    def __neg__(self) -> _Written:
        return _Written("(-{0})", self)

    def __add__(self, other: _Operand) -> _Written:
        return _Written("({0} + {1})", self, other)

    def __radd__(self, other: float) -> _Written:
        return _Written("({0} + {1})", other, self)

    def __sub__(self, other: _Operand) -> _Written:
        return _Written("({0} - {1})", self, other)

    def __rsub__(self, other: float) -> _Written:
        return _Written("({0} - {1})", other, self)

    def __mul__(self, other: _Operand) -> _Written:
        return _Written("({0} * {1})", self, other)

    def __rmul__(self, other: float) -> _Written:
        return _Written("({0} * {1})", other, self)

    def __truediv__(self, other: _Operand) -> _Written:
        return _Written("divided({0}, {1})", self, other)

    def __rtruediv__(self, other: float) -> _Written:
        return _Written("divided({0}, {1})", other, self)


_Operand = _Written | float
# The words that compositions are made of.
_SPELLED = {word: f"{word}({{0}})" for word in ("exp", "expm1", "log", "log1p", "sign")}
_SPELLED |= {
    "abs": "tl.abs({0})",
    "floor": "rounded_down({0})",
    "sqrt": "root({0})",
    "where": "tl.where({0}, {1}, {2})",
}
_SPELLED |= {"less": "({0} < {1})", "logical_or": "({0} | {1})", "maximum": "maximum({0}, {1})"}
_SPELLED |= {"minimum": "minimum({0}, {1})"}
_WORDS = SimpleNamespace(
    **{word: partial(_Written, text) for word, text in _SPELLED.items()}, dtype=lambda x: "float32"
)
_LONG = 80


def _composed(word: str) -> str:
    """The body of a composition, as in words: a line for what is used twice or is long."""
    root = getattr(special, word)(_WORDS, x := _Written("x"))
    uses: Counter[int] = Counter()
    known: dict[int, str] = {id(x): "x"}
    lines: list[str] = []

    def count(number: _Operand) -> None:
        uses[id(number)] += 1
        if isinstance(number, _Written) and uses[id(number)] == 1:
            for operand in number.operands:
                count(operand)

    def spelled(number: _Operand) -> str:
        if not isinstance(number, _Written):
            return _single(number)
        if id(number) not in known:
            text = number.text.format(*map(spelled, number.operands))
            if uses[id(number)] == 1 and len(text) < _LONG:
                return text
            known[id(number)] = f"s{len(lines)}"
            lines.append(f"s{len(lines)} = {text}")
        return known[id(number)]

    count(root)
    result = spelled(root)
    return "\n".join([*lines, f"return {result}"])


_FUNCTIONS |= {word: ("x", _composed(word)) for word in sorted(SPECIAL)}
NAMES = frozenset(_FUNCTIONS)


def _called(text: str) -> list[str]:
    return [name for name in dict.fromkeys(re.findall(r"\b[a-z]\w*(?=\()", text)) if name in _FUNCTIONS]


def source(text: str) -> str:
    """The functions that a source calls, each after those that it calls itself."""
    made: dict[str, str] = {}

    def add(names: Iterable[str]) -> None:
        for name in names:
            if name not in made:
                arguments, body = _FUNCTIONS[name]
                add(_called(body))
                lines = "\n".join(f"    {line}" for line in body.splitlines())
                made[name] = FUNCTION.format(name=name, arguments=arguments, body=lines)

    add(_called(text))
    return "\n\n".join(made.values())
