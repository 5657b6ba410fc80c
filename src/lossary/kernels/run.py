"""One call of a kernel: arrays in, value and gradient out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from .._reduce import factors
from ..backends import NUMPY, Array, Backend
from ..backends import words as namespace
from ..graph import emit, words
from ..program import Program
from . import pages, store, threads
from .emit import CHUNK, Use, source

if TYPE_CHECKING:
    from .._evaluate import Batch

Floats = np.ndarray[Any, Any]
# Elements per task: long enough that handing out tasks costs nothing, short enough that no thread waits at the end.
_TASK = 1 << 18
_locks = [Lock()]


class Kernel:
    """The compiled loop of a program for one use and dtype."""

    def __init__(self, program: Program, use: Use, dtype: str) -> None:
        text, parameters = source(program, use)
        self.name = f"{program.record.name}_{use.name}"
        self.use = use
        names = [part.strip() for part in text[text.index("(") + 1 : text.index(")")].split(",")]
        typed = store.signature(names, dtype, program.record.labels_are_integers, use.rows)
        extra = {
            "NEUTRAL_TARGET": program.record.target.neutral,
            "NEUTRAL_PREDICTION": program.record.prediction_domain(program.switches).neutral,
        }
        self.run, self.origin = store.compiled(self.name, text, dtype, typed, extra if use.mask else {})
        self._numbers = _host(program, parameters)
        self._kind = np.dtype(dtype).type
        self._last: tuple[tuple[float, ...], tuple[Any, ...]] | None = None

    def numbers(self, given: tuple[float, ...]) -> tuple[Any, ...]:
        """The numbers computed from the parameters, in the kernel's dtype."""
        last = self._last
        if last is None or last[0] != given:
            with np.errstate(all="ignore"):
                last = self._last = given, tuple(self._kind(number) for number in self._numbers(*given))
        return last[1]


def _host(program: Program, parameters: Sequence[Any]) -> Callable[..., Sequence[float]]:
    if not parameters:
        return lambda *given: ()
    scope = namespace(NUMPY, words.__all__)
    exec(emit("numbers", program.inputs[2:], parameters), scope)
    function: Callable[..., Any] = scope["numbers"]
    return function if len(parameters) > 1 else lambda *given: (function(*given),)


class NoKernelError(Exception):
    """A formula that cannot be compiled; the message says why."""


_kernels: WeakKeyDictionary[Program, dict[tuple[Use, str], Kernel | NoKernelError]] = WeakKeyDictionary()


def kernel(program: Program, use: Use, dtype: str) -> Kernel:
    """The kernel, compiled or loaded on first use."""
    found = _kernels.get(program, {}).get((use, dtype))
    if found is None:
        with _locks[0]:
            own = _kernels.setdefault(program, {})
            if (use, dtype) not in own:
                own[use, dtype] = _made(program, use, dtype)
            found = own[use, dtype]
    if isinstance(found, NoKernelError):
        raise found
    return found


def _made(program: Program, use: Use, dtype: str) -> Kernel | NoKernelError:
    try:
        return Kernel(program, use, dtype)
    except Exception as error:
        # Whatever a formula does that the emitter or Numba does not understand, the words can compute it.
        return NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])


def _forget() -> None:
    """In a forked child nobody is left to release a lock that another thread of the parent held."""
    _locks[0] = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class NotInHostMemoryError(Exception):
    """The numbers of an array cannot be reached without its framework."""


def _in_host(backend: Backend, x: Array) -> Floats:
    found = backend.host(x, wait=False)
    if found is None:
        raise NotInHostMemoryError
    return found


class Fused:
    """The arrays of one call, ready for kernels.

    Methods return None where the result is not finite: the framework's words, which scale more carefully, then
    compute it again.
    """

    def __init__(self, batch: Batch, look: Callable[[], None] | None) -> None:
        backend = batch.backend
        self.program = batch.program
        self.look = look
        self.given = batch.numbers
        y_true, y_pred = _in_host(backend, batch.y_true), _in_host(backend, batch.y_pred)
        weights, mask = (None if x is None else _in_host(backend, x) for x in (batch.weights, batch.mask))
        if self.program.record.labels_are_integers:
            y_true = y_true.astype(np.int64, copy=False)
        self.y_true, self.y_pred, self.weights, self.mask = y_true, y_pred, weights, mask
        self.dtype = str(y_pred.dtype.name)
        self.points = y_pred.shape[:-1]
        self.columns = y_pred.shape[-1]

    # --- what a call wants ---------------------------------------------------------------------------------------

    def values(self) -> Floats | None:
        """One value per data point."""
        try:
            values, _ = self._points(None)
        except NoKernelError:
            self._refused()
            return None
        return values if np.isfinite(np.sum(values, dtype=np.float64)) else None

    def reduced(self, reduction: str, *, gradient: bool) -> tuple[Floats, Floats | None] | None:
        """The reduced loss and, if wanted, its gradient."""
        try:
            if self._is_total(reduction):
                return self._total(reduction, gradient=gradient)
            factor = self.factors(reduction)
            values, slopes = self._points(factor if gradient else None)
        except NoKernelError:
            self._refused()
            return None
        weighted = values.astype(np.float64) * factor
        result = weighted if reduction == "none" else np.sum(weighted)
        if not np.all(np.isfinite(result)):
            return None
        return np.asarray(result, self.dtype), slopes

    def gradient(self, upstream: Floats) -> Floats | None:
        """The gradient for one factor per data point."""
        try:
            if self._is_total("sum") and not any(upstream.strides):
                return self._run_total(float(upstream.flat[0]), gradient=True)[1]
            return self._points(np.broadcast_to(upstream, self.points))[1]
        except NoKernelError:
            self._refused()
            return None

    def slopes(self, reduction: str) -> Floats | None:
        """The gradient of the reduced loss."""
        if self._is_total(reduction):
            return self.gradient(np.broadcast_to(np.asarray(self._scale(reduction), self.dtype), self.points))
        return self.gradient(self.factors(reduction))

    def factors(self, reduction: str) -> Floats:
        """What each value is multiplied by."""
        like = np.empty(self.points, self.dtype)
        with np.errstate(all="ignore"):
            return np.ascontiguousarray(factors(NUMPY, like, self.weights, self.mask, reduction), self.dtype)

    def origin(self) -> str:
        """Where the kernel of a mean and its gradient comes from."""
        total = self._is_total("sum_over_batch_size")
        return self._kernel(gradient=True, total=total).origin

    def _refused(self) -> None:
        """The words compute the call, so the values are looked at first."""
        if self.look is not None:
            self.look()

    # --- running ---------------------------------------------------------------------------------------------------

    def _is_total(self, reduction: str) -> bool:
        return self.program.separable and self.weights is None and self.mask is None and reduction != "none"

    def _kernel(self, *, gradient: bool, total: bool) -> Kernel:
        points = not total and self.program.separable and self.columns == 1
        rows = not total and not points
        return kernel(self.program, Use(rows, points, gradient, self.mask is not None), self.dtype)

    def _total(self, reduction: str, *, gradient: bool) -> tuple[Floats, Floats | None] | None:
        factor = self._scale(reduction)
        total, slopes = self._run_total(factor, gradient=gradient)
        value = total / self.columns * factor
        with np.errstate(over="ignore"):
            result = np.asarray(value, self.dtype)
        return (result, slopes) if np.isfinite(result) else None

    def _scale(self, reduction: str) -> float:
        """The reducer's factor where it is the same for every data point."""
        return 1.0 if reduction == "sum" else self.columns / self.y_pred.size

    def _run_total(self, factor: float, *, gradient: bool) -> tuple[float, Floats | None]:
        made = self._kernel(gradient=gradient, total=True)
        kind = np.dtype(self.dtype).type
        size = self.y_pred.size
        y_true, y_pred = self.y_true, self.y_pred
        # Elements do not see each other, so any order that both arrays share will do.
        turned = y_pred.ndim > 1 and all(x.flags.f_contiguous and not x.flags.c_contiguous for x in (y_true, y_pred))
        if turned:
            y_true, y_pred = y_true.T, y_pred.T
        slopes = pages.empty(y_pred.shape, self.dtype) if gradient else None
        chunks = -(-size // CHUNK)
        totals = np.empty(chunks)
        arrays = [_flat(y_true), _flat(y_pred), *([] if slopes is None else [slopes.reshape(-1)]), totals]
        arrays += [kind(factor)] if gradient else []
        self._run(made, [*arrays, kind(self.columns)], chunks, CHUNK)
        return float(np.sum(totals)), slopes.T if turned and slopes is not None else slopes

    def _points(self, factor: Floats | None) -> tuple[Floats, Floats | None]:
        made = self._kernel(gradient=factor is not None, total=False)
        kind = np.dtype(self.dtype).type
        size = self.y_pred.size
        rows = size // self.columns
        slopes = None if factor is None else pages.empty(self.y_pred.shape, self.dtype)
        values = np.empty(rows, self.dtype)
        ends = [values] if self.mask is None else [_flat(np.broadcast_to(self.mask, self.points)), values]
        ends += [] if factor is None else [_flat(factor)]
        shape = (rows, self.columns) if made.use.rows else (size,)
        out = [] if slopes is None else [slopes.reshape(shape)]
        y_true = _flat(self.y_true)
        if not self.program.record.labels_are_integers:
            y_true = y_true.reshape(shape)
        arrays = [y_true, _flat(self.y_pred).reshape(shape), *out, *ends]
        if made.use.rows:
            self._run(made, arrays, rows, self.columns)
        else:
            self._run(made, [*arrays, kind(1.0)], -(-size // CHUNK), CHUNK)
        return values.reshape(self.points), slopes

    def _run(self, made: Kernel, arrays: list[Any], units: int, unit: int) -> None:
        numbers = made.numbers(self.given)
        step = max(1, _TASK // unit)

        def task(first: int) -> int:
            return int(made.run(*arrays, first, min(first + step, units), *numbers))

        faults = threads.run(task, range(0, units, step))
        if faults and self.look is not None:
            self.look()


def _flat(x: Floats) -> Floats:
    """A read-only view of all elements in order; a copy where memory does not lie in order."""
    if not (x.flags.c_contiguous and x.flags.aligned):
        x = np.require(x, requirements=["C", "A"])
    view = x.reshape(-1).view()
    view.flags.writeable = False
    return view
