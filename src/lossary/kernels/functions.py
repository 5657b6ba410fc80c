"""The elementary functions of the vocabulary for float32 and float64, as scalar code that LLVM vectorises.

Every function is straight-line arithmetic: argument reduction by exact multiples of log 2, a polynomial, and a power
of two put together from its bits.  Functions of the same argument share their reduction and polynomial once LLVM has
removed common terms, so ``exp(x)`` beside ``expm1(x)`` costs one of them.

Error bounds in units in the last place, float32 over all arguments, against correctly rounded results: see
`tests/test_kernels_functions.py`, which proves them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from .intrinsics import (
    absolute,
    both,
    either,
    exponent,
    held,
    inverse_scale,
    root,
    scale_high,
    scale_low,
    select,
    significand,
    with_sign,
)

Function = Callable[..., Any]


def compiled(function: Function) -> Function:
    """Numba's compilation for functions that are inlined into a kernel: fused multiply-add allowed, nothing else."""
    made: Function = njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)(function)
    return made


# Polynomials on the reduced range, fitted at Chebyshev nodes (`tests/test_kernels_functions.py` fits them again).
# expm1(r) = r + r*r*E(r) for |r| <= log(2)/2; log((1+s)/(1-s)) = 2*s + s*z*L(z) for z = s*s <= (3 - 2*sqrt(2))**2.
EXPM1: dict[str, tuple[float, ...]] = {
    "float32": (0.500000001353873, 0.16666666681704215, 0.04166646419740569, 0.008333310844647862,
                0.0013933730715792083, 0.00019891080463998843),
    "float64": (0.5, 0.16666666666666666, 0.04166666666666668, 0.008333333333333333, 0.0013888888888879004,
                0.00019841269841263252, 2.480158733663095e-05, 2.7557319247344507e-06, 2.755726307730941e-07,
                2.5052070959803662e-08, 2.091821231913398e-09, 1.6086677666787362e-10),
}  # fmt: skip
ATANH: dict[str, tuple[float, ...]] = {
    "float32": (0.6666666655404201, 0.4000012221181065, 0.28550778633191964, 0.23331614471843498),
    "float64": (0.6666666666666666, 0.40000000000000885, 0.28571428570799784, 0.22222222392581045, 0.18181795547521137,
                0.15386244737621665, 0.13268638369266825, 0.13088034850927555),
}  # fmt: skip
# (sinh(x) - x) / (x*z) for z = x*x <= 1.
SINH: dict[str, tuple[float, ...]] = {
    "float32": (0.16666666646762462, 0.008333339695044161, 0.00019838095593111222, 2.806331253637132e-06),
    "float64": (0.16666666666666666, 0.008333333333333333, 0.00019841269841269773, 2.755731922404061e-06,
                2.5052108363972185e-08, 1.6059048410081293e-10, 7.646624280324513e-13, 2.8445596736423237e-15),
}  # fmt: skip


def _horner(coefficients: tuple[float, ...], kind: Any) -> Function:
    """A polynomial as a function; the lowest coefficient comes first."""
    names: dict[str, Any] = {f"c{i}": kind(c) for i, c in enumerate(coefficients)}
    names |= {"held": held, "__name__": __name__}
    body = f"held(c{len(coefficients) - 1})"
    for i in reversed(range(len(coefficients) - 1)):
        body = f"held(c{i}) + x * ({body})"
    exec(f"def polynomial(x):\n    return {body}\n", names)
    return compiled(names["polynomial"])


def _reduction(name: str, kind: Any) -> dict[str, Any]:
    """Constants of the argument reduction; the high part of log 2 times any exponent is exact."""
    single = name == "float32"
    log2_bits = 9 if single else 11
    mantissa = 23 if single else 52
    step = 2.0 ** (mantissa - log2_bits)
    high = math.floor(math.log(2.0) * step) / step
    # log 2 is the double nearest to it plus 2.319e-17.
    low = (math.log(2.0) - high) + 2.3190468138462996e-17
    return {
        "high": kind(high),
        "low": kind(low),
        "per_log2": kind(1.0 / math.log(2.0)),
        "magic": kind(1.5 * 2.0**mantissa),
        "mantissa": mantissa,
    }


@cache
def namespace(name: str) -> dict[str, Any]:
    """The words of kernels in this dtype: ``float32`` or ``float64``."""
    kind = np.dtype(name).type
    single = name == "float32"
    made = _exponentials(kind, _reduction(name, kind), _horner(EXPM1[name], kind), single)
    made |= _logarithms(kind, _reduction(name, kind), _horner(ATANH[name], kind), single)
    made |= _compositions(kind, made)
    made["small_sinh"] = _small_sinh(_horner(SINH[name], kind))
    made |= _choices(kind)
    made["power"] = _power(kind, single)
    return {"F": kind, **made}


def _exponentials(kind: Any, constants: dict[str, Any], polynomial: Function, single: bool) -> dict[str, Function]:
    high, low, per_log2, magic = (constants[key] for key in ("high", "low", "per_log2", "magic"))
    one, half, two = kind(1.0), kind(0.5), kind(2.0)
    largest, smallest = kind(90.0 if single else 711.0), kind(-104.0 if single else -746.0)
    # Beyond `far` the 1 in exp(x) - 1, or the exp(-x) in sinh(x), is below half a unit in the last place.
    far = kind(30.0 if single else 60.0)

    @compiled
    def shifted(x: Any) -> Any:
        """round(x / log 2) above the magic number, whose low bits then hold it."""
        x = select(x > largest, largest, select(x < smallest, smallest, x))
        return x * per_log2 + magic

    @compiled
    def remainder(x: Any) -> Any:
        """expm1 of x less the multiple of log 2 in `shifted`."""
        x = select(x > largest, largest, select(x < smallest, smallest, x))
        n = (x * per_log2 + magic) - magic
        r = (x - n * high) - n * low
        return r + (r * r) * polynomial(r)

    @compiled
    def exp(x: Any) -> Any:
        k = shifted(x)
        return ((one + remainder(x)) * scale_low(k)) * scale_high(k)

    @compiled
    def expm1(x: Any) -> Any:
        k = shifted(x)
        p, low_scale, high_scale = remainder(x), scale_low(k), scale_high(k)
        scale = low_scale * high_scale
        return select(x > far, ((one + p) * low_scale) * high_scale, scale * p + (scale - one))

    @compiled
    def tanh(x: Any) -> Any:
        u = expm1(-(two * absolute(x)))
        return with_sign(u / (two + u), x)

    @compiled
    def sinh(x: Any) -> Any:
        a = absolute(x)
        k = shifted(a)
        u = expm1(select(a > far, far, a))
        huge = ((one + remainder(a)) * scale_low(k)) * (half * scale_high(k))
        return with_sign(select(a > far, huge, half * (u + u / (u + one))), x)

    return {"exp": exp, "expm1": expm1, "tanh": tanh, "sinh": sinh}


def _logarithms(kind: Any, constants: dict[str, Any], polynomial: Function, single: bool) -> dict[str, Function]:
    high, low = constants["high"], constants["low"]
    zero, one, half, two = kind(0.0), kind(1.0), kind(0.5), kind(2.0)
    infinity, undefined = kind(math.inf), kind(math.nan)
    tiny = np.finfo(kind).tiny
    lift_by = kind(constants["mantissa"] + 2)
    lift = kind(2.0 ** (constants["mantissa"] + 2))
    # Above this, 1 + x and x round to the same number or differ by less than the result can show.
    plain = kind(2.0**60)

    @compiled
    def assembled(f: Any, k: Any) -> Any:
        """K * log(2) + log1p(f)."""
        s = f / (two + f)
        z = s * s
        square = half * f * f
        return k * high + (f - (square - (s * (square + z * polynomial(z)) + k * low)))

    @compiled
    def log(x: Any) -> Any:
        small = x < tiny
        u = select(small, x * lift, x)
        k = exponent(u) - select(small, lift_by, zero)
        result = assembled(significand(u) - one, k)
        regular = select(x < infinity, result, x)
        return select(x > zero, regular, select(x == zero, -infinity, undefined))

    @compiled
    def log1p(x: Any) -> Any:
        u = one + x
        scale = inverse_scale(u)
        f = select(u > plain, significand(u) - one, x * scale + (scale - one))
        regular = select(x < infinity, assembled(f, exponent(u)), x)
        return select(u > zero, regular, select(u == zero, -infinity, undefined))

    return {"log": log, "log1p": log1p}


def _small_sinh(polynomial: Function) -> Function:
    @compiled
    def small_sinh(x: Any) -> Any:
        """Sinh for |x| <= 1."""
        z = x * x
        return x + (x * z) * polynomial(z)

    return small_sinh


def _compositions(kind: Any, made: dict[str, Function]) -> dict[str, Function]:
    zero, one = kind(0.0), kind(1.0)
    exp, log, log1p = made["exp"], made["log"], made["log1p"]

    @compiled
    def sigmoid(x: Any) -> Any:
        e = exp(-absolute(x))
        return select(x >= zero, one, e) / (one + e)

    @compiled
    def softplus(x: Any) -> Any:
        return select(x < zero, zero, x) + log1p(exp(-absolute(x)))

    @compiled
    def xlogy(x: Any, y: Any) -> Any:
        return x * log(select(x == zero, one, y))

    return {"sigmoid": sigmoid, "softplus": softplus, "xlogy": xlogy}


def _choices(kind: Any) -> dict[str, Function]:
    zero, one = kind(0.0), kind(1.0)

    @compiled
    def maximum(a: Any, b: Any) -> Any:
        return select(either(a > b, a != a), a, b)

    @compiled
    def minimum(a: Any, b: Any) -> Any:
        return select(either(a < b, a != a), a, b)

    @compiled
    def sign(x: Any) -> Any:
        return select(x > zero, one, select(x < zero, -one, x))

    @compiled
    def indicator(condition: Any) -> Any:
        return select(condition, one, zero)

    @compiled
    def square(x: Any) -> Any:
        return x * x

    @compiled
    def less(a: Any, b: Any) -> Any:
        return a < b

    @compiled
    def less_equal(a: Any, b: Any) -> Any:
        return a <= b

    @compiled
    def equal(a: Any, b: Any) -> Any:
        return a == b

    @compiled
    def logical_not(a: Any) -> Any:
        return not a

    return {
        "abs": absolute,
        "sqrt": root,
        "where": select,
        "maximum": maximum,
        "minimum": minimum,
        "guard": maximum,
        "sign": sign,
        "indicator": indicator,
        "square": square,
        "less": less,
        "less_equal": less_equal,
        "equal": equal,
        "logical_and": both,
        "logical_or": either,
        "logical_not": logical_not,
    }


def _power(kind: Any, single: bool) -> Function:
    """x**k.  In float32 through double precision, where the error of k*log(x) is far below a unit in the last place."""
    if not single:

        @compiled
        def power(x: Any, k: Any) -> Any:
            return math.pow(x, k)

        return power

    wide = namespace("float64")
    exp, log = wide["exp"], wide["log"]
    wide_kind, zero, one, half, undefined = np.float64, 0.0, 1.0, 0.5, math.nan

    @compiled
    def power32(x: Any, k: Any) -> Any:
        base, number = wide_kind(x), wide_kind(k)
        size = exp(number * log(absolute(base)))
        whole = math.floor(number) == number
        odd = both(whole, math.floor(number * half) != number * half)
        signed = select(odd, -size, select(whole, size, undefined))
        return kind(select(number == zero, one, select(base < zero, signed, size)))

    return power32
