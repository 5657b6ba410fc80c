"""Words that keep the digits which a difference of elementary functions would lose, as compositions of other words.

A polynomial is used where the difference is small and the plain one elsewhere.  Arguments of a branch that is not taken
are replaced first, so that whatever differentiates the composition meets no infinity there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Protocol

Array = Any
Coefficients = dict[str, tuple[float, ...]]

# Polynomials by Chebyshev interpolation, lowest coefficient first; `tests/test_words_accuracy.py` bounds the errors.
# log((1+s)/(1-s)) = 2*s + s*z*L(z) for z = s*s <= 0.445.
ATANH: Coefficients = {
    "float32": (0.6666666660577042, 0.4000002731218128, 0.2856942448137599, 0.2227872913122571, 0.17381885832580066,
                0.2179121507509052, -0.17219023755699972, 0.9872105132306002, -1.2889617278313679, 1.127446562719481),
    "float64": (0.6666666666666666, 0.4000000000000025, 0.2857142857135298, 0.22222222231147332,
                0.18181817625705782, 0.1538463650632448, 0.13332800642619538, 0.11774134721329582,
                0.10404704736734248, 0.10696565070358055, 0.0009238010977620181, 0.5651985955984455,
                -2.0392892425339793, 7.168983592793355, -18.18653678956537, 35.3591246230997, -49.786022079228594,
                48.7612598515161, -29.614721267205013, 8.682267234387243),
}  # fmt: skip
# exp(x) = 1 + x + x*x*E(x) for -1 <= x <= 2.
EXP: Coefficients = {
    "float32": (0.5000000004702115, 0.16666670264853922, 0.04166665555173484, 0.008333096297763617,
                0.001388988540962691, 0.0001988042995385675, 2.456066423148353e-05, 2.587521026940975e-06,
                4.319538818555178e-07),
    "float64": (0.5, 0.1666666666666667, 0.04166666666666687, 0.008333333333332414, 0.0013888888888870079,
                0.00019841269841898893, 2.48015873068507e-05, 2.7557319031633147e-06, 2.755731894710318e-07,
                2.505213702535241e-08, 2.0876668381516067e-09, 1.6057154837301077e-10, 1.1483944978440991e-11,
                7.671049957947263e-13, 4.279385820637104e-14, 4.5052184175232455e-15),
}  # fmt: skip
# log(cosh(x)) = z*L(z) for z = x*x <= 1.
LOG_COSH: Coefficients = {
    "float32": (0.4999999963398376, -0.08333297333741249, 0.02221635519551515, -0.006709511961900016,
                0.002075578202957184, -0.0005546652750885244, 8.605402250876253e-05),
    "float64": (0.5, -0.08333333333333313, 0.022222222222204716, -0.006746031745439461, 0.0021869488430583577,
                -0.0007386028466063114, 0.00025657975920352253, -9.098560962970956e-05, 3.276489933771787e-05,
                -1.1918687451198731e-05, 4.331402300644075e-06, -1.5281845174227174e-06, 4.924537512669962e-07,
                -1.3068145114104875e-07, 2.4268014004782444e-08, -2.276414668975539e-09),
}  # fmt: skip
# log(1 + x) = x*M(x) for 0 <= x <= exp(-2).
LOG1P: Coefficients = {
    "float32": (0.9999999887987027, -0.49999585210729136, 0.3330851706751739, -0.24472726253406824,
                0.15276264977602053),
    "float64": (1.0, -0.49999999999998973, 0.33333333333028264, -0.24999999964663436, 0.1999999789526025,
                -0.16666593275530803, 0.1428411082337336, -0.1247732316357821, 0.10902255434239232, -0.0877280852428714,
                0.04741153023788551),
}  # fmt: skip
# From here on 1 + x*x is x*x, to the last digit.
FAR = 2.0**30


class Spelling(Protocol):
    """The words that these are made of; arrays hold single or double precision."""

    abs: Callable[[Array], Array]
    exp: Callable[[Array], Array]
    expm1: Callable[[Array], Array]
    log: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    sqrt: Callable[[Array], Array]
    less: Callable[[Any, Any], Array]
    logical_or: Callable[[Array, Array], Array]
    minimum: Callable[[Array, Any], Array]
    where: Callable[[Array, Any, Any], Array]
    dtype: Callable[[Array], str]


def polynomial(words: Spelling, table: Coefficients, x: Array) -> Array:
    """The polynomial of this table for the precision of ``x``."""
    return horner(table[words.dtype(x)], x)


def horner(coefficients: Sequence[float], x: Array) -> Array:
    """A polynomial; the lowest coefficient comes first."""
    return reduce(lambda value, number: number + x * value, reversed(coefficients[:-1]), coefficients[-1])


def log1pmx(words: Spelling, x: Array) -> Array:
    """The difference ``log(1 + x) - x``."""
    near = words.less(words.abs(x - 0.85), 1.65)
    small = words.where(near, x, 0.0)
    s = small / (2.0 + small)
    z = s * s
    large = words.where(near, 1.0, x)
    return words.where(near, s * (z * polynomial(words, ATANH, z) - small), words.log1p(large) - large)


def expm1mx(words: Spelling, x: Array) -> Array:
    """The difference ``exp(x) - 1 - x``."""
    near = words.less(words.abs(x - 0.5), 1.5)
    small = words.where(near, x, 0.0)
    large = words.where(near, 2.0, x)
    return words.where(near, small * small * polynomial(words, EXP, small), words.exp(large) - (1.0 + large))


def log1mexp(words: Spelling, x: Array) -> Array:
    """``log(1 - exp(x))`` of a number below 0.

    M. Maechler, Accurately computing log(1 - exp(-|a|)) (2012), with a polynomial for exp(x) - 1.
    """
    near = words.less(-math.log(2.0), x)
    small = words.where(near, x, -0.5)
    large = words.where(near, -1.0, x)
    rest = -(small + small * small * polynomial(words, EXP, small))
    return words.where(near, words.log(rest), words.log1p(-words.exp(large)))


def hypot1(words: Spelling, x: Array) -> Array:
    """The length of ``(1, x)``, ``sqrt(1 + x * x)``."""
    size = words.abs(x)
    fits = words.less(size, FAR)
    near = words.where(fits, x, 0.0)
    return words.where(fits, words.sqrt(1.0 + near * near), size)


def logcosh(words: Spelling, x: Array) -> Array:
    """The logarithm of the hyperbolic cosine; far from 0 ``log(1 + exp(-2*|x|))`` is what is above ``|x| - log(2)``."""
    size = words.abs(x)
    near = words.less(size, 1.0)
    small = words.where(near, x, 0.0)
    z = small * small
    odds = words.exp(-2.0 * size)
    far = (size - math.log(2.0)) + odds * polynomial(words, LOG1P, odds)
    return words.where(near, z * polynomial(words, LOG_COSH, z), far)
