"""Losses for numbers with outliers: quadratic or smooth near the target, and of a bounded slope far from it."""

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
    expm1,
    expm1mx,
    hypot1,
    log1p,
    log1pmx,
    logcosh,
    maximum,
    mean,
    minimum,
    sign,
    square,
    tanh,
    where,
)
from ._units import FAR, in_bounded_units


def _huber_slope(y_true: Any, y_pred: Any, delta: Any = 1.0) -> Any:
    return maximum(minimum(y_pred - y_true, delta), -delta) / count(y_pred)


@loss(
    aliases=("huber_loss",),
    target=Real(),
    prediction=Real(),
    parameters={"delta": Interval("Difference up to which the loss is quadratic", 0.0, open_below=True)},
    slope=_huber_slope,
    definition="mean(d**2 / 2 if d <= delta else delta * (d - delta / 2)), d = abs(y_pred - y_true)",
    source="P. J. Huber, Robust estimation of a location parameter (1964), eq. 1.2",
    peers={
        "keras.losses.Huber": "",
        "torch.nn.HuberLoss": "",
        "torch.nn.functional.huber_loss": "",
        "optax.huber_loss": "",
        "sklearn.HuberLoss": "Loss(delta=quantile)   # of the absolute errors",
        "sklearn.SGDRegressor.huber": "Loss(delta=0.1)   # epsilon",
        "lightgbm.huber": "Loss(delta=0.9)",
        "catboost.Huber": "Loss(delta=slope)",
    },
    cases=(
        Case([[0.0, 0.0]], [[0.5, -3.0]], (1.3125,), "(1/8 + 1 (3 - 1/2))/2"),
        Case([[0.0, 0.0]], [[0.5, -3.0]], (2.0625,), "(1/8 + 2 (3 - 1))/2", {"delta": 2.0}),
    ),
)
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Quadratic up to a difference of ``delta`` and linear beyond, for numbers with outliers.

    Choose ``delta`` about as large as an ordinary error.  Divided by ``delta`` it is `smooth_l1`.

    >>> import lossary
    >>> print(lossary.huber([[0.0, 0.0]], [[0.5, -3.0]], delta=2.0))
    [2.0625]
    """
    d = abs(y_pred - y_true)
    near = minimum(d, delta)
    return mean(near * (d - 0.5 * near))


def _log_cosh_slope(y_true: Any, y_pred: Any) -> Any:
    return tanh(y_pred - y_true) / count(y_pred)


@loss(
    aliases=("logcosh",),
    target=Real(),
    prediction=Real(),
    slope=_log_cosh_slope,
    definition="mean(log(cosh(y_pred - y_true)))",
    source="P. J. Green, Bayesian reconstructions from emission tomography data (1990), eq. 6",
    peers={
        "keras.losses.LogCosh": "",
        "optax.log_cosh": "",
        "catboost.LogCosh": "",
    },
    cases=(
        Case(
            [[0.0, 0.0]],
            [[math.log(2.0), 0.0]],
            (0.5 * math.log(1.25),),
            "cosh(log 2) = (2 + 1/2)/2 = 5/4, cosh(0) = 1",
        ),
    ),
)
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Logarithm of the hyperbolic cosine of the difference, for numbers with a few outliers.

    Half the squared difference where it is small, the absolute difference less log 2 where it is large, and smooth
    everywhere, with slope ``tanh(y_pred - y_true)``: a `huber` loss without a parameter and without an edge.

    >>> import lossary
    >>> print(lossary.log_cosh([[0.0, 0.0]], [[1.0, -20.0]]).round(4))
    [9.8703]
    """
    return mean(logcosh(y_pred - y_true))


def _smooth_l1_slope(y_true: Any, y_pred: Any, *, beta: Any = 1.0) -> Any:
    return maximum(minimum((y_pred - y_true) / beta, 1.0), -1.0) / count(y_pred)


@loss(
    class_name="SmoothL1",
    aliases=("smooth_l1_loss", "l1_smooth"),
    target=Real(),
    prediction=Real(),
    parameters={"beta": Interval("Difference up to which the loss is quadratic", 0.0, open_below=True)},
    slope=_smooth_l1_slope,
    definition="mean(d**2 / (2 * beta) if d < beta else d - beta / 2), d = abs(y_pred - y_true)",
    source="R. Girshick, Fast R-CNN (2015), eq. 3",
    peers={
        "torch.nn.SmoothL1Loss": "",
        "torch.nn.functional.smooth_l1_loss": "",
        "mmdet.SmoothL1Loss": "",
        "keras_cv.SmoothL1Loss": "Loss(beta=1.0)   # l1_cutoff",
    },
    cases=(
        Case([[0.0, 0.0]], [[0.5, -3.0]], (1.3125,), "(1/8 + (3 - 1/2))/2"),
        Case([[0.0, 0.0]], [[3.0, 0.25]], (1.40625,), "((3 - 1/4) + (1/16)/(2/2))/2", {"beta": 0.5}),
    ),
)
def smooth_l1(y_true: Any, y_pred: Any, *, beta: float = 1.0) -> Any:
    """Absolute difference whose corner is rounded off below ``beta``, for boxes and other numbers with outliers.

    The slope is 1 or -1 from a difference of ``beta`` on, whatever ``beta`` is: a smaller one brings the loss closer to
    `mean_absolute_error`.  It is `huber` with ``delta=beta``, divided by ``beta``; at 1 the two are the same.

    >>> import lossary
    >>> print(lossary.smooth_l1([[0.0, 0.0]], [[3.0, 0.25]], beta=0.5))
    [1.40625]
    """
    d = abs(y_pred - y_true)
    near = minimum(d, beta)
    return mean((d - 0.5 * near) * (near / beta))


def _pseudo_huber_slope(y_true: Any, y_pred: Any, delta: Any = 1.0) -> Any:
    u = in_bounded_units(y_true, y_pred, delta)
    return delta * (u / hypot1(u)) / count(y_pred)


@loss(
    aliases=("pseudo_huber_loss",),
    target=Real(),
    prediction=Real(),
    parameters={"delta": Interval("Difference around which quadratic becomes linear", 0.0, open_below=True)},
    slope=_pseudo_huber_slope,
    definition="mean(delta**2 * (sqrt(1 + ((y_pred - y_true) / delta)**2) - 1))",
    source="R. Hartley, A. Zisserman, Multiple View Geometry in Computer Vision (2003), A6.8",
    peers={
        "scipy.special.pseudo_huber": "",
        "scipy.optimize.least_squares.soft_l1": "2 * Loss()   # f_scale is delta, the residuals are differences",
        "xgboost.reg:pseudohubererror": "Loss(delta=slope)   # huber_slope",
        "kornia.losses.charbonnier_loss": "Loss()   # sqrt(1 + d**2) - 1",
    },
    cases=(
        Case([[0.0]], [[0.75]], (0.25,), "sqrt(1 + 9/16) - 1 = 5/4 - 1"),
        Case([[1.0, 0.0]], [[-3.0, 0.0]], (3.0,), "9 (sqrt(1 + 16/9) - 1)/2 = 9 (5/3 - 1)/2", {"delta": 3.0}),
    ),
)
def pseudo_huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """A smooth `huber` loss: quadratic for differences well below ``delta`` and linear well above it.

    Unlike `huber` it has derivatives of every order, which second-order methods and boosters like.  Far out it is
    ``delta * (d - delta)``, less than `huber` by ``delta**2 / 2``.

    >>> import lossary
    >>> print(lossary.pseudo_huber([[0.0, 0.0]], [[0.75, -20.0]]).round(4))
    [9.6375]
    """
    d = y_pred - y_true
    u = in_bounded_units(y_true, y_pred, delta)
    # sqrt(1 + u^2) - 1 = u^2 / (1 + sqrt(1 + u^2)), which subtracts nothing.
    return mean(delta * d * (u / (1.0 + hypot1(u))))


def _fair_slope(y_true: Any, y_pred: Any, *, c: Any = 1.0) -> Any:
    u = in_bounded_units(y_true, y_pred, c)
    return c * (u / (1.0 + abs(u))) / count(y_pred)


@loss(
    target=Real(),
    prediction=Real(),
    parameters={"c": Interval("Difference at which the slope is half of what it can become", 0.0, open_below=True)},
    slope=_fair_slope,
    definition="mean(c**2 * (u - log(1 + u))), u = abs(y_pred - y_true) / c",
    source="R. C. Fair, On the robust estimation of econometric models (1974)",
    peers={"lightgbm.fair": "Loss(c=1.0)   # fair_c"},
    cases=(
        Case([[0.0]], [[math.e - 1.0]], (math.e - 2.0,), "(e - 1) - log e"),
        Case([[0.0, 0.0]], [[-2.0, 0.0]], (2.0 - 2.0 * math.log(2.0),), "4 (1 - log 2)/2", {"c": 2.0}),
    ),
)
def fair_loss(y_true: Any, y_pred: Any, *, c: float = 1.0) -> Any:
    """Between squared and absolute difference, with a slope that flattens slowly, for numbers with outliers.

    Half the squared difference where it is small against ``c``, and ``c * d`` less a logarithm where it is large.  The
    slope approaches its bound more slowly than that of `pseudo_huber`, so outliers are discounted earlier.

    >>> import lossary
    >>> print(lossary.fair_loss([[0.0, 0.0]], [[1.0, -20.0]]).round(4))
    [8.6312]
    """
    d = abs(y_pred - y_true)
    u = minimum(d / c, FAR)
    least = u < 1.0 / FAR
    safe = where(least, 1.0, u)
    return mean(c * d * where(least, 0.5 * u, -log1pmx(safe) / safe))


def _hypotenuse(a: Any, b: Any) -> Any:
    """``sqrt(a**2 + b**2)`` of numbers that are not negative and not both 0, without overflow."""
    larger = maximum(a, b)
    return larger * hypot1(minimum(a, b) / larger)


def _charbonnier_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-3) -> Any:
    d = y_pred - y_true
    return d / _hypotenuse(abs(d), epsilon) / count(y_pred)


@loss(
    aliases=("l1_charbonnier",),
    target=Real(),
    prediction=Real(),
    parameters={
        "epsilon": Interval("Difference below which the corner is rounded, and the least value", 0.0, open_below=True)
    },
    slope=_charbonnier_slope,
    definition="mean(sqrt((y_pred - y_true)**2 + epsilon**2))",
    source="P. Charbonnier et al., Two deterministic half-quadratic regularization algorithms for computed imaging "
    "(1994)",
    peers={"basicsr.CharbonnierLoss": "Loss(epsilon=1e-6)   # the root of its eps"},
    cases=(
        Case([[0.0]], [[3.0]], (5.0,), "sqrt(9 + 16)", {"epsilon": 4.0}),
        Case([[1.0, 2.0]], [[1.0, -10.0]], (9.0,), "(5 + sqrt(144 + 25))/2", {"epsilon": 5.0}),
    ),
)
def charbonnier(y_true: Any, y_pred: Any, *, epsilon: float = 1e-3) -> Any:
    """Absolute difference with a smooth corner, for images to be restored or made larger.

    At a difference of 0 the value is ``epsilon``, not 0.  Less ``epsilon`` it is `pseudo_huber` with ``delta=epsilon``,
    divided by ``epsilon``.  What other libraries call ``eps`` is often the square of ours.

    >>> import lossary
    >>> print(lossary.charbonnier([[0.0]], [[3.0]], epsilon=4.0))
    [5.]
    """
    return mean(_hypotenuse(abs(y_pred - y_true), epsilon))


def _bend(x: Any) -> Any:
    """``((1 + x) log(1 + x) - x) / x**2``, 1/2 at 0."""
    least, below = x < 1.0 / FAR, x < 1.0
    small, large = where(below & ~least, x, 1.0), where(below, 1.0, x)
    near = where(least, 0.5, 1.0 + (1.0 + small) * (log1pmx(small) / square(small)))
    # With w = log(1 + x) the numerator is (1 + x) (exp(-w) - 1 + w); the square of a large x may not fit.
    return where(below, near, (1.0 + large) / large * (expm1mx(-log1p(large)) / large))


def _balanced_l1_slope(y_true: Any, y_pred: Any, *, alpha: Any = 0.5, gamma: Any = 1.5, beta: Any = 1.0) -> Any:
    # No sign of nothing is 0, so that the slope rises there as it does beside it.
    side = where(y_pred < y_true, -1.0, 1.0)
    d = side * (y_pred - y_true)
    x = (expm1(gamma / alpha) / beta) * minimum(d, beta)
    return side * where(d < beta, alpha * log1p(x), gamma) / count(y_pred)


@loss(
    class_name="BalancedL1",
    aliases=("balanced_l1_loss", "BalancedL1Loss"),
    target=Real(),
    prediction=Real(),
    parameters={
        "alpha": Interval("Weight of small differences", 0.0, open_below=True),
        "gamma": Interval("Slope of large differences", 0.0, open_below=True),
        "beta": Interval("Difference from which on the slope stays the same", 0.0, open_below=True),
    },
    slope=_balanced_l1_slope,
    definition="mean(alpha * beta / b * ((b * u + 1) * log(b * u + 1) - b * u) if u < 1 "
    "else gamma * d + gamma * beta / b - alpha * beta), "
    "b = exp(gamma / alpha) - 1, u = d / beta, d = abs(y_pred - y_true)",
    source="J. Pang et al., Libra R-CNN (2019), eq. 6 and 7",
    peers={"mmdet.BalancedL1Loss": "Loss()   # another beta has a step there"},
    cases=(
        Case(
            [[0.0]],
            [[2.0]],
            (3.0 + 1.5 / (math.e**3 - 1.0) - 0.5,),
            "1.5 * 2 + 1.5/(e^3 - 1) - 0.5: b = exp(1.5/0.5) - 1",
        ),
        Case(
            [[0.0, 0.0]],
            [[-2.0, 4.0]],
            (2.0 * math.log(2.0) + 3.0 * math.log(3.0) - 3.0,),
            "b = 3 - 1 = 2; ((4/2) (2 log 2 - 1) + 4 log 3 + 2 log 3 - 4)/2",
            {"alpha": 1.0, "gamma": math.log(3.0), "beta": 4.0},
        ),
    ),
)
def balanced_l1(y_true: Any, y_pred: Any, *, alpha: float = 0.5, gamma: float = 1.5, beta: float = 1.0) -> Any:
    """A `smooth_l1` loss in which small differences weigh more, for boxes of which most are nearly right.

    The slope is ``alpha * log(1 + b * d / beta)`` up to a difference of ``beta`` and ``gamma`` beyond, without a step
    between the two.  A smaller ``alpha`` makes it rise faster at first.

    >>> import lossary
    >>> print(lossary.balanced_l1([[0.0, 0.0]], [[0.1, 2.0]]).round(4))
    [1.305]
    """
    d = abs(y_pred - y_true)
    b = expm1(gamma / alpha)
    near = minimum(d, beta)
    x = (b / beta) * near
    return mean((alpha * b / beta) * near * (near * _bend(x)) + gamma * maximum(0.0, d - beta))


def _wing_slope(y_true: Any, y_pred: Any, *, width: Any = 10.0, curvature: Any = 2.0) -> Any:
    d = abs(y_pred - y_true)
    return sign(y_pred - y_true) * where(d < width, width / (curvature + d), 1.0) / count(y_pred)


@loss(
    target=Real(),
    prediction=Real(),
    parameters={
        "width": Interval("Difference up to which the loss is a logarithm", 0.0, open_below=True),
        "curvature": Interval("The smaller, the steeper the loss is around 0", 0.0, open_below=True),
    },
    slope=_wing_slope,
    definition="mean(width * log(1 + d / curvature) if d < width else d - C), "
    "C = width - width * log(1 + width / curvature), d = abs(y_pred - y_true)",
    source="Z.-H. Feng et al., Wing loss for robust facial landmark localisation with convolutional neural networks "
    "(2018), eq. 5",
    peers={"pytorch_toolbelt.losses.WingLoss": "Loss(width=5.0, curvature=0.5)"},
    cases=(
        Case(
            [[0.0, 0.0]],
            [[2.0, 20.0]],
            (5.0 * math.log(2.0) + 5.0 + 5.0 * math.log(6.0),),
            "(10 log 2 + 20 - 10 + 10 log 6)/2",
        ),
        Case([[1.0]], [[0.0]], (3.0 * math.log(2.0),), "3 log(1 + 1/1)", {"width": 3.0, "curvature": 1.0}),
    ),
)
def wing_loss(y_true: Any, y_pred: Any, *, width: float = 10.0, curvature: float = 2.0) -> Any:
    """Steepest at small differences, for landmarks in pixels that are to lie exactly.

    The slope falls from ``width / curvature`` at 0 to ``width / (width + curvature)`` and is 1 from ``width`` on; at a
    difference of 0 it is 0.  Both parameters are in the unit of the targets: the defaults are for pixels, and far too
    wide for coordinates in [0, 1].

    >>> import lossary
    >>> print(lossary.wing_loss([[0.0, 0.0]], [[2.0, 20.0]]).round(4))
    [17.4245]
    """
    d = abs(y_pred - y_true)
    return mean(width * log1p(minimum(d, width) / curvature) + maximum(0.0, d - width))
