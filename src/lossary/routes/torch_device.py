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
from .torch_doors import apply, is_eager, is_several, prepared
from .torch_prepared import Prepared, Total, differentiable
from .torch_together import HALF

if TYPE_CHECKING:
    from ..looks.modes import Mode

_FLOATS = frozenset({torch.float32}) | HALF
_STRIDED = torch.strided
_empty_like = torch.empty_like
_total = prepared(Total)


def at_once(
    setting: Setting, y_true: Any, y_pred: Array, axis: Any, check: Mode | None, reduction: str
) -> Array | None:
    """The reduced loss of a plain call, differentiable; None where there is more to it."""
    plain = _plain(setting, y_true, y_pred, axis, check, reduction)
    if plain is None:
        return None
    wanted = y_pred.requires_grad and torch.is_grad_enabled()
    late = wanted and y_pred.dtype in HALF
    found = plain.computed(y_true, y_pred, wanted=wanted and not late)
    if found is None:
        return None
    if late:
        return apply(_Late, y_pred, y_true, plain, found[0])
    return _total([plain, found[:1], found[1]], y_true, y_pred) if wanted else found[0]


def at_once_with_gradient(
    setting: Setting, y_true: Any, y_pred: Array, axis: Any, check: Mode | None, reduction: str
) -> tuple[Array, Array] | None:
    """The reduced loss of a plain call and its gradient; None where there is more to it."""
    plain = _plain(setting, y_true, y_pred, axis, check, reduction)
    found = None if plain is None else plain.computed(y_true, y_pred, wanted=True)
    return None if found is None else (found[1], found[0])


def _plain(
    setting: Setting, y_true: Any, y_pred: Array, axis: Any, check: Mode | None, reduction: str
) -> _Plain | None:
    """What was prepared for plain totals of tensors like these, or None."""
    if torch.compiler.is_compiling():
        return None
    if type(y_true) not in PLAIN or type(y_pred) not in PLAIN or type(axis) is not int or not is_eager():
        return None
    if check in ("full", "async") or reduction == "none" or not y_pred.layout is y_true.layout is _STRIDED:
        return None
    if y_true.device != y_pred.device or (y_true.requires_grad and torch.is_grad_enabled()):
        return None
    key = y_pred.device, y_true.dtype, y_pred.dtype, y_true.shape, y_pred.shape, axis, check, reduction
    try:
        found: _Plain | None = setting.steps.get(key)
        if found is None:
            found = _Plain(setting, y_true, y_pred, axis, check, reduction)
            keep(setting.steps, key, found)
    except (ShapeError, TypeError):
        return None  # Said again in words, which name PyTorch's remedy; or symbolic shapes, which are no key.
    return found


class _Plain(Prepared):
    """Plain totals of tensors of the same dtypes and shapes on one device, prepared once."""

    __slots__ = ("divisor", "factor", "like", "step")

    def __init__(
        self, setting: Setting, y_true: Array, y_pred: Array, axis: int, check: Mode | None, reduction: str
    ) -> None:
        super().__init__(setting, (), axis, check, reduction)
        self.step, self.divisor, self.factor = None, 1, 1.0
        self.like = torch.empty((), dtype=torch.float32, device=y_pred.device)
        record = setting.record
        simple = setting.is_plain and record.is_pair
        if not simple or not is_enrolled(record) or not y_pred.numel() or y_pred.dtype not in _FLOATS:
            return
        plan, *_ = planned(setting, (y_true, y_pred), None, None, axis=axis, batched=True, strict=True)
        columns = 1 if plan.lines.places[1].expand else int(y_pred.shape[-1])
        rows = y_pred.numel() // max(columns, 1)
        labels = record.labels_are_integers
        if y_true.numel() != (rows if labels else y_pred.numel()) or (labels and y_true.is_floating_point()):
            return
        if y_true.is_complex() or y_true.dtype is torch.float64 or not plan.lines.rows.are_last:
            return
        self.step = kernels.step(plan.program, setting.numbers, y_pred.device, rows, columns)
        if reduction != "sum":
            self.divisor, self.factor = rows, 1.0 / rows

    def computed(self, y_true: Array, y_pred: Array, *, wanted: bool) -> list[Array] | None:
        """The gradient, if it is wanted, and the total, or None where only the general way leads on."""
        value, slopes = _empty_like(self.like), _empty_like(y_pred) if wanted else None
        if not self._run(y_true, y_pred, slopes, value, None):
            return None
        return [value] if slopes is None else [slopes, value]

    def pulled_back(self, y_true: Array, y_pred: Array, upstream: Array) -> Array | None:
        """The gradient, times a number on the device, or None."""
        slopes = _empty_like(y_pred)
        return slopes if self._run(y_true, y_pred, slopes, None, upstream) else None

    def _run(
        self, y_true: Array, y_pred: Array, slopes: Array | None, value: Array | None, upstream: Array | None
    ) -> bool:
        if self.step is None or not (y_true.is_contiguous() and y_pred.is_contiguous()):
            return False
        if y_true.is_neg() or y_pred.is_neg():
            return False
        factor, divisor = self.factor, self.divisor
        try:
            self.step.run(y_true, y_pred, slopes, value, upstream=upstream, factor=factor, divisor=divisor)
        except NoKernelError:
            self.step = None
        return self.step is not None

    def gradients(self, arrays: Sequence[Array]) -> Sequence[Array] | None:
        """The gradient, or None where it must be seen how it is computed."""
        y_true, y_pred = arrays
        found = None if not is_eager() else self.computed(y_true, y_pred, wanted=True)
        return None if found is None else found[:1]


class _Late(torch.autograd.Function):
    """A number of tensors in half precision, whose gradient is made when what it is multiplied with is known.

    A slope of half precision may vanish before it is scaled, and one of float32 would be stored twice.
    """

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, plain: _Plain, value: Array) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.plain = plain
        return value

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (y_pred, y_true), plain, (up,) = ctx.saved_tensors, ctx.plain, upstream
        found = None
        if not (torch.is_grad_enabled() or is_several(up)) and is_eager():
            found = plain.pulled_back(y_true, y_pred, up)
        if found is None:
            (found,) = differentiable(lambda: plain.total((y_true, y_pred)), [y_pred], up)
        return found, None, None, None
