"""Losses for the Trainer of Hugging Face's transformers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .. import texts
from ..facts.domain import Classes
from ..objects.get import get
from .torch_modules import Loss

Tensor = Any
# The label that the library's collators put where nothing is to be predicted.
IGNORED = -100


def compute_loss_func(loss: Any, shift: bool = False, **parameters: Any) -> Callable[..., Tensor]:
    """What ``transformers.Trainer(compute_loss_func=...)`` takes, exact under gradient accumulation.

    The sum of the loss over the labels that count is divided by ``num_items_in_batch``, the number of them in all
    micro-batches and, with ``average_tokens_across_devices``, on all devices; so 2 steps of 4 sequences train as 1 of
    8 does, however long they are.  Labels of -100 are left out.

    Args:
        loss: Anything `lossary.get` understands, such as ``"sparse_categorical_crossentropy"``, or one of the modules
            of `lossary.torch`.
        shift: Whether the scores of a position are for the next label, as in models that continue a text.
        parameters: Parameters of the loss, ``from_logits=True`` for one that would else read probabilities.

    Returns:
        A function ``(outputs, labels, num_items_in_batch=None)``; ``outputs`` has the scores of all classes as
        ``logits``, along the last axis.

    >>> import torch, lossary.hf
    >>> loss = lossary.hf.compute_loss_func("sparse_categorical_crossentropy", shift=True, from_logits=True)
    >>> outputs, labels = {"logits": torch.zeros(2, 3, 8)}, torch.tensor([[1, 2, -100], [3, 4, 5]])
    >>> round(float(loss(outputs, labels)), 4), round(float(loss(outputs, labels, num_items_in_batch=6)), 4)
    (2.0794, 1.0397)
    """
    return _Compute(_read(loss, parameters), shift)


@dataclass(frozen=True)
class _Compute:
    """An object and no closure, so that it goes to the processes that a launcher starts."""

    loss: Any
    shift: bool

    def __call__(self, outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        logits = _logits(outputs)
        if labels is None:
            raise texts.no_labels()
        if self.shift:
            logits, labels = logits[..., :-1, :], labels[..., 1:]
        return self._total(logits, labels.to(logits.device)).mean(num_items_in_batch)

    def _total(self, logits: Tensor, labels: Tensor) -> Any:
        if isinstance(self.loss, Loss):
            return self.loss.total(_classes_first(logits, labels), labels)
        # In float32, as the library's own losses are.
        scores = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        return self.loss.total(labels, scores)


def _read(loss: Any, parameters: Mapping[str, Any]) -> Any:
    """A module of ours as it is, anything else as the loss it names, which leaves out what the collators ignore."""
    if isinstance(loss, Loss):
        return loss
    made = get(loss, **parameters)
    if not made.record.has_usual_names:
        raise texts.of_one_prediction(made.record, "a Trainer")
    if isinstance(made.record.target, Classes) and "ignore_class" in made.parameters and made.ignore_class is None:
        return made.replaced(ignore_class=IGNORED)
    return made


def _classes_first(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.movedim(-1, 1) if logits.dim() == labels.dim() + 1 else logits


def _logits(outputs: Any) -> Tensor:
    if isinstance(outputs, Mapping):
        found = outputs.get("logits")
    else:
        found = getattr(outputs, "logits", outputs[0] if isinstance(outputs, tuple | list) else None)
    if found is None:
        raise texts.no_logits(outputs)
    return found
