"""PyTorch's losses of classes, which lie along axis 1, and of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .. import texts
from ..objects import loss as objects
from ..objects.get import get
from .torch_modules import (
    Given,
    Loss,
    Pair,
    Tensor,
    at_least_float32,
    buffer,
    by_reduction,
    chosen,
    counted,
    float32,
    rows,
    same_shape,
    summed,
)

# PyTorch adds this to every difference of a triplet, which ours need not: it is next to nothing.
_TRIPLET_EPS = 1e-6


class _Labels(Pair):
    """A loss of integer labels with weights of classes, and a label that is left out."""

    _of_vectors = True

    def __init__(
        self, loss: objects.Loss, weight: Tensor | None, ignore_index: int, reduction: str, sync: bool
    ) -> None:
        super().__init__(loss.replaced(ignore_class=ignore_index, axis=1), reduction=reduction, sync=sync)
        self.register_buffer("weight", buffer(weight))
        self.ignore_index = ignore_index

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        classes = _classes(type(self).__name__, self.weight, input)
        single, shape = input.dim() == 1, tuple(target.shape)
        if shape != tuple(input.shape[:1] + input.shape[2:] if not single else ()):
            raise texts.module_classes(type(self).__name__, tuple(input.shape), shape)
        if single:
            input, target = input.unsqueeze(0), target.unsqueeze(0)  # noqa: A001
        given = Given((target, float32(input)), shape=shape)
        if self.weight is None:
            return given
        # A label that is left out may name no class; its weight is not looked at.
        weight = self.weight.to(given.arguments[1].dtype)[target.long().clamp(0, classes - 1)]
        return given._replace(weight=weight, denominator=summed(torch.where(target == self.ignore_index, 0.0, weight)))


def _classes(name: str, weight: Tensor | None, input: Tensor) -> int:  # noqa: A002
    classes = int(input.shape[1 if input.dim() > 1 else 0])
    if weight is not None and tuple(weight.shape) != (classes,):
        raise texts.module_weight(name, "weight", tuple(weight.shape), classes)
    return classes


class NLLLoss(_Labels):
    """Negative log-likelihood of log-probabilities, as ``torch.nn.NLLLoss``."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own = get("negative_log_likelihood")
        super().__init__(own, weight, ignore_index, chosen(size_average, reduce, reduction), sync)


class CrossEntropyLoss(_Labels):
    """Cross-entropy of raw scores, for class indices or probabilities, as ``torch.nn.CrossEntropyLoss``.

    Where every label is left out the mean is 0, there NaN.

    >>> import torch, lossary.torch
    >>> loss = lossary.torch.CrossEntropyLoss(ignore_index=0)
    >>> loss, round(float(loss(torch.zeros(2, 4), torch.tensor([0, 3]))), 4)
    (CrossEntropyLoss(ignore_index=0), 1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        sync: bool = False,
    ) -> None:
        own = get("sparse_categorical_crossentropy", from_logits=True, label_smoothing=label_smoothing)
        super().__init__(own, weight, ignore_index, chosen(size_average, reduce, reduction), sync)
        rows = get("categorical_crossentropy", from_logits=True, axis=1)
        self._rows = by_reduction(rows.replaced(label_smoothing=label_smoothing))
        self._mixed = by_reduction(rows)
        self.label_smoothing = label_smoothing

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        if target.is_floating_point():
            return self._of_rows(input, target)
        given = super()._prepared(input, target)
        if self.weight is None or not self.label_smoothing:
            return given
        labels, scores = given.arguments
        counts = labels != self.ignore_index
        # Without `one_hot`, whose look at the labels `torch.func.vmap` does not allow.
        names = torch.arange(scores.shape[1], device=labels.device)
        rows = torch.where(counts, labels, 0).unsqueeze(-1) == names
        mixed = self._weighted(rows.movedim(-1, 1), scores)
        return mixed._replace(where=counts, shape=given.shape, denominator=given.denominator)

    def _of_rows(self, input: Tensor, target: Tensor) -> Given:  # noqa: A002
        _classes(type(self).__name__, self.weight, input)
        if self.ignore_index >= 0:
            accepted, line = "is a label that indices leave out, and the target holds probabilities", "target.argmax(1)"
            raise texts.module_setting(type(self).__name__, "ignore_index", self.ignore_index, accepted, line)
        if input.shape != target.shape:
            raise texts.module_classes(type(self).__name__, tuple(input.shape), tuple(target.shape))
        shape = tuple(input.shape[:1] + input.shape[2:]) if input.dim() > 1 else ()
        if input.dim() == 1:
            input, target = input.unsqueeze(0), target.unsqueeze(0)  # noqa: A001
        if self.weight is None:
            return Given((target, float32(input)), shape=shape, losses=self._rows)
        # PyTorch's mean of rows is over their number, whatever the classes weigh.
        number = counted(input.numel() // input.shape[1], input)
        return self._weighted(target, float32(input))._replace(shape=shape, denominator=number)

    def _weighted(self, rows: Tensor, scores: Tensor) -> Given:
        """Rows whose classes have weights: other rows, times what they sum to."""
        smoothing, along = self.label_smoothing, (1, -1, *[1] * (scores.dim() - 2))
        kind = at_least_float32(scores)
        mixed = (rows.to(kind) * (1.0 - smoothing) + smoothing / scores.shape[1]) * self.weight.to(kind).view(along)
        whole = mixed.sum(1)
        # A row without weight counts nothing; any distribution does for it.
        none = (whole == 0.0).unsqueeze(1)
        shares = torch.where(none, 1.0 / scores.shape[1], mixed / torch.where(none, 1.0, whole.unsqueeze(1)))
        return Given((shares, scores), weight=whole, losses=self._mixed)


class MultiMarginLoss(Pair):
    """Cost of every class that comes too close to the true one, as ``torch.nn.MultiMarginLoss``."""

    _of_vectors = True

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own = get("multi_margin", power=p, margin=margin)
        super().__init__(own, reduction=chosen(size_average, reduce, reduction), sync=sync)
        self.register_buffer("weight", buffer(weight))
        self.p, self.margin = p, margin

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        classes, shape = _classes(type(self).__name__, self.weight, input), tuple(input.shape[:-1])
        labels = target.reshape(-1)
        arguments = labels, rows(input)
        weight = None if self.weight is None else self.weight[labels.long().clamp(0, classes - 1)]
        return Given(arguments, weight, shape=shape)


class MultiLabelMarginLoss(Pair):
    """What every label that holds lacks to a lead of 1, as ``torch.nn.MultiLabelMarginLoss``.

    The target lists the classes that hold; -1 ends the list.
    """

    _of_vectors = True

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        super().__init__("multilabel_margin", reduction=chosen(size_average, reduce, reduction), sync=sync)

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        shape, classes = tuple(input.shape[:-1]), input.shape[-1]
        listed = rows(same_shape(type(self).__name__, input, target)).long()
        # What stands behind the end of a list goes to a class beyond the last, which is dropped.
        places = torch.where((listed < 0).cumsum(-1) == 0, listed, classes)
        held = torch.zeros(listed.shape[0], classes + 1, device=listed.device).scatter(-1, places, 1.0)
        return Given((held[:, :classes], rows(input)), shape=shape)


class MultiLabelSoftMarginLoss(Pair):
    """Binary cross-entropy of the scores of several classes each, as ``torch.nn.MultiLabelSoftMarginLoss``."""

    _of_elements = True
    _of_vectors = True

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own = get("binary_crossentropy", from_logits=True)
        super().__init__(own, reduction=chosen(size_average, reduce, reduction), sync=sync)
        self.register_buffer("weight", buffer(weight))

    def _prepared(self, input: Tensor, target: Tensor) -> Given:  # type: ignore[override]  # noqa: A002
        name, classes, shape = type(self).__name__, input.shape[-1], tuple(input.shape[:-1])
        if self.weight is not None and tuple(self.weight.shape) not in ((classes,), (1,)):
            raise texts.module_weight(name, "weight", tuple(self.weight.shape), classes)
        arguments = same_shape(name, input, target).unsqueeze(-1), float32(input).unsqueeze(-1)
        weight = None if self.weight is None else self.weight.expand_as(input)
        return Given(arguments, weight, shape=shape, per_row=classes)


class CosineEmbeddingLoss(Loss):
    """Cosine of pairs of vectors that belong together or not, as ``torch.nn.CosineEmbeddingLoss``."""

    _of_vectors = True
    _of_signs = True

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        own = get("cosine_embedding", margin=margin)
        super().__init__(own, reduction=chosen(size_average, reduce, reduction), sync=sync)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The reduced loss of pairs of vectors and whether they belong together."""
        return self._reduced((input1, input2, target))

    def _prepared(self, input1: Tensor, input2: Tensor, target: Tensor) -> Given:  # type: ignore[override]
        shape = tuple(input1.shape[:-1])
        other = same_shape(type(self).__name__, input1, input2, ("input1", "input2"))
        return Given((target.reshape(-1), rows(input1), rows(other)), shape=shape)


class TripletMarginLoss(Loss):
    """How far an anchor is from being nearer to its positive, as ``torch.nn.TripletMarginLoss``.

    PyTorch adds ``eps`` to every difference, which bounds its slope; here that of a distance of 0 is 0 and nothing is
    added.
    """

    _of_vectors = True

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        sync: bool = False,
    ) -> None:
        if not 0 <= eps <= _TRIPLET_EPS:
            line = "TripletMarginLoss() without eps: a distance of 0 has the slope 0 here"
            raise texts.module_setting("TripletMarginLoss", "eps", eps, "is 0 to 1e-6", line)
        own = get("triplet_margin", margin=margin, norm=p, swap=swap)
        super().__init__(own, reduction=chosen(size_average, reduce, reduction), sync=sync)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:  # type: ignore[override]
        """The reduced loss of three vectors each."""
        return self._reduced((anchor, positive, negative))

    def _prepared(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Given:  # type: ignore[override]
        shape, name = tuple(anchor.shape[:-1]), type(self).__name__
        positive = same_shape(name, anchor, positive, ("anchor", "positive"))
        negative = same_shape(name, anchor, negative, ("anchor", "negative"))
        return Given((rows(anchor), rows(positive), rows(negative)), shape=shape)


class TripletMarginWithDistanceLoss(Loss):
    """As `TripletMarginLoss` with a distance of yours, as ``torch.nn.TripletMarginWithDistanceLoss``."""

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
        sync: bool = False,
    ) -> None:
        super().__init__(get("margin_ranking", margin=margin), reduction=reduction, sync=sync)
        self.distance_function = distance_function or torch.nn.PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:  # type: ignore[override]
        """The reduced loss of what the distance takes, three each."""
        return self._reduced((anchor, positive, negative))

    def _prepared(self, anchor: Any, positive: Any, negative: Any) -> Given:  # type: ignore[override]
        near, far = self.distance_function(anchor, positive), self.distance_function(anchor, negative)
        if self.swap:
            far = torch.minimum(far, self.distance_function(positive, negative))
        # A negative is to be farther away than a positive by the margin: a ranking of the two distances.
        far, near = float32(far), float32(near)
        return Given(tuple(x.unsqueeze(-1) for x in (torch.ones_like(far), far, near)))
