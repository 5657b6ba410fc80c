"""PyTorch's last layer and its cross-entropy in one, whose scores are never all held."""

from __future__ import annotations

import math
from typing import Any

import torch

from ..objects.linear import LinearCrossEntropy
from .torch_classes import CrossEntropyLoss
from .torch_modules import Pair, Tensor, buffer, by_reduction, float32


class LinearCrossEntropyLoss(Pair):
    """A linear layer and the cross-entropy of its scores, as ``torch.nn.LinearCrossEntropyLoss``.

    Called with ``(input, target)``, hidden vectors and class indices or probabilities.  The scores, vectors times
    classes, are computed in chunks and never held together, forward and backward; second derivatives and
    ``torch.func`` are there too.  Weights of classes together with ``label_smoothing`` or probabilities, and
    ``out_features``, hold the scores.  ``options`` say nothing here.  Where every label is left out the mean is 0.

    >>> import torch, lossary.torch
    >>> head = lossary.torch.LinearCrossEntropyLoss(8, 4, bias=True)
    >>> with torch.no_grad():
    ...     _ = head.linear.weight.zero_(), head.linear.bias.zero_()
    >>> round(float(head(torch.ones(2, 8), torch.tensor([0, 3]))), 4)
    1.3863
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
    ) -> None:
        torch.nn.Module.__init__(self)
        self._left_out = -100 if ignore_index is None else ignore_index
        self._configure(
            LinearCrossEntropy(ignore_class=self._left_out, label_smoothing=label_smoothing), reduction, False
        )
        self._of_rows = by_reduction(LinearCrossEntropy(label_smoothing=label_smoothing))
        # As PyTorch's attributes, so that states are exchanged with it.
        self.linear = torch.nn.Linear(
            in_features, math.prod(out_features, start=num_classes), bias=bias, device=device, dtype=dtype
        )
        self.register_buffer("weight", buffer(weight))
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]  # noqa: A002
        """The reduced loss of hidden vectors and their classes."""
        return self._told((input, target), lambda: self._of(input, target))

    def _of(self, input: Tensor, target: Tensor) -> Tensor:  # noqa: A002
        weighted = self.weight is not None and (self.label_smoothing or target.is_floating_point())
        if weighted or self.out_features:
            return self._of_scores(self.linear(input), target)
        single = input.dim() == 1
        if single:
            input, target = input.unsqueeze(0), target.unsqueeze(0)  # noqa: A001
        arguments = target, float32(input), self.linear.weight, self.linear.bias
        losses: Any = self._of_rows if target.is_floating_point() else self._losses
        found = losses[self.reduction](*arguments) if self.weight is None else self._weighted(arguments)
        return found.squeeze(0) if single and self.reduction == "none" else found

    def _weighted(self, arguments: tuple[Any, ...]) -> Tensor:
        losses: Any = self._losses
        target = arguments[0]
        weight = self.weight[target.long().clamp(0, self.num_classes - 1)]
        if self.reduction != "mean":
            found: Tensor = losses[self.reduction](*arguments, sample_weight=weight)
            return found
        return (
            losses["sum"](*arguments, sample_weight=weight) / torch.where(target == self._left_out, 0.0, weight).sum()
        )

    def _of_scores(self, scores: Tensor, target: Tensor) -> Tensor:
        loss = CrossEntropyLoss(
            self.weight,
            ignore_index=self._left_out,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
        found: Tensor = loss(scores.reshape(*scores.shape[:-1], self.num_classes, *self.out_features), target)
        return found

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        held = {"out_features": (), "ignore_index": None, "label_smoothing": 0.0, "reduction": "mean", "options": None}
        differs = [f"{name}={getattr(self, name)}" for name, default in held.items() if getattr(self, name) != default]
        return ", ".join(differs)
