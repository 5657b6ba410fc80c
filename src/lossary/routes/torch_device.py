"""Tensors on a GPU: a kernel computes value and gradient in one pass, and nothing waits for the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from ..backends import Array
from ..backends.torch import PLAIN
from ..calls.kernel import NoKernelError
from ..calls.plan import Setting, keep, planned
from ..errors import ShapeError
from ..facts.registry import is_enrolled
from ..kernels import triton as kernels
from .torch_doors import is_eager, is_several, prepared
from .torch_prepared import Known, Prepared, Total, as_given, in_words, placed
from .torch_together import HALF

if TYPE_CHECKING:
    from ..looks.modes import Mode

_FLOATS = frozenset({torch.float32}) | HALF
_STRIDED = torch.strided
_empty_like = torch.empty_like


def at_once(
    setting: Setting, arrays: Sequence[Any], structure: tuple[int, ...], axis: Any, check: Mode | None, reduction: str
) -> Array | None:
    """The reduced loss of a plain call, differentiable; None where there is more to it."""
    plain = _plain(setting, arrays, structure, axis, check, reduction)
    if plain is None:
        return None
    predictions = [arrays[place] for place in plain.places]
    wanted = torch.is_grad_enabled() and any(x.requires_grad for x in predictions)
    late = wanted and any(x.dtype in HALF for x in predictions)
    found = plain.computed(arrays, wanted=wanted and not late)
    if found is None:
        return None
    value, slopes = found
    if not wanted:
        return value
    return _late([plain, value], *arrays) if late else _total([plain, slopes, value], *arrays)


def at_once_with_gradient(
    setting: Setting, arrays: Sequence[Any], structure: tuple[int, ...], axis: Any, check: Mode | None, reduction: str
) -> tuple[Array, Any] | None:
    """The reduced loss of a plain call and its gradient; None where there is more to it."""
    plain = _plain(setting, arrays, structure, axis, check, reduction)
    found = None if plain is None else plain.computed(arrays, wanted=True)
    return None if plain is None or found is None else (found[0], plain.structured(found[1]))


def _plain(
    setting: Setting, arrays: Sequence[Any], structure: tuple[int, ...], axis: Any, check: Mode | None, reduction: str
) -> _Plain | None:
    """What was prepared for plain totals of tensors like these, or None."""
    if torch.compiler.is_compiling() or type(axis) is not int:
        return None
    required = False
    for x in arrays:
        if type(x) not in PLAIN or not x.is_cuda or x.layout is not _STRIDED:
            return None
        if x.requires_grad:
            required = True
    if check in ("full", "async") or reduction == "none" or not is_eager():
        return None
    try:
        key = tuple([(x.device, x.dtype, x.shape) for x in arrays]), structure, axis, check, reduction
        found: _Plain | None = setting.steps.get(key)
        if found is None:
            found = _Plain(setting, arrays, structure, axis, check, reduction)
            keep(setting.steps, key, found)
    except (ShapeError, TypeError):
        return None  # Said again in words, which name PyTorch's remedy; or symbolic shapes, which are no key.
    if required and torch.is_grad_enabled() and any(arrays[place].requires_grad for place in found.others):
        return None
    return found


class _Plain(Prepared):
    """Plain totals of tensors of the same dtypes and shapes on one device, prepared once."""

    __slots__ = ("divisor", "factor", "like", "step")

    def __init__(
        self, setting: Setting, arrays: Sequence[Array], structure: tuple[int, ...], axis: int, check: Mode | None,
        reduction: str,
    ) -> None:  # fmt: skip
        super().__init__(setting, structure, axis, check, reduction)
        self.step, self.divisor, self.factor = None, 1, 1.0
        self.like = torch.empty((), dtype=torch.float32, device=arrays[0].device)
        record = setting.record
        if not setting.is_plain or not is_enrolled(record) or any(x.device != arrays[0].device for x in arrays):
            return
        plan, inputs = planned(setting, as_given(arrays, structure), None, None, axis=axis, batched=True, strict=True)
        y_pred = inputs[record.main]
        if any(plan.packed) or not y_pred.numel() or not plan.lines.rows.are_last:
            return
        columns = 1 if plan.lines.places[record.main].expand else int(y_pred.shape[-1])
        rows = y_pred.numel() // max(columns, 1)
        for place, (each, x) in enumerate(zip(record.inputs, inputs, strict=True)):
            if x.numel() != (y_pred.numel() if each.has_outputs else rows) or not _is_read(x, label=each.is_label):
                return
            if place in record.predictions and x.dtype not in _FLOATS:
                return
        self.step = kernels.step(plan.program, setting.numbers, y_pred.device, rows, columns)
        if reduction != "sum":
            self.divisor, self.factor = rows, 1.0 / rows

    def computed(self, arrays: Sequence[Array], *, wanted: bool) -> tuple[Array, list[Array]] | None:
        """The total and, if they are wanted, its gradients, or None where only the general way leads on."""
        if self.step is None:
            return None
        value, slopes = _empty_like(self.like), self._slopes(arrays) if wanted else []
        return (value, slopes) if self._run(arrays, slopes, value, None) else None

    def pulled_back(self, arrays: Sequence[Array], upstream: Array) -> list[Array] | None:
        """The gradients, times a number on the device, or None."""
        slopes = self._slopes(arrays)
        return slopes if self._run(arrays, slopes, None, upstream) else None

    def _slopes(self, arrays: Sequence[Array]) -> list[Array]:
        return [_empty_like(arrays[place]) for place in self.places]

    def _run(
        self, arrays: Sequence[Array], slopes: Sequence[Array], value: Array | None, upstream: Array | None
    ) -> bool:
        if self.step is None:
            return False
        for x in arrays:
            if not x.is_contiguous() or x.is_neg():
                return False
        factor, divisor = self.factor, self.divisor
        try:
            self.step.run(arrays, slopes, value, upstream=upstream, factor=factor, divisor=divisor)
        except NoKernelError:
            self.step = None
        return self.step is not None

    def gradients(self, arrays: Sequence[Array]) -> Sequence[Array] | None:
        """The gradients, or None where it must be seen how they are computed."""
        found = None if not is_eager() else self.computed(arrays, wanted=True)
        return None if found is None else found[1]


def _is_read(x: Array, *, label: bool) -> bool:
    """Whether a kernel reads tensors of this dtype as the words do: labels, or numbers that it makes float32."""
    if label:
        return not (x.is_floating_point() or x.is_complex())
    return not (x.is_complex() or x.dtype is torch.float64)


class _Late(Known):
    """A number of tensors in half precision, whose gradients are made when what multiplies them is known.

    A slope of half precision may vanish before it is scaled, and one of float32 would be stored twice.
    """

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (plain,), arrays, (up,) = ctx.known, ctx.saved_tensors, upstream
        found = None
        if not (torch.is_grad_enabled() or is_several(up)) and is_eager():
            found = plain.pulled_back(arrays, up)
        if found is None:
            return None, *in_words(plain, arrays, up)
        return None, *placed(plain.places, found, arrays)


_total, _late = prepared(Total), prepared(_Late)
