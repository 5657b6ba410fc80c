"""The elementary functions of the vocabulary for float32 and float64, as scalar code that LLVM vectorises.

They compute nothing: called with `lossary.kernels.compiler.values`, they write down what is to be computed.

Every function is straight-line arithmetic: argument reduction by exact multiples of log 2, a polynomial, and a power
of two put together from its bits.  Functions of the same argument share their reduction and polynomial once LLVM has
removed common terms, so ``exp(x)`` beside ``tanh(x)`` costs little more than one of them.  Where the range of the
argument is known (`lossary.kernels.ranges`), shorter variants do without the special cases outside of it.

Error bounds in units in the last place, float32 over all arguments, against correctly rounded results: see
`tests/test_kernels_functions.py`, which proves them.
"""

from __future__ import annotations

import math
import operator
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...backends import _series as series
from ...backends import _special as special
from ..compiler.values import DOUBLE, FLOAT, convert
from ..lowering.form import SPECIAL
from . import choices
from .choices import Function
from .intrinsics import (
    absolute,
    exponent,
    held,
    lower_half,
    power_of_two,
    powered,
    rescaled,
    root,
    rounded_down,
    select,
    upper_half,
    with_sign,
)

# Polynomials on the reduced range, lowest coefficient first, by Chebyshev interpolation
# (`tests/test_kernels_functions.py` bounds their errors).
# expm1(r) = r + r*r*E(r) for |r| <= log(2)/2.
EXPM1: dict[str, tuple[float, ...]] = {
    "float32": (0.5, 0.1666657702559799, 0.041666554662050534, 0.008363173074513711, 0.001392617611993558),
    "float64": (0.5, 0.1666666666666667, 0.04166666666666667, 0.008333333333326141, 0.0013888888888883752,
                0.00019841269874800493, 2.4801587325533363e-05, 2.7557255425746435e-06, 2.7557273661348637e-07,
                2.510520637395701e-08, 2.0914679376583935e-09),
}  # fmt: skip
# log((1+s)/(1-s)) = 2*s + s*z*L(z) for z = s*s: close to 1, z <= (3 - 2*sqrt(2))**2, and from 1 to 2, z <= 1/9.
ATANH: dict[str, tuple[float, ...]] = {
    "float32": (0.6666668503957586, 0.3998878056602198, 0.2957994939197279),
    "float64": (0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508, 0.18182889125261723,
                0.15331721600556042, 0.14616449685043406),
}  # fmt: skip
WIDE_ATANH: dict[str, tuple[float, ...]] = {
    "float32": (0.6666666732052742, 0.3999970633192972, 0.28592357994302836, 0.21706575800880373, 0.2322432922402335),
    "float64": (0.6666666666666666, 0.39999999999999525, 0.285714285716001, 0.2222222219823677, 0.18181819897962714,
                0.1538454396486055, 0.13335178631449257, 0.11734279061303197, 0.10845178394880015,
                0.07492143795550767, 0.1563057780092285),
}  # fmt: skip
# (sinh(x) - x) / (x*z) for z = x*x <= 1.
SINH: dict[str, tuple[float, ...]] = {
    "float32": (0.16666666646762462, 0.008333339695044161, 0.00019838095593111222, 2.806331253637132e-06),
    "float64": (0.16666666666666666, 0.008333333333333333, 0.00019841269841269773, 2.755731922404061e-06,
                2.5052108363972185e-08, 1.6059048410081293e-10, 7.646624280324513e-13, 2.8445596736423237e-15),
}  # fmt: skip

# (arctan(x) - x) / (x*z) for z = x*x <= 1.
ARCTAN: dict[str, tuple[float, ...]] = {
    "float32": (-0.3333333308107325, 0.19999949321141888, -0.1428400379473353, 0.11088261628735159,
                -0.08931826777381315, 0.07031914250029966, -0.04896051402709067, 0.026305001110062377,
                -0.009144629760592396, 0.0014886919393047597),
    "float64": (-0.3333333333333333, 0.19999999999999984, -0.14285714285711718, 0.11111111110929807,
                -0.09090909084093506, 0.07692307534369985, -0.06666664203478607, 0.0588232553920069,
                -0.05262931380521779, 0.04760471049395462, -0.043407182638729704, 0.03971908106924452,
                -0.036139320776507194, 0.03213544133307827, -0.02718155333081564, 0.021121594179966983,
                -0.014503079564732733, 0.00844989240397037, -0.004000209679906822, 0.0014617449054205385,
                -0.00038394037972999467, 6.417524965866564e-05, -5.1088410388226665e-06),
}  # fmt: skip


def _constants(kind: Any, *numbers: float) -> tuple[Function, ...]:
    """Numbers as functions without arguments, because a `held` one belongs to the code that is being made."""
    return tuple(partial(held, kind(number)) for number in numbers)


def _horner(coefficients: tuple[float, ...], kind: Any) -> Function:
    """A polynomial as a function; the lowest coefficient comes first."""

    def polynomial(x: Any) -> Any:
        found = held(kind(coefficients[-1]))
        for coefficient in reversed(coefficients[:-1]):
            found = held(kind(coefficient)) + x * found
        return found

    return polynomial


def _split_log2(name: str) -> tuple[float, float]:
    """Log 2 in two parts; the high one times any exponent is exact."""
    step = 2.0**14 if name == "float32" else 2.0**41
    high = math.floor(math.log(2.0) * step) / step
    # log 2 is the double nearest to it plus 2.319e-17.
    return high, (math.log(2.0) - high) + 2.3190468138462996e-17


@cache
def namespace(name: str) -> dict[str, Any]:
    """The words of kernels in this dtype: ``float32`` or ``float64``."""
    kind = np.dtype(name).type
    polynomial = _horner(EXPM1[name], kind)
    made = _growing(kind, name, polynomial) | _decaying(kind, name, polynomial)
    made |= _logarithms(kind, name)
    made |= _compositions(kind, made)
    made["small_sinh"] = _small_sinh(_horner(SINH[name], kind))
    made |= _differences(kind, name, made)
    made["arctan"] = _arctan(kind, _horner(ARCTAN[name], kind))
    made |= choices.namespace(kind)
    made["power"] = _power(name == "float32")
    made |= _special(name, made)
    return {"F": kind, **made}


def _reduction(kind: Any, name: str, polynomial: Function, offset: float) -> tuple[Function, Function]:
    """``shifted`` holds a multiple of log 2 plus ``offset`` in its low bits, ``remainder`` is expm1 of the rest."""
    mantissa = np.finfo(kind).nmant
    high, low, per_log2, magic = _constants(kind, *_split_log2(name), 1.0 / math.log(2.0), 1.5 * 2.0**mantissa + offset)

    def shifted(x: Any) -> Any:
        return x * per_log2() + magic()

    def remainder(x: Any) -> Any:
        n = shifted(x) - magic()
        r = (x - n * high()) - n * low()
        return r + (r * r) * polynomial(r)

    return shifted, remainder


def _growing(kind: Any, name: str, polynomial: Function) -> dict[str, Function]:
    """Exponentials of any number: 2**k is put together from two halves, neither of which leaves the range."""
    single = name == "float32"
    shifted, remainder = _reduction(kind, name, polynomial, 2 * (np.finfo(kind).maxexp - 1))
    # Beyond `far` the 1 in exp(x) - 1, or the exp(-x) in sinh(x), is below half a unit in the last place.
    one, half, largest, smallest, far = _constants(
        kind, 1.0, 0.5, *((90.0, -104.0, 30.0) if single else (711.0, -746.0, 60.0))
    )

    def clamped(x: Any) -> Any:
        x = select(largest() < x, largest(), x)
        return select(smallest() > x, smallest(), x)

    def exp(x: Any) -> Any:
        x = clamped(x)
        k = shifted(x)
        return ((one() + remainder(x)) * lower_half(k)) * upper_half(k)

    def expm1(x: Any) -> Any:
        x = clamped(x)
        k = shifted(x)
        p, lower, upper = remainder(x), lower_half(k), upper_half(k)
        scale = lower * upper
        return select(x > far(), ((one() + p) * lower) * upper, scale * p + (scale - one()))

    def sinh(x: Any) -> Any:
        a = clamped(absolute(x))
        k = shifted(a)
        u = expm1(select(a > far(), far(), a))
        huge = ((one() + remainder(a)) * lower_half(k)) * (half() * upper_half(k))
        return with_sign(select(a > far(), huge, half() * (u + u / (u + one()))), x)

    return {"exp": exp, "expm1": expm1, "sinh": sinh}


def _decaying(kind: Any, name: str, polynomial: Function) -> dict[str, Function]:
    """Exponentials of numbers that are not positive: 2**k is made 2**lift times too large, and brought back at the end.

    The one rounding to a subnormal number happens there.
    """
    single = name == "float32"
    lift = 64 if single else 512
    shifted, remainder = _reduction(kind, name, polynomial, np.finfo(kind).maxexp - 1 + lift)
    one, two, smallest, lowered = _constants(kind, 1.0, 2.0, -104.0 if single else -746.0, 2.0**-lift)

    def exp_decaying(x: Any) -> Any:
        x = select(smallest() > x, smallest(), x)
        return ((one() + remainder(x)) * power_of_two(shifted(x))) * lowered()

    def tanh(x: Any) -> Any:
        # A factor that LLVM knows: exp(-2*|x|), which log(cosh(x)) beside it takes, is then the same term.
        double = kind(-2.0) * absolute(x)
        double = select(smallest() > double, smallest(), double)
        scale = power_of_two(shifted(double)) * lowered()
        u = scale * remainder(double) + (scale - one())
        return with_sign(u / (two() + u), x)

    return {"exp_decaying": exp_decaying, "tanh": tanh}


def _logarithms(kind: Any, name: str) -> dict[str, Function]:
    near, wide = _horner(ATANH[name], kind), _horner(WIDE_ATANH[name], kind)
    mantissa = np.finfo(kind).nmant
    high, low = _constants(kind, *_split_log2(name))
    one, half, two, tiny = _constants(kind, 1.0, 0.5, 2.0, float(np.finfo(kind).tiny))
    lift, lift_by, infinity, undefined = _constants(kind, 2.0 ** (mantissa + 2), mantissa + 2, math.inf, math.nan)
    zero = kind(0.0)

    def assembled(f: Any, k: Any) -> Any:
        """K * log(2) + log1p(f)."""
        s = f / (two() + f)
        z = s * s
        square = half() * f * f
        return k * high() + (f - (square - (s * (square + z * near(z)) + k * low())))

    def finished(x: Any, u: Any, result: Any) -> Any:
        """The result, or what the logarithm is at and below 0 and at infinity."""
        regular = select(x < infinity(), result, x)
        return select(u > zero, regular, select(u == zero, -infinity(), undefined()))

    def growing(x: Any, result: Any) -> Any:
        """The result where the logarithm is that of a normal number, as that of infinity and NaN is x."""
        return select(x < infinity(), result, x)

    def log_or_log1p(x: Any, plus_one: Any) -> Any:
        """Log(x), or log(1 + x) where the condition holds."""
        u = select(plus_one, one() + x, x)
        small = u < tiny()
        lifted = select(small, u * lift(), u)
        k = exponent(lifted) - select(small, lift_by(), zero)
        whole = select(plus_one, inverse(lifted), zero)
        f = rescaled(select(plus_one, x, lifted), lifted) + (whole - one())
        return finished(x, u, assembled(f, k))

    def log_or_log1p_of_normal(x: Any, plus_one: Any) -> Any:
        u = select(plus_one, one() + x, x)
        whole = select(plus_one, inverse(u), zero)
        return growing(x, assembled(rescaled(x, u) + (whole - one()), exponent(u)))

    def log(x: Any) -> Any:
        small = x < tiny()
        u = select(small, x * lift(), x)
        k = exponent(u) - select(small, lift_by(), zero)
        return finished(x, x, assembled(rescaled(u, u) - one(), k))

    def log_of_normal(x: Any) -> Any:
        return growing(x, assembled(rescaled(x, x) - one(), exponent(x)))

    def inverse(u: Any) -> Any:
        """The power of two that brings u close to 1; 0 for the largest u, where it would not be a normal number."""
        scale = rescaled(one(), u)
        return select(scale > zero, scale, zero)

    def log1p(x: Any) -> Any:
        u = one() + x
        return finished(x, u, assembled(rescaled(x, u) + (inverse(u) - one()), exponent(u)))

    def log1p_of_normal(x: Any) -> Any:
        u = one() + x
        return growing(x, assembled(rescaled(x, u) + (inverse(u) - one()), exponent(u)))

    def log1p_unit(x: Any) -> Any:
        """Log1p for 0 <= x <= 1."""
        s = x / (two() + x)
        z = s * s
        square = half() * x * x
        return x - (square - s * (square + z * wide(z)))

    return {
        "log": log,
        "log_of_normal": log_of_normal,
        "log_or_log1p_of_normal": log_or_log1p_of_normal,
        "log1p": log1p,
        "log_or_log1p": log_or_log1p,
        "log1p_of_normal": log1p_of_normal,
        "log1p_unit": log1p_unit,
    }


def _small_sinh(polynomial: Function) -> Function:
    def small_sinh(x: Any) -> Any:
        """Sinh for |x| <= 1."""
        z = x * x
        return x + (x * z) * polynomial(z)

    return small_sinh


def _compositions(kind: Any, made: dict[str, Function]) -> dict[str, Function]:
    zero = kind(0.0)
    (one,) = _constants(kind, 1.0)
    exp, log, log1p = made["exp_decaying"], made["log"], made["log1p_unit"]

    def sigmoid(x: Any) -> Any:
        e = exp(-absolute(x))
        return select(x >= zero, one(), e) / (one() + e)

    def softplus(x: Any) -> Any:
        return select(x < zero, zero, x) + log1p(exp(-absolute(x)))

    def xlogy(x: Any, y: Any) -> Any:
        return x * log(select(x == zero, one(), y))

    return {"sigmoid": sigmoid, "softplus": softplus, "xlogy": xlogy}


def _differences(kind: Any, name: str, made: dict[str, Function]) -> dict[str, Function]:
    """As in `lossary.backends._series`."""
    atanh, near_one, log_cosh, log_one_plus = (
        _horner(table[name], kind) for table in (series.ATANH, series.EXP, series.LOG_COSH, series.LOG1P)
    )
    one, two, half, far = _constants(kind, 1.0, 2.0, 0.5, series.FAR)
    middle, reach, halfway, close, log_two = _constants(kind, 0.9, 1.6, 1.5, -math.log(2.0), math.log(2.0))
    exp, log1p, decaying, log_or_log1p = (made[word] for word in ("exp", "log1p", "exp_decaying", "log_or_log1p"))

    def log1pmx(x: Any) -> Any:
        s = x / (two() + x)
        z = s * s
        return select(absolute(x - middle()) < reach(), s * (z * atanh(z) - x), log1p(x) - x)

    def expm1mx(x: Any) -> Any:
        return select(absolute(x - half()) < halfway(), (x * x) * near_one(x), exp(x) - (one() + x))

    def log1mexp(x: Any) -> Any:
        near = close() < x
        return log_or_log1p(select(near, -(x + (x * x) * near_one(x)), -decaying(x)), ~near)

    def hypot1(x: Any) -> Any:
        size = absolute(x)
        return select(size < far(), root(one() + size * size), size)

    def logcosh(x: Any) -> Any:
        size = absolute(x)
        z, odds = size * size, decaying(kind(-2.0) * size)
        return select(size < one(), z * log_cosh(z), (size - log_two()) + odds * log_one_plus(odds))

    return {"log1pmx": log1pmx, "expm1mx": expm1mx, "log1mexp": log1mexp, "hypot1": hypot1, "logcosh": logcosh}


def _special(name: str, made: dict[str, Function]) -> dict[str, Function]:
    """The gamma function and the normal distribution, as in words."""
    words = SimpleNamespace(
        **{word: made[word] for word in ("exp", "expm1", "log", "log1p", "maximum", "minimum", "sign")},
        abs=absolute, floor=rounded_down, less=operator.lt, logical_or=operator.or_, sqrt=root, where=select,
        dtype=lambda x: name,
    )  # fmt: skip
    return {word: partial(getattr(special, word), words) for word in SPECIAL}


def _arctan(kind: Any, polynomial: Function) -> Function:
    (one,) = _constants(kind, 1.0)
    right = float(kind(math.pi / 2.0))
    # pi is the double nearest to it plus 1.2246e-16.
    high, low = _constants(kind, right, (math.pi / 2.0 - right) + 6.123233995736766e-17)

    def arctan(x: Any) -> Any:
        size = absolute(x)
        steep = size > one()
        t = select(steep, one() / size, size)
        z = t * t
        angle = t + (t * z) * polynomial(z)
        return with_sign(select(steep, high() - (angle - low()), angle), x)

    return arctan


def _power(single: bool) -> Function:
    """x**k.  In float32 through double precision, where the error of k*log(x) is far below a unit in the last place."""
    if not single:
        return powered
    wide = namespace("float64")
    exp, log = wide["exp"], wide["log"]

    def power(x: Any, k: Any) -> Any:
        base, number = convert(x, DOUBLE), convert(k, DOUBLE)
        size = exp(number * log(absolute(base)))
        whole = rounded_down(number) == number
        odd = whole & (rounded_down(number * 0.5) != number * 0.5)
        signed = select(odd, -size, select(whole, size, math.nan))
        return convert(select(number == 0.0, 1.0, select(base < 0.0, signed, size)), FLOAT)

    return power
