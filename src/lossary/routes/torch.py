"""PyTorch's tensors: in host memory NumPy computes on their own memory, and autograd is handed the result.

The gradient is at hand when the value is, whether a fused kernel or NumPy's words compute it; neither starts as many
operations as the words of PyTorch, which is what a small call costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import kernels
from ..backends import Array
from ..backends.torch import BACKEND, PLAIN
from ..calls.evaluate import Call
from ..calls.linear import Arguments, Settings
from ..calls.parts import lead
from ..calls.plan import Setting, keep
from ..calls.route import Prepare, Route
from ..errors import ShapeError
from ..facts.axes import Axis
from ..facts.record import Record
from . import steps, torch_device, torch_linear_compiled
from .torch_compiled import compiled
from .torch_doors import is_eager, prepared
from .torch_prepared import Prepared, Total, Values
from .torch_together import Together, given, together, unfit, widened

if TYPE_CHECKING:
    from ..looks.modes import Mode

_SCALARS = {dtype: torch.empty((), dtype=dtype, device="cpu") for dtype in (torch.float32, torch.float64)}
_STRIDED = torch.strided
# Looked up once: a small call is made of little else than such questions.
_is_grad_enabled, _is_compiling, _empty_like = torch.is_grad_enabled, torch.compiler.is_compiling, torch.empty_like
_total, _values = prepared(Total), prepared(Values)


class TorchRoute(Route):
    """Calls on tensors: by NumPy on their memory, value and gradient at once, or with a kernel in torch.compile."""

    def refusal(self, *arrays: Array) -> str:
        others = *arrays[:1], *arrays[2:]
        if any(x.requires_grad for x in others) and torch.is_grad_enabled():
            return "more than y_pred is differentiated"
        return _out_of_reach(*arrays)

    def at_once(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str, *,
        batched: bool = True,
    ) -> Array | None:  # fmt: skip
        if y_pred.is_cuda:
            return torch_device.at_once(setting, y_true, y_pred, axis, check, reduction)
        wanted = y_pred.requires_grad and _is_grad_enabled()
        plain = _plain(setting, y_true, y_pred, axis, check, reduction, wanted, batched=batched)
        found = None if plain is None else plain.computed(y_true, y_pred)
        if found is None:
            return None
        if not wanted:
            return found[0]
        return (_values if reduction == "none" else _total)([plain, *found], y_pred, y_true)

    def at_once_with_gradient(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str
    ) -> tuple[Array, Array] | None:
        if y_pred.is_cuda:
            return torch_device.at_once_with_gradient(setting, y_true, y_pred, axis, check, reduction)
        plain = _plain(setting, y_true, y_pred, axis, check, reduction, True)
        found = None if plain is None else plain.computed(y_true, y_pred)
        return None if found is None else (found[1], found[0])

    def origin(self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, reduction: str) -> str:
        if type(axis) is not int or not _is_plain(y_true, y_pred) or y_pred.dtype not in _SCALARS:
            return ""
        views = y_true.detach().numpy(), y_pred.detach().numpy()
        return steps.made(setting, *views, axis, None, reduction, wanted=True).origin

    def shortcut(
        self, prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
    ) -> Call | None:
        if torch.compiler.is_compiling():
            return compiled(prepare, arguments, sample_weight, where) if record.is_pair else None
        like = lead(record, arguments)

        def tensors(x: Any) -> Any:
            if isinstance(x, tuple | list):
                return tuple(map(tensors, x)) if any(isinstance(each, torch.Tensor) for each in x) else x
            return self.backend.asarray(x, like) if _is_numeric(x) else x

        call = record, list(map(tensors, arguments)), tensors(sample_weight), tensors(where)
        return self._in_memory(prepare, *call) or together(prepare, *call)

    @property
    def is_followed(self) -> bool:
        return bool(torch.compiler.is_compiling())

    def compiles(self, given: Arguments) -> bool:
        return torch_linear_compiled.takes(given)

    def linear_compiled(self, spelling: str, reduction: str, given: Arguments) -> Array:
        return torch_linear_compiled.value(spelling, reduction, given)

    def linear(self, settings: Settings, given: Arguments) -> Array:
        # Imported where it is used: it imports PyTorch's compiler, which takes longer than PyTorch itself.
        from . import linear_torch

        return linear_torch.value(settings, given)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        from . import linear_torch

        found: tuple[Array, tuple[Array, ...]] = linear_torch.value_and_gradients(settings, given)
        return found

    def _in_memory(
        self, prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
    ) -> InMemory | None:
        """The call on NumPy's views of these tensors, or None where words of PyTorch must compute it or are faster."""
        found = None if record.compared else given(record, arguments)
        if found is None:
            return None
        others = [x for x in (sample_weight, where) if x is not None]
        if _out_of_reach(*found.arrays, *others) or found.is_differentiated(*others):
            return None
        try:
            views = found.arguments([_view(x) for x in found.arrays]), _view(sample_weight), _view(where)
        except (RuntimeError, TypeError):
            return None  # A wrapper of torch.func that outlived its function, or a layout that NumPy does not have.
        try:
            batch = prepare(*views, kernel=kernels.offer)
        except ShapeError:
            return None  # Said again in words, which name PyTorch's remedy.
        if batch.fused is None and found.predictions[0].numel() >= kernels.THRESHOLD:
            return None  # Here the words of PyTorch, on several threads, overtake those of NumPy.
        return InMemory(batch, found, lambda x: prepare(found.arguments(x), sample_weight, where), others)


def _out_of_reach(*arrays: Array) -> str:
    """Why NumPy cannot compute on the memory of these tensors, or nothing."""
    for x in arrays:
        if type(x) not in PLAIN:
            break
        if not x.is_cpu:
            return "the tensors are not in host memory"
        if x.layout is not torch.strided or x.is_neg() or x.is_conj():
            return "the tensors have no plain memory layout"
    return unfit(*arrays)


def _plain(
    setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str, wanted: bool, *,
    batched: bool = True,
) -> _Plain | None:  # fmt: skip
    """What was prepared for plain calls on tensors like these, or None."""
    if _is_compiling() or not _is_plain(y_true, y_pred) or type(axis) is not int:
        return None
    try:
        key = y_true.dtype, y_pred.dtype, y_true.shape, y_pred.shape, axis, check, reduction, wanted, batched
        found: _Plain | None = setting.steps.get(key)
        if found is None:
            found = _Plain(setting, y_true, y_pred, axis, check, reduction, wanted=wanted, batched=batched)
            keep(setting.steps, key, found)
    except (RuntimeError, TypeError, ShapeError):
        # A wrapper of torch.func that outlived its function, tensors of many shapes, a dtype that NumPy does not have;
        # shapes that do not fit are said again in words, which name PyTorch's remedy.
        return None
    return found


class _Plain(Prepared):
    """Plain calls on tensors of the same dtypes and shapes, prepared once: one compiled step, or words of NumPy."""

    __slots__ = ("like", "memory", "room", "run", "step", "tail", "wanted")

    def __init__(
        self, setting: Setting, y_true: Array, y_pred: Array, axis: int, check: Mode | None, reduction: str, *,
        wanted: bool, batched: bool,
    ) -> None:  # fmt: skip
        views = y_true.detach().numpy(), y_pred.detach().numpy()
        super().__init__(setting, axis, check, reduction, batched=batched)
        self.step = steps.made(setting, *views, axis, check, reduction, wanted=wanted, batched=batched)
        self.like, self.wanted = _SCALARS.get(y_pred.dtype), wanted
        self.run, self.tail, self.room = self.step.run, self.step.tail, self.step.room
        self.memory = _shared if self.step.shared else torch.Tensor.data_ptr

    def computed(self, y_true: Array, y_pred: Array) -> list[Array] | None:
        """The gradient, if it is wanted, and the loss, or None where only the general way leads on."""
        try:
            if self.run is None:
                found = self.step.on_numpy(y_true.detach().numpy(), y_pred.detach().numpy())
                return None if found is None else [_tensor(x) for x in reversed(found) if x is not None]
            if not (y_true.is_contiguous() and y_pred.is_contiguous()):
                return None
            value = _empty_like(self.like)
            slopes = None
            if self.wanted:
                slopes = _empty_like(y_pred) if self.room is None else torch.from_numpy(self.room())
            memory = self.memory
            at = 0 if slopes is None else memory(slopes)
            faults = self.run(memory(y_true), memory(y_pred), at, memory(value), *self.tail)
        except (RuntimeError, TypeError):
            return None  # A wrapper of torch.func that outlived its function.
        if faults and faults & self.step.fatal:
            return None
        return [value] if slopes is None else [slopes, value]

    def gradient(self, y_true: Array, y_pred: Array) -> Array | None:
        """The gradient, or None where it must be seen how it is computed."""
        setting, axis, check, reduction, _ = self.given
        plain = _plain(setting, y_true, y_pred, axis, check, reduction, True)
        found = None if plain is None else plain.computed(y_true, y_pred)
        return None if found is None else found[0]


def _shared(x: Array) -> Any:
    return x.detach().numpy()


def _is_plain(y_true: Any, y_pred: Any) -> bool:
    """Whether nothing but numbers in host memory is to be seen, of which y_pred alone may be differentiated."""
    if type(y_true) not in PLAIN or type(y_pred) not in PLAIN or not is_eager():
        return False
    if not (y_true.is_cpu and y_pred.is_cpu and y_true.layout is y_pred.layout is _STRIDED):
        return False
    return not (y_true.is_neg() or y_pred.is_neg() or (y_true.requires_grad and _is_grad_enabled()))


class InMemory(Together):
    """A call on tensors that NumPy computes: ``batch`` is NumPy's, and the tensors share its memory."""

    def tensor(self, x: Any) -> Array:
        """What NumPy computed, as a tensor."""
        return _tensor(x)

    def array(self, x: Array) -> Any:
        """A tensor as NumPy's."""
        return x.detach().numpy()


def _view(x: Array | None) -> Any:
    return None if x is None else widened(x).detach().numpy()


def _tensor(x: Any) -> Array:
    return torch.from_numpy(np.asarray(x))


def _is_numeric(x: Any) -> bool:
    """Whether it is an array of NumPy that becomes a tensor as it is."""
    return type(x) is np.ndarray and x.dtype.kind in "biuf" and x.dtype.itemsize <= 8


ROUTE = TorchRoute(BACKEND)
