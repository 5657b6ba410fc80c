"""Distributions of which an interval is known: its log-probability, log-densities, and their slopes in a shift.

The distance of the ends comes with them: of ends that are close it has digits that their difference has not.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

from ..words import (
    exp,
    expm1,
    inverse_mills,
    less,
    log,
    log1mexp,
    log_ndtr,
    logical_not,
    sigmoid,
    sinh,
    softplus,
    square,
    tanh,
    where,
)

_HALF_LOG_2PI = math.log(2.0 * math.pi) / 2.0
# C. F. Gauss's quadrature with 8 points on [-1, 1]: those above 0, and halves of their weights, which sum to 1/2.
_POINTS = (
    (0.1834346424956498, 0.1813418916891810),
    (0.5255324099163290, 0.1568533229389436),
    (0.7966664774136267, 0.1111905172266872),
    (0.9602898564975363, 0.0506142681451881),
)
# log(1 - exp(-exp(x))) is x up to here, in double precision too.
_RARE = -40.0


class Distribution(Protocol):
    """Of the logarithm of a time, around 0 and of scale 1."""

    @staticmethod
    def density(z: Any) -> Any:
        """The logarithm of the density."""

    @staticmethod
    def density_slope(z: Any) -> Any:
        """Its slope."""

    @staticmethod
    def between(u: Any, v: Any, width: Any) -> Any:
        """The logarithm of the probability of an interval, whose ends may be infinite."""

    @staticmethod
    def between_slope(u: Any, v: Any, width: Any) -> Any:
        """Its slope where both ends are moved."""


class Normal:
    """The normal distribution."""

    @staticmethod
    def density(z: Any) -> Any:
        return -0.5 * z * z - _HALF_LOG_2PI

    @staticmethod
    def density_slope(z: Any) -> Any:
        return -z

    @staticmethod
    def between(u: Any, v: Any, width: Any) -> Any:
        at = _Turned.of(u, v, width)
        near = log(at.width) - 0.5 * square(at.middle) - _HALF_LOG_2PI + log(_mean_density(at.middle, at.width))
        far = log_ndtr(at.high) + where(at.open, 0.0, log1mexp(at.lower_share))
        return where(at.whole, 0.0, where(at.short, near, far))

    @staticmethod
    def between_slope(u: Any, v: Any, width: Any) -> Any:
        at = _Turned.of(u, v, width)
        # Twice a hyperbolic sine, of a number so small at times that it is divided first.
        fall = sinh(0.5 * at.width * at.middle) * exp(-0.125 * square(at.width)) / _mean_density(at.middle, at.width)
        far = inverse_mills(at.high) * where(at.open, 1.0, expm1(at.fall) / expm1(at.lower_share))
        slope = where(at.short, -2.0 * fall / at.width, far)
        return where(at.whole, 0.0, where(at.over, -slope, slope))


class _Turned(NamedTuple):
    """An interval of the normal distribution, or its mirror image where more of it lies above 0 than below."""

    over: Any
    open: Any  # Whether it has no lower end.
    whole: Any  # Whether it has no upper one either.
    short: Any  # Whether its probability is that of a density which hardly changes.
    high: Any
    middle: Any  # That of a short one, as the width.
    width: Any
    fall: Any  # The logarithms of the density at the lower end over that at the upper one,
    lower_share: Any  # and of what lies below the lower end over what lies below the upper one.

    @classmethod
    def of(cls, u: Any, v: Any, width: Any) -> _Turned:
        over = u + v > 0.0
        low, high = where(over, -v, u), where(over, -u, v)
        opened = low == -math.inf
        whole = opened & (high == math.inf)
        middle = 0.5 * where(opened, -1.0, low + high)
        short = logical_not(opened) & less(width, 2.0) & less(-(width * middle), 2.0)
        # What is of another kind is replaced before functions that could be infinite for it.
        other = short | opened
        high = where(short | whole, -1.0, high)
        fall = where(other, -1.0, width) * where(other, 1.0, middle)
        # No difference of two logarithms: far out the ends are the same number.
        share = fall + log(inverse_mills(where(other, -1.0, high)) / inverse_mills(where(other, -2.0, low)))
        middle, width = where(short, middle, -1.0), where(short, width, 1.0)
        return cls(over, opened, whole, short, high, middle, width, fall, share)


def _mean_density(middle: Any, width: Any) -> Any:
    """The mean density of a short interval over that at its middle."""
    total: Any = 0.0
    for point, weight in _POINTS:
        half = (0.5 * point) * width
        total = total + weight * exp(-0.5 * square(half)) * (exp(middle * half) + exp(-(middle * half)))
    return total


class Logistic:
    """The logistic distribution."""

    @staticmethod
    def density(z: Any) -> Any:
        return -(softplus(z) + softplus(-z))

    @staticmethod
    def density_slope(z: Any) -> Any:
        return -tanh(0.5 * z)

    @staticmethod
    def between(u: Any, v: Any, width: Any) -> Any:
        return log1mexp(-width) - (softplus(u) + softplus(-v))

    @staticmethod
    def between_slope(u: Any, v: Any, width: Any) -> Any:
        return sigmoid(-v) - sigmoid(u)


class Extreme:
    """The distribution of smallest values of E. J. Gumbel: what the logarithm of a Weibull distribution follows."""

    @staticmethod
    def density(z: Any) -> Any:
        return z - exp(z)

    @staticmethod
    def density_slope(z: Any) -> Any:
        return -expm1(z)

    @staticmethod
    def between(u: Any, v: Any, width: Any) -> Any:
        hazard = v + log1mexp(-width)
        rare = less(hazard, _RARE)
        often = log1mexp(-exp(where(rare, 0.0, hazard)))
        return where(rare, where(rare, hazard, _RARE), often) - exp(u)

    @staticmethod
    def between_slope(u: Any, v: Any, width: Any) -> Any:
        hazard = exp(v + log1mexp(-width))
        # A hazard of 80 leaves less than a number can show beside the end at which it starts.
        known = where((hazard == 0.0) | (hazard > 80.0), 1.0, hazard)
        return where(hazard > 80.0, 0.0, where(hazard == 0.0, 1.0, known / expm1(known))) - exp(u)


DISTRIBUTIONS: dict[str, type[Distribution]] = {"normal": Normal, "logistic": Logistic, "extreme": Extreme}
