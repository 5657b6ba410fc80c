"""Compiled kernels against 60-digit references: every loss, both precisions, and inputs chosen to hurt."""

from __future__ import annotations

from typing import Any

import pytest

import kernel_laws
from inputs import FEWEST, FUSED, WITNESSES, Setting, every
from lossary import kernels


@pytest.fixture(autouse=True)
def _kernels_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)


@pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_error_is_at_most_that_of_the_plain_formula_and_one_unit(
    setting: Setting, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short rows side by side in float32, one after another in float64."""
    if dtype == "float64":
        monkeypatch.setattr("lossary.kernels.cpu.target.NARROW", 0)
    kernel_laws.error_budget(setting.configured(reduction="none"), setting, dtype, most=12)


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
@pytest.mark.parametrize("law", kernel_laws.LAWS[:-1], ids=lambda law: law.__name__)
def test_law(law: Any, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row after another; all settings obey these laws as interpreted sources, in `test_kernels_teeth`."""
    monkeypatch.setattr("lossary.kernels.cpu.target.NARROW", 0)
    law(setting.configured(reduction="none"), setting)
