"""The gamma function and the normal distribution, as compositions of other words.

Every library has some of these functions, few have all, and several lose digits in single precision.  Arguments of a
branch that is not taken are replaced first, so that whatever differentiates a composition meets no infinity there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from ._series import ATANH, Array, Coefficients, Spelling, polynomial

# Polynomials by Chebyshev interpolation, lowest coefficient first; `tests/test_words_accuracy.py` bounds the errors.
# lgamma(x) = (x - 1/2)*log(x) - x + log(2*pi)/2 + B(w)/x for w = 1/(x*x) <= 1/4.
BINET: Coefficients = {
    "float32": (0.08333333323013381, -0.002777747758754531, 0.0007921769659692856, -0.0005672399817938005,
                0.0005743209258159388, -0.0004053187646237099),
    "float64": (0.08333333333333333, -0.002777777777754126, 0.0007936507854242636, -0.0005952369421077509,
                0.0008416640267886694, -0.0019134603966458068, 0.006280297581216112, -0.026516984998431494,
                0.12467342404284336, -0.5662694641210638, 2.227932370184447, -7.021268982608418, 16.595735995318904,
                -27.27848153367872, 27.61109456758118, -12.906252688890078),
}  # fmt: skip
# digamma(x) = log(x) - 1/(2*x) + D(w)*w for w = 1/(x*x) <= 1/4.
BINET_SLOPE: Coefficients = {
    "float32": (-0.08333333318166665, 0.00833327328096206, -0.00396421113260809, 0.004059138869284288,
                -0.00609012440251422, 0.008569927969836555, -0.006584057050147888),
    "float64": (-0.08333333333333333, 0.008333333333326885, -0.003968253964755838, 0.0041666659007175205,
                -0.007575667209047085, 0.02108613478638039, -0.08299703326879615, 0.4308484550185861,
                -2.700941368946512, 18.3224119903078, -121.12162219895558, 721.1071047400168, -3666.397497800483,
                15339.134656550508, -51208.515639470475, 132113.34479130918, -252729.0726635726, 336492.0890920451,
                -277766.9169047298, 106892.18868609297),
}  # fmt: skip
# trigamma(x) = 1/x + w/2 + T(w)*w/x for w = 1/(x*x) <= 1/16.
TRIGAMMA: Coefficients = {
    "float32": (0.16666666640587569, -0.0333331236811204, 0.02378199736415331, -0.032028262320753655,
                0.0486397771662394),
    "float64": (0.1666666666666666, -0.033333333333051524, 0.023809523626645224, -0.03333328647834654,
                0.07575132485131401, -0.2526167493088407, 1.1412584794685265, -6.212847939111701, 33.49475007136473,
                -137.64688525458743, 291.5394798501477),
}  # fmt: skip
# lgamma(1 + t) = t*(t - 1)*G(t - 1) for 0 <= t <= 2.5.
LGAMMA: Coefficients = {
    "float32": (0.42278433209660254, -0.10031728878570641, 0.03296518969297543, -0.012384562591006587,
                0.004996793148365036, -0.0021050337525785326, 0.0009214487686371232, -0.0004165849427382582,
                0.00017551068637817224, -6.548759689545813e-05, 3.77126927065341e-05, -2.9656373186579395e-05,
                1.3636513597064046e-05, -2.4212439823171066e-06),
    "float64": (0.42278433509846713, -0.10031730167435332, 0.03296500062115211, -0.012384192193424912,
                0.004998641164894277, -0.002108130832553807, 0.0009153769180635137, -0.000405707413954204,
                0.00018255268566546705, -8.30950241244283e-05, 3.816858228095045e-05, -1.766202814616623e-05,
                8.223469331486944e-06, -3.8467307550347205e-06, 1.8046235887739362e-06, -8.529027169937334e-07,
                4.0990467468640204e-07, -1.940800556758203e-07, 8.429811690933834e-08, -3.82853111010584e-08,
                2.5031967094422056e-08, -1.5539187945830034e-08, 4.275744730695607e-09, 8.03440916089114e-10,
                9.317112980379921e-11, -1.185806639528635e-09, 7.996019759399676e-10, -2.2383075822133642e-10,
                2.4032472300292895e-11),
}  # fmt: skip
# digamma(1 + t) = (t - root)*P(t - 1/2) for 0 <= t <= 1.
DIGAMMA: Coefficients = {
    "float32": (0.9510558760318328, -0.42362749747529066, 0.24054253501497624, -0.1483988613883281,
                0.09498468507487738, -0.062055980386091954, 0.040850026740824504, -0.025786883631264544,
                0.01711498899971067, -0.016373620255320655, 0.010902588672572695),
    "float64": (0.951055876031833, -0.4236274212814605, 0.2405424842407742, -0.14840492305390884,
                0.09498872445494122, -0.061922133273064534, 0.04076083381242074, -0.02697579675613825,
                0.0179072524394512, -0.011908218001568644, 0.007926944646403797, -0.005279964873257405,
                0.003519006401502276, -0.002345267632540769, 0.0015566317474486838, -0.0010376374098418604,
                0.0007233266279287554, -0.0004821990530566789, 0.0002272331660987376, -0.00015148586836773365,
                0.00025968482126430747, -0.00017312261802727394),
}  # fmt: skip
# The normal distribution above x >= 0 is exp(-x*x/2) * t*T(t - 1/2) with t = 4/(4 + x).
TAIL: Coefficients = {
    "float32": (0.18882128260393788, 0.30394819829454756, 0.38713739914843553, 0.37305361192814346,
                0.24158641931220234, 0.06009513574293594, -0.05567729401994699, -0.05002678668416999,
                0.008544655505295238, 0.020111559013726226, -0.0004283687349441486),
    "float64": (0.18882128260393785, 0.30394832098594604, 0.3871374007422269, 0.3730437159193035,
                0.24158629956139213, 0.06032151173597341, -0.05567507770319879, -0.05218619080895746,
                0.00853402928280299, 0.02958015830491891, -0.0004883631290552947, -0.017994233946471806,
                0.0007317300520406504, 0.01212680103397226, -0.002559647340415171, -0.008390551110765946,
                0.004336586164612603, 0.005215511542198304, -0.0051607415170301174, -0.002283200216960349,
                0.004207887684366234, 0.00021909346220028332, -0.0017677147543650464, 0.0003131844802240428),
}  # fmt: skip
# erf(x) = x*E(x*x) for abs(x) <= 1.
ERF: Coefficients = {
    "float32": (1.1283791658483509, -0.37612626666720334, 0.11283594715160218, -0.026854212010626412,
                0.005189087423433974, -0.000801686428716587, 7.875875062685488e-05),
    "float64": (1.1283791670955126, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777,
                0.0052239776071164225, -0.0008548325975389692, 0.00012055294904839707, -1.492473690741966e-05,
                1.6447424703317362e-06, -1.6208483801871705e-07, 1.3720064546777686e-08, -7.795898827002142e-10),
}  # fmt: skip
# Where digamma is 0, less 1, with so few digits that 1 more has no more than single precision, and what it lacks.
_ROOT, _ROOT_REST = 0.4616321325302124, 1.2438149938918909e-08
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
# The density of the normal distribution at 0.
_PEAK = 1.0 / math.sqrt(2.0 * math.pi)
# From here on exp(-x*x/2) is 0 in double precision too.
_FAR = 40.0


class Spells(Spelling, Protocol):
    """The words that these are made of."""

    sign: Callable[[Array], Array]
    floor: Callable[[Array], Array]
    maximum: Callable[[Array, float], Array]


# --- the gamma function, of numbers above 0 -------------------------------------------------------------------------


def _series_in_inverse(words: Spells, table: Coefficients, x: Array) -> tuple[Array, Array]:
    """1/x and the polynomial in its square."""
    inverse = 1.0 / x
    return inverse, polynomial(words, table, inverse * inverse)


def _lgamma_near_one(words: Spells, t: Array) -> Array:
    """``lgamma(1 + t) / t`` for 0 <= t <= 2.5."""
    return (t - 1.0) * polynomial(words, LGAMMA, t - 1.0)


def _digamma_near_one(words: Spells, t: Array) -> Array:
    """``digamma(1 + t)`` for 0 <= t <= 1."""
    series = polynomial(words, DIGAMMA, t - 0.5)
    # Two products: of two differences compilers would make one.
    return (t - _ROOT) * series - _ROOT_REST * series


def lgamma(words: Spells, x: Array) -> Array:
    """By J. Stirling's formula from 3.5 on, and by a polynomial below, to which a step of 1 leads from below 1."""
    large, below = words.less(3.5, x), words.less(x, 1.0)
    small, size = words.where(large, 1.5, x), words.where(large, x, 3.5)
    logarithm = words.log(words.where(large, x, words.where(below, x, 1.0)))
    t = words.where(below, small, small - 1.0)
    near = t * _lgamma_near_one(words, t) - logarithm
    inverse, series = _series_in_inverse(words, BINET, size)
    far = (size - 0.5) * (logarithm - 1.0) + (_HALF_LOG_2PI - 0.5) + inverse * series
    return words.where(large, far, near)


def digamma(words: Spells, x: Array) -> Array:
    """The slope of `lgamma`."""
    large = words.less(2.0, x)
    small, size = words.where(large, 1.5, x), words.where(large, x, 2.0)
    below = words.less(small, 1.0)
    step = words.where(below, 1.0 / words.where(below, small, 1.0), 0.0)
    near = _digamma_near_one(words, words.where(below, small, small - 1.0)) - step
    inverse, series = _series_in_inverse(words, BINET_SLOPE, size)
    return words.where(large, words.log(size) + inverse * (inverse * series - 0.5), near)


def trigamma(words: Spells, x: Array) -> Array:
    """The slope of `digamma`."""
    large = words.less(4.0, x)
    small = words.where(large, 1.0, x)
    inverse, series = _series_in_inverse(words, TRIGAMMA, words.where(large, x, small + 4.0))
    far = inverse + inverse * inverse * (0.5 + inverse * series)
    steps = [1.0 / (small + step) for step in (3.0, 2.0, 1.0)]
    total = steps[0] * steps[0] + steps[1] * steps[1] + steps[2] * steps[2]
    return words.where(large, far, far + total + (1.0 / small) * (1.0 / small))


def _atanh_terms(words: Spells, x: Array) -> list[tuple[Array, Array, Array]]:
    """For x and x + 1: s = 1/(2*x + 1), its square z, and L(z) in log(1 + 1/x) = 2*s + s*z*L(z)."""
    terms = []
    for step in (1.0, 3.0):
        s = 1.0 / (2.0 * x + step)
        terms.append((s, s * s, polynomial(words, ATANH, s * s)))
    return terms


def binet(words: Spells, x: Array) -> Array:
    """A series from 2 on; from 1/4 on two steps of 1 lead there, of which each adds (x + 1/2)*log(1 + 1/x) - 1."""
    large, tiny = words.less(2.0, x), words.less(x, 0.25)
    small = words.where(tiny, x, 0.125)
    middle = words.where(words.logical_or(large, tiny), 1.0, x)
    inverse, series = _series_in_inverse(words, BINET, words.where(large, x, middle + 2.0))
    (_, z, first), (_, w, second) = _atanh_terms(words, middle)
    steps = 0.5 * (z * first + w * second)
    constant = math.log(2.0) - _HALF_LOG_2PI
    rest = small * (_lgamma_near_one(words, small) + (1.0 + math.log(4.0))) + constant
    near = rest - (small + 0.5) * words.log(4.0 * small)
    return words.where(tiny, near, words.where(large, inverse * series, inverse * series + steps))


def binet_slope(words: Spells, x: Array) -> Array:
    """The slope of `binet`, in the same three ways."""
    large, tiny = words.less(2.0, x), words.less(x, 0.25)
    small = words.where(tiny, x, 0.125)
    middle = words.where(words.logical_or(large, tiny), 1.0, x)
    inverse, series = _series_in_inverse(words, BINET_SLOPE, words.where(large, x, middle + 2.0))
    far = inverse * inverse * series
    steps = [s * z * (rest - 2.0 / (1.0 - z)) for s, z, rest in _atanh_terms(words, middle)]
    # Of the smallest numbers the logarithm is nothing beside the inverse.
    near = _digamma_near_one(words, small) - words.log(words.maximum(small, 1e-36)) - 0.5 / small
    return words.where(tiny, near, words.where(large, far, far + (steps[0] + steps[1])))


# --- the normal distribution ----------------------------------------------------------------------------------------


def _tail(words: Spells, x: Array) -> Array:
    """The normal distribution above x >= 0, times ``exp(x*x/2)``."""
    t = 4.0 / (4.0 + x)
    # Not t - 1/2: where x is small its part of the sum has digits that t has not.
    return t * polynomial(words, TAIL, 0.5 - (0.25 * x) * t)


def erf(words: Spells, x: Array) -> Array:
    """A polynomial up to 1, and 1 less the tail beyond."""
    size = words.abs(x)
    near = words.less(size, 1.0)
    small = words.where(near, x, 0.5)
    large = words.where(near, 1.0, words.minimum(size, _FAR))
    rest = 2.0 * words.exp(-large * large) * _tail(words, math.sqrt(2.0) * large)
    return words.where(near, small * polynomial(words, ERF, small * small), words.sign(x) * (1.0 - rest))


def bell(words: Spells, x: Array, rate: float = 1.0) -> Array:
    """``exp(-rate*x*x)``, by the square of a number that is rounded to few digits, which is exact, and the rest."""
    size = words.minimum(words.maximum(x, -_FAR), _FAR)
    whole = words.floor(64.0 * size) / 64.0
    # Not a product of two exponentials: XLA would make one of them.
    rest = words.expm1(-rate * (size - whole) * (size + whole))
    fall = words.exp(-rate * whole * whole)
    return fall + fall * rest


def log_ndtr(words: Spells, x: Array) -> Array:
    """Through the scaled tail, whose logarithm is small beside x*x/2 on the left."""
    left = words.less(x, 0.0)
    tail = _tail(words, words.where(left, -x, x))
    low, high = words.where(left, tail, 0.5), words.where(left, 0.5, tail)
    below = words.where(left, x, -1.0)
    return words.where(left, words.log(low) - 0.5 * below * below, words.log1p(-high * bell(words, x, 0.5)))


def inverse_mills(words: Spells, x: Array) -> Array:
    """The slope of `log_ndtr`; on the left the bells of density and tail are the same."""
    left = words.less(x, 0.0)
    tail = _tail(words, words.where(left, -x, x))
    low, high = words.where(left, tail, 0.5), words.where(left, 0.5, tail)
    fall = bell(words, x, 0.5)
    return words.where(left, _PEAK / low, _PEAK * fall / (1.0 - high * fall))
