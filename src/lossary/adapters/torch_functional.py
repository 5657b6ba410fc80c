"""PyTorch's functions of losses under its names of arguments, each computed by the module of that name."""

# ruff: noqa: A002

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch

from .torch_classes import (
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from .torch_linear import CrossEntropyOfLinear
from .torch_modules import Loss, Tensor, buffer, chosen
from .torch_numbers import (
    BCELoss,
    BCEWithLogitsLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    PoissonNLLLoss,
    SmoothL1Loss,
    SoftMarginLoss,
)
from .torch_sequences import CTCLoss


def _made(kind: Callable[..., Loss], held: Mapping[str, Any] | None = None, /, **settings: Any) -> Any:
    """A module with these settings, made once, and tensors of this call."""
    # Inside torch.compile it is made where it stands, which the compiler follows; a memory it would warn of.
    module = kind(**settings) if torch.compiler.is_compiling() else _kept(kind, **settings)
    tensors = {name: buffer(x) for name, x in (held or {}).items() if x is not None}
    if not tensors:
        return module
    found: Any = object.__new__(type(module))
    found.__dict__.update(module.__dict__ | {"_buffers": module._buffers | tensors})
    return found


@lru_cache(maxsize=256, typed=True)
def _kept(kind: Callable[..., Loss], **settings: Any) -> Loss:
    return kind(**settings)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of probabilities."""
    return _made(BCELoss, {"weight": weight}, reduction=chosen(size_average, reduce, reduction))(input, target)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of raw scores."""
    return _made(
        BCEWithLogitsLoss,
        {"weight": weight, "pos_weight": pos_weight},
        reduction=chosen(size_average, reduce, reduction),
    )(input, target)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cosine of pairs of vectors that belong together or not."""
    return _made(CosineEmbeddingLoss, margin=margin, reduction=chosen(size_average, reduce, reduction))(
        input1, input2, target
    )


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of raw scores, for class indices or probabilities along axis 1."""
    return _made(
        CrossEntropyLoss,
        {"weight": weight},
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=chosen(size_average, reduce, reduction),
    )(input, target)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Connectionist temporal classification of log-probabilities (T, N, C)."""
    return _made(CTCLoss, blank=blank, zero_infinity=zero_infinity, reduction=reduction)(
        log_probs, targets, input_lengths, target_lengths
    )


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-06, reduction: str = "mean"
) -> Tensor:
    """Negative log-likelihood of a normal distribution."""
    return _made(GaussianNLLLoss, full=full, eps=eps, reduction=reduction)(input, target, var)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Distance of pairs that belong together, and what strangers lack."""
    return _made(HingeEmbeddingLoss, margin=margin, reduction=chosen(size_average, reduce, reduction))(input, target)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Quadratic up to a difference of ``delta`` and linear beyond; the mean is over all elements, weighted or not."""
    return _made(HuberLoss, delta=delta, reduction=reduction).weighted(input, target, weight, by_weight=False)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities, element by element."""
    return _made(KLDivLoss, log_target=log_target, reduction=chosen(size_average, reduce, reduction))(input, target)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute error; with weights, over their sum."""
    return _made(L1Loss, reduction=chosen(size_average, reduce, reduction)).weighted(input, target, weight)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """What the better of two items lacks to a lead in its score."""
    return _made(MarginRankingLoss, margin=margin, reduction=chosen(size_average, reduce, reduction))(
        input1, input2, target
    )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error; with weights, over their sum."""
    return _made(MSELoss, reduction=chosen(size_average, reduce, reduction)).weighted(input, target, weight)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cost of every class that comes too close to the true one."""
    return _made(
        MultiMarginLoss, {"weight": weight}, p=p, margin=margin, reduction=chosen(size_average, reduce, reduction)
    )(input, target)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """What every label that holds lacks to a lead of 1."""
    return _made(MultiLabelMarginLoss, reduction=chosen(size_average, reduce, reduction))(input, target)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross-entropy of the scores of several classes each."""
    return _made(MultiLabelSoftMarginLoss, {"weight": weight}, reduction=chosen(size_average, reduce, reduction))(
        input, target
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of log-probabilities along axis 1."""
    return _made(
        NLLLoss, {"weight": weight}, ignore_index=ignore_index, reduction=chosen(size_average, reduce, reduction)
    )(input, target)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of counts, from logarithms of rates by default."""
    return _made(
        PoissonNLLLoss, log_input=log_input, full=full, eps=eps, reduction=chosen(size_average, reduce, reduction)
    )(input, target)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Absolute error with a corner rounded off below ``beta``."""
    return _made(SmoothL1Loss, beta=beta, reduction=chosen(size_average, reduce, reduction))(input, target)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Logistic cost of a score for classes -1 and 1."""
    return _made(SoftMarginLoss, reduction=chosen(size_average, reduce, reduction))(input, target)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """How far an anchor is from being nearer to its positive."""
    return _made(
        TripletMarginLoss, margin=margin, p=p, eps=eps, swap=swap, reduction=chosen(size_average, reduce, reduction)
    )(anchor, positive, negative)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """As `triplet_margin_loss` with a distance of yours."""
    return _made(
        TripletMarginWithDistanceLoss,
        distance_function=distance_function,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )(anchor, positive, negative)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Cross-entropy of a linear layer's scores, which are never all held; ``options`` say nothing here."""
    settings = {"reduction": reduction, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
    return _made(CrossEntropyOfLinear, {"weight": weight}, **settings).of(input, target, linear_weight, linear_bias)
