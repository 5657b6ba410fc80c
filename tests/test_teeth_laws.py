"""Teeth of each law: for every law one fault that this law alone notices, so none can be lost or blunted unseen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import kernel_laws
import laws
from inputs import SETTINGS
from lossary.kernels.cpu.run import Fused
from lossary.objects.define import Loss, loss_class
from test_kernels_teeth import Prepare, prepare  # noqa: F401

Call = Callable[..., tuple[Any, Any]]
SQUARE: Any = loss_class("mean_squared_error")
# Factors of the outputs, exact in every precision.
STRETCH = np.array([1.0, 1.0, 1.0, 1.0, 2.0])


def steep(call: Call, t: Any, p: Any, **options: Any) -> Any:
    value, gradient = call(t, p, **options)
    return value, 1.01 * gradient


def upside_down(call: Call, t: Any, p: Any, **options: Any) -> Any:
    value, gradient = call(t, p, **options)
    return -value, -gradient


def heavier(call: Call, t: Any, p: Any, sample_weight: Any = None, **options: Any) -> Any:
    return call(t, p, sample_weight=None if sample_weight is None else sample_weight + 0.1, **options)


def counted_under_a_mask(call: Call, t: Any, p: Any, where: Any = None, **options: Any) -> Any:
    value, gradient = call(t, p, where=where, **options)
    share = 1.0 if where is None else np.mean(where)
    return value * share, gradient * share


def last_output_stretched(call: Call, t: Any, p: Any, **options: Any) -> Any:
    stretch = STRETCH.astype(p.dtype)
    value, gradient = call(t * stretch, p * stretch, **options)
    return value, gradient * stretch


def steep_in_large_batches(call: Call, t: Any, p: Any, **options: Any) -> Any:
    value, gradient = call(t, p, **options)
    return value, gradient * (1.01 if len(p) == laws.ROWS and not options else 1.0)


def half_precision_inside(call: Call, t: Any, p: Any, **options: Any) -> Any:
    value, gradient = call(t, p, **options)
    return (value, gradient) if p.dtype != np.float32 else (value, gradient.astype(np.float16).astype(np.float32))


FAULTS = {
    "finite_differences": steep,
    "minimum_at_the_truth": upside_down,
    "weights_scale": heavier,
    "mask_is_removal": counted_under_a_mask,
    "permutation": last_output_stretched,
    "gradient_of_a_row_ignores_other_rows": steep_in_large_batches,
    "float32_agrees_with_float64": half_precision_inside,
}


@pytest.mark.parametrize("law", [law.__name__ for law in laws.LAWS])
def test_each_law_has_a_fault_of_its_own(law: str) -> None:
    fault = FAULTS[law]

    class Faulty(SQUARE):  # type: ignore[misc]
        """The mean of squares with one fault."""

        record = SQUARE.record

        def value_and_grad(self, y_true: Any, y_pred: Any, **options: Any) -> Any:
            return fault(super().value_and_grad, y_true, y_pred, **options)

    assert [one.__name__ for one in laws.LAWS if noticed(lambda one=one: one(Faulty(), "numpy"))] == [law]


def test_only_agreement_with_numpy_sees_a_backend_that_is_a_little_off() -> None:
    class Faulty(SQUARE):  # type: ignore[misc]
        """The mean of squares, whose slopes lose half of their digits where they are no NumPy arrays."""

        record = SQUARE.record

        def value_and_grad(self, y_true: Any, y_pred: Any, **options: Any) -> Any:
            value, gradient = super().value_and_grad(y_true, y_pred, **options)
            return value, gradient if isinstance(gradient, np.ndarray) else gradient * (1 + 2.0**-26)

    assert [one.__name__ for one in laws.LAWS if noticed(lambda one=one: one(Faulty(), "torch"))] == []
    assert noticed(lambda: laws.agrees_with_numpy(Faulty(), "torch"))


def noticed(check: Callable[[], Any]) -> bool:
    try:
        check()
    except AssertionError:
        return True
    return False


def replaced(pattern: str, text: str, *, within: str = "") -> Callable[[str], str]:
    """Changes the body of the sources that hold ``within``."""

    def change(source: str) -> str:
        head, _, body = source.partition("\n")
        return f"{head}\n{re.sub(pattern, text, body)}" if within in head else source

    return change


# For each law of kernels a setting and what is wrong with its sources, or else with what calls them.
KERNEL_FAULTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "totals_weights_and_masks": (
        "mean_squared_error",
        replaced(r"totals\[i\] = ", "totals[i] = 1.01 * ", within="totals"),
    ),
    "values_alone": ("mean_squared_error", str),
    # Zeros under the mask are products with zero.
    "nothing_leaks_from_under_a_mask": (
        "mean_squared_error",
        replaced(r"gradient\[i, j\] = ZERO", "gradient[i, j] = y_pred[i, j] * ZERO", within="mask"),
    ),
    "faults_are_seen": ("hinge", replaced(r"faulty\(faults, equal\(p, p\)\)", "faults")),
    "parameters_reach_the_kernel": ("huber", replaced(r"\bh0\b", "F(1.0)")),
    # A few units in the last place.
    "error_budget": ("mean_squared_error", replaced(r"(s\d+(\[k\])?) / columns\)", r"\1 / columns * (1 + 2.0**-21))")),
}


@pytest.mark.parametrize("law", [law.__name__ for law in kernel_laws.LAWS])
def test_each_law_of_kernels_has_a_fault_of_its_own(
    law: str,
    prepare: Prepare,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, change = KERNEL_FAULTS[law]
    setting = next(setting for setting in SETTINGS if str(setting) == name)
    prepare(setting.record, change)
    if law == "values_alone":
        values = Fused.values
        monkeypatch.setattr(Fused, "values", lambda self: 1.01 * values(self))
    loss: Loss = setting.configured(reduction="none")
    found = [one.__name__ for one in kernel_laws.LAWS if noticed(lambda one=one: one(loss, setting))]
    assert found == [law]
