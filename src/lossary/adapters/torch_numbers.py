"""PyTorch's losses of single elements, each of which is a data point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .. import texts
from ..backends.torch import BACKEND
from ..looks import modes
from ..looks.faults import Look, Site, speech
from ..objects.get import get
from .torch_modules import Given, Loss, Pair, Tensor, buffer, chosen, counted, float32, same_shape, summed


class Elements(Pair):
    """A loss that is reduced over elements, however they lie."""

    _of_elements = True

    def __init__(self, loss: str, reduction: str, sync: bool, **parameters: Any) -> None:
        super().__init__(loss, reduction=reduction, sync=sync, **parameters)

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        target = same_shape(type(self).__name__, input, target)
        return Given((target.unsqueeze(-1), float32(input).unsqueeze(-1)), shape=_single(input))

    def weighted(self, input: Tensor, target: Tensor, weight: Tensor | None, *, by_weight: bool = True) -> Tensor:  # noqa: A002
        """The reduced loss with a weight per element, whose mean is over their sum or over the number of elements."""

        def answer() -> Tensor:
            given = self._prepared(input, target)
            if weight is None:
                return self._answer(given)
            each = same_shape(type(self).__name__, input, weight, ("input", "weight"))
            return self._answer(given._replace(weight=each, denominator=summed(each) if by_weight else None))

        input, target = self._as_tensors((input, target))  # noqa: A001
        return self._told((input, target), answer)

    def _spread(self, name: str, weight: Tensor | None, input: Tensor) -> Tensor | None:  # noqa: A002
        """Weights that PyTorch broadcasts, one per element."""
        if weight is None:
            return None
        try:
            return weight.expand_as(input)
        except RuntimeError:
            own, shape, got = type(self).__name__, tuple(input.shape), tuple(weight.shape)
            if len(got) == 1 < len(shape):
                raise texts.module_weight(own, name, got, shape[-1]) from None
            raise texts.module_shapes(own, shape, got, ("input", name)) from None


def _single(input: Tensor) -> tuple[()] | None:  # noqa: A002
    """The shape of the unreduced value of one number; that of several is their own."""
    return () if input.dim() == 0 else None


class L1Loss(Elements):
    """Mean absolute error, as ``torch.nn.L1Loss``."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("mean_absolute_error", chosen(size_average, reduce, reduction), sync)


class MSELoss(Elements):
    """Mean squared error, as ``torch.nn.MSELoss``."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("mean_squared_error", chosen(size_average, reduce, reduction), sync)


class HuberLoss(Elements):
    """Quadratic up to a difference of ``delta`` and linear beyond, as ``torch.nn.HuberLoss``."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0, *, sync: bool = False) -> None:
        super().__init__("huber", reduction, sync, delta=delta)
        self.delta = delta


class SmoothL1Loss(Elements):
    """Absolute error with a corner rounded off below ``beta``, as ``torch.nn.SmoothL1Loss``."""

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
        *,
        sync: bool = False,
    ) -> None:
        own: tuple[str, dict[str, float]] = ("smooth_l1", {"beta": beta}) if beta else ("mean_absolute_error", {})
        super().__init__(own[0], chosen(size_average, reduce, reduction), sync, **own[1])
        self.beta = beta


class SoftMarginLoss(Elements):
    """Logistic cost of a score for classes -1 and 1, as ``torch.nn.SoftMarginLoss``."""

    _of_signs = True

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("soft_margin", chosen(size_average, reduce, reduction), sync)


class HingeEmbeddingLoss(Elements):
    """Distance of pairs that belong together, and what strangers lack, as ``torch.nn.HingeEmbeddingLoss``."""

    _of_signs = True

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("hinge_embedding", chosen(size_average, reduce, reduction), sync, margin=margin)
        self.margin = margin


class BCELoss(Elements):
    """Binary cross-entropy of probabilities, as ``torch.nn.BCELoss``.

    Probabilities below 1e-12 count as 1e-12, at which the slope is 1e12, as there; the value ends at 27.6 and there at
    100.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("binary_crossentropy", chosen(size_average, reduce, reduction), sync, epsilon=1e-12)
        self.register_buffer("weight", buffer(weight))

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        return super()._prepared(input, target)._replace(weight=self._spread("weight", self.weight, input))


class BCEWithLogitsLoss(Elements):
    """Binary cross-entropy of raw scores, as ``torch.nn.BCEWithLogitsLoss``.

    >>> import torch, lossary.torch
    >>> loss = lossary.torch.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0]))
    >>> round(float(loss(torch.tensor([[0.0], [0.0]]), torch.tensor([[1.0], [0.0]]))), 4)
    1.3863
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("binary_crossentropy", chosen(size_average, reduce, reduction), sync, from_logits=True)
        self.register_buffer("weight", buffer(weight))
        self.register_buffer("pos_weight", buffer(pos_weight))

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        given = super()._prepared(input, target)
        weight = self._spread("weight", self.weight, input)
        if self.pos_weight is None:
            return given._replace(weight=weight)
        # The two terms of a soft target with weights of their own are those of another target, times their sum.
        target = given.arguments[0].to(given.arguments[1].dtype).squeeze(-1)
        positive = self._spread("pos_weight", self.pos_weight, input) * target
        both = positive + (1.0 - target)
        share = torch.where(both == 0.0, target, positive / torch.where(both == 0.0, 1.0, both))
        whole = both if weight is None else both * weight
        return given._replace(arguments=(share.unsqueeze(-1), given.arguments[1]), weight=whole)


class PoissonNLLLoss(Elements):
    """Negative log-likelihood of counts, as ``torch.nn.PoissonNLLLoss``: from logarithms of rates by default."""

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own: dict[str, Any] = {"from_logs": True} if log_input else {"epsilon": eps}
        super().__init__("poisson", chosen(size_average, reduce, reduction), sync, **own)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The reduced loss of a batch."""
        return self._reduced((log_input, target))

    def _answer(self, given: Given) -> Tensor:
        found = super()._answer(given)
        return found + self._constant(given, self.reduction) if self.full and not self.sync else found

    def _total(self, given: Given) -> Any:
        found = super()._total(given)
        return found._replace(sum=found.sum + self._constant(given, "sum")) if self.full else found

    def _constant(self, given: Given, reduction: str) -> Tensor:
        """J. Stirling's approximation of ``log(target!)`` where that is above 1, as PyTorch has it."""
        count = given.arguments[0].to(given.arguments[1].dtype)
        more = torch.where(count > 1, count, 1.0)
        term = torch.where(count > 1, more * more.log() - more + 0.5 * (2.0 * math.pi * more).log(), 0.0)
        return {"mean": term.mean(), "sum": term.sum(), "none": term.squeeze(-1)}[reduction]


class KLDivLoss(Elements):
    """Kullback-Leibler divergence, as ``torch.nn.KLDivLoss``: of log-probabilities, element by element.

    ``reduction="mean"`` divides by the number of elements, ``"batchmean"`` by the number of rows.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
        *,
        sync: bool = False,
    ) -> None:
        # An element is no distribution by itself, so values are not looked at, but for the sign of targets.
        own = chosen(size_average, reduce, reduction)
        super().__init__("kl_divergence", own, sync, from_logs=True, check="shapes")
        self.log_target = log_target

    def _further(self) -> tuple[str, ...]:
        return ("batchmean",)

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        given = super()._prepared(input, target.exp() if self.log_target else target)
        if not self.log_target:
            given = given._replace(arguments=_no_logarithms(*given.arguments))
        if self.reduction != "batchmean":
            return given
        return given._replace(denominator=counted(input.shape[0] if input.dim() else 1, input))

    def _answer(self, given: Given) -> Tensor:
        return self._total(given).mean() if self.reduction == "batchmean" and not self.sync else super()._answer(given)


def _no_logarithms(target: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Both, where no target is negative; one that cannot be read now makes NaN of its value and is told later."""
    mode = modes.mode_of("kl_divergence")
    seen = None if mode in ("shapes", "off") else BACKEND.host(target, wait=mode == "full")
    if seen is not None and (wrong := np.argwhere(seen < 0)).size:
        index = tuple(map(int, wrong[0]))
        raise texts.module_negative("KLDivLoss", index, float(seen[index]))
    if mode == "async" and seen is None:
        negative = target < 0
        site = Site("kl_divergence", (), (), ("y_true",), ((-1,), (None,), target.dim(), ()), speech.torch)
        factor = torch.where(negative, torch.nan, torch.ones_like(scores))
        scores = scores * BACKEND.report_later(factor, [Look("y_true", target, negative)], site)
    return target, scores


class GaussianNLLLoss(Loss):
    """Negative log-likelihood of a normal distribution, as ``torch.nn.GaussianNLLLoss``."""

    _of_elements = True

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean", sync: bool = False) -> None:
        super().__init__("gaussian_nll", reduction=reduction, sync=sync, full=full, epsilon=eps)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:  # type: ignore[override]  # noqa: A002
        """The reduced loss of means, targets and variances."""
        return self._reduced((input, target, var))

    def _prepared(self, input: Tensor, target: Tensor, var: Any) -> Given:  # type: ignore[override]  # noqa: A002
        target = same_shape(type(self).__name__, input, target)
        mean, variance = float32(input), float32(_variance(type(self).__name__, input, var))
        return Given((target.unsqueeze(-1), (mean.unsqueeze(-1), variance.unsqueeze(-1))), shape=_single(input))


def _variance(name: str, input: Tensor, var: Any) -> Tensor:  # noqa: A002
    """A variance per element, or one for all elements of a row, or for all."""
    if not isinstance(var, torch.Tensor):
        return torch.full_like(input, var)
    if var.shape == input.shape[:-1] and input.dim() > 0:
        var = var.unsqueeze(-1)
    if var.shape not in (input.shape, (*input.shape[:-1], 1)):
        raise texts.module_shapes(name, tuple(input.shape), tuple(var.shape), ("input", "var"))
    return var.expand_as(input)


class MarginRankingLoss(Loss):
    """What the better of two items lacks to a lead in its score, as ``torch.nn.MarginRankingLoss``."""

    _of_elements = True

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own = get("margin_ranking", margin=margin)
        super().__init__(own, reduction=chosen(size_average, reduce, reduction), sync=sync)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The reduced loss of two scores each and which of them is to be higher."""
        return self._reduced((input1, input2, target))

    def _prepared(self, input1: Tensor, input2: Tensor, target: Tensor) -> Given:  # type: ignore[override]
        name = type(self).__name__
        target = same_shape(name, input1, target, ("input1", "target"))
        arguments = target, float32(input1), float32(same_shape(name, input1, input2, ("input1", "input2")))
        return Given(tuple(x.unsqueeze(-1) for x in arguments), shape=_single(input1))
