"""Fused kernels as an operation of JAX: XLA calls them on the CPU, and everything else runs the formula in words."""

from __future__ import annotations

import ctypes
import math
import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from .. import kernels
from ..backends import Array
from ..backends.jax import BACKEND
from ..calls import evaluate, parts, reduce
from ..calls.kernel import Fusible, NoKernelError
from ..calls.linear import Arguments, Settings
from ..calls.programs import Program
from ..calls.route import Prepare, Route
from ..facts import registry
from ..facts.record import Record
from . import linear_jax

if TYPE_CHECKING:
    from ..kernels.xla.handler import Handler

# The version of XLA's interface whose layout the kernels know; later ones only add to it.
_KNOWN = (0, 3)


# --- where kernels run ----------------------------------------------------------------------------------------------


def refusal(arrays: Sequence[Array]) -> str:
    """Why kernels cannot take these arrays, or nothing."""
    if os.environ.get("LOSSARY_JAX_KERNELS", "1") == "0":
        return "LOSSARY_JAX_KERNELS=0 switches kernels inside JAX off"
    if jax.default_backend() != "cpu":
        return "XLA compiles the formula itself for what is not a CPU"
    if jax.device_count() > 1:
        return "the arrays may be spread over several devices"
    if platform.machine().lower() not in ("x86_64", "amd64", "arm64", "aarch64") or sys.platform == "win32":
        return "kernels for XLA need a processor with 64 bits and POSIX"
    major, minor = _version()
    if major != _KNOWN[0] or minor < _KNOWN[1]:
        return f"XLA's interface has version {major}.{minor}, the kernels know {_KNOWN[0]}.{_KNOWN[1]}"
    kinds = [jax.typeof(x) for x in arrays]
    if not all(isinstance(length, int) for kind in kinds for length in kind.shape):
        return "the shape is not known yet"
    if any(kind.dtype == jnp.float64 for kind in kinds):
        return "in float64 XLA keeps sums from overflowing that a kernel would not"
    if any(getattr(kind, "vma", None) or not kind.sharding.mesh.empty for kind in kinds):
        return "the arrays carry a sharding"
    return ""


@cache
def _version() -> tuple[int, int]:
    """The version of the interface, as the header says that comes with jaxlib."""
    try:
        text = (Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h").read_text(encoding="utf-8")
        major, minor = (re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR"))
        return (int(major[1]), int(minor[1])) if major and minor else (-1, -1)
    except (OSError, RuntimeError):
        return (-1, -1)


# --- what a kernel computes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """What is computed from arrays in rows: the values, or their total, and if wanted their gradient.

    ``reduction`` is ``mean`` or ``sum`` where the values are totalled at once, and nothing where every data point has
    its own value and, for the gradients, its own factor.  Inputs are those of the formula, the factors if there are
    any, and what the kernel makes of the parameters, if it uses them.
    """

    program: Program
    parameters: tuple[float, ...]
    reduction: str
    gradient: bool

    @property
    def count(self) -> int:
        """How many arrays the formula takes."""
        return len(self.program.record.inputs)

    def main(self, arrays: Sequence[Any]) -> Any:
        """The one that has the shape of the outputs."""
        return arrays[self.program.record.main]

    def handler(self, *arrays: Any) -> Handler:
        """The compiled kernel."""
        use = kernels.part("cpu.target").use
        handler: Callable[..., Handler] = kernels.part("xla.handler").handler
        given, main = zip(self.program.record.inputs, arrays, strict=False), self.main(arrays)
        label = next((str(x.dtype.name) for each, x in given if each.is_label), "")
        total = bool(self.reduction) and self.program.separable
        wanted = use(self.program, main.shape[-1], total=total, gradient=self.gradient)
        return handler(self.program, wanted, str(main.dtype.name), label, _KNOWN, reduction=self.reduction)

    def run(self, *arrays: Array) -> Sequence[Array]:
        """Runs the kernel, which has no derivative of its own; where there is none, the words."""
        try:
            numbers = self.handler(*arrays).numbers(self.parameters, self.main(arrays).dtype)
        except NoKernelError:
            return self.words(*arrays)
        found: Sequence[Array] = _operation.bind(*arrays, *numbers, call=self)
        return found

    def words(self, *arrays: Array) -> tuple[Array, ...]:
        """The same in the words of the formula."""
        program, factors = self.program, arrays[self.count :]
        given = [*(x[:, None] if x.ndim == 1 else x for x in arrays[: self.count]), *self.parameters]
        values = program.differentiable(BACKEND)(*given)[:, 0]
        scale = 1.0 / self.main(arrays).shape[0] if self.reduction == "mean" else 1.0
        if self.reduction:
            values = BACKEND.total(values * scale)
        if not self.gradient:
            return (values,)
        factor = scale if self.reduction else factors[0][:, None]
        return *(program.slope(BACKEND, place)(*given) * factor for place in program.predictions), values

    def shapes(self, main: Any) -> list[tuple[int, ...]]:
        """Shapes of the outputs."""
        rows = () if self.reduction else main.shape[:1]
        return [*[main.shape] * (len(self.program.predictions) if self.gradient else 0), rows]


# --- derivatives ----------------------------------------------------------------------------------------------------
# With respect to predictions the first derivative comes from the kernel; all others come from the words.


def _unless_words(call: Call, words: Callable[..., Any], kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for ``custom_jvp``: the kernel's where predictions alone are differentiated, else that of the words."""
    others = [place for place in range(call.count) if place not in call.program.predictions]

    def rule(primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> Any:
        if all(isinstance(tangents[place], SymbolicZero) for place in others):
            return kernel(primals, tangents)
        return _along(words, primals, tangents)

    return rule


def _along(function: Callable[..., Any], primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> Any:
    """The function and how far it moves. What stands still is left out: its 0 times an infinite slope would be NaN."""
    moving = [place for place, tangent in enumerate(tangents) if not isinstance(tangent, SymbolicZero)]

    def of(*moved: Array) -> Any:
        at = dict(zip(moving, moved, strict=True))
        return function(*(at.get(place, primal) for place, primal in enumerate(primals)))

    return jax.jvp(of, [primals[place] for place in moving], [tangents[place] for place in moving])


def _moved(call: Call, slopes: Sequence[Array], tangents: Sequence[Any], axis: int | None = None) -> Any:
    """How far predictions that move so move what has these slopes."""
    moving = zip(slopes, (tangents[place] for place in call.program.predictions), strict=True)
    return sum(jnp.sum(slope * x, axis=axis) for slope, x in moving if not isinstance(x, SymbolicZero))


@lru_cache(maxsize=256)
def _values(call: Call) -> Callable[..., Array]:
    """Values per data point from the inputs of the formula."""

    def kernel(primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> Any:
        main = call.main(primals)
        *slopes, values = _gradient(call)(*primals, jnp.ones(main.shape[0], main.dtype))
        return values, _moved(call, slopes, tangents, axis=-1)

    run = jax.custom_jvp(lambda *arrays: call.run(*arrays)[0])
    run.defjvp(_unless_words(call, lambda *arrays: call.words(*arrays)[0], kernel), symbolic_zeros=True)
    return cast(Callable[..., Any], run)


@lru_cache(maxsize=256)
def _total(call: Call) -> Callable[..., Array]:
    """The reduced loss from the inputs of the formula and, unless the kernel itself reduces, factors."""
    count = call.count

    def reduced(values: Array, *factors: Array) -> Array:
        return jnp.sum(values * factors[0]) if factors else values

    def kernel(primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> Any:
        *slopes, values = _gradient(call)(*primals)
        change = _moved(call, slopes, tangents)
        if tangents[count:] and not isinstance(tangents[count], SymbolicZero):
            change = change + jnp.sum(values * tangents[count])
        return reduced(values, *primals[count:]), change

    def words(*arrays: Array) -> Array:
        return reduced(call.words(*arrays[:count])[0], *arrays[count:])

    run = jax.custom_jvp(lambda *arrays: reduced(call.run(*arrays[:count])[0], *arrays[count:]))
    run.defjvp(_unless_words(call, words, kernel), symbolic_zeros=True)
    return cast(Callable[..., Any], run)


@lru_cache(maxsize=256)
def _gradient(call: Call) -> Callable[..., Sequence[Array]]:
    """Gradients and values, or their total; a derivative of that comes from the words."""
    both = replace(call, gradient=True)
    run = jax.custom_jvp(both.run)
    run.defjvp(partial(_along, lambda *arrays: list(both.words(*arrays))), symbolic_zeros=True)
    return cast(Callable[..., Any], run)


# --- the operation --------------------------------------------------------------------------------------------------

_operation = Primitive("lossary_kernel")
_operation.multiple_results = True


@_operation.def_impl
def _run(*arrays: Array, call: Call) -> Sequence[Array]:
    with jax.disable_jit(False):
        return _compiled(call)(*arrays)


@lru_cache(maxsize=256)
def _compiled(call: Call) -> Callable[..., Sequence[Array]]:
    return cast(Callable[..., Any], jax.jit(partial(_operation.bind, call=call)))


# JAX remembers calls by the thousand, and each program of XLA that is made for one takes more than a megabyte.
for _made in (_values, _total, _gradient, _compiled):
    registry.listen(_made.cache_clear)


@_operation.def_abstract_eval
def _shapes(*arrays: Any, call: Call) -> list[Any]:
    main = call.main(arrays)
    return [jax.core.ShapedArray(shape, main.dtype) for shape in call.shapes(main)]


def _differentiated(primals: tuple[Array, ...], tangents: tuple[Any, ...], *, call: Call) -> Any:
    """In words: JAX asks for this where it has taken a rule apart, as it does in loops that it differentiates twice."""
    still = [isinstance(x, ad.Zero) for x in tangents]
    given = [SymbolicZero(x.aval) if same else x for same, x in zip(still, tangents, strict=True)]
    return _along(call.words, primals, tuple(given))


def _vectorized(arrays: Sequence[Array], axes: Sequence[Any], *, call: Call) -> tuple[Any, Any]:
    """Under ``vmap`` a kernel is called once for every member of the batch, and small members go together in words."""
    fixed = [not isinstance(axis, int) for axis in axes]
    main = call.main(list(zip(arrays, axes, strict=True)))
    if math.prod(length for axis, length in enumerate(main[0].shape) if axis != main[1]) < kernels.THRESHOLD:
        over = [None if same else axis for axis, same in zip(axes, fixed, strict=True)]
        words: Sequence[Array] = jax.vmap(call.words, over)(*arrays)
        return words, [0] * len(words)
    mapped = [jnp.moveaxis(x, axis, 0) for x, axis, same in zip(arrays, axes, fixed, strict=True) if not same]

    def one(members: Sequence[Array]) -> Any:
        rest = iter(members)
        return _operation.bind(*(x if same else next(rest) for x, same in zip(arrays, fixed, strict=True)), call=call)

    found = jax.lax.map(one, mapped)
    return found, [0] * len(found)


def _lowered(context: Any, *operands: Any, call: Call) -> Any:
    """A call of the kernel; what is written down for other processes must not name a function of this one."""
    if context.module_context.lowering_parameters.for_export:
        return _in_words(context, *operands, call=call)
    made = call.handler(*context.avals_in)
    _register(made.name, made.address)
    return jax.ffi.ffi_lowering(made.name)(context, *operands)


@cache
def _register(name: str, address: int) -> None:
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(ctypes.c_void_p(address)), platform="cpu")


def _spelled(*arrays: Array, call: Call) -> tuple[Array, ...]:
    return call.words(*arrays)


_in_words = mlir.lower_fun(_spelled, multiple_results=True)
mlir.register_lowering(_operation, _in_words)
mlir.register_lowering(_operation, _lowered, platform="cpu")
batching.primitive_batchers[_operation] = _vectorized
ad.primitive_jvps[_operation] = _differentiated


# --- a call of a loss -----------------------------------------------------------------------------------------------


class JaxFused:
    """The arrays of one call, ready for kernels."""

    def __init__(self, batch: Fusible) -> None:
        self.program = batch.program
        self.numbers = batch.numbers
        self.shape, self.dtype = batch.y_pred.shape, batch.y_pred.dtype
        rows = (math.prod(self.shape[:-1]), self.shape[-1])
        given = zip(self.program.record.inputs, batch.inputs, strict=True)
        self.inputs = [x.reshape(rows if each.has_outputs else rows[:1]) for each, x in given]
        # Data points that are not live are left out, those under the mask are not counted either.
        self.mask, self.weights, self.counted = batch.live, batch.weights, batch.mask
        self.outputs = batch.outputs

    def values(self) -> Array:
        """One value per data point."""
        values = _values(self._call(""))(*self.inputs).reshape(self.shape[:-1])
        return values if self.mask is None else jnp.where(self.mask, values, 0.0)

    def reduced(self, reduction: str, *, gradient: bool) -> tuple[Array, list[Array]]:
        """The reduced loss and, if wanted, its gradients."""
        plain = self.weights is None and self.mask is None
        if reduction != "none" and plain:
            call, factors = self._call("sum" if reduction == "sum" else "mean"), []
        else:
            ones = jnp.ones(self.shape[:-1], self.dtype)
            given = self.weights, self.counted
            factor = reduce.factors(self.program.record.name, BACKEND, ones, *given, reduction, self.outputs)
            call, factors = self._call(""), [(ones * factor).reshape(-1)]
        if reduction == "none" and not gradient:
            return self.values() * factors[0].reshape(self.shape[:-1]), []
        if not gradient:
            return _total(call)(*self.inputs, *factors), []
        *slopes, value = _gradient(call)(*self.inputs, *factors)
        if factors:
            value = value * factors[0]
            value = value.reshape(self.shape[:-1]) if reduction == "none" else jnp.sum(value)
        return value, [slope.reshape(self.shape) for slope in slopes]

    def gradients(self, upstream: Array) -> list[Array]:
        """The gradients for one factor per data point."""
        *slopes, _ = _gradient(self._call(""))(*self.inputs, upstream.reshape(-1))
        return [slope.reshape(self.shape) for slope in slopes]

    def origin(self) -> str:
        """Where the kernel comes from that computes the values and their gradient."""
        return replace(self._call(""), gradient=True).handler(*self.inputs).origin

    def _call(self, reduction: str) -> Call:
        return Call(self.program, self.numbers, reduction, gradient=False)


class JaxRoute(Route):
    """Calls on JAX's arrays: on the CPU with a kernel in them.

    A program that XLA takes for cheap, as it does those that call a kernel, runs at once, in a quarter of the time that
    handing it to another thread takes; and a kernel is compiled in less time than the operations of its formula.
    """

    smallest = 1

    def refusal(self, arrays: Sequence[Array] = (), predictions: Sequence[int] = ()) -> str:
        return refusal(arrays)

    def linear(self, settings: Settings, given: Arguments) -> Array:
        return linear_jax.value(settings, given)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        return linear_jax.value_and_gradients(settings, given)

    def shortcut(
        self, prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
    ) -> evaluate.Batch | None:
        y_pred = parts.lead(record, arguments)
        size = getattr(y_pred, "size", None)
        if not isinstance(size, int) or size < self.smallest or refusal([y_pred]):
            return None
        batch = prepare(arguments, sample_weight, where)
        # Whole numbers are subtracted in float64.
        takes = batch.items is None and batch.poison is None and batch.y_pred.dtype == jnp.float32
        if takes and not kernels.refusal(batch, self.smallest):
            batch.fused = JaxFused(batch)
        return batch


ROUTE = JaxRoute(BACKEND)
