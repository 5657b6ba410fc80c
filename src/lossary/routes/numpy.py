"""NumPy's arrays: large ones go to a fused kernel, small plain ones to a step that was prepared once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import kernels
from ..backends import NUMPY, Array
from ..calls.evaluate import Batch, Call, prepare
from ..calls.linear import Arguments, Settings
from ..calls.plan import Setting, keep
from ..calls.route import Route
from ..facts.axes import Axis
from . import linear_numpy, steps

if TYPE_CHECKING:
    from ..looks.modes import Mode


class NumpyRoute(Route):
    """Calls on arrays in host memory."""

    def refusal(self, arrays: Sequence[Array] = (), predictions: Sequence[int] = ()) -> str:
        return ""

    def at_once(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str, *,
        batched: bool = True,
    ) -> Array | None:  # fmt: skip
        found = _found(setting, arguments, axis, check, reduction, False, batched)
        return None if found is None else found[0]

    def at_once_with_gradient(
        self, setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str
    ) -> tuple[Array, Any] | None:
        return _found(setting, arguments, axis, check, reduction, True, True)

    def origin(self, setting: Setting, arguments: Sequence[Any], axis: Axis, reduction: str) -> str:
        if type(axis) is not int or any(type(x) is not _ARRAY for x in steps.leaves(arguments)[0]):
            return ""
        return steps.made(setting, arguments, axis, None, reduction, wanted=True).origin

    def call(
        self,
        setting: Setting,
        arguments: Sequence[Any],
        sample_weight: Any,
        where: Any,
        axis: Axis,
        check: Mode | None,
        *,
        batched: bool = False,
    ) -> Call:
        return prepare(
            setting,
            arguments,
            sample_weight,
            where,
            axis=axis,
            check=check,
            batched=batched,
            kernel=kernels.offer,
        )

    def curvature(self, batch: Batch) -> tuple[Array, Array] | None:
        return kernels.curvature(batch)

    def curvature_at_once(
        self, setting: Setting, y_true: Any, y_pred: Any, axis: Axis, check: Mode | None
    ) -> tuple[Array, Array] | None:
        if not type(y_true) is type(y_pred) is np.ndarray or type(axis) is not int:
            return None
        key = y_true.dtype, y_pred.dtype, y_true.shape, y_pred.shape, axis, check
        step = setting.steps.get(key)
        if step is None:
            step = steps.CurvatureStep(setting, y_true, y_pred, axis, check)
            keep(setting.steps, key, step)
        found: tuple[Array, Array] | None = step.on_numpy(y_true, y_pred)
        return found

    def hessian_of_row(self, batch: Batch) -> Callable[[Any, Any], tuple[Array, Array] | None] | None:
        return kernels.hessian_of_row(batch)

    def linear(self, settings: Settings, given: Arguments) -> Array:
        return linear_numpy.value(settings, given)

    def linear_and_gradients(self, settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
        return linear_numpy.value_and_gradients(settings, given)


_ARRAY = np.ndarray


def _found(
    setting: Setting, arguments: Sequence[Any], axis: Axis, check: Mode | None, reduction: str, wanted: bool,
    batched: bool,
) -> tuple[Array, Any] | None:  # fmt: skip
    """The loss and, where it is wanted, its gradient by the step for arrays like these, which is made at first."""
    if type(axis) is not int:
        return None
    arrays = arguments
    key: Hashable = None
    if len(arguments) == 2:  # Without loops, which take as long as all the rest of a small call.
        a, b = arguments
        if type(a) is type(b) is _ARRAY:
            key = a.dtype, b.dtype, a.shape, b.shape, axis, check, reduction, wanted, batched
    if key is None:
        arrays, structure = (arguments, ()) if setting.record.is_pair else steps.leaves(arguments)
        if any(type(x) is not _ARRAY for x in arrays):
            return None
        key = steps.facts(arrays), structure, axis, check, reduction, wanted, batched
    step: steps.Step | None = setting.steps.get(key)
    if step is None:
        step = steps.made(setting, arguments, axis, check, reduction, wanted=wanted, batched=batched)
        keep(setting.steps, key, step)
    return step.on_numpy(*arrays)


ROUTE = NumpyRoute(NUMPY)
