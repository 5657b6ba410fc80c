"""PyTorch's loss of sequences."""

from __future__ import annotations

from typing import Any

import torch

from .. import texts
from ..objects.get import get
from .torch_modules import Given, Loss, Tensor, float32


class CTCLoss(Loss):
    """Connectionist temporal classification, as ``torch.nn.CTCLoss``.

    The mean is over the sequences, each divided by its number of labels.
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False, *, sync: bool = False
    ) -> None:
        own = get("ctc", blank=blank, infeasible="zero" if zero_infinity else "inf")
        super().__init__(own, reduction=reduction, sync=sync)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(  # type: ignore[override]
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """The reduced loss of log-probabilities (T, N, C), which a log_softmax leaves as they are."""
        return self._reduced((log_probs, targets, input_lengths, target_lengths))

    def _prepared(  # type: ignore[override]
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Given:
        if log_probs.dim() not in (2, 3):
            raise texts.module_steps(type(self).__name__, "log_probs", tuple(log_probs.shape))
        shape: tuple[int, ...] | None = None
        if log_probs.dim() == 2:
            log_probs, targets, shape = log_probs.unsqueeze(1), targets.unsqueeze(0), ()
        steps, counts = (_lengths(x, log_probs) for x in (input_lengths, target_lengths))
        labels = _padded(targets, counts).to(log_probs.device)
        where = torch.arange(log_probs.shape[0], device=log_probs.device) < steps.unsqueeze(-1)
        scores = float32(log_probs).transpose(0, 1)
        weight = 1.0 / counts.clamp(min=1).to(scores.dtype) if self.reduction == "mean" else None
        return Given((labels, scores), weight, where, shape)


def _lengths(given: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(given, device=like.device).reshape(-1)


def _padded(targets: Tensor, counts: Tensor) -> Tensor:
    """Labels (N, L), of which -1 are none; PyTorch takes them one sequence after the other too."""
    if targets.dim() == 1:
        parts = targets.split(counts.tolist())
        return torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True, padding_value=-1)
    place = torch.arange(targets.shape[1], device=targets.device)
    return torch.where(place < counts.to(targets.device).unsqueeze(-1), targets, -1)
