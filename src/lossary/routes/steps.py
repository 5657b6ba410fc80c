"""Plain calls on small arrays, prepared once: what remains of each is to look at the values and to compute.

A small batch is computed in less time than it takes to find out how.  Arrays of the same dtypes and shapes, without
weights or mask and ready to be computed with, differ in nothing but their values; a step keeps all the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels
from ..backends import NUMPY
from ..calls.evaluate import LOOKING, check_values
from ..calls.plan import Plan, Setting, keep, planned
from ..facts.registry import is_enrolled

if TYPE_CHECKING:
    from ..looks.modes import Mode

Floats = np.ndarray[Any, Any]
# The reduced loss and its gradient of targets and predictions; None where only the general way leads on.
Step = Callable[[Floats, Floats], tuple[Floats, Floats] | None]


def find(
    setting: Setting, y_true: Floats, y_pred: Floats, axis: Any, check: Mode | None, reduction: str
) -> Step | None:
    """The step for plain arrays of NumPy, or None where there is more to the call."""
    if not 0 < y_pred.size < kernels.THRESHOLD or type(axis) is not int:
        return None
    key = (y_true.dtype, y_pred.dtype, y_true.shape, y_pred.shape, axis, check, reduction, kernels.loads())
    try:
        found: Step | None = setting.steps[key]
    except KeyError:
        found = _made(setting, y_true, y_pred, axis, check, reduction)
        keep(setting.steps, key, found)
    return found


def _made(
    setting: Setting, y_true: Floats, y_pred: Floats, axis: int, check: Mode | None, reduction: str
) -> Step | None:
    if reduction == "none" or not setting.is_constant or setting.ignored is not None or setting.weighting:
        return None
    if not is_enrolled(setting.record) or not setting.record.is_pair:
        return None
    plan, *_ = planned(setting, (y_true, y_pred), None, None, axis=axis, batched=True, strict=check != "off")
    if not plan.ready or not plan.lines.rows.are_last:
        return None
    looking = check in LOOKING
    columns = 1 if plan.lines.places[1].expand else y_pred.shape[-1]
    ready = kernels.small_step(plan.program, setting.numbers, y_pred, columns, reduction, looking=looking)
    return ready or _in_words(setting, plan, looking, reduction)


def _in_words(setting: Setting, plan: Plan, looking: bool, reduction: str) -> Step:
    """In words of NumPy."""
    record, parameters, numbers = setting.record, setting.parameters, setting.numbers
    lines = plan.lines
    labels = record.labels_are_integers  # What they may be depends on the other argument.
    run, mean = plan.program.value_and_slope(NUMPY), reduction != "sum"

    target, prediction = record.target, record.prediction_domain(parameters)

    def step(y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats]:
        true, pred = lines.apply(NUMPY, plan.program, (y_true, y_pred))
        if looking and (labels or target.fault(true) is not None or prediction.fault(pred) is not None):
            check_values(NUMPY, record, parameters, (true, pred), None, lines.layout, wait=False)
        with np.errstate(all="ignore"):
            values, slopes = run(true, pred, *numbers)
            factor = 1.0 / values.size if mean else 1.0
            return NUMPY.total(values * factor), (slopes * factor).reshape(y_pred.shape)

    return step
