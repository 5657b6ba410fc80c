"""Losses for numbers with gross outliers, whose slope falls back towards 0 far from the target."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    exp,
    expm1,
    greater,
    hypot1,
    log,
    log1p,
    maximum,
    mean,
    minimum,
    power,
    sqrt,
    square,
    where,
)
from ._units import in_bounded_units

# From here on 1 is nothing beside the square.
_WIDE = 2.0**30


def _cauchy_slope(y_true: Any, y_pred: Any, *, c: Any = 1.0) -> Any:
    d = y_pred - y_true
    far = abs(d) > c
    # 2 u / (2 + u^2) for a small u and 2 / (u + 2 / u) for a large one, whose square might overflow.
    u = where(far, 0.0, d / c)
    slope = where(far, 2.0 / (d + 2.0 * c * (c / where(far, d, c))), 2.0 * u / (2.0 + square(u)) / c)
    return slope / count(y_pred)


@loss(
    aliases=("cauchy_robust", "lorentzian"),
    target=Real(),
    prediction=Real(),
    parameters={"c": Interval("Scale of an ordinary difference", 0.0, open_below=True)},
    slope=_cauchy_slope,
    definition="mean(log(1 + ((y_pred - y_true) / c)**2 / 2))",
    source="M. J. Black, P. Anandan, The robust estimation of multiple motions (1996); J. T. Barron, A general and "
    "adaptive robust loss function (2019), eq. 8 with alpha = 0",
    peers={
        "kornia.losses.cauchy_loss": "",
        "scipy.optimize.least_squares.cauchy": "Loss(c=0.5**0.5)   # of residuals over f_scale, times f_scale**2",
    },
    cases=(
        Case([[0.0]], [[2.0]], (math.log(3.0),), "log(1 + 4/2)"),
        Case([[1.0, 0.0]], [[-5.0, 0.0]], (0.5 * math.log(3.0),), "log(1 + (6/3)^2/2)/2", {"c": 3.0}),
    ),
)
def cauchy(y_true: Any, y_pred: Any, *, c: float = 1.0) -> Any:
    """Logarithm of the squared difference plus 1, for numbers with gross outliers.

    The negative log-likelihood of Student's distribution of one degree of freedom, up to scale.  The slope is largest
    at a difference of ``1.41 * c`` and falls off beyond as ``2 / d``: outliers count less the further out they lie, but
    never nothing, so a bad start can still be left.

    >>> import lossary
    >>> print(lossary.cauchy([[0.0, 0.0]], [[2.0, -100.0]]).round(4))
    [4.808]
    """
    d = abs(y_pred - y_true)
    far = d / c > _WIDE
    near = log1p(0.5 * square(where(far, 0.0, d / c)))
    # There 1 is nothing beside the square, which might overflow.
    return mean(where(far, 2.0 * log(where(far, d, _WIDE) / _WIDE / c) + math.log(0.5 * _WIDE**2), near))


def _geman_mcclure_slope(y_true: Any, y_pred: Any, *, c: Any = 1.0) -> Any:
    u = in_bounded_units(y_true, y_pred, c)
    below = square(u) + 4.0
    return 16.0 * (u / below) / below / c / count(y_pred)


@loss(
    class_name="GemanMcClure",
    target=Real(),
    prediction=Real(),
    parameters={"c": Interval("Scale of an ordinary difference", 0.0, open_below=True)},
    slope=_geman_mcclure_slope,
    definition="mean(2 * u / (u + 4)), u = ((y_pred - y_true) / c)**2",
    source="S. Geman, D. E. McClure, Bayesian image analysis (1985); J. T. Barron, A general and adaptive robust loss "
    "function (2019), eq. 8 with alpha = -2",
    peers={"kornia.losses.geman_mcclure_loss": ""},
    cases=(
        Case([[0.0]], [[2.0]], (1.0,), "2 * 4/(4 + 4)"),
        Case([[1.0, 0.0]], [[-11.0, 0.0]], (0.9,), "(2 * 36/(36 + 4) + 0)/2", {"c": 2.0}),
    ),
)
def geman_mcclure(y_true: Any, y_pred: Any, *, c: float = 1.0) -> Any:
    """Bounded by 2, for numbers of which many are outliers.

    Half the squared difference in units of ``c`` where it is small; the slope falls off as the third power of a large
    one.  A prediction that starts far from all targets hardly moves: choose ``c`` wide, or begin with `cauchy`.  The
    original form ``u / (u + sigma**2)`` is half of it at ``c = sigma / 2``.

    >>> import lossary
    >>> print(lossary.geman_mcclure([[0.0, 0.0]], [[2.0, -100.0]]).round(4))
    [1.4996]
    """
    u = square(in_bounded_units(y_true, y_pred, c))
    return mean(2.0 * u / (u + 4.0))


def _welsch_slope(y_true: Any, y_pred: Any, *, c: Any = 1.0) -> Any:
    u = in_bounded_units(y_true, y_pred, c)
    return u * exp(-0.5 * square(u)) / c / count(y_pred)


@loss(
    aliases=("leclerc", "correntropy"),
    target=Real(),
    prediction=Real(),
    parameters={"c": Interval("Scale of an ordinary difference", 0.0, open_below=True)},
    slope=_welsch_slope,
    definition="mean(1 - exp(-((y_pred - y_true) / c)**2 / 2))",
    source="J. E. Dennis, R. E. Welsch, Techniques for nonlinear least squares and robust regression (1978)",
    peers={"kornia.losses.welsch_loss": ""},
    cases=(
        Case([[0.0]], [[math.sqrt(2.0 * math.log(2.0))]], (0.5,), "1 - exp(-log 2)"),
        Case([[1.0, 0.0]], [[1.0, -6.0]], (0.5 - 0.5 * math.exp(-2.0),), "(0 + 1 - exp(-(6/3)^2/2))/2", {"c": 3.0}),
    ),
)
def welsch(y_true: Any, y_pred: Any, *, c: float = 1.0) -> Any:
    """Bounded by 1, for numbers of which many are outliers that should not count at all.

    Half the squared difference in units of ``c`` where it is small, and 1 from a few ``c`` on, where the slope is next
    to nothing: at ``6 * c`` it is a ten-millionth.  A prediction that starts there stays there, so choose ``c`` wide or
    begin with `cauchy`.  Its minimum is a mode of the targets, seen through a normal kernel of width ``c``.

    >>> import lossary
    >>> print(lossary.welsch([[0.0, 0.0]], [[1.0, -100.0]]).round(4))
    [0.6967]
    """
    return mean(-expm1(-0.5 * square(in_bounded_units(y_true, y_pred, c))))


def _tukey_slope(y_true: Any, y_pred: Any, *, c: Any = 4.685) -> Any:
    d = y_pred - y_true
    # 1 - u^2 as a product: the difference of close numbers is exact.
    rest = maximum(c - abs(d), 0.0) / c * ((c + minimum(abs(d), c)) / c)
    return d * square(rest) / count(y_pred)


@loss(
    aliases=("tukey", "biweight", "bisquare"),
    target=Real(),
    prediction=Real(),
    parameters={"c": Interval("Difference from which on a target does not count", 0.0, open_below=True)},
    slope=_tukey_slope,
    definition="mean(c**2 / 6 * (1 - max(1 - u, 0)**3)), u = ((y_pred - y_true) / c)**2",
    source="A. E. Beaton, J. W. Tukey, The fitting of power series, meaning polynomials, illustrated on "
    "band-spectroscopic data (1974)",
    peers={
        "statsmodels.robust.norms.TukeyBiweight": "",
    },
    cases=(
        Case([[0.0, 0.0]], [[1.0, 9.0]], (101.0 / 192.0,), "(4/6 (1 - (3/4)^3) + 4/6)/2", {"c": 2.0}),
        Case([[0.0]], [[-100.0]], (4.685**2 / 6.0,), "4.685^2/6 from a difference of 4.685 on"),
    ),
)
def tukey_biweight(y_true: Any, y_pred: Any, *, c: float = 4.685) -> Any:
    """Half the squared difference at first, and constant from ``c`` on, so that outliers do not count at all.

    The default fits differences of standard deviation 1: divide the targets by a robust scale of theirs, or choose
    ``c`` about five times an ordinary error.  Beyond ``c`` the slope is exactly 0: a prediction that starts that far
    from its target never moves.

    >>> import lossary
    >>> print(lossary.tukey_biweight([[0.0, 0.0]], [[1.0, -100.0]]).round(4))
    [2.0679]
    """
    u = square(minimum(abs(y_pred - y_true) / c, 1.0))
    # 1 - (1 - u)^3 = u (1 + (1 - u) (2 - u)), which subtracts nothing.
    return mean((c * c / 6.0) * (u * (1.0 + (1.0 - u) * (2.0 - u))))


def _general_parts(y_true: Any, y_pred: Any, alpha: Any, c: Any) -> tuple[Any, ...]:
    """The difference in units of ``c``, alpha, b, ``b log(v)``, ``s v`` and s, where ``v**2 = 1 + u / b``.

    Minus infinity and 2 are taken as numbers next to them, which no digit of a double can tell from them.  The number
    ``s = min(sqrt(b), 1)`` keeps what is large from overflowing.
    """
    alpha = maximum(alpha, -1e30)
    b = maximum(2.0 - alpha, 2.0**-64)
    root, x = sqrt(b), (y_pred - y_true) / c
    q = minimum(abs(x) / root, 1e38)
    least, far = q < 1.0 / _WIDE, q > _WIDE
    logarithm = where(far, log(where(far, q, 1.0)), 0.5 * log1p(square(where(far, 0.0, q))))
    exponent = where(least, 0.5 * square(where(least, x, 0.0)), b * logarithm)
    s = minimum(root, 1.0)
    part = abs(x) / maximum(root, 1.0)
    larger, smaller = maximum(part, s), minimum(part, s)
    return x, alpha, b, exponent, larger * hypot1(smaller / larger), s


def _general_slope(y_true: Any, y_pred: Any, *, alpha: Any = 1.0, c: Any = 1.0) -> Any:
    x, _, b, exponent, v, s = _general_parts(y_true, y_pred, alpha, c)
    # x v^-b: a power keeps digits that the exponential of a long product would lose, and the other way round near 1.
    # In two steps it fits wherever the slope does.
    steep = v > 2.0 * s
    v = where(steep, v, 2.0)
    far = x * power(v, -minimum(b, 1.0)) * power(v, -maximum(b - 1.0, 0.0)) * s**b
    return where(steep, far, x * exp(-exponent)) / c / count(y_pred)


@loss(
    aliases=("barron", "barron_general", "general_adaptive_robust"),
    target=Real(),
    prediction=Real(),
    parameters={
        "alpha": Interval("How far outliers count: 2 in full, minus infinity not at all", maximum=2.0),
        "c": Interval("Scale of an ordinary difference", 0.0, open_below=True),
    },
    slope=_general_slope,
    definition="mean(b / alpha * ((1 + u / b)**(alpha / 2) - 1)), u = ((y_pred - y_true) / c)**2, b = 2 - alpha",
    source="J. T. Barron, A general and adaptive robust loss function (2019), eq. 8",
    peers={"robust_loss_pytorch.general.lossfun": "Loss(alpha=alpha, c=1.0)   # scale"},
    cases=(
        Case([[0.0]], [[math.sqrt(3.0)]], (1.0,), "sqrt(1 + 3) - 1"),
        Case([[0.0]], [[-3.0]], (4.5,), "the limit 3^2/2", {"alpha": 2.0}),
        Case([[0.0]], [[4.0]], (math.log(3.0),), "the limit log(1 + (4/2)^2/2)", {"alpha": 0.0, "c": 2.0}),
        Case([[0.0]], [[2.0]], (1.0,), "4/-2 ((1 + 4/4)^-1 - 1)", {"alpha": -2.0}),
        Case([[0.0]], [[2.0]], (1.0 - math.exp(-2.0),), "the limit 1 - exp(-2^2/2)", {"alpha": -math.inf}),
    ),
)
def general_robust(y_true: Any, y_pred: Any, *, alpha: float = 1.0, c: float = 1.0) -> Any:
    """A family of losses from squared to bounded by one parameter, to try how far outliers should count.

    ``alpha=2`` is half the squared difference in units of ``c``, 1 is `pseudo_huber` over ``c**2``, 0 is `cauchy`, -2
    is `geman_mcclure` and minus infinity is `welsch`; what lies between is reached without a step.  The lower ``alpha``
    the less an outlier counts, and the harder it is to leave a bad start: one may lower it while training.

    >>> import lossary
    >>> print([float(lossary.general_robust([0.0], [3.0], alpha=alpha).round(4)) for alpha in (2, 1, 0, -2)])
    [4.5, 2.1623, 1.7047, 1.3846]
    """
    _, alpha, b, exponent, v, s = _general_parts(y_true, y_pred, alpha, c)
    power_of_e = (alpha / b) * exponent
    steep, flat = power_of_e > 1.5, abs(power_of_e) < 1e-30
    # b v^alpha, for an alpha next to 2 as b v^2 v^-b: a float tells a small b from 0, but not 2 - b from 2.
    high = greater(alpha, 1.0)
    factor = where(high, v, sqrt(b))
    far = factor * power(where(steep, v, 2.0), where(high, -b, alpha)) * factor * s**b
    safe = where(steep | flat, 1.0, power_of_e)
    near = exponent * where(flat, 1.0, expm1(safe) / safe)
    return mean(where(steep, (far - b) / maximum(alpha, 1e-3), near))
