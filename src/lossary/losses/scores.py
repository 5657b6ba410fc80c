"""Proper scores: losses of a whole distribution that is predicted, in the unit of the target."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import NonNegative, Parts, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import abs, count, erf, expm1, guard, mean, other, sign, square, sum
from ._spread import in_units


def _crps_slope(y_true: Any, y_pred: Any, fair: bool = False) -> Any:
    # The signs of all pairs are counted before they are divided: whole numbers lose nothing.
    above = sum(sign(y_pred - other(y_pred)), over="other")
    return sign(y_pred - y_true) / count(y_pred) - above / _pairs(y_pred, fair)


def _pairs(y_pred: Any, fair: bool) -> Any:
    size = count(y_pred)
    return size * (size - 1.0) if fair else size * size


@loss(
    aliases=("crps", "energy_form_crps", "kernel_crps"),
    class_name="CRPSEnsemble",
    target=PerRow(Real()),
    prediction=Real(),
    parameters={"fair": Flag("Whether to divide by M (M - 1), as is right for a sample of a larger ensemble")},
    slope=_crps_slope,
    definition="mean_i(abs(y_pred_i - y_true)) - mean_ij(abs(y_pred_i - y_pred_j)) / 2",
    source="T. Gneiting, A. E. Raftery, Strictly proper scoring rules, prediction, and estimation (2007), eq. 21",
    cases=(
        Case([0.0], [[-1.0, 1.0]], (0.5,), "1 - (0 + 2 + 2 + 0)/4/2"),
        Case([0.0], [[-1.0, 1.0]], (0.0,), "1 - (2 + 2)/2/2", {"fair": True}),
        Case([1.0], [[4.0]], (3.0,), "one member: the absolute error"),
    ),
)
def crps_ensemble(y_true: Any, y_pred: Any, fair: bool = False) -> Any:
    """Continuous ranked probability score of an ensemble of forecasts for one number.

    For forecasts that say how uncertain they are by what they sample: ``y_true`` has one number per row, shape (N,) or
    (N, 1), and ``y_pred`` the members of the ensemble, (N, M) from a linear layer of M units.  It is in the unit of the
    target and becomes the absolute error for one member.  All pairs of members are compared, so the memory grows with
    M squared.  Members that are missing have False in ``where``.

    With ``fair=True`` a small ensemble is scored as the distribution that it was drawn from.  The spread of a single
    member is undefined then, and the value NaN.

    >>> import lossary
    >>> print(lossary.crps_ensemble([0.0], [[-1.0, 1.0]]))
    [0.5]
    """
    return mean(abs(y_pred - y_true)) - sum(abs(other(y_pred) - y_pred) / (2.0 * _pairs(y_pred, fair)))


def _crps_gaussian_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    z, size = in_units(y_true - y_pred[0], guard(y_pred[1], epsilon)), count(y_pred[0])
    return -erf(math.sqrt(0.5) * z) / size, (_PEAKS * expm1(-0.5 * square(z)) + _LEAST) / size


# Of the score of a standard normal distribution: twice its density at 0, and its value where the target is the mean.
_PEAKS, _LEAST = math.sqrt(2.0 / math.pi), (math.sqrt(2.0) - 1.0) / math.sqrt(math.pi)


@loss(
    class_name="CRPSGaussian",
    target=Real(),
    prediction=Parts(mu=Real(), sigma=NonNegative()),
    parameters={"epsilon": Interval("Least sigma; smaller ones count as this", 0.0)},
    slope=_crps_gaussian_slopes,
    definition="mean(sigma * (z * (2 * Phi(z) - 1) + 2 * phi(z) - 1 / sqrt(pi))), z = (y_true - mu) / sigma, "
    "y_pred = (mu, sigma)",
    source="T. Gneiting, A. E. Raftery, A. H. Westveld, T. Goldman, Calibrated probabilistic forecasting using "
    "ensemble model output statistics and minimum CRPS estimation (2005), eq. 5",
    peers={
        "scoringrules.crps_normal": "",
        "properscoring.crps_gaussian": "Loss(epsilon=0.0)",
        "ngboost.NormalCRPScore": "Loss(epsilon=0.0)   # y_pred holds (mu, sigma), whose log it fits",
    },
    cases=(
        Case([[0.0]], [[[0.0, 1.0]]], (_LEAST,), "2 phi(0) - 1/sqrt(pi)"),
        Case([[2.0, 1e4]], [[[2.0, 3.0], [0.0, 1.0]]], ((3.0 * _LEAST + 1e4 - 1.0 / math.sqrt(math.pi)) / 2.0,),
             "3 times as wide; far away |z| - 1/sqrt(pi)"),
    ),
)  # fmt: skip
def crps_gaussian(y_true: Any, y_pred: Any, *, epsilon: float = 1e-6) -> Any:
    """Continuous ranked probability score of a normal distribution whose mean and standard deviation are predicted.

    For regression that is to know how sure it is, where `gaussian_nll` is thrown off by single targets: far away it
    grows as the absolute error does, it is in the unit of the target, and never below 0.  Its second part is a standard
    deviation, not a variance.  ``y_pred`` holds both along its last axis, or is a tuple of two arrays, from a linear
    layer and from one with softplus.  A sigma below ``epsilon`` counts as ``epsilon``, with the slope it has there.

    >>> import lossary
    >>> print(lossary.crps_gaussian([[0.0]], [[[0.0, 1.0]]]).round(4))
    [0.2337]
    """
    sigma = guard(y_pred[1], epsilon)
    gap = y_true - y_pred[0]
    z = in_units(gap, sigma)
    return mean(gap * erf(math.sqrt(0.5) * z) + sigma * (_PEAKS * expm1(-0.5 * square(z)) + _LEAST))
