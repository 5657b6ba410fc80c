"""PyTorch: a fault is copied from the device behind the computation, and read once it has arrived."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import torch

from .._marks import untraced
from ..looks.faults import Look, Site
from ._base import Array

_sites: list[Site] = []
_entering = threading.Lock()
# Copies under way: what tells when each has arrived, positions, values, the site's number and the sizes.
_pending: deque[tuple[Any, Array, Array, int, tuple[int, ...]]] = deque()


def report_later(poison: Array, looks: Sequence[Look], site: Site) -> Array:
    """The poison, through an operator that sends the fault to the host."""
    found = [_first(look.values.detach(), look.wrong) for look in looks]
    # A flat list, as operators take no other structure: rank and shape of each look.
    sizes = [size for look in looks for size in (look.wrong.dim(), *look.wrong.shape)]
    positions = torch.stack([position for position, _ in found])
    return _report(poison, positions, torch.stack([value for _, value in found]), _number(*site), sizes)


def _first(x: Array, wrong: Array) -> tuple[Array, Array]:
    """Flat index of the first mark, or -1, and the value there; row by row, to spare an index per element."""
    length = wrong.shape[-1] if wrong.dim() else 1
    rows = wrong.reshape(-1, length)
    row = _first_of(rows.any(-1))
    line = row.clamp(min=0)[None]
    column = _first_of(rows.index_select(0, line)[0]).clamp(min=0)
    value = x.reshape(-1, length).index_select(0, line)[0].index_select(0, column[None])[0]
    # MPS has no float64, in which every label keeps its value.
    return torch.where(row < 0, row, row * length + column), value.to(torch.float32 if x.is_mps else torch.float64)


def _first_of(marks: Array) -> Array:
    # torch.argmax promises no order among ties.
    length = marks.shape[0]
    first = torch.where(marks, torch.arange(length, device=marks.device), length).amin()
    return torch.where(first == length, -1, first)


@untraced
def _number(*fields: Any) -> int:
    site = Site(*fields)
    with _entering:
        if site not in _sites:
            _sites.append(site)
        return _sites.index(site)


# A graph recorded by CUDA runs no Python when it is replayed.
@torch.library.custom_op("lossary::report", mutates_args=(), tags=(torch.Tag.cudagraph_unsafe,))
def _report(
    poison: torch.Tensor, positions: torch.Tensor, values: torch.Tensor, number: int, sizes: Sequence[int]
) -> torch.Tensor:
    collect()
    if not (positions.is_cuda and torch.cuda.is_current_stream_capturing()):
        copies = positions.to("cpu", non_blocking=True), values.to("cpu", non_blocking=True)
        _pending.append((_arrival(positions), *copies, number, tuple(sizes)))
    collect()
    return poison.clone()


@_report.register_fake
def _(poison: Any, positions: Any, values: Any, number: int, sizes: Any) -> Any:
    return torch.empty_like(poison)


@_report.register_vmap
def _(info: Any, in_dims: Any, poison: Any, positions: Any, values: Any, number: int, sizes: Any) -> Any:
    """Examples side by side: the first faulty one is told."""
    examples = [
        x.unsqueeze(0) if dim is None else x.movedim(dim, 0)
        for x, dim in zip((positions, values), in_dims[1:3], strict=True)
    ]
    faulty = _first_of((examples[0] >= 0).any(-1)).clamp(min=0)[None]
    chosen = [x.index_select(0, faulty)[0] for x in examples]
    return _report(poison, *chosen, number, sizes), in_dims[0]


def _arrival(x: Array) -> Any:
    """An event that follows the copy; None where the copy is there at once."""
    return torch.cuda.current_stream(x.device).record_event() if x.is_cuda else None


def collect(*, wait: bool = False) -> None:
    """Tells of every fault that has arrived; with ``wait``, of those under way too."""
    while _pending:
        event = _pending[0][0]
        if event is not None and not wait and not event.query():
            return
        try:
            event, positions, values, number, sizes = _pending.popleft()
        except IndexError:
            return  # Another thread took it.
        if event is not None:
            event.synchronize()
        _sites[number].tell(_shapes(sizes), positions.tolist(), values.tolist())


def _shapes(sizes: Sequence[int]) -> list[Sequence[int]]:
    shapes, start = [], 0
    while start < len(sizes):
        end = start + 1 + sizes[start]
        shapes.append(sizes[start + 1 : end])
        start = end
    return shapes


atexit.register(collect, wait=True)
