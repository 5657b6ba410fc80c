"""PyTorch's last layers and their cross-entropy in one, whose scores are never all held."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import torch

from .. import texts
from ..objects.get import get
from ..objects.linear import LinearCrossEntropy
from ..objects.total import Total
from ..routes import torch_linear_compiled  # noqa: F401  # Programs that were exported and saved ask for its operators.
from .torch_classes import CrossEntropyLoss
from .torch_modules import Pair, Tensor, buffer, by_reduction, counted, float32, summed


class CrossEntropyOfLinear(Pair):
    """The cross-entropy of the scores of a linear layer that is given, not held."""

    def __init__(
        self,
        *,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        torch.nn.Module.__init__(self)
        self._left_out = -100 if ignore_index is None else ignore_index
        self._configure(
            LinearCrossEntropy(ignore_class=self._left_out, label_smoothing=label_smoothing), reduction, False
        )
        self._of_rows = by_reduction(LinearCrossEntropy(label_smoothing=label_smoothing))
        self.register_buffer("weight", buffer(weight))
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def of(self, input: Tensor, target: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        """The reduced loss of hidden vectors and their classes; a matrix is ``(classes, ..., features)``."""
        return self._told((input, target), lambda: self._of(input, target, matrix, bias))

    def _of(self, input: Tensor, target: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        weighted = self.weight is not None and (self.label_smoothing or target.is_floating_point())
        if weighted or matrix.dim() > 2:
            return self._of_scores(input, target, matrix, bias)
        single = input.dim() == 1
        if single:
            input, target = input.unsqueeze(0), target.unsqueeze(0)  # noqa: A001
        arguments = target, float32(input), matrix, bias
        losses: Any = self._of_rows if target.is_floating_point() else self._losses
        found = losses[self.reduction](*arguments) if self.weight is None else self._weighted(arguments)
        return found.squeeze(0) if single and self.reduction == "none" else found

    def _weighted(self, arguments: tuple[Any, ...]) -> Tensor:
        losses: Any = self._losses
        target, _, matrix, _ = arguments
        weight = self.weight[target.long().clamp(0, matrix.shape[0] - 1)]
        if self.reduction != "mean":
            found: Tensor = losses[self.reduction](*arguments, sample_weight=weight)
            return found
        return (
            losses["sum"](*arguments, sample_weight=weight) / torch.where(target == self._left_out, 0.0, weight).sum()
        )

    def _of_scores(self, input: Tensor, target: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002
        scores = torch.nn.functional.linear(
            input, matrix.reshape(-1, matrix.shape[-1]), None if bias is None else bias.reshape(-1)
        )
        loss = CrossEntropyLoss(
            self.weight,
            ignore_index=self._left_out,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
        found: Tensor = loss(scores.reshape(*scores.shape[:-1], *matrix.shape[:-1]), target)
        return found


class LinearCrossEntropyLoss(CrossEntropyOfLinear):
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
        super().__init__(reduction=reduction, weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing)
        # As PyTorch's attributes, so that states are exchanged with it.
        self.linear = torch.nn.Linear(
            in_features, math.prod(out_features, start=num_classes), bias=bias, device=device, dtype=dtype
        )
        self.num_classes, self.out_features, self.options = num_classes, tuple(out_features), options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]  # noqa: A002
        """The reduced loss of hidden vectors and their classes."""
        matrix = self.linear.weight.reshape(self.num_classes, *self.out_features, -1)
        return self.of(input, target, matrix, self.linear.bias)

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        held = {"out_features": (), "ignore_index": None, "label_smoothing": 0.0, "reduction": "mean", "options": None}
        differs = [f"{name}={getattr(self, name)}" for name, default in held.items() if getattr(self, name) != default]
        return ", ".join(differs)


class LogProbabilitiesAndLoss(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` answers, as PyTorch's.

    Attributes:
        output: The logarithm of the probability of every target.
        loss: Minus their mean.
    """

    output: Tensor
    loss: Tensor


_OF_SCORES: Any = get("sparse_categorical_crossentropy", from_logits=True, reduction="none")


class AdaptiveLogSoftmaxWithLoss(torch.nn.AdaptiveLogSoftmaxWithLoss):
    """A softmax over frequent classes and clusters of rare ones, as ``torch.nn.AdaptiveLogSoftmaxWithLoss``.

    The scores of a cluster are computed for its own targets only.  Layers, ``log_prob`` and ``predict`` are PyTorch's;
    `total` gives the sum of the loss and its weight.  Of no targets the mean is 0, there NaN.

    >>> import torch, lossary.torch
    >>> layer = lossary.torch.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[4, 10])
    >>> output, loss = layer(torch.randn(3, 8), torch.tensor([0, 19, 5]))
    >>> output.shape, bool(loss > 0)
    (torch.Size([3]), True)
    """

    def forward(self, input_: Tensor, target_: Tensor) -> LogProbabilitiesAndLoss:
        """The logarithms of the targets' probabilities, and minus their mean."""
        values = self._values(input_, target_)
        return LogProbabilitiesAndLoss(-values, _total(values).mean())

    def total(self, input_: Tensor, target_: Tensor) -> Total:
        """The sum of the loss and its weight, which add up over micro-batches and processes: see `lossary.Total`."""
        return _total(self._values(input_, target_))

    def _values(self, input_: Tensor, target_: Tensor) -> Tensor:
        """The loss of every target: of its place in the head, and of that in its cluster."""
        name, classes = type(self).__name__, self.n_classes
        if input_.dim() not in (1, 2) or input_.shape[:-1] != target_.shape:
            raise texts.module_hidden(name, tuple(input_.shape), tuple(target_.shape))
        if target_.numel() and not 0 <= int(target_.min()) <= int(target_.max()) < classes:
            wrong = int(target_.reshape(-1)[(target_.reshape(-1) < 0) | (target_.reshape(-1) >= classes)][0])
            raise texts.module_label(name, wrong, classes)
        hidden, target = torch.atleast_2d(input_), target_.reshape(-1)
        cluster = torch.bucketize(target, torch.tensor(self.cutoffs, device=target.device), right=True)
        place = torch.where(cluster == 0, target, self.shortlist_size - 1 + cluster)
        values: Tensor = _OF_SCORES(place, float32(self.head(hidden)))
        for i, (first, _) in enumerate(pairwise(self.cutoffs)):
            rows = (cluster == i + 1).nonzero(as_tuple=True)[0]
            if rows.numel():
                more = _OF_SCORES(target[rows] - first, float32(self.tail[i](hidden[rows])))
                values = values.index_add(0, rows, more)
        return values.reshape(target_.shape)


def _total(values: Tensor) -> Total:
    return Total(summed(values), counted(values.numel(), values))
