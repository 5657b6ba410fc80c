"""PyTorch's tensors: in host memory NumPy computes on their own memory, and autograd is handed the result.

The gradient is at hand when the value is, whether a fused kernel or NumPy's words compute it; neither starts as many
operations as the words of PyTorch, which is what a small call costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import kernels
from ..backends import Array
from ..backends.torch import BACKEND, PLAIN
from ..calls import evaluate
from ..calls.evaluate import Batch, Call
from ..calls.linear import Arguments, Settings
from ..calls.plan import Setting
from ..calls.route import Prepare, Route
from ..errors import ShapeError
from ..facts.axes import Axis
from . import linear_torch, steps
from .torch_compiled import compiled
from .torch_doors import apply, is_several
from .torch_together import Together, Total, again, differentiated, together, unfit, widened

if TYPE_CHECKING:
    from ..looks.modes import Mode

_FLOATS = frozenset({torch.float32, torch.float64})


class TorchRoute(Route):
    """Calls on tensors: by NumPy on their memory, value and gradient at once, or with a kernel in torch.compile."""

    def refusal(self, *arrays: Array) -> str:
        for x in arrays:
            if type(x) not in PLAIN:
                break
            if not x.is_cpu:
                return "the tensors are not in host memory"
            if x.layout is not torch.strided or x.is_neg() or x.is_conj():
                return "the tensors have no plain memory layout"
        return unfit(*arrays)

    def total(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str
    ) -> Array | None:
        step = self._step(setting, y_true, y_pred, axis, check, reduction)
        if step is None or (found := step()) is None:
            return None
        if not differentiated(y_pred):
            return _tensor(found[0])

        def find() -> tuple[Array, Array]:
            return _both(step())

        def words(y: Array, p: Array) -> Batch:
            return evaluate.prepare(setting, (y, p), axis=axis, check=check, batched=True)

        return apply(Total, y_pred, y_true, list(_both(found)), find, words, reduction)

    def total_and_gradient(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str
    ) -> tuple[Array, Array] | None:
        step = self._step(setting, y_true, y_pred, axis, check, reduction)
        return None if step is None or (found := step()) is None else _both(found)

    def _step(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None, reduction: str
    ) -> Callable[[], Any] | None:
        """What computes a small plain total and its gradient on the tensors' memory, where that is possible."""
        if torch.compiler.is_compiling() or type(y_true) not in PLAIN or y_pred.numel() >= kernels.THRESHOLD:
            return None
        if y_pred.dtype not in _FLOATS or self.refusal(y_true, y_pred):
            return None
        try:
            true, pred = y_true.detach().numpy(), y_pred.detach().numpy()
        except (RuntimeError, TypeError):
            return None  # A wrapper of torch.func that outlived its function, or a dtype that NumPy does not have.
        try:
            found = steps.find(setting, true, pred, axis, check, reduction)
        except ShapeError:
            return None  # Said again in words, which name PyTorch's remedy.
        return None if found is None else partial(found, true, pred)

    def shortcut(self, prepare: Prepare, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Call | None:
        if torch.compiler.is_compiling():
            return compiled(prepare, y_true, y_pred, sample_weight, where)
        y_true, sample_weight, where = (
            self.backend.asarray(x, y_pred) if _is_numeric(x) else x for x in (y_true, sample_weight, where)
        )
        found = self._in_memory(prepare, y_true, y_pred, sample_weight, where)
        return found or together(prepare, y_true, y_pred, sample_weight, where)

    def linear(self, settings: Settings, given: Arguments) -> Array:
        return linear_torch.value(settings, given)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        found: tuple[Array, tuple[Array, ...]] = linear_torch.value_and_gradients(settings, given)
        return found

    def _in_memory(
        self, prepare: Prepare, y_true: Any, y_pred: Array, sample_weight: Any, where: Any
    ) -> InMemory | None:
        """The call on NumPy's views of these tensors, or None where words of PyTorch must compute it or are faster."""
        if type(y_true) not in PLAIN or not y_pred.is_floating_point():
            return None
        others = [x for x in (sample_weight, where) if x is not None]
        if self.refusal(y_true, y_pred, *others):
            return None
        true, pred = widened(y_true), widened(y_pred)
        try:
            views = [_view(true), _view(pred), _view(sample_weight), _view(where)]
        except (RuntimeError, TypeError):
            return None  # A wrapper of torch.func that outlived its function, or a layout that NumPy does not have.
        try:
            batch = prepare(*views, kernel=kernels.offer)
        except ShapeError:
            return None  # Said again in words, which name PyTorch's remedy.
        if batch.fused is None and y_pred.numel() >= kernels.THRESHOLD:
            return None  # Here the words of PyTorch, on several threads, overtake those of NumPy.
        return InMemory(batch, true, pred, y_pred.dtype, lambda y, p: prepare(y, p, sample_weight, where), others)


class InMemory(Together):
    """A call on tensors that NumPy computes: ``batch`` is NumPy's, and ``y_pred`` shares its memory."""

    def reduced(self, reduction: str) -> Array:
        """The reduced loss, as a tensor that knows its gradient."""
        if not differentiated(self.y_pred):
            return self.answer(_tensor(self.batch.reduced(reduction)), reduction)
        if reduction == "none":
            values = self.batch.reduced("none")
            return self.result(apply(_Values, self.y_pred, self.y_true, values, self.batch, self.words))
        return self.total(lambda: _both(self.batch.value_and_gradient(reduction)), reduction)

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient."""
        value, gradient = _both(self.batch.value_and_gradient(reduction))
        return self.answer(value, reduction), self.result(gradient)


def _view(x: Array | None) -> Any:
    return None if x is None else widened(x).detach().numpy()


def _tensor(x: Any) -> Array:
    return torch.from_numpy(np.asarray(x))


def _both(found: Any) -> tuple[Array, Array]:
    value, gradient = found
    return _tensor(value), _tensor(gradient)


def _is_numeric(x: Any) -> bool:
    """Whether it is an array of NumPy that becomes a tensor as it is."""
    return type(x) is np.ndarray and x.dtype.kind in "biuf" and x.dtype.itemsize <= 8


class _Values(torch.autograd.Function):
    """One number per data point; the gradient is computed for the factors that come back."""

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, values: Any, batch: Batch, words: Any) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.batch, ctx.words = batch, words
        return _tensor(values)

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        y_pred, y_true = ctx.saved_tensors
        if torch.is_grad_enabled():
            return again(ctx.words, "none", y_true, y_pred, upstream[0]), None, None, None, None
        return _pulled_back(ctx.batch, upstream[0]), None, None, None, None


def _pulled_back(batch: Batch, upstream: Array) -> Array:
    if not is_several(upstream):
        return torch.from_numpy(batch.pulled_back(upstream.detach().numpy()))
    unit = torch.from_numpy(batch.pulled_back(np.ones(upstream.shape, batch.y_pred.dtype)))
    factor = upstream
    if upstream.dim() != unit.dim():
        for axis in batch.rows.axes:
            factor = factor.unsqueeze(axis)
    return factor * unit


ROUTE = TorchRoute(BACKEND)
