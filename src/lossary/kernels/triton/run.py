"""Calls of kernels on a device: tensors in, value and gradient out, and the host waits for nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch

from ...backends import Array
from ...backends.torch import BACKEND
from ...calls.kernel import Fusible, NoKernelError
from ...calls.reduce import MEANS, factors
from ...graph.program import Program
from ..cpu.run import host_numbers
from . import emit
from .emit import Shape
from .module import OPTIONS, module

# Elements that a program takes of a separable loss, of rows that it holds in registers, and of totals.
BLOCK, TILE, TOTALS = 1024, 1024, 8192
# Outputs of a row up to which a program holds it in registers, and how many it takes at a time of a longer one.
LONGEST, PIECE = 8192, 2048
# Bits that are 0 in the addresses for which Triton compiles, where it may.
_ALIGNED = 15
# Programs that multiply a gradient: enough to fill a GPU, and few where there is nothing to do.
_SCALING = 1024


@cache
def _common() -> dict[str, Any]:
    """What all kernels share, made when the first is, as it imports Triton."""
    return module(emit.common())


class Division(NamedTuple):
    """How the work is divided: the kernel's shape, how many programs run it, and the sizes that each is given."""

    shape: Shape
    programs: int
    sizes: dict[str, int]


def divided(rows: int, columns: int, *, total: bool) -> Division:
    """For so many rows; for the ``total`` of a separable loss, whose elements need not be kept apart."""
    if total:
        return Division("elements", -(-rows * columns // BLOCK), {"BLOCK": BLOCK, "num_warps": 4})
    block = 1 << max(columns - 1, 0).bit_length()
    if block > LONGEST:
        return Division("long", rows, {"BLOCK": PIECE, "num_warps": 8})
    together = max(1, TILE // block)
    warps = min(16, max(4, block // 512))
    return Division("rows", -(-rows // together), {"ROWS": together, "BLOCK": block, "num_warps": warps})


class Kernel:
    """A kernel of a program; Triton compiles it for the dtypes of its first call, or finds it on disk."""

    def __init__(self, program: Program, shape: Shape) -> None:
        made = emit.source(program, shape)
        self.function = module(made.text)[made.name]
        self._numbers: Callable[..., Sequence[float]] = host_numbers(program, made.numbers)

    def numbers(self, given: tuple[float, ...]) -> tuple[float, ...]:
        """The numbers computed from the parameters."""
        found = tuple(float(number) for number in self._numbers(*given))
        if any(number != number for number in found):
            raise NoKernelError("a parameter is NaN")
        return found


def kernel(program: Program, shape: Shape) -> Kernel:
    """The kernel of a program for one way of dividing its work.

    Raises:
        NoKernelError: Something in the formula cannot be printed.
    """
    key = "device", shape
    found: Kernel | NoKernelError | None = program.kernels.get(key)
    if found is None:
        try:
            found = Kernel(program, shape)
        except (KeyError, ValueError) as error:
            found = NoKernelError(f"{type(error).__name__}: {error}")
        program.kernels[key] = found
    if isinstance(found, NoKernelError):
        raise found
    return found


class Launch:
    """A function of Triton on so many programs."""

    def __init__(self, function: Any, programs: int, sizes: dict[str, int]) -> None:
        self._function, self._grid = function[(programs,)], (programs, 1, 1)
        self._options = sizes | OPTIONS
        self._sizes = tuple(size for name, size in sizes.items() if name.isupper())
        self._compiled: dict[Any, Callable[..., None]] = {}

    def run(self, given: Sequence[Any], like: Any = None) -> None:
        """Runs it; after calls that were ``like`` this one in all that Triton compiles for, without another look."""
        found = self._compiled.get(like)
        if found is not None:
            found(*given, *self._sizes)
            return
        kernel = self._function(*given, **self._options)
        if like is not None:
            self._compiled[like] = kernel[self._grid]


class Step:
    """A kernel for so many rows of so many outputs, which lie ``inner`` elements apart.

    Where it is ``kept``, its calls differ in nothing but where their tensors lie and which of them are given.

    Raises:
        NoKernelError: There is none.
    """

    def __init__(
        self,
        program: Program,
        given: tuple[float, ...],
        rows: int,
        columns: int,
        *,
        total: bool,
        inner: int = 1,
        kept: bool = False,
    ) -> None:
        division = divided(rows, columns, total=total)
        made = kernel(program, division.shape)
        self._kernel = Launch(made.function, division.programs, division.sizes)
        self._finish = Launch(_common()["finish"], 1, {"BLOCK": TOTALS, "num_warps": 16})
        self._kernels, self._key = program.kernels, ("device", division.shape)
        self._programs, self._total, self._kept = division.programs, total, kept
        self._numbers, self._lengths = made.numbers(given), (rows, columns, inner)
        self._none = (None,) * len(program.predictions)

    def run(
        self,
        inputs: Sequence[Array],
        gradients: Sequence[Array],
        value: Array | None,
        *,
        values: Array | None = None,
        factors: Array | None = None,
        live: Array | None = None,
        upstream: Array | None = None,
        factor: float = 1.0,
        divisor: int = 1,
    ) -> None:
        """Writes to ``gradients``, ``value`` (divided by the divisor) and ``values``, as far as they are given.

        Gradients are those of all predictions, or none.

        Raises:
            NoKernelError: Triton cannot compile it.
        """
        totals = None
        if value is not None and self._programs > 1:
            totals = value.new_empty(self._programs, dtype=torch.float64)
        ends = totals, None if totals is not None else value
        rows, columns, inner = self._lengths
        if self._total:
            divisor *= columns
            given: Any = *ends, upstream, rows * columns, columns, divisor, factor, *self._numbers
        else:
            given = values, *ends, factors, live, upstream, rows, columns, inner, divisor, factor, *self._numbers
        like = None
        if self._kept:
            places = 0 if upstream is None else upstream.data_ptr()
            for x in inputs:
                places |= x.data_ptr()
            if not places & _ALIGNED:
                like = not gradients, value is None, upstream is None
        try:
            with _on(inputs[0]):
                self._kernel.run((*inputs, *(gradients or self._none), *given), like)
                if totals is not None:
                    self._finish.run((totals, value, self._programs, divisor), like)
        except Exception as error:
            # Whatever Triton does not understand, or lacks, such as a C compiler: the words can compute.
            refused = NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])
            self._kernels[self._key] = refused  # Not to be tried again.
            raise refused from error


_HERE: AbstractContextManager[None] = nullcontext()


def _on(x: Array) -> AbstractContextManager[Any]:
    """A block in which kernels run on the device of a tensor."""
    if not x.is_cuda or torch.cuda.current_device() == x.device.index:
        return _HERE
    there: AbstractContextManager[Any] = torch.cuda.device(x.device)
    return there


def scaled(gradient: Array, upstream: Array) -> Array:
    """A gradient that nobody else holds, times one number on the device."""
    if not gradient.is_contiguous() or gradient.dtype != torch.float32:
        return gradient.mul_(upstream)
    size = gradient.numel()
    aligned = not (gradient.data_ptr() | upstream.data_ptr()) & _ALIGNED
    with _on(gradient):
        _scaling(size, gradient.device).run((gradient, upstream, size), upstream.dtype if aligned else None)
    return gradient


@lru_cache(maxsize=64)
def _scaling(size: int, device: torch.device) -> Launch:
    return Launch(_common()["scale"], _SCALING, {"BLOCK": BLOCK})


class Fused:
    """The tensors of one call, ready for kernels."""

    def __init__(self, call: Fusible) -> None:
        self.call = call
        self.points, self.columns = call.y_pred.shape[:-1], call.y_pred.shape[-1]

    def values(self) -> Array | None:
        """One value per data point."""
        return self._run(1.0, value=False, gradient=False, values=True)[2]

    def reduced(self, reduction: str, *, gradient: bool) -> tuple[Array, list[Array]] | None:
        """The reduced loss and, if wanted, its gradients, one for each of the predictions."""
        call = self.call
        like = torch.empty(self.points, dtype=torch.float32, device="meta")
        if call.weights is not None or call.mask is not None:
            like = call.y_pred.new_empty(self.points)
        given = call.weights, call.mask
        factor = factors(call.program.record.name, BACKEND, like, *given, reduction, call.outputs)
        if reduction == "none":
            _, slopes, values = self._run(factor, value=False, gradient=gradient, values=True)
            return None if values is None else (values, slopes)
        count = math.prod(self.points) if isinstance(factor, float) and reduction in MEANS else 1
        value, slopes, _ = self._run(factor, value=True, gradient=gradient, values=False, divisor=count)
        return None if value is None else (value, slopes)

    def gradients(self, upstream: Array) -> list[Array] | None:
        """The gradients for one factor per data point."""
        return self._run(upstream, value=False, gradient=True, values=False)[1] or None

    def origin(self) -> str:
        """Where the kernel comes from."""
        return f"compiled by Triton for {torch.cuda.get_device_name(self.call.y_pred.device)}"

    def _run(
        self, factor: Array | float, *, value: bool, gradient: bool, values: bool, divisor: int = 1
    ) -> tuple[Array | None, list[Array], Array | None]:
        """The total, the gradients and the values, as far as they are wanted; nothing where there is no kernel."""
        call, plain = self.call, isinstance(factor, float)
        total = plain and not values and call.live is None and call.program.separable
        axis = _axis(call.y_pred)
        pred = call.y_pred.movedim(-1, axis).contiguous()
        rows, inner = math.prod(self.points), math.prod(pred.shape[axis + 1 :])
        given = zip(call.program.record.inputs, call.inputs, strict=True)
        inputs = [(x.movedim(-1, axis) if each.has_outputs else x.reshape(-1)).contiguous() for each, x in given]
        slopes = [torch.empty_like(pred) for _ in call.program.predictions] if gradient else []
        one = pred.new_empty(()) if value else None
        each = pred.new_empty(rows) if values else None
        try:
            step = Step(call.program, call.numbers, rows, self.columns, total=total, inner=inner)
            step.run(
                inputs, slopes, one, values=each, live=_flat(call.live, self.points),
                factors=None if plain else _flat(factor, self.points),
                factor=factor if isinstance(factor, float) else 1.0, divisor=divisor,
            )  # fmt: skip
        except NoKernelError:
            return None, [], None
        back = [x.movedim(axis, -1) for x in slopes]
        return one, back, None if each is None else each.reshape(self.points)


def _flat(x: Array | None, points: torch.Size) -> Array | None:
    return None if x is None else x.expand(points).reshape(-1).contiguous()


def _axis(x: Array) -> int:
    """Along which axis of memory the outputs lie: the last, unless that would take a copy and another does not."""
    last = x.dim() - 1
    return next((axis for axis in range(last, -1, -1) if x.movedim(-1, axis).is_contiguous()), last)
