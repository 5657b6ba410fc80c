"""Losses that predict a whole distribution for each target: negative log-likelihoods and proper scores."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Flag, Interval, NonNegative, Parts, Real
from ..facts.record import Case, PerRow
from ..objects.define import loss
from ..words import (
    abs,
    binet,
    binet_slope,
    count,
    guard,
    hypot1,
    less,
    log,
    log1p,
    log1pmx,
    mean,
    other,
    sign,
    sqrt,
    square,
    sum,
    where,
)

_HALF_LOG_2PI = math.log(2.0 * math.pi) / 2.0


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


def _laplace_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    scale, size = guard(y_pred[1], epsilon), count(y_pred[0])
    error = y_pred[0] - y_true
    return sign(error) / scale / size, (scale - abs(error)) / scale / scale / size


@loss(
    class_name="LaplaceNLL",
    target=Real(),
    prediction=Parts(location=Real(), scale=NonNegative()),
    parameters={"epsilon": Interval("Least scale; smaller ones count as this", 0.0)},
    slope=_laplace_slopes,
    definition="mean(log(2 * scale) + abs(y_true - location) / scale), y_pred = (location, scale)",
    source="P. S. Laplace (1774); A. Kendall, Y. Gal, What uncertainties do we need in Bayesian deep learning for "
    "computer vision? (2017)",
    peers={
        "scipy.stats.laplace.logpdf": "Loss(epsilon=0.0)   # is -logpdf(y, location, scale)",
        "scoringrules.logs_laplace": "",
        "darts.LaplaceLikelihood": "",
        "ngboost.LaplaceLogScore": "Loss(epsilon=0.0)   # y_pred holds (location, log(scale))",
    },
    cases=(
        Case([[3.0]], [[[1.0, 0.5]]], (4.0,), "log 1 + 2/(1/2)"),
        Case([[0.0, 2.0]], [[[0.0, 1.0], [0.0, 2.0]]], ((math.log(2.0) + math.log(4.0) + 1.0) / 2.0,),
             "(log 2 + 0 + log 4 + 2/2)/2"),
    ),
)  # fmt: skip
def laplace_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-6) -> Any:
    """Negative log-likelihood of a Laplace distribution whose location and scale are predicted.

    For regression that is to know how sure it is while single targets are far off: it grows with the error, not with
    its square, and its best location is the median.  The scale is the mean absolute error that is expected, in the unit
    of the target; the standard deviation is sqrt(2) times as large.  ``y_pred`` holds both along its last axis, or is a
    tuple of two arrays; the location comes from a linear layer and the scale from one with softplus.  A scale below
    ``epsilon`` counts as ``epsilon``, with the slope it has there.  The value is in nats and may be below 0.

    >>> import lossary
    >>> print(lossary.laplace_nll([[3.0]], [[[1.0, 0.5]]]))
    [4.]
    """
    scale = guard(y_pred[1], epsilon)
    return mean(log(2.0 * scale) + abs(y_true - y_pred[0]) / scale)


def _student_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """The degrees of freedom, the scale, the error in scales, and that over the root of the degrees."""
    df, scale = guard(y_pred[0], epsilon), guard(y_pred[2], epsilon)
    z = (y_pred[1] - y_true) / scale
    return df, scale, z, z / sqrt(df)


def _student_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    df, scale, z, w = _student_parts(y_true, y_pred, epsilon)
    size, length, inverse = count(y_pred[1]), hypot1(w), 1.0 / df
    share = w / length
    location = (df + 1.0) / sqrt(df) * share / length / scale
    # 1 - z^2 over 1 + w^2 as a product, as exact as 1 - z is.
    spread = ((1.0 - z) / length) * ((1.0 + z) / length) / scale
    near = less(abs(w), 1.0)
    q = square(where(near, w, 0.0))
    tail = where(near, log1pmx(q) + q * square(share), 2.0 * log(length) - square(share))
    constant = -log1pmx(inverse) - inverse / (df + 1.0) + (binet_slope(0.5 * df) - binet_slope(0.5 * df + 0.5))
    return 0.5 * (constant + (tail - square(share) * inverse)) / size, location / size, spread / size


@loss(
    class_name="StudentTNLL",
    target=Real(),
    prediction=Parts(df=NonNegative(), location=Real(), scale=NonNegative()),
    parameters={"epsilon": Interval("Least df and scale; smaller ones count as this", 0.0)},
    slope=_student_slopes,
    definition="mean(lgamma(df / 2) - lgamma((df + 1) / 2) + log(pi * df) / 2 + log(scale) "
    "+ (df + 1) / 2 * log(1 + ((y_true - location) / scale)**2 / df)), y_pred = (df, location, scale)",
    source="K. L. Lange, R. J. A. Little, J. M. G. Taylor, Robust statistical modeling using the t distribution (1989)",
    peers={
        "scipy.stats.t.logpdf": "Loss(epsilon=0.0)   # is -logpdf(y, df, location, scale)",
        "scoringrules.logs_t": "",
        "gluonts.StudentT": "Loss(epsilon=0.0)   # y_pred = stack([df, loc, scale], -1)",
        "ngboost.TLogScore": "Loss(epsilon=0.0)   # y_pred = stack([df, loc, scale], -1), whose logs it fits",
    },
    cases=(
        Case([[1.0]], [[[1.0, 0.0, 1.0]]], (math.log(2.0 * math.pi),), "Cauchy: log pi + log(1 + 1)"),
        Case([[2.0]], [[[2.0, 2.0, 3.0]]], (math.log(6.0 * math.sqrt(2.0)),), "the peak of df 2 is 1/(2 sqrt 2)"),
        Case([[3.0, 0.0]], [[[1.0, 0.0, 3.0], [1.0, 0.0, 1.0]]], ((math.log(6.0 * math.pi) + math.log(math.pi)) / 2.0,),
             "(log(3 pi (1 + 1)) + log pi)/2"),
    ),
)  # fmt: skip
def student_t_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-6) -> Any:
    """Negative log-likelihood of Student's t distribution with predicted degrees of freedom, location and scale.

    For regression with outliers, whose share is learnt too: with few degrees of freedom (``df``) the tails are heavy,
    1 is the Cauchy distribution, and from 30 on it is close to a normal distribution with the scale as its standard
    deviation.  ``y_pred`` holds ``df``, location and scale along its last axis, or is a tuple of three arrays; ``df``
    and scale come from layers with softplus, often with 2 added to ``df`` so that there is a variance.  Both count as
    ``epsilon`` below it, with the slope they have there.

    >>> import lossary
    >>> print(lossary.student_t_nll([[1.0]], [[[1.0, 0.0, 1.0]]]).round(4))
    [1.8379]
    """
    df, scale, _, w = _student_parts(y_true, y_pred, epsilon)
    near = less(abs(w), 1.0)
    far = log(hypot1(w))
    tail = (df + 1.0) * where(near, 0.5 * log1p(square(where(near, w, 0.0))), far)
    # The two gamma functions by J. Stirling's formula, in which all that is large cancels on paper.
    constant = -0.5 * df * log1pmx(1.0 / df) + (binet(0.5 * df) - binet(0.5 * df + 0.5)) + _HALF_LOG_2PI
    return mean(constant + log(scale) + tail)


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
