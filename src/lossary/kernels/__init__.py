"""Fused loops: value and gradient in one pass, made from the traced formula.

A call takes a kernel when its arrays are NumPy's, PyTorch's or JAX's on the CPU and large enough that the loop is worth
loading, as plain totals of NumPy's and PyTorch's and all calls of JAX's are at every size, or PyTorch's on a GPU for
which Triton compiles; anything else runs the formula in the framework's own words.  `explain` says which and why,
`source` shows the loop.  Results do not depend on the number of threads.

A formula becomes a lowered form in `lowering`, which knows no target.  `cpu` prints it as Python of a simple kind,
which `compiler` turns into machine code, and runs it; `xla` hands that to XLA; `triton` prints it for devices, `plain`
for people.  Another target is a policy, `Target`, and a printer of the same form.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ..backends import NUMPY, by_name, find
from ..calls.kernel import Fused, Fusible, NoKernelError
from ..calls.programs import Program, program_for
from ..facts.registry import is_enrolled
from ..graph import ELEMENT, NUMBER, OTHER, ROW, walk
from ..texts.calls import kernel_dtype, no_kernel
from ..texts.raw import unknown_choice
from .cpu import alone
from .cpu.pages import release
from .lowering.form import SPECIAL, WORDS
from .lowering.lower import watches

if TYPE_CHECKING:
    from ..objects.define import Loss

__all__ = ["THRESHOLD", "explain", "load", "offer", "release", "source"]

# Elements in y_pred from which on a kernel is used: by a plain total of float32 or float64, and by everything else, for
# which the words of the framework take less than a millisecond below.
PLAIN, THRESHOLD = 1, 1 << 16
_LONGEST_ROW = 2**31 - 1
_DEVICES = ("cpu", "cuda")
_ANEW = "a plain function is traced anew at every call"
UNLIKE = "the arrays have different shapes, which are not compared here"


def offer(call: Fusible, look: Callable[[], None] | None) -> Fused | None:
    """The kernel for a call, or None when the framework's words are to run it.

    ``look`` checks the values and is called only when the kernel has met one outside its domain.
    """
    if call.backend is not NUMPY or not call.y_pred.size:
        return None
    small = call.y_pred.size < THRESHOLD
    if not _is_ready(call) if small else refusal(call):
        return None
    if look is not None and not watches(call.program):
        look()
        look = None
    fused: Fused = _run().Fused(call, look, small=small)
    return fused


def step(
    program: Program,
    parameters: tuple[float, ...],
    like: Any,
    columns: int,
    *,
    mean: bool,
    gradient: bool,
    label: str = "",
) -> tuple[Callable[..., int], tuple[Any, ...], str, bool] | None:
    """What computes a plain total of arrays like this one in one call, as `lossary.kernels.cpu.step.Step` says.

    None where there is no kernel.  ``label`` is the dtype of labels.
    """
    if not _is_taken(program, like, columns, label):
        return None
    size = str(like.dtype), like.size // columns, columns
    found: tuple[Callable[..., int], tuple[Any, ...], str, bool] | None = _unless_refused(
        lambda: part("cpu.step").step(program, parameters, *size, mean=mean, gradient=gradient)
    )
    return found


def curvature_step(
    program: Program, parameters: tuple[float, ...], like: Any, columns: int, *, label: str = ""
) -> tuple[Callable[..., int], tuple[Any, ...], str, bool] | None:
    """As `step`, for the slope and the diagonal of the Hessian of every output."""
    if not _is_one_task(program, like, columns, label):
        return None
    size = str(like.dtype), like.size // columns, columns
    found: tuple[Callable[..., int], tuple[Any, ...], str, bool] | None = _unless_refused(
        lambda: part("cpu.step").curvature(program, parameters, *size)
    )
    return found


def _is_one_task(program: Program, like: Any, columns: int, label: str) -> bool:
    """Whether a kernel may compute arrays like this one in a single call, and one thread does."""
    if of_several(program) or not _is_taken(program, like, columns, label):
        return False
    return bool(like.size <= part("cpu.tasks").task(program))


def _is_taken(program: Program, like: Any, columns: int, label: str) -> bool:
    """Whether a kernel may compute arrays like this one."""
    if like.size < PLAIN or str(like.dtype) not in ("float32", "float64") or label not in ("", "int64"):
        return False
    return is_enrolled(program.record) and not (unfit(program) or columns > _LONGEST_ROW or unusable())


def _unless_refused(make: Callable[[], Any]) -> Any:
    """What is made, or None where there turns out to be no kernel."""
    try:
        return make()
    except NoKernelError:
        return None


def curvature(call: Fusible) -> tuple[Any, Any] | None:
    """The slope and the diagonal of the Hessian of every output of a call on NumPy's arrays.

    None where words are to compute them.
    """
    if refusal(call) or of_several(call.program):
        return None
    found: tuple[Any, Any] | None = _unless_refused(lambda: part("cpu.curvature").derivatives(call))
    return found


def hessian_of_row(call: Fusible) -> Callable[..., tuple[Any, Any] | None] | None:
    """What computes the slope and the whole Hessian of rows like the call's, or None where words are to."""
    columns = call.y_pred.shape[-1]
    label = str(call.y_true.dtype) if call.program.record.labels_are_integers else ""
    numbers = all(isinstance(number, float) for number in call.numbers)
    if not numbers or not _is_one_task(call.program, call.y_pred, columns, label):
        return None
    found: Callable[..., tuple[Any, Any] | None] | None = _unless_refused(lambda: part("cpu.hessian").OfRow(call))
    return found


def _is_ready(call: Fusible) -> bool:
    """Whether `load` was asked for the kernels of a small call."""
    if not call.program.kernels_at_hand or call.mask is not None or not fits(call):
        return False
    return all(isinstance(number, float) for number in call.numbers)


def refusal(call: Fusible, smallest: int | None = None) -> str:
    """Why no kernel takes the call, or nothing; ``smallest`` is from how many elements on one pays."""
    smallest = THRESHOLD if smallest is None else smallest
    shape = call.backend.shape(call.y_pred)
    size = math.prod(int(n or 0) for n in shape)
    if size < smallest:
        return f"{size} elements are fewer than {smallest}, from which on a kernel pays"
    if not is_enrolled(call.program.record):
        return _ANEW
    if unfit(call.program):
        return unfit(call.program)
    if int(shape[-1] or 0) > _LONGEST_ROW:
        return f"rows are longer than {_LONGEST_ROW}"
    if unusable():
        return unusable()
    if not all(isinstance(number, float) for number in call.numbers):
        return "a parameter is an array"
    return "" if fits(call) else UNLIKE


def fits(call: Fusible) -> bool:
    """Whether all inputs are as long as the outputs: a kernel reads what lies there, and shapes may be unchecked."""
    shape = tuple(call.backend.shape(call.y_pred))
    of_points = shape[:-1], (*shape[:-1], 1)
    given = zip(call.program.record.inputs, call.inputs, strict=True)
    return all(tuple(call.backend.shape(x)) in ((shape,) if each.has_outputs else of_points) for each, x in given)


def unfit(program: Program) -> str:
    """Why no kernel computes such a formula, or nothing."""
    found: str | None = program.kernels.get("unfit")
    if found is None:
        found = program.kernels["unfit"] = _unfit(program)
    return found


def _unfit(program: Program) -> str:
    inputs = program.record.inputs
    if program.record.compared:
        return "it compares data points with each other: no kernel yet"
    if program.depth > 1:
        return "its data points are matrices: no kernel yet"
    listed = [each.name for each in inputs if each.axes not in (ELEMENT, ROW)]
    if listed:
        return f"{listed[0]} holds a list of numbers per data point: no kernel yet"
    nodes = [node for node in walk(program.outputs("value_and_slope")) if node.args and node.axes != NUMBER]
    if any(OTHER in node.axes for node in nodes):
        return "it compares all pairs of outputs: no kernel yet"
    missing = sorted({node.op for node in nodes} - WORDS)
    return f"{', '.join(missing)}: no kernel yet" if missing else ""


def of_several(program: Program) -> str:
    """That a formula takes others than targets and predictions, or nothing: not all kernels know such."""
    record = program.record
    return "" if record.is_pair else f"it takes {', '.join(each.name for each in record.inputs)}: no kernel yet"


def unusable() -> str:
    """Why no call takes a kernel, or nothing."""
    return off() or alone.torn() or _missing()


def load(loss: Any, *, dtype: str = "float32") -> None:
    """Makes the kernels of a loss ready for arrays of every size.

    Plain calls on arrays, whose values are reduced, take kernels at every size, and so does every call of JAX.
    Elsewhere a call with weights, or with one value per data point, and fewer than 65536 elements runs in words,
    because a kernel takes a fraction of a second to be compiled the first time on a machine, and milliseconds to be
    loaded later.  A program that calls a loss thousands of times on small batches spends that gladly: a call then takes
    half as long or less.  Masked calls stay in words.

    Args:
        loss: A name, a function or a loss object.
        dtype: ``"float32"``, also for half precision, or ``"float64"``.

    Raises:
        ParameterError: Another dtype.

    >>> import lossary
    >>> huber = lossary.Huber(delta=2.0)
    >>> lossary.kernels.load(huber)
    >>> print(huber([[1.0, 2.0]], [[1.0, 4.0]]))
    1.0
    """
    program = _program(_loss(loss))
    if dtype not in ("float32", "float64"):
        raise kernel_dtype(program.record.name, dtype)
    if is_enrolled(program.record) and not unfit(program) and not unusable():
        _run().load(program, dtype)


def off() -> str:
    """That kernels are switched off, or nothing."""
    return "LOSSARY_KERNELS=0 switches kernels off" if os.environ.get("LOSSARY_KERNELS", "1") == "0" else ""


@cache
def part(name: str) -> Any:
    """A module that imports llvmlite, imported by one thread at a time."""
    with alone.compiling():
        return importlib.import_module(f"{__name__}.{name}")


def _run() -> Any:
    """What runs kernels."""
    return part("cpu.run")


@cache
def _missing() -> str:
    """Why llvmlite cannot be used here, or nothing."""
    try:
        _run()
    except (ImportError, RuntimeError) as error:  # A RuntimeError where the interpreter is about to end.
        return f"llvmlite cannot be imported: {error}"
    return ""


def source(loss: Any, use: str = "gradient", *, readable: bool = False, device: str = "cpu") -> str:
    """The loop that a loss compiles to, as Python.

    Args:
        loss: A name, a function or a loss object.
        use: ``"gradient"`` for value and gradient together, ``"value"`` for the value alone.
        readable: Instead of the loop itself, the same stages for one data point, as a function that runs in NumPy.
        device: ``"cuda"`` for the same in Triton, value and gradient together, with the functions that it calls.

    Returns:
        The source.  ``accumulate`` adds in double precision, ``faulty`` remembers values outside the domain.

    Raises:
        LossError: There is no kernel for such a formula.
        ParameterError: Another device.

    >>> import lossary.kernels
    >>> print(lossary.kernels.source("mean_squared_error", "value").splitlines()[0])
    def mean_squared_error_total(y_true, y_pred, totals, count, first, last):
    """
    from . import plain
    from .cpu.emit import source as emitted
    from .cpu.target import Use

    program, gradient = _program(_loss(loss)), use == "gradient"
    if unfit(program):
        raise no_kernel(program.record.name, unfit(program))
    if device not in _DEVICES:
        raise unknown_choice(program.record.name, "device", device, _DEVICES)
    special = sorted(program.operations.keys() & SPECIAL)
    if readable and special:
        raise no_kernel(program.record.name, f"{', '.join(special)}: NumPy has no such function")
    if device == "cuda":
        return str(part("triton.emit").source(program, "elements" if program.separable else "rows").text)
    if readable:
        return plain.source(program, gradient=gradient)
    return emitted(program, Use(rows=not program.separable, points=False, gradient=gradient, mask=False)).text


def _program(made: Loss) -> Program:
    return program_for(made.record, made.parameters, NUMPY)


def _loss(loss: Any) -> Loss:
    from ..objects.get import get

    made: Loss = get(loss)
    return made


def explain(loss: Any, *arguments: Any, backend: str | None = None, **named: Any) -> str:
    """Which path a call takes, and why: one sentence.

    Args:
        loss: A name, a function or a loss object.
        arguments: Those of the call, as the loss takes them: targets and predictions, or what else it names; none to
            ask about a backend in general.
        backend: ``"numpy"``, ``"torch"``, ``"jax"``, ... when no arrays are given.
        named: Arguments by name.

    Returns:
        The sentence; of a weighted sum, one for each of its terms; of a head, also that of the loss of its scores.

    Raises:
        ParameterError: Other arguments than the loss has.

    >>> import lossary, numpy as np
    >>> lossary.kernels.explain("huber", np.zeros((2, 3)), np.zeros((2, 3))).split(",")[0]
    'huber runs in a fused kernel on numpy'
    >>> print(lossary.kernels.explain("huber", [[1.0, 2.0]], [[1.0, 4.0]]))
    huber runs in the words of numpy: 2 elements are fewer than 65536, from which on a kernel pays
    >>> print(lossary.kernels.explain("huber", backend="tensorflow"))
    huber runs in the words of tensorflow: tensorflow compiles the formula itself
    >>> embedded = np.eye(3), np.eye(3), np.zeros((3, 3))
    >>> lossary.kernels.explain("triplet_margin", *embedded).split(",")[0]
    'triplet_margin runs in a fused kernel on numpy'
    """
    from ..calls import parts, route
    from ..objects.combined import WeightedSum
    from ..objects.linear import LinearLoss

    made = _loss(loss)
    name = made.record.name
    if isinstance(made, WeightedSum):
        terms = (explain(term, *arguments, backend=backend, **named) for term in made.terms)
        return f"{name} runs term by term: {'; '.join(terms)}"
    if isinstance(made, LinearLoss):
        known = dict(zip(made.record.names, arguments, strict=False)) | named
        loss_of_scores = explain(made.loss_of(rows=False), backend=backend or find(name, known).name)
        return f"{name} makes scores of some tokens at a time, and of those {loss_of_scores}"
    if all(x is None for x in (*arguments, *named.values())):
        backend = backend or "numpy"
        reason = route.of(by_name(backend)).refusal() or unfit(_program(made))
        if reason:
            return f"{name} runs in the words of {backend}: {reason}"
        smallest = route.of(by_name(backend)).smallest or THRESHOLD
        sizes = "at every size" if smallest == 1 else f"from {smallest} elements on"
        if smallest > 1 and made._setting.is_plain:
            sizes = f"at every size for sums and means; with weights or one value per data point {sizes}"
        return f"{name} runs in a fused kernel on {backend} {sizes}"
    given = made.given(arguments, named)
    owner = find(name, dict(parts.named(made.record, given)))
    reason = "" if is_enrolled(made.record) else _ANEW
    reason = reason or unfit(_program(made))
    if reason:
        return f"{name} runs in the words of {owner.name}: {reason}"
    origin = route.of(owner).origin(made._setting, given, made.axis, made.reduction)
    if origin:
        return f"{name} runs in a fused kernel on {owner.name}, {origin}"
    batch = made.lined_up(given)
    if getattr(batch.y_pred, "is_cuda", False):
        reason = str(part("triton").refusal(batch))
    else:
        refused = route.of(owner).refusal(batch.inputs, made.record.predictions)
        reason = refused or refusal(batch, route.of(owner).smallest)
    computing = made.ready(given).batch
    words = owner.name if computing.backend is owner else f"{computing.backend.name}, on the memory of {owner.name}"
    if computing.fused is None:
        return f"{name} runs in the words of {words}: {reason}"
    try:
        return f"{name} runs in a fused kernel on {owner.name}, {computing.fused.origin()}"
    except NoKernelError as error:
        return f"{name} runs in the words of {words}: no kernel can be compiled ({error})"
