"""Plain calls prepared once: what remains of each is one compiled function, which looks at the values as it computes.

A batch is often computed in less time than it takes to find out how.  Arrays of the same dtypes and shapes, without
weights or mask and ready to be computed with, differ in nothing but their values; a step keeps all the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels
from ..backends import NUMPY
from ..calls.evaluate import LOOKING, check_values
from ..calls.kernel import NOT_FINITE
from ..calls.plan import Plan, Setting, planned
from ..errors import ShapeError
from ..facts.registry import is_enrolled
from ..kernels.cpu.pages import room

if TYPE_CHECKING:
    from ..looks.modes import Mode

Floats = np.ndarray[Any, Any]


class Step:
    """What computes the loss of targets and predictions, with its gradient where that is ``wanted``.

    ``run`` is compiled and writes to memory (`lossary.kernels.cpu.step`); ``other`` are words of NumPy for what is
    small and has no kernel.  Where neither can say anything, only the general way leads on.
    """

    __slots__ = ("dtype", "fatal", "origin", "other", "room", "run", "shape", "shared", "tail", "wanted")

    def __init__(self, like: Floats, *, wanted: bool) -> None:
        self.shape, self.dtype, self.wanted = like.shape, like.dtype, wanted
        # Memory for large gradients, None where any will do.
        self.room = room(like) if wanted else None
        self.run: Callable[..., int] | None = None
        self.other: Callable[[Floats, Floats], tuple[Floats, Any] | None] | None = None
        self.tail: tuple[Any, ...] = ()
        self.fatal = 0
        self.origin = ""
        self.shared = False

    def on_numpy(self, y_true: Floats, y_pred: Floats) -> tuple[Floats, Any] | None:
        """The total and its gradient, or None."""
        if self.run is None:
            return None if self.other is None else self.other(y_true, y_pred)
        if not _lie_in_order(y_true, y_pred):
            return None
        value = np.empty((), self.dtype)
        room = self.room
        slopes: Any = (np.empty(self.shape, self.dtype) if room is None else room()) if self.wanted else 0
        if self.run(y_true, y_pred, slopes, value, *self.tail) & self.fatal:
            return None
        return value[()], slopes


def made(
    setting: Setting, y_true: Floats, y_pred: Floats, axis: int, check: Mode | None, reduction: str, *, wanted: bool,
    batched: bool = True,
) -> Step:  # fmt: skip
    """The step for arrays like these."""
    found = Step(y_pred, wanted=wanted)
    plan = _plan(setting, y_true, y_pred, axis, check, batched=batched)
    if plan is None:
        return found
    looking = check in LOOKING
    if reduction == "none":
        if y_pred.size < kernels.THRESHOLD:
            found.other = _values(setting, plan, looking=looking, wanted=wanted)
        return found
    step = kernels.step(
        plan.program, setting.numbers, y_pred, _columns(plan, y_pred), mean=reduction != "sum", gradient=wanted,
        label=_label(setting, y_true),
    )  # fmt: skip
    if step is not None:
        found.run, found.tail, found.origin, found.shared = step
        found.fatal = -1 if looking else NOT_FINITE
    elif wanted and y_pred.size < kernels.THRESHOLD:
        found.other = _in_words(setting, plan, looking=looking, mean=reduction != "sum")
    return found


class CurvatureStep:
    """What computes the slope and the diagonal of the Hessian of every output; nothing where there is no kernel."""

    __slots__ = ("fatal", "run", "tail")

    def __init__(self, setting: Setting, y_true: Floats, y_pred: Floats, axis: int, check: Mode | None) -> None:
        self.run: Callable[..., int] | None = None
        plan = _plan(setting, y_true, y_pred, axis, check)
        if plan is not None:
            columns, label = _columns(plan, y_pred), _label(setting, y_true)
            step = kernels.curvature_step(plan.program, setting.numbers, y_pred, columns, label=label)
            if step is not None:
                self.run, self.tail, *_ = step
                self.fatal = -1 if check in LOOKING else NOT_FINITE

    def on_numpy(self, y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats] | None:
        """Both, or None."""
        if self.run is None or not _lie_in_order(y_true, y_pred):
            return None
        slope, curve = np.empty_like(y_pred), np.empty_like(y_pred)
        return None if self.run(y_true, y_pred, slope, curve, *self.tail) & self.fatal else (slope, curve)


def _plan(
    setting: Setting, y_true: Floats, y_pred: Floats, axis: int, check: Mode | None, *, batched: bool = True
) -> Plan | None:
    """What compiled code may rely on for arrays like these, or None where they need more than it does."""
    record = setting.record
    if not y_pred.size or not setting.is_constant or setting.ignored is not None:
        return None
    if setting.weighting or not is_enrolled(record) or not record.is_pair:
        return None
    if not (y_true.dtype.isnative and y_pred.dtype.isnative):
        return None
    try:  # Compiled code relies on the shapes, whether or not they are to be checked.
        plan, *_ = planned(setting, (y_true, y_pred), None, None, axis=axis, batched=batched, strict=True)
    except ShapeError:
        if check == "off":
            return None
        raise
    return plan if plan.ready and plan.lines.rows.are_last else None


def _columns(plan: Plan, y_pred: Floats) -> int:
    return 1 if plan.lines.places[1].expand else int(y_pred.shape[-1])


def _label(setting: Setting, y_true: Floats) -> str:
    return str(y_true.dtype) if setting.record.labels_are_integers else ""


def _lie_in_order(y_true: Floats, y_pred: Floats) -> bool:
    """Whether memory may be read as it stands."""
    true, pred = y_true.flags, y_pred.flags
    return true.c_contiguous and pred.c_contiguous and true.aligned and pred.aligned


def _look(setting: Setting, plan: Plan, y_true: Floats, y_pred: Floats) -> None:
    """Raises an error at the first value that is not accepted."""
    layout = plan.lines.layout
    check_values(NUMPY, setting.record, setting.parameters, (y_true, y_pred), None, layout, wait=False)


def _in_words(
    setting: Setting, plan: Plan, *, looking: bool, mean: bool
) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """In words of NumPy."""
    numbers, lined_up = setting.numbers, _looked_at(setting, plan, looking=looking)
    run = plan.program.value_and_slope(NUMPY)

    def step(y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats]:
        true, pred = lined_up(y_true, y_pred)
        with np.errstate(all="ignore"):
            values, slopes = run(true, pred, *numbers)
            factor = 1.0 / values.size if mean else 1.0
            return NUMPY.total(values * factor), (slopes * factor).reshape(y_pred.shape)

    return step


def _values(
    setting: Setting, plan: Plan, *, looking: bool, wanted: bool
) -> Callable[[Floats, Floats], tuple[Floats, Any] | None]:
    """One value per data point, and their slopes, in words of NumPy."""
    program, numbers, lined_up = plan.program, setting.numbers, _looked_at(setting, plan, looking=looking)
    run = program.value_and_slope(NUMPY) if wanted else program.value(NUMPY)

    def step(y_true: Floats, y_pred: Floats) -> tuple[Floats, Any] | None:
        if program.kernels_at_hand:
            return None
        true, pred = lined_up(y_true, y_pred)
        with np.errstate(all="ignore"):
            if not wanted:
                return NUMPY.squeeze_last(run(true, pred, *numbers)), None
            values, slopes = run(true, pred, *numbers)
            # Times 1, as slopes may be one of the arrays that were given.
            return NUMPY.squeeze_last(values), (slopes * 1.0).reshape(y_pred.shape)

    return step


def _looked_at(setting: Setting, plan: Plan, *, looking: bool) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """Lines arrays up and, where that is wanted, looks at their values."""
    record, lines = setting.record, plan.lines
    labels = record.labels_are_integers  # What they may be depends on the other argument.
    target, prediction = record.target, record.prediction_domain(setting.parameters)

    def lined_up(y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats]:
        true, pred = lines.apply(NUMPY, plan.program, (y_true, y_pred))
        if looking and (labels or target.fault(true) is not None or prediction.fault(pred) is not None):
            _look(setting, plan, true, pred)
        return true, pred

    return lined_up
