"""Losses of the score of two classes: how far it lies on the right side."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Real, Signs
from ..facts.record import Case
from ..facts.settings import Flag
from ..objects.define import loss
from ..words import (
    exp,
    maximum,
    mean,
    mean_square,
    softplus,
    square,
    where,
)


def _signs(y_true: Any) -> Any:
    """0 is the negative class of 0/1 labels."""
    return where(y_true == 0.0, -1.0, y_true)


def _square_then_linear(margin: Any) -> Any:
    """``(1 - margin)**2 / 4`` from -1 to 1, its tangent below and 0 above."""
    return where(margin < -1.0, -margin, 0.25 * square(maximum(1.0 - maximum(-1.0, margin), 0.0)))


@loss(
    target=Signs(),
    prediction=Real(),
    definition="mean(max(1 - y_true * y_pred, 0)), y_true = -1 or 1",
    source="C. Cortes, V. Vapnik, Support-vector networks (1995)",
    peers={
        "keras.losses.Hinge": "",
        "optax.hinge_loss": "",
        "sklearn.metrics.hinge_loss": "Loss()   # of one score per point",
        "xgboost.binary:hinge": "Loss()",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.25, -3.0]], (0.375,), "((1 - 1/4) + 0)/2"),
        Case([[1.0, 0.0]], [[0.25, 0.5]], (1.125,), "((1 - 1/4) + (1 + 1/2))/2, 0 read as -1"),
    ),
)
def hinge(y_true: Any, y_pred: Any) -> Any:
    """Linear cost of every margin below 1, for two classes and an output that is a score, not a probability.

    The classic loss of support vector machines; it stops caring once a point is right by a margin of 1.  Labels are
    -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.hinge([[1.0, -1.0]], [[0.25, -3.0]]))
    [0.375]
    """
    return mean(maximum(1.0 - _signs(y_true) * y_pred, 0.0))


@loss(
    target=Signs(),
    prediction=Real(),
    definition="mean(max(1 - y_true * y_pred, 0)**2), y_true = -1 or 1",
    source="Y.-J. Lee, O. L. Mangasarian, SSVM: A smooth support vector machine (2001), eq. 3",
    peers={
        "keras.losses.SquaredHinge": "",
        "sklearn.SGDClassifier.squared_hinge": "",
    },
    cases=(Case([[1.0, -1.0]], [[0.5, -3.0]], (0.125,), "((1 - 1/2)^2 + 0)/2"),),
)
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Square of the `hinge` cost: smooth at the margin, and harder on points that are far wrong.

    Labels are -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.squared_hinge([[1.0, -1.0]], [[0.5, -3.0]]))
    [0.125]
    """
    return mean_square(maximum(1.0 - _signs(y_true) * y_pred, 0.0))


@loss(
    target=Signs(),
    prediction=Real(),
    definition="mean(log(1 + exp(-y_true * y_pred))), y_true = -1 or 1",
    source="J. Friedman, T. Hastie, R. Tibshirani, Additive logistic regression (2000), sec. 3.1",
    peers={
        "torch.nn.SoftMarginLoss": "",
        "torch.nn.functional.soft_margin_loss": "",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.0, -math.log(3.0)]], (0.5 * math.log(8.0 / 3.0),), "(log 2 + log(1 + 1/3))/2"),
        Case([[0.0]], [[math.log(3.0)]], (math.log(4.0),), "0 read as -1: log(1 + 3)"),
    ),
)
def soft_margin(y_true: Any, y_pred: Any) -> Any:
    """Logistic cost of the margin, for two classes that are written -1 and 1 and an output that is a raw score.

    It is `binary_crossentropy` with ``from_logits=True`` for labels 0 and 1, number for number, and here 0 is read as
    -1; labels between the two, and smoothed ones, are for that loss.

    >>> import lossary
    >>> print(lossary.soft_margin([[1.0, -1.0]], [[0.0, -2.0]]).round(4))
    [0.41]
    """
    return mean(softplus(-(_signs(y_true) * y_pred)))


@loss(
    aliases=("exponential_loss", "adaboost_loss"),
    target=Signs(),
    prediction=Real(),
    definition="mean(exp(-y_true * y_pred)), y_true = -1 or 1",
    source="Y. Freund, R. E. Schapire, A decision-theoretic generalization of on-line learning (1997); J. Friedman, "
    "T. Hastie, R. Tibshirani, Additive logistic regression (2000), eq. 9",
    peers={
        "sklearn.ExponentialLoss": "",
        "sklearn.GradientBoostingClassifier.exponential": "",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.0, math.log(2.0)]], (1.5,), "(e^0 + e^(log 2))/2"),
        Case([[0.0]], [[-math.log(4.0)]], (0.25,), "0 read as -1: e^(-log 4)"),
    ),
)
def exponential(y_true: Any, y_pred: Any) -> Any:
    """Exponential cost of the margin, the loss that AdaBoost descends, for two classes and an output that is a score.

    Its minimum is half the logarithm of the odds.  It forgives no error: one mislabelled point far on the wrong side
    outweighs all others, so that noisy labels ask for `soft_margin`.  Beyond a margin of -88 the value is not a
    float32 and the loss infinite.  Labels are -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.exponential([[1.0, -1.0]], [[0.0, 1.0]]).round(4))
    [1.8591]
    """
    # As a square, because a term that is too large for a float may fit once it is divided by their number.
    return mean_square(exp(-0.5 * (_signs(y_true) * y_pred)))


@loss(
    target=Signs(),
    prediction=Real(),
    definition="mean(max(1 - t, 0)**2 if t >= -1 else -4 * t), t = y_true * y_pred, y_true = -1 or 1",
    source="T. Zhang, Statistical behavior and consistency of classification methods based on convex risk minimization "
    "(2004), sec. 4",
    peers={
        "sklearn.SGDClassifier.modified_huber": "",
    },
    cases=(
        Case([[1.0, 1.0]], [[0.0, -2.0]], (4.5,), "((1 - 0)^2 + 4 * 2)/2"),
        Case([[0.0, 1.0]], [[0.5, 2.0]], (1.125,), "0 read as -1: ((1 + 1/2)^2 + 0)/2"),
    ),
)
def modified_huber(y_true: Any, y_pred: Any) -> Any:
    """Squared cost of a margin below 1 that becomes linear below -1, for two classes and labels with errors.

    Between `squared_hinge` and `hinge`: smooth where points are nearly right, and steady for those that are far wrong.
    From a score clipped to [-1, 1] the probability is ``(1 + y_pred) / 2``.  Labels are -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.modified_huber([[1.0, 1.0]], [[0.0, -2.0]]))
    [4.5]
    """
    return 4.0 * mean(_square_then_linear(_signs(y_true) * y_pred))


@loss(
    aliases=("binary_perceptron_loss",),
    target=Signs(),
    prediction=Real(),
    definition="mean(max(-y_true * y_pred, 0)), y_true = -1 or 1",
    source="F. Rosenblatt, The perceptron: a probabilistic model for information storage and organization (1958)",
    peers={
        "optax.losses.perceptron_loss": "",
        "sklearn.SGDClassifier.perceptron": "",
    },
    cases=(
        Case([[1.0, -1.0]], [[-2.0, -3.0]], (1.0,), "(2 + 0)/2"),
        Case([[0.0, 1.0]], [[0.5, 0.0]], (0.25,), "0 read as -1: (1/2 + 0)/2"),
    ),
)
def perceptron(y_true: Any, y_pred: Any) -> Any:
    """Linear cost of scores on the wrong side, with no margin asked for: the loss of the perceptron.

    It stops at the first line that separates the classes, however close; `hinge` goes on to a margin of 1.  At a score
    of exactly 0 the slope is that of a wrong point, as in Rosenblatt's rule, so that a model whose weights start at 0
    learns.  Labels are -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.perceptron([[1.0, -1.0]], [[-2.0, -3.0]]))
    [1.]
    """
    return mean(maximum(0.0, -(_signs(y_true) * y_pred)))


@loss(
    aliases=("binary_sparsemax_loss", "sparse_plus"),
    target=Signs(),
    prediction=Real(),
    definition="mean(0 if t >= 1 else -t if t <= -1 else (1 - t)**2 / 4), t = y_true * y_pred, y_true = -1 or 1",
    source="A. F. T. Martins, R. F. Astudillo, From softmax to sparsemax (2016), eq. 23 for two classes; M. Blondel, "
    "A. F. T. Martins, V. Niculae, Learning with Fenchel-Young losses (2020), table 1",
    peers={
        "optax.losses.sparsemax_loss": "Loss()   # of two classes; that of several is another loss",
    },
    cases=(
        Case([[1.0, 1.0]], [[0.0, -2.0]], (1.125,), "(1/4 + 2)/2"),
        Case([[0.0, 1.0]], [[0.5, 3.0]], (0.28125,), "0 read as -1: ((1 + 1/2)^2/4 + 0)/2"),
    ),
)
def binary_sparsemax(y_true: Any, y_pred: Any) -> Any:
    """Logistic loss with ends: 0 from a margin of 1 on, linear below -1, for two classes whose probabilities may be 0.

    Its link is ``min(max((1 + y_pred) / 2, 0), 1)``, which reaches 0 and 1 as `sparsemax` does for several classes.
    Labels are -1 and 1; 0 is read as -1.

    >>> import lossary
    >>> print(lossary.binary_sparsemax([[1.0, 1.0]], [[0.0, -2.0]]))
    [1.125]
    """
    return mean(_square_then_linear(_signs(y_true) * y_pred))


@loss(
    aliases=("wgan", "critic_loss"),
    class_name="WassersteinGAN",
    target=Signs(),
    prediction=Real(),
    definition="mean(-y_true * y_pred), y_true = -1 or 1",
    source="M. Arjovsky, S. Chintala, L. Bottou, Wasserstein GAN (2017), eq. 3",
    cases=(
        Case([[1.0, -1.0]], [[2.0, 3.0]], (0.5,), "(-2 + 3)/2"),
        Case([[0.0]], [[-1.5]], (-1.5,), "0 read as -1"),
    ),
)
def wasserstein_gan(y_true: Any, y_pred: Any) -> Any:
    """What a critic loses on real and made examples, for a Wasserstein GAN.

    ``y_true`` is 1 where an example is real and -1 (or 0) where it was made; ``y_pred`` is the critic's score.  The
    generator is trained with the labels 1 for what it made.  It has no minimum of its own: the critic's weights are
    clipped, or a penalty ``mean((norm(gradient) - 1)**2)`` of the critic's gradient in its inputs is added, which is
    computed from the critic and not from its scores.  The value may be below 0.

    >>> import lossary
    >>> print(lossary.wasserstein_gan([[1.0, -1.0]], [[2.0, 3.0]]))
    [0.5]
    """
    return -mean(_signs(y_true) * y_pred)


@loss(
    aliases=("hinge_gan_loss", "hinge_gan"),
    class_name="GANHinge",
    target=Signs(),
    prediction=Real(),
    parameters={"generator": Flag("Whether the generator is trained: a linear cost, without the margin")},
    definition="mean(-t if generator else max(1 - t, 0)), t = y_true * y_pred, y_true = -1 or 1",
    source="J. H. Lim, J. C. Ye, Geometric GAN (2017), eq. 15 and 16",
    peers={
        "monai.losses.PatchAdversarialLoss": "Loss()   # of tanh(scores); the generator's is Loss(generator=True) + 1",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.5, -0.5]], (0.5,), "(1/2 + 1/2)/2"),
        Case([[1.0, 1.0]], [[0.5, -2.5]], (1.0,), "(-1/2 + 5/2)/2", {"generator": True}),
    ),
)
def gan_hinge(y_true: Any, y_pred: Any, generator: bool = False) -> Any:
    """What a discriminator and a generator lose in adversarial training with hinges.

    The discriminator's side is `hinge`: ``y_true`` is 1 where an example is real and -1 (or 0) where it was made.  The
    generator is trained with ``generator=True`` and the labels 1 for what it made; its cost is linear, because a hinge
    would stop as soon as the discriminator is deceived.

    >>> import lossary
    >>> print(lossary.gan_hinge([[1.0, -1.0]], [[0.5, -0.5]]))
    [0.5]
    >>> print(lossary.gan_hinge([[1.0, 1.0]], [[0.5, -2.5]], generator=True))
    [1.]
    """
    margin = _signs(y_true) * y_pred
    return -mean(margin) if generator else mean(maximum(1.0 - margin, 0.0))
