"""Words of PyTorch for rows of which every process holds a part: what reduces a row asks the others.

A vocabulary that is spread over processes needs no formula of its own: the loss is the one formula, in these words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
import torch.distributed as dist

from .. import texts
from ..backends import Array
from ..backends.torch import TorchBackend
from ..calls.linear import Head, Settings
from ..calls.programs import Program, program_for
from ..graph import walk

# Words that need a whole row in one place.
_WITHIN = frozenset({"sparsemax", "sum_other", "max_other", "other"})


class SplitBackend(TorchBackend):
    """Rows that lie one part after the other on the processes of a group."""

    def __init__(self, group: Any) -> None:
        self.group = group
        self.name = f"torch, rows over {dist.get_process_group_ranks(group)}"
        self.first, self.length = 0, 0

    def begin(self, columns: int, device: Any) -> None:
        """Tells where this process's part lies."""
        lengths = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(dist.get_world_size(self.group))]
        dist.all_gather(lengths, torch.tensor([columns], device=device), group=self.group)
        each = [int(x) for x in lengths]
        self.first, self.length = sum(each[: dist.get_rank(self.group)]), sum(each)

    def sum(self, x: Array) -> Array:
        return self._over_all(torch.sum(x, -1, keepdim=True, dtype=torch.float64), dist.ReduceOp.SUM).to(x.dtype)

    def mean(self, x: Array) -> Array:
        return self.sum(x) / self.length

    def mean_square(self, x: Array) -> Array:
        return self.mean(torch.square(x.double())).to(x.dtype)

    def max(self, x: Array) -> Array:
        return self._over_all(torch.amax(x, -1, keepdim=True), dist.ReduceOp.MAX)

    def lead(self, x: Array) -> Array:
        return self.max(x)

    def first_max(self, x: Array) -> Array:
        place = torch.arange(x.shape[-1], device=x.device) + self.first
        own = torch.where(x == self.max(x), place, self.length).amin(-1, keepdim=True)
        return place == self._over_all(own, dist.ReduceOp.MIN)

    def take(self, x: Array, label: Array) -> Array:
        own = label.long() - self.first
        here = (own >= 0) & (own < x.shape[-1])
        found = torch.where(here, torch.gather(x, -1, own.clamp(0, x.shape[-1] - 1)), torch.zeros_like(x[..., :1]))
        named = (label >= 0) & (label < self.length)
        return torch.where(named, self._over_all(found, dist.ReduceOp.SUM), torch.nan)

    def is_label(self, label: Array, like: Array) -> Array:
        return torch.arange(like.shape[-1], device=like.device) + self.first == label

    def position(self, like: Array) -> Array:
        return super().position(like) + self.first

    def count(self, x: Array) -> Array:
        return x.new_full((), self.length)

    def _over_all(self, x: Array, operation: Any) -> Array:
        x = x.contiguous()
        dist.all_reduce(x, operation, group=self.group)
        return x


@lru_cache(maxsize=16)
def _of(group: Any) -> SplitBackend:
    return SplitBackend(group)


class Vocabulary:
    """Every process holds some rows of the weight, in the order of the ranks, and all tokens."""

    def __init__(self, group: Any) -> None:
        self.group = group
        self.backend = _of(group)

    def begin(self, weight: Array) -> None:
        """Once per call."""
        self.backend.begin(weight.shape[0], weight.device)

    def vocabulary(self, rows: int) -> int:
        """How many classes all processes have together."""
        return self.backend.length

    def denominator(self, own: Array) -> Array:
        """What a mean divides by; every process has all tokens."""
        return own

    def row(self, head: Head, labels: Array, scores: Array, factor: Array, *, gradient: bool) -> tuple[Array, Any]:
        """The loss of each token times its factor, and the slopes at the scores of this process."""
        program = _program(head)
        labels = labels[:, None] if labels.dim() == 1 else labels[:, self.backend.first :][:, : scores.shape[1]]
        numbers = head.settings.row.numbers
        run: Callable[..., Any] = program.value_and_slope(self.backend) if gradient else program.value(self.backend)
        found = run(labels, scores, *numbers)
        values, slopes = found if gradient else (found, None)
        return values[:, 0] * factor, None if slopes is None else slopes * factor[:, None]

    def value(self, value: Array) -> Array:
        """The loss, which every process has."""
        return value

    def hidden(self, gradient: Array) -> Array:
        """The gradient for the hidden vectors: what all parts of the vocabulary make together."""
        dist.all_reduce(gradient, group=self.group)
        return gradient


class Tokens:
    """Every process holds some tokens, and the whole weight."""

    def __init__(self, group: Any) -> None:
        self.group = group

    def begin(self, weight: Array) -> None:
        """Once per call."""

    def vocabulary(self, rows: int) -> int:
        """How many classes there are."""
        return rows

    def denominator(self, own: Array) -> Array:
        """What a mean over the tokens of all processes divides by."""
        own = own.clone()
        dist.all_reduce(own, group=self.group)
        return own

    row = None

    def value(self, value: Array) -> Array:
        """The loss of the tokens of all processes; its gradient is that of the own ones."""
        value = value.clone()
        dist.all_reduce(value, group=self.group)
        return value

    def hidden(self, gradient: Array) -> Array:
        """The gradient for the own hidden vectors."""
        return gradient


KINDS: dict[str, Any] = {"vocabulary": Vocabulary, "tokens": Tokens}


def resolved(settings: Settings, weight: Array) -> Settings:
    """The settings with what does the work of several processes, which have told each other how much they hold."""
    if settings.spread is None:
        return settings
    kind, group = settings.spread
    if not (dist.is_available() and dist.is_initialized()):
        raise texts.linear_no_processes(settings.record.name, kind)
    spread = KINDS[kind](dist.group.WORLD if group is None else group)
    spread.begin(weight)
    return settings._replace(spread=spread)


def _program(head: Head) -> Program:
    row = head.settings.row
    program = program_for(row.record, row.parameters, head.backend)
    for node in walk(program.outputs("value_and_slope")):
        if node.op in _WITHIN:
            raise texts.linear_split(head.settings.record.name, node.op)
    return program
