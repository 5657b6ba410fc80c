"""Losses that predict a whole distribution for each target: negative log-likelihoods and proper scores."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Flag, Interval, NonNegative, Parts, Real
from ..facts.record import Case, PerRow
from ..objects.define import loss
from ..words import abs, count, guard, log, mean, other, sign, sqrt, sum


def _gaussian_slopes(y_true: Any, y_pred: Any, full: bool = False, *, epsilon: Any = 1e-6) -> Any:
    expected, deviation = y_pred[0], sqrt(guard(y_pred[1], epsilon))
    z, size = (expected - y_true) / deviation, count(y_pred[0])
    # 1 - z^2 as a product: its digits are those of 1 - z, which is exact where z is near 1, and it cannot overflow.
    return z / deviation / size, 0.5 * ((1.0 - z) / deviation) * ((1.0 + z) / deviation) / size


def _crps_slope(y_true: Any, y_pred: Any, fair: bool = False) -> Any:
    # The signs of all pairs are counted before they are divided: whole numbers lose nothing.
    above = sum(sign(y_pred - other(y_pred)), over="other")
    return sign(y_pred - y_true) / count(y_pred) - above / _pairs(y_pred, fair)


def _pairs(y_pred: Any, fair: bool) -> Any:
    size = count(y_pred)
    return size * (size - 1.0) if fair else size * size


@loss(
    aliases=("gaussian_nll_loss", "GaussianNLLLoss", "heteroscedastic_loss", "GaussianLikelihood"),
    class_name="GaussianNLL",
    target=Real(),
    prediction=Parts(mean=Real(), variance=NonNegative()),
    parameters={
        "full": Flag("Whether to add the constant log(2 pi)/2"),
        "epsilon": Interval("Least variance; smaller ones count as this", 0.0),
    },
    slope=_gaussian_slopes,
    definition="mean(log(variance) + (y_true - mean)**2 / variance) / 2, y_pred = (mean, variance)",
    source="D. A. Nix, A. S. Weigend, Estimating the mean and variance of the target probability distribution "
    "(1994), eq. 2",
    peers={
        "torch.nn.GaussianNLLLoss": "",
        "torch.nn.functional.gaussian_nll_loss": "",
    },
    cases=(
        Case([[3.0]], [[[1.0, 4.0]]], ((math.log(4.0) + 1.0) / 2.0,), "(log 4 + (3 - 1)^2/4)/2"),
        Case([[0.0, 2.0]], [[[0.0, 1.0], [0.0, 1.0]]], (1.0,), "(0 + 0 + 0 + 4)/2/2"),
        Case([[1.0]], [[[1.0, 1.0]]], (math.log(2.0 * math.pi) / 2.0,), "only log(2 pi)/2 is left", {"full": True}),
    ),
)
def gaussian_nll(y_true: Any, y_pred: Any, full: bool = False, *, epsilon: float = 1e-6) -> Any:
    """Negative log-likelihood of a normal distribution whose mean and variance are predicted.

    For regression that is to know how sure it is: the network has two outputs per target, a mean and a variance in
    the squared unit of the target.  ``y_pred`` holds them along its last axis, or is a tuple of two arrays in the shape
    of ``y_true``; so is the gradient.  The mean comes from a linear layer and the variance from one with softplus; in
    Keras the two are put side by side, ``Concatenate()([Dense(1)(x), Dense(1, activation="softplus")(x)])``.  A
    variance below ``epsilon`` counts as ``epsilon``, with the slope it has there.  The value is in nats and may be
    below 0.

    >>> import lossary
    >>> print(lossary.gaussian_nll([[3.0]], [[[1.0, 4.0]]]).round(4))
    [1.1931]
    >>> print(lossary.gaussian_nll([3.0, 1.0], ([1.0, 1.0], [4.0, 1.0])).round(4))  # one point of two outputs
    0.5966
    """
    expected, variance = y_pred[0], guard(y_pred[1], epsilon)
    constant = math.log(2.0 * math.pi) if full else 0.0
    z = (y_true - expected) / sqrt(variance)
    return mean(0.5 * (log(variance) + constant) + 0.5 * z * z)


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
