"""One call of a kernel: arrays in, value and gradient out."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...backends import NUMPY
from ...calls.kernel import NOT_ONE_HOT, Fusible, NoKernelError
from ...calls.reduce import factors
from ...graph import SPELLED, Node, emit
from ...graph.program import Program
from . import alone, labels, pages, store, target, tasks, threads
from .arguments import typed
from .emit import source
from .target import CHUNK, Use

Floats = np.ndarray[Any, Any]
_LARGEST = {name: float(np.finfo(name).max) for name in ("float32", "float64")}


class Kernel:
    """The compiled loop of a program for one use and dtype."""

    def __init__(self, program: Program, use: Use, dtype: str) -> None:
        made = source(program, use)
        self.use = use
        self.run: Callable[..., int]
        parameters = typed(made.arguments, dtype)
        self.run, self.origin = store.compiled(made.name, made.text, dtype, parameters, made.constants)
        self._numbers = host_numbers(program, made.numbers)
        self._kind = np.dtype(dtype).type
        self._last: tuple[tuple[float, ...], tuple[Any, ...]] | None = None

    def numbers(self, given: tuple[float, ...]) -> tuple[Any, ...]:
        """The numbers computed from the parameters, in the kernel's dtype."""
        last = self._last
        if last is None or last[0] != given:
            with np.errstate(all="ignore"):
                found = tuple(self._kind(number) for number in self._numbers(*given))
            if any(number != number for number in found):
                raise NoKernelError("a parameter is NaN")
            last = self._last = given, found
        return last[1]


def host_numbers(program: Program, numbers: Sequence[Node]) -> Callable[..., Sequence[float]]:
    """The numbers that a kernel takes, computed from the parameters in double precision."""
    if not numbers:
        return lambda *given: ()
    scope = NUMPY.namespace(SPELLED)
    exec(emit("numbers", program.numbers, numbers), scope)
    function: Callable[..., Any] = scope["numbers"]
    return function if len(numbers) > 1 else lambda *given: (function(*given),)


# What a loop is for, and the dtype of its numbers.
Key = tuple[Use, str]


def kernel(program: Program, key: Key) -> Kernel:
    """The kernel, compiled or loaded on first use."""
    found: Kernel | NoKernelError | None = program.kernels.get(key)
    if found is None:
        if alone.torn():
            raise NoKernelError(alone.torn())
        with alone.compiling():
            if key not in program.kernels:
                program.kernels[key] = _made(program, *key)
            found = program.kernels[key]
    if isinstance(found, NoKernelError):
        raise found
    return found


def load(program: Program, dtype: str) -> None:
    """Makes the kernels ready that small calls without a mask need."""
    both = (False, True)
    uses = [Use(True, False, gradient, mask=False, narrow=narrow) for gradient in both for narrow in both]
    uses += [Use(False, False, gradient, mask=False) for gradient in both if program.separable]
    for key in [(use, dtype) for use in uses]:
        with contextlib.suppress(NoKernelError):  # Then words compute it, as `explain` says.
            kernel(program, key)
            program.kernels_at_hand.add(key)


def _made(program: Program, use: Use, dtype: str) -> Kernel | NoKernelError:
    try:
        return Kernel(program, use, dtype)
    except Exception as error:
        # Whatever the emitter or the compiler does not understand, the words can compute.
        return NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])


class Fused:
    """The NumPy arrays of one call, ready for kernels.

    Methods return None where the result is not finite: NumPy's words, which scale more carefully, then compute it
    again.  ``small`` calls take what `load` has made ready and wait for nothing.
    """

    def __init__(self, call: Fusible, look: Callable[[], None] | None, *, small: bool = False) -> None:
        self.program = call.program
        self.small = small
        self.look = look
        self.given = call.numbers
        y_pred = call.y_pred
        given = zip(call.program.record.inputs, call.inputs, strict=True)
        self.inputs = [x.astype(np.int64 if each.is_label else y_pred.dtype, copy=False) for each, x in given]
        # Data points that are not live are left out, those under the mask are not counted either.
        self.y_pred, self.weights, self.mask = y_pred, call.weights, call.live
        self.counted, self.outputs = call.mask, call.outputs
        self.dtype = NUMPY.dtype(y_pred)
        self.points = y_pred.shape[:-1]
        self.columns = y_pred.shape[-1]
        # What writes y_true where a kernel for labels takes rows that are one-hot.
        self.reading: Callable[[int, int], int] | None = None

    # --- what a call wants ---------------------------------------------------------------------------------------

    def values(self) -> Floats | None:
        """One value per data point."""
        try:
            values, _ = self._points(None)
        except NoKernelError:
            self._refused()
            return None
        return values if np.isfinite(np.sum(values, dtype=np.float64)) else None

    def reduced(self, reduction: str, *, gradient: bool) -> tuple[Floats, list[Floats]] | None:
        """The reduced loss and, if wanted, its gradients, one for each of the predictions."""
        try:
            if self._is_total(reduction):
                return self._total(reduction, gradient=gradient)
            factor = self.factors(reduction)
            values, slopes = self._points(factor if gradient else None)
        except NoKernelError:
            self._refused()
            return None
        if reduction == "none":
            weighted = np.multiply(values, factor, dtype=self.dtype)
            return (weighted, slopes) if np.isfinite(weighted).all() else None
        if isinstance(factor, float):
            return self._finite(float(np.add.reduce(values, axis=None, dtype=np.float64)) * factor, slopes)
        return self._finite(float(np.sum(np.multiply(values, factor, dtype=np.float64))), slopes)

    def gradients(self, upstream: Floats) -> list[Floats] | None:
        """The gradients for one factor per data point."""
        try:
            if self._is_total("sum") and not any(upstream.strides):
                return self._run_total(float(upstream.flat[0]), gradient=True)[1]
            return self._points(np.broadcast_to(upstream, self.points))[1]
        except NoKernelError:
            self._refused()
            return None

    def factors(self, reduction: str) -> Floats | float:
        """What each value is multiplied by."""
        if self.weights is None and self.mask is None:
            return 1.0 if reduction in ("sum", "none") else self.columns / self.y_pred.size
        like = np.empty(self.points, self.dtype)
        with np.errstate(all="ignore"):
            given = self.weights, self.counted
            found = factors(self.program.record.name, NUMPY, like, *given, reduction, self.outputs)
        return np.asarray(found, self.dtype, order="C")

    def origin(self) -> str:
        """Where the kernel of a mean and its gradient comes from."""
        by_labels = self._by_labels()
        if by_labels is not None:
            return f"that of {by_labels.program.record.name} while all target rows are one-hot, {by_labels.origin()}"
        total = self._is_total("sum_over_batch_size")
        return self._kernel(gradient=True, total=total).origin

    def _refused(self) -> None:
        """The words compute the call, so the values are looked at first."""
        if self.look is not None:
            self.look()

    # --- running ---------------------------------------------------------------------------------------------------

    def _is_total(self, reduction: str) -> bool:
        return reduction != "none" and self.weights is None and self.mask is None and self.program.separable

    def _kernel(self, *, gradient: bool, total: bool) -> Kernel:
        use = target.use(self.program, self.columns, total=total, gradient=gradient, mask=self.mask is not None)
        key = use, self.dtype
        if self.small and key not in self.program.kernels_at_hand:
            raise NoKernelError(f"kernels.load was not asked for {self.dtype}")
        return kernel(self.program, key)

    def _total(self, reduction: str, *, gradient: bool) -> tuple[Floats, list[Floats]] | None:
        factor = 1.0 if reduction == "sum" else self.columns / self.y_pred.size
        total, slopes = self._run_total(factor, gradient=gradient)
        return self._finite(total / self.columns * factor, slopes)

    def _finite(self, value: float, slopes: list[Floats]) -> tuple[Floats, list[Floats]] | None:
        return (np.asarray(value, self.dtype), slopes) if abs(value) <= _LARGEST[self.dtype] else None

    def _run_total(self, factor: float, *, gradient: bool) -> tuple[float, list[Floats]]:
        made = self._kernel(gradient=gradient, total=True)
        inputs, like = self.inputs, self.y_pred
        # Elements do not see each other, so any order that all arrays share will do.
        turned = not like.flags.c_contiguous and all(x.flags.f_contiguous for x in inputs)
        if turned:
            inputs, like = [x.T for x in inputs], like.T
        chunks = -(-like.size // CHUNK)
        totals = np.empty(chunks)
        slopes = self._slopes(like.shape) if gradient else []
        ends = [totals, factor, self.columns] if gradient else [totals, self.columns]
        self._run(made, [*map(flat, inputs), *(x.reshape(-1) for x in slopes), *ends], chunks, CHUNK)
        total = float(totals.sum()) if chunks > 1 else float(totals[0])
        return total, [x.T for x in slopes] if turned else slopes

    def _slopes(self, shape: tuple[int, ...]) -> list[Floats]:
        """Memory for the slopes of the predictions."""
        return [pages.empty(shape, self.dtype) for _ in self.program.predictions]

    def _points(self, factor: Floats | float | None) -> tuple[Floats, list[Floats]]:
        by_labels = self._by_labels()
        found = None if by_labels is None else by_labels._computed(factor)
        found = found or self._computed(factor)
        assert found is not None
        return found

    def _by_labels(self) -> Fused | None:
        """The same call of the loss for integer labels, where that is the same and worth it."""
        y_true = self.inputs[0]
        found = tasks.by_labels(self.program, self.given, y_true.size, self.columns)
        if found is None or not (y_true.flags.c_contiguous and y_true.flags.aligned):
            return None
        made = copy.copy(self)
        made.program, made.given = found
        given = np.empty(self.points, np.int64)
        made.inputs = [given, self.y_pred]
        made.reading = labels.reader(y_true.reshape(-1, self.columns), given.reshape(-1))
        return made if made.reading is not None else None

    def _computed(self, factor: Floats | float | None) -> tuple[Floats, list[Floats]] | None:
        """The values and, for factors, the slopes; None where rows that were to give labels are not one-hot."""
        made = self._kernel(gradient=factor is not None, total=False)
        size = self.y_pred.size
        rows = size // self.columns
        slopes = [] if factor is None else self._slopes(self.y_pred.shape)
        values = np.empty(rows, self.dtype)
        ends = [values] if self.mask is None else [flat(np.broadcast_to(self.mask, self.points)), values]
        if factor is not None:
            ends += [np.full(rows, factor, self.dtype) if isinstance(factor, float) else flat(factor)]
        shape = (rows, self.columns) if made.use.rows else (size,)
        given = zip(self.program.record.inputs, self.inputs, strict=True)
        inputs = [flat(x).reshape(shape) if each.has_outputs else flat(x) for each, x in given]
        arrays = [*inputs, *(x.reshape(shape) for x in slopes), *ends]
        if made.use.rows:
            done = self._run(made, arrays, rows, self.columns)
        else:
            done = self._run(made, [*arrays, 1.0], -(-size // CHUNK), CHUNK)
        return (values.reshape(self.points), slopes) if done else None

    def _run(self, made: Kernel, arrays: list[Any], units: int, unit: int) -> bool:
        """Runs the kernel in tasks; whether all rows were what they were taken for."""
        numbers, reading = made.numbers(self.given), self.reading
        step = max(1, tasks.task(self.program) // unit)

        def task(first: int) -> int:
            last = min(first + step, units)
            if reading is not None and reading(first, last):
                return NOT_ONE_HOT
            return made.run(*arrays, first, last, *numbers)

        faults = task(0) if units <= step else threads.run(task, range(0, units, step))
        if faults & NOT_ONE_HOT:
            return False
        if faults and self.look is not None:
            self.look()
        return True


def flat(x: Floats) -> Floats:
    """All elements in order; a copy where memory does not lie in order."""
    if not (x.flags.c_contiguous and x.flags.aligned):
        x = np.require(x, requirements=["C", "A"])
    return x.reshape(-1)
