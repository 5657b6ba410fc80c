"""Losses that predict a whole distribution for targets that are any numbers: negative log-likelihoods."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import NonNegative, Parts, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    binet,
    binet_slope,
    count,
    exp,
    expm1mx,
    first_max,
    guard,
    hypot1,
    lead,
    less,
    log,
    log1p,
    log1pmx,
    logical_and,
    maximum,
    mean,
    sign,
    sqrt,
    square,
    sum,
    weighted,
    where,
)
from ._spread import in_units, likelihood

_HALF_LOG_2PI = math.log(2.0 * math.pi) / 2.0
# Fewer degrees of freedom are as none beside what grows with their inverse.
_LEAST_DF = 1e-36


def _gaussian_slopes(y_true: Any, y_pred: Any, full: bool = False, *, epsilon: Any = 1e-6) -> Any:
    expected, deviation = y_pred[0], sqrt(guard(y_pred[1], epsilon))
    z, size = in_units(expected - y_true, deviation), count(y_pred[0])
    # 1 - z^2 as a product: its digits are those of 1 - z, which is exact where z is near 1, and it cannot overflow.
    return in_units(z, deviation) / size, 0.5 * ((1.0 - z) / deviation) * ((1.0 + z) / deviation) / size


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
        "scoringrules.logs_normal": "Loss(full=True)   # variance = sigma**2",
        "scoringrules.dssuv_ensemble": "2 * Loss()   # of the mean and the unbiased variance of the members",
        "ngboost.NormalLogScore": "Loss(full=True, epsilon=0.0)   # variance = sigma**2, whose log it fits",
        "catboost.RMSEWithUncertainty": "Loss(full=True, epsilon=0.0)   # variance = exp(2 * log_sigma)",
        "pytorch_forecasting.NormalDistributionLoss": "Loss(full=True, epsilon=0.0)   # variance = scale**2",
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
    z = in_units(y_true - expected, sqrt(variance))
    return mean(likelihood(0.5 * (log(variance) + constant), 0.5 * z * z))


def _laplace_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    scale, size = guard(y_pred[1], epsilon), count(y_pred[0])
    error = y_pred[0] - y_true
    narrow = where(error == 0.0, 1.0, (scale - abs(error)) / scale)
    return in_units(sign(error), scale) / size, narrow / scale / size


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
    return mean(likelihood(log(2.0 * scale), in_units(abs(y_true - y_pred[0]), scale)))


def _student_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """The degrees of freedom, the scale, the error, and it in scales and in those times the root of the degrees."""
    df, scale, error = guard(y_pred[0], epsilon), guard(y_pred[2], epsilon), y_pred[1] - y_true
    z = in_units(error, scale)
    return df, scale, error, z, in_units(z, sqrt(df))


def _log_length(df: Any, scale: Any, error: Any, w: Any) -> Any:
    """``log(1 + w**2) / 2`` of a ``w`` that is not small."""
    fits = abs(w) < math.inf
    far = log(abs(where(fits, 1.0, error))) - log(scale) - 0.5 * log(df)
    return where(fits, log(hypot1(where(fits, w, 0.0))), far)


def _student_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    df, scale, error, z, w = _student_parts(y_true, y_pred, epsilon)
    size, near, root = count(y_pred[1]), less(abs(w), 1.0), sqrt(df)
    close, steady = where(near, w, 0.0), maximum(df, _LEAST_DF)
    length = hypot1(close)
    # Where errors are large, from the scale in units of them, and from that in units of w.
    far = where(near, 1.0, error)
    unit = where(near, 0.0, scale / far)
    lost = square(unit * root)
    near_by = in_units((df + 1.0) * in_units(close / length / length, root), scale)
    location = where(near, near_by, (df + 1.0) / far / (1.0 + lost))
    # 1 - z^2 over 1 + w^2 as a product, as exact as 1 - z is.
    narrow = ((1.0 - z) / length) * ((1.0 + z) / length)
    spread = where(near, narrow, df * (unit - 1.0) * (unit + 1.0) / (1.0 + lost)) / scale
    q, share = square(close), where(near, square(close / length), 1.0 / (1.0 + lost))
    tail = where(near, log1pmx(q) + q * share, 2.0 * _log_length(steady, scale, error, w) - share)
    constant = (
        -log1pmx(1.0 / steady) - 1.0 / steady / (df + 1.0) + (binet_slope(0.5 * df) - binet_slope(0.5 * df + 0.5))
    )
    return 0.5 * (constant + (tail - in_units(share, df))) / size, location / size, spread / size


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
    df, scale, error, _, w = _student_parts(y_true, y_pred, epsilon)
    near, far = less(abs(w), 1.0), _log_length(df, scale, error, w)
    tail = log(scale) + (df + 1.0) * where(near, 0.5 * log1p(square(where(near, w, 0.0))), far)
    # The scale cancels where it is next to nothing beside the error.
    beyond = weighted(df, far) + log(abs(error)) - 0.5 * log(df)
    steady = maximum(df, _LEAST_DF)
    # The two gamma functions by J. Stirling's formula, in which all that is large cancels on paper.
    constant = -0.5 * steady * log1pmx(1.0 / steady) + (binet(0.5 * df) - binet(0.5 * df + 0.5)) + _HALF_LOG_2PI
    return mean(constant + where(abs(w) < math.inf, tail, beyond))


def _shares(scores: Any) -> tuple[Any, Any, Any]:
    """Softmax of a row, which element leads, and the sum of all others over the leading one."""
    first, top = first_max(scores), lead(scores)
    odds = exp(where(scores == top, 0.0, scores - top))
    rest = sum(where(first, 0.0, odds))
    return odds / (1.0 + rest), first, rest


def _mixture_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, Any, Any, Any]:
    """Weights, scales, errors in scales, and logarithms of the terms of the density but for what all have in common."""
    weight, scale = y_pred[0], guard(y_pred[2], epsilon)
    z = in_units(y_pred[1] - y_true, scale)
    return weight, scale, z, (weight - lead(weight)) - likelihood(log(scale), 0.5 * square(z))


def _mixture_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    weight, scale, z, terms = _mixture_parts(y_true, y_pred, epsilon)
    prior, first, others = _shares(weight)
    posterior, likeliest, rest = _shares(terms)
    # Two shares close to 1 differ by what they leave of it.
    both = rest / (1.0 + rest) - others / (1.0 + others)
    change = where(logical_and(first, likeliest), both, prior - posterior)
    # A component that has no part in the target is not moved, however far it is.
    narrow = weighted(posterior, (1.0 - z) / scale)
    return change, weighted(posterior, in_units(z, scale)), where(narrow == 0.0, 0.0, narrow * (1.0 + z))


@loss(
    aliases=("mdn_loss", "MDNLoss"),
    class_name="MixtureDensityNLL",
    target=PerRow(Real()),
    prediction=Parts(weight=Real(), mean=Real(), scale=NonNegative()),
    parameters={"epsilon": Interval("Least scale; smaller ones count as this", 0.0)},
    slope=_mixture_slopes,
    definition="-log(sum(softmax(weight) * exp(-((y_true - mean) / scale)**2 / 2) / (sqrt(2 * pi) * scale))), "
    "y_pred = (weight, mean, scale)",
    source="C. M. Bishop, Mixture density networks (1994), eq. 29",
    peers={
        "torch.distributions.MixtureSameFamily": "Loss(epsilon=0.0)   # is -log_prob(y) of Categorical(logits=weight) "
        "and Normal(mean, scale)",
        "scoringrules.logs_mixnorm": "Loss()   # weight = log(w)",
        "neuralforecast.GMM": "Loss()   # of one step ahead",
    },
    cases=(
        Case([0.0], [[[0.0, 0.0, 1.0], [0.0, 10.0, 1.0]]], (math.log(2.0) + _HALF_LOG_2PI,),
             "1/2 of the first, the other adds exp(-50)"),
        Case([3.0], [[[7.0, 1.0, 2.0]]], (math.log(2.0) + 0.5 + _HALF_LOG_2PI,), "one component: log 2 + (2/2)^2/2"),
        Case([0.0], [[[0.0, 0.0, 1.0], [math.log(2.0), 0.0, 0.5]]], (_HALF_LOG_2PI - math.log(5.0 / 3.0),),
             "1/3 and 2/3 of 2: 5/3 of the peak"),
    ),
)  # fmt: skip
def mixture_density_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-6) -> Any:
    """Negative log-likelihood of a mixture of normal distributions: several answers may be right.

    For targets that one input leaves undecided between several values, such as inverse problems or steps of agents.
    ``y_true`` has one number per row, (N,) or (N, 1), and ``y_pred`` is (N, K, 3) for K components, or a tuple of three
    arrays (N, K): weights are raw scores, of which a softmax is taken here, means come from a linear layer, and scales,
    the standard deviations, from one with softplus.  A scale below ``epsilon`` counts as ``epsilon``, with the slope it
    has there: a component that shrinks onto one target is stopped at it.

    >>> import lossary
    >>> print(lossary.mixture_density_nll([0.0], [[[0.0, 0.0, 1.0], [0.0, 10.0, 1.0]]]).round(4))
    [1.6121]
    """
    weight, _, _, terms = _mixture_parts(y_true, y_pred, epsilon)
    _, _, others = _shares(weight)
    _, _, rest = _shares(terms)
    return (log1p(others) - log1p(rest)) - lead(terms) + _HALF_LOG_2PI


@loss(
    aliases=("kl_loss", "gaussian_kl", "latent_kl", "vae_gaussian_kl"),
    class_name="VAEKL",
    target=None,
    predictions={"mean": Real(), "log_variance": Real()},
    definition="sum(mean**2 + exp(log_variance) - 1 - log_variance) / 2",
    source="D. P. Kingma, M. Welling, Auto-encoding variational Bayes (2014), appendix B",
    peers={
        "speechbrain.VariationalAutoencoderLoss": "Loss()   # without its reconstruction",
    },
    cases=(
        Case([[1.0]], [[math.log(2.0)]], (1.0 - math.log(2.0) / 2.0,), "(1 + 2 - 1 - log 2)/2"),
        Case([[0.0, 2.0]], [[0.0, 0.0]], (2.0,), "(0 + 4 + 1 - 1)/2"),
    ),
)
def vae_kl(mean: Any, log_variance: Any) -> Any:
    """Kullback-Leibler divergence of a predicted normal distribution from the standard one, summed over the row.

    For the latent variables of variational autoencoders, beside a loss of the reconstruction: two arrays (N, D) from
    linear layers, the mean and the logarithm of the variance.  There are no targets; both have a gradient.  It is in
    nats per data point, so the reconstruction beside it has to be a sum over the outputs too, not a mean.

    A model of Keras returns the two in one array (N, 2, D), ``keras.ops.stack([mean, log_variance], axis=-2)``; its
    targets are not looked at.

    >>> import lossary
    >>> print(lossary.vae_kl([[1.0, 0.0]], [[0.0, 0.0]]))
    [0.5]
    """
    return 0.5 * sum(square(mean) + expm1mx(log_variance))
