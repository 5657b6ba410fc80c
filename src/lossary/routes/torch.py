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
from .torch_prepared import Prepared, Total, Values, as_given
from .torch_together import Together, given, leaves, together, unfit, widened

if TYPE_CHECKING:
    from ..looks.modes import Mode

_SCALARS = {dtype: torch.empty((), dtype=dtype, device="cpu") for dtype in (torch.float32, torch.float64)}
# Looked up once: a small call is made of little else than such questions.
_is_grad_enabled, _is_compiling, _empty_like = torch.is_grad_enabled, torch.compiler.is_compiling, torch.empty_like
_total, _values = prepared(Total), prepared(Values)


class TorchRoute(Route):
    """Calls on tensors: by NumPy on their memory, value and gradient at once, or with a kernel in torch.compile."""

    def refusal(self, arrays: Sequence[Array] = (), predictions: Sequence[int] = ()) -> str:
        others = [x for place, x in enumerate(arrays) if place not in predictions]
        if any(x.requires_grad for x in others) and torch.is_grad_enabled():
            return "more than the predictions is differentiated"
        return _out_of_reach(*arrays)

    def at_once(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str, *,
        batched: bool = True,
    ) -> Array | None:  # fmt: skip
        arrays, structure = (arguments, ()) if setting.record.is_pair else steps.leaves(arguments)
        plain = _plain(setting, arrays, structure, axis, check, reduction, batched=batched)
        if plain is None:
            return torch_device.at_once(setting, arrays, structure, axis, check, reduction)
        found = plain.computed(arrays)
        if found is None:
            return None
        value, gradients = found
        if not plain.wanted:
            return value
        return (_values if reduction == "none" else _total)([plain, gradients, value], *arrays)

    def at_once_with_gradient(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str
    ) -> tuple[Array, Any] | None:
        arrays, structure = (arguments, ()) if setting.record.is_pair else steps.leaves(arguments)
        plain = _plain(setting, arrays, structure, axis, check, reduction, wanted=True)
        if plain is None:
            return torch_device.at_once_with_gradient(setting, arrays, structure, axis, check, reduction)
        found = plain.computed(arrays)
        return None if found is None else (found[0], plain.structured(found[1]))

    def origin(self, setting: Setting, arguments: Sequence[Any], axis: Axis, reduction: str) -> str:
        plain = _plain(setting, *steps.leaves(arguments), axis, None, reduction, wanted=True)
        return "" if plain is None else plain.step.origin

    def shortcut(
        self, prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
    ) -> Call | None:
        if torch.compiler.is_compiling():
            return compiled(prepare, record, arguments, sample_weight, where)
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
    setting: Setting, arrays: Sequence[Any], structure: tuple[int, ...], axis: Axis, check: Mode | None,
    reduction: str, *, wanted: bool = False, batched: bool = True,
) -> _Plain | None:  # fmt: skip
    """What was prepared for plain calls on tensors like these, or None where more than predictions requires a gradient.

    Gradients are found where they are wanted, and where predictions require them.
    """
    if _is_compiling() or type(axis) is not int:
        return None
    required = False
    for x in arrays:
        if type(x) not in PLAIN or not x.is_cpu or x.is_neg():
            return None
        if x.requires_grad:
            required = True
    if not is_eager():
        return None
    required = required and _is_grad_enabled()
    wanted = wanted or required
    try:
        key = steps.facts(arrays), structure, axis, check, reduction, wanted, batched
        found: _Plain | None = setting.steps.get(key)
        if found is None:
            found = _Plain(setting, arrays, structure, axis, check, reduction, wanted=wanted, batched=batched)
            keep(setting.steps, key, found)
        if required:
            for place in found.others:
                if arrays[place].requires_grad:
                    return None
    except (RuntimeError, TypeError, ShapeError):
        # A wrapper of torch.func that outlived its function, tensors of many shapes, a dtype that NumPy does not have;
        # shapes that do not fit are said again in words, which name PyTorch's remedy.
        return None
    return found


class _Plain(Prepared):
    """Plain calls on tensors of the same dtypes and shapes, prepared once: one compiled step, or words of NumPy."""

    __slots__ = ("like", "memory", "rooms", "run", "step", "tail", "wanted")

    def __init__(
        self, setting: Setting, arrays: Sequence[Array], structure: tuple[int, ...], axis: int, check: Mode | None,
        reduction: str, *, wanted: bool, batched: bool,
    ) -> None:  # fmt: skip
        super().__init__(setting, structure, axis, check, reduction, batched=batched)
        views = as_given([x.detach().numpy() for x in arrays], structure)
        step = self.step = steps.made(setting, views, axis, check, reduction, wanted=wanted, batched=batched)
        self.wanted = wanted
        self.run, self.tail = None if step.apart else step.run, step.tail
        self.like = _SCALARS.get(arrays[self.places[0]].dtype)
        # Where a gradient has the memory of its tensor, and that it is to be made in where that is large.
        rooms = step.rooms if self.run else []
        self.rooms = [(place, make) for place, (_, make) in zip(self.places, rooms, strict=bool(rooms))]
        self.memory = _shared if step.shared else torch.Tensor.data_ptr

    def computed(self, arrays: Sequence[Array]) -> tuple[Array, list[Array]] | None:
        """The loss, and its gradients if they are wanted, or None where only the general way leads on."""
        run, memory = self.run, self.memory
        try:
            if run is None:
                return self._on_numpy(arrays)
            given, slopes = [], []
            for x in arrays:
                if not x.is_contiguous():
                    return None
                given.append(memory(x))
            for place, make in self.rooms:
                slope = _empty_like(arrays[place]) if make is None else torch.from_numpy(make())
                slopes.append(slope)
                given.append(memory(slope))
            value = _empty_like(self.like)
            faults = run(*given, memory(value), *self.tail)
        except (RuntimeError, TypeError):
            return None  # A wrapper of torch.func that outlived its function, or a layout without an address.
        return None if faults and faults & self.step.fatal else (value, slopes)

    def _on_numpy(self, arrays: Sequence[Array]) -> tuple[Array, list[Array]] | None:
        found = self.step.on_numpy(*map(_shared, arrays))
        if found is None:
            return None
        value, gradient = found
        if gradient is None:
            return _tensor(value), []
        return _tensor(value), list(map(_tensor, leaves(gradient)))

    def gradients(self, arrays: Sequence[Array]) -> Sequence[Array] | None:
        """The gradients, or None where it must be seen how they are computed."""
        setting, axis, check, reduction, batched = self.given
        structure = self.structure
        plain = _plain(setting, arrays, structure, axis, check, reduction, wanted=True, batched=batched)
        found = None if plain is None else plain.computed(arrays)
        return None if found is None else found[1]


def _shared(x: Array) -> Any:
    return x.detach().numpy()


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
