"""Plain calls prepared once: what remains of each is one compiled function, which looks at the values as it computes.

A batch is often computed in less time than it takes to find out how.  Arrays of the same dtypes and shapes, without
weights or mask and ready to be computed with, differ in nothing but their values; a step keeps all the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels
from ..backends import NUMPY
from ..calls import parts
from ..calls.evaluate import LOOKING, Batch, check_values
from ..calls.kernel import NOT_FINITE, NOT_IN_ORDER
from ..calls.plan import Plan, Setting, planned
from ..errors import ShapeError
from ..facts.record import Record
from ..facts.registry import is_enrolled
from ..kernels.cpu.pages import room
from ..kernels.lowering.lower import watches

if TYPE_CHECKING:
    from ..looks.modes import Mode

Floats = np.ndarray[Any, Any]
# What leaves nothing that can be used, whether or not values are looked at.
_NOTHING = NOT_FINITE | NOT_IN_ORDER
Gathered = Callable[[list[Any]], Any]


# One name fewer to be looked up.
_empty = np.empty


class Step:
    """What computes the loss of arrays like these, with its gradients where they are wanted.

    ``run`` is compiled and writes to memory (`lossary.kernels.cpu.step`); ``other`` are words of NumPy for what is
    small and has no kernel.  Where neither can say anything, only the general way leads on.  ``apart`` makes of the
    arrays what ``run`` takes, and is None where it takes them as they are.
    """

    __slots__ = ("apart", "dtype", "fatal", "gathered", "only", "origin", "other", "rooms", "run", "shared", "tail")

    def __init__(self, gathered: Gathered | None = None) -> None:
        # Puts gradients into the structure of the predictions, where there may be several.
        self.gathered = gathered
        self.run: Callable[..., int] | None = None
        self.other: Callable[..., tuple[Floats, Any] | None] | None = None
        self.apart: Callable[..., Sequence[Floats]] | None = None
        self.dtype: np.dtype[Any] | None = None
        # Shapes of gradients that are wanted, and memory for large ones, None where any will do.
        self.rooms: list[tuple[tuple[int, ...], Callable[[], Floats] | None]] = []
        # The shape of a gradient that is the only one, and small.
        self.only: tuple[int, ...] | None = None
        self.tail: tuple[Any, ...] = ()
        self.fatal = 0
        self.origin = ""
        self.shared = False

    def on_numpy(self, *arrays: Floats) -> tuple[Floats, Any] | None:
        """The total and its gradient, or None."""
        if self.run is None:
            return None if self.other is None else self.other(*arrays)
        inputs: Sequence[Floats] = arrays if self.apart is None else self.apart(*arrays)
        dtype, gradient = self.dtype, None
        value = _empty((), dtype)
        if self.only is not None:
            gradient = _empty(self.only, dtype)
            faults = self.run(*inputs, gradient, value, *self.tail)
        else:
            slopes = [_empty(shape, dtype) if make is None else make() for shape, make in self.rooms]
            faults = self.run(*inputs, *slopes, value, *self.tail)
            if slopes:
                gradient = slopes[0] if self.gathered is None else self.gathered(slopes)
        return None if faults & self.fatal else (value[()], gradient)


def made(
    setting: Setting, arguments: Sequence[Any], axis: int, check: Mode | None, reduction: str, *, wanted: bool,
    batched: bool = True,
) -> Step:  # fmt: skip
    """The step for arrays like these, which are NumPy's, or tuples of such."""
    known = _plan(setting, arguments, axis, check, batched=batched)
    if known is None:
        return Step()
    plan, inputs = known
    record, looking = setting.record, check in LOOKING
    found = Step(None if record.is_pair else partial(_gathered, record, plan.packed))
    y_pred = inputs[record.main]
    if reduction == "none":
        make = _values if y_pred.size < kernels.THRESHOLD else _by_kernel
        found.other = make(setting, plan, inputs, found.gathered, looking=looking, wanted=wanted)
        return found
    step = kernels.step(
        plan.program, setting.numbers, y_pred, _columns(plan, y_pred), mean=reduction != "sum", gradient=wanted,
        label=_label(record, inputs),
    )  # fmt: skip
    if step is not None:
        found.run, found.tail, found.origin, found.shared = step
        found.fatal, found.dtype = -1 if looking else _NOTHING, y_pred.dtype
        found.apart = _apart(setting, plan, looking=looking)
        if wanted:
            found.rooms = [(inputs[place].shape, room(inputs[place])) for place in record.predictions]
            if found.gathered is None and found.rooms[0][1] is None:
                found.only = found.rooms[0][0]
    elif wanted and y_pred.size < kernels.THRESHOLD:
        found.other = _in_words(setting, plan, found.gathered, looking=looking, mean=reduction != "sum")
    return found


def leaves(arguments: Sequence[Any]) -> tuple[Sequence[Any], tuple[int, ...]]:
    """The arrays of a call one after the other, and of each argument how many it is, 0 of one that is no tuple.

    No structure at all stands for arguments of which none is a tuple.
    """
    if tuple not in map(type, arguments):
        return arguments, ()
    arrays: list[Any] = []
    for x in arguments:
        if type(x) is tuple:
            arrays += x
        else:
            arrays.append(x)
    return arrays, tuple([len(x) if type(x) is tuple else 0 for x in arguments])


def facts(arrays: Sequence[Any]) -> Hashable:
    """What a step relies on of arrays."""
    if len(arrays) == 2:  # Without a loop, which takes as long as all the rest of a small call.
        a, b = arrays
        return a.dtype, b.dtype, a.shape, b.shape
    return tuple([(x.dtype, x.shape) for x in arrays])


def _gathered(record: Record, packed: Sequence[bool], gradients: list[Any]) -> Any:
    return parts.gathered(NUMPY, record, packed, dict(zip(record.predictions, gradients, strict=True)))


class CurvatureStep:
    """What computes the slope and the diagonal of the Hessian of every output; nothing where there is no kernel."""

    __slots__ = ("fatal", "run", "tail")

    def __init__(self, setting: Setting, y_true: Floats, y_pred: Floats, axis: int, check: Mode | None) -> None:
        self.run: Callable[..., int] | None = None
        known = _plan(setting, (y_true, y_pred), axis, check)
        if known is not None:
            plan, inputs = known
            columns, label = _columns(plan, y_pred), _label(setting.record, inputs)
            step = kernels.curvature_step(plan.program, setting.numbers, y_pred, columns, label=label)
            if step is not None:
                self.run, self.tail, *_ = step
                self.fatal = -1 if check in LOOKING else _NOTHING

    def on_numpy(self, y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats] | None:
        """Both, or None."""
        if self.run is None:
            return None
        slope, curve = np.empty_like(y_pred), np.empty_like(y_pred)
        return None if self.run(y_true, y_pred, slope, curve, *self.tail) & self.fatal else (slope, curve)


def _plan(
    setting: Setting, arguments: Sequence[Any], axis: int, check: Mode | None, *, batched: bool = True
) -> tuple[Plan, tuple[Floats, ...]] | None:
    """What compiled code may rely on for arrays like these, and inputs, or None where they need more than it does."""
    record = setting.record
    if not setting.is_plain or not is_enrolled(record):
        return None
    if record.compared or record.depth > 1 or not all(x.dtype.isnative for x in leaves(arguments)[0]):
        return None
    try:  # Compiled code relies on the shapes, whether or not they are to be checked.
        plan, inputs = planned(setting, arguments, None, None, axis=axis, batched=batched, strict=True)
    except ShapeError:
        if check == "off":
            return None
        raise
    return (plan, inputs) if plan.ready and plan.lines.rows.are_last and inputs[record.main].size else None


def _columns(plan: Plan, y_pred: Floats) -> int:
    return 1 if plan.lines.places[plan.program.record.main].expand else int(y_pred.shape[-1])


def _label(record: Record, inputs: Sequence[Floats]) -> str:
    """The dtype of labels, of which a kernel knows one."""
    found = {str(x.dtype) for each, x in zip(record.inputs, inputs, strict=True) if each.is_label}
    return "" if not found else max(found - {"int64"}, default="int64")


def _apart(setting: Setting, plan: Plan, *, looking: bool) -> Callable[..., Sequence[Floats]] | None:
    """Takes arguments apart, and looks at what the kernel does not see by itself."""
    split = _split(setting.record, plan)
    if not looking or watches(plan.program):
        return split
    lined_up = _looked_at(setting, plan, looking=True)

    def looked_at(*arrays: Floats) -> Sequence[Floats]:
        inputs = arrays if split is None else split(*arrays)
        lined_up(*inputs)
        return inputs

    return looked_at


def _split(record: Record, plan: Plan) -> Callable[..., Sequence[Floats]] | None:
    """Makes inputs of arguments that hold their parts in one array; memory of each then lies in order."""
    if not any(plan.packed):
        return None
    counts: list[int] = []
    for argument, packed in zip(record.arguments, plan.packed, strict=True):
        counts += [len(argument.parts)] if packed else [0] * len(argument.inputs)

    def split(*arrays: Floats) -> Sequence[Floats]:
        found: list[Floats] = []
        for count, x in zip(counts, arrays, strict=True):
            found += [np.ascontiguousarray(x[..., part]) for part in range(count)] if count else [x]
        return found

    return split


def _in_words(
    setting: Setting, plan: Plan, gathered: Gathered | None, *, looking: bool, mean: bool
) -> Callable[..., tuple[Floats, Any]]:
    """In words of NumPy."""
    numbers, lined_up = setting.numbers, _lined_up(setting, plan, looking=looking)
    run, shaped = plan.program.value_and_slope(NUMPY), _shaped(setting.record, plan, gathered)

    def step(*arrays: Floats) -> tuple[Floats, Any]:
        inputs = lined_up(*arrays)
        with np.errstate(all="ignore"):
            values, *slopes = run(*inputs, *numbers)
            factor = 1.0 / values.size if mean else 1.0
            return NUMPY.total(values * factor), shaped([slope * factor for slope in slopes], inputs)

    return step


def _by_kernel(
    setting: Setting, plan: Plan, like: Sequence[Floats], gathered: Gathered | None, *, looking: bool, wanted: bool
) -> Callable[..., tuple[Floats, Any] | None] | None:
    """One value per data point, and their slopes, of many; None where there is no kernel."""
    record, program, lines = setting.record, plan.program, plan.lines
    apart, shaped = _apart(setting, plan, looking=looking), _shaped(record, plan, gathered)
    watched = looking and watches(program)

    def batch(inputs: Sequence[Floats]) -> Batch:
        return Batch(NUMPY, program, lines.apply(NUMPY, program, inputs), setting.numbers, None, None, plan.dtype)

    if kernels.refusal(batch(like)):
        return None

    def step(*arrays: Floats) -> tuple[Floats, Any] | None:
        inputs = arrays if apart is None else apart(*arrays)
        call = batch(inputs)
        look = partial(check_values, NUMPY, record, setting.parameters, call.inputs, None, lines.layout, wait=False)
        fused = kernels.part("cpu.run").Fused(call, look if watched else None)
        if not wanted:
            values = fused.values()
            return None if values is None else (values, None)
        found = fused.reduced("none", gradient=True)
        return None if found is None else (found[0], shaped(found[1], inputs))

    return step


def _values(
    setting: Setting, plan: Plan, like: Sequence[Floats], gathered: Gathered | None, *, looking: bool, wanted: bool
) -> Callable[..., tuple[Floats, Any] | None]:
    """One value per data point, and their slopes, in words of NumPy."""
    program, numbers, lined_up = plan.program, setting.numbers, _lined_up(setting, plan, looking=looking)
    run = program.value_and_slope(NUMPY) if wanted else program.value(NUMPY)
    shaped = _shaped(setting.record, plan, gathered)

    def step(*arrays: Floats) -> tuple[Floats, Any] | None:
        if program.kernels_at_hand:
            return None
        inputs = lined_up(*arrays)
        with np.errstate(all="ignore"):
            if not wanted:
                return NUMPY.squeeze_last(run(*inputs, *numbers)), None
            values, *slopes = run(*inputs, *numbers)
            # Times 1, as slopes may be one of the arrays that were given.
            return NUMPY.squeeze_last(values), shaped([slope * 1.0 for slope in slopes], inputs)

    return step


def _shaped(
    record: Record, plan: Plan, gathered: Gathered | None
) -> Callable[[Sequence[Floats], Sequence[Floats]], Any]:
    """Gradients in the shapes and the structure of the predictions."""
    places = [(place, plan.lines.places[place].expand) for place in record.predictions]

    def shaped(gradients: Sequence[Floats], inputs: Sequence[Floats]) -> Any:
        found = []
        for (place, expanded), gradient in zip(places, gradients, strict=True):
            shape = inputs[place].shape
            found.append(gradient.reshape(shape[:-1] if expanded else shape))
        return found[0] if gathered is None else gathered(found)

    return shaped


def _lined_up(setting: Setting, plan: Plan, *, looking: bool) -> Callable[..., Sequence[Floats]]:
    """Makes inputs of arguments, lines them up and, where that is wanted, looks at their values."""
    split, lined_up = _split(setting.record, plan), _looked_at(setting, plan, looking=looking)
    return lined_up if split is None else lambda *arrays: lined_up(*split(*arrays))


def _looked_at(setting: Setting, plan: Plan, *, looking: bool) -> Callable[..., Sequence[Floats]]:
    """Lines inputs up and, where that is wanted, looks at their values."""
    record, lines = setting.record, plan.lines
    domains = [record.domain(place, setting.parameters) for place in range(len(record.inputs))]
    # What labels may be depends on other inputs, and so may what parts may be.
    alone = record.is_pair and not record.labels_are_integers

    def lined_up(*inputs: Floats) -> Sequence[Floats]:
        found = lines.apply(NUMPY, plan.program, inputs)
        if not looking or (alone and domains[0].fault(found[0]) is None and domains[1].fault(found[1]) is None):
            return found
        check_values(NUMPY, record, setting.parameters, found, None, lines.layout, wait=False)
        return found

    return lined_up
