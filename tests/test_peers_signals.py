"""Losses of signals beside the formulas of other libraries, written for PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F

import lossary
from peer import assert_same

RNG = np.random.default_rng(13)


@pytest.mark.parametrize("max_value", [1.0, 255.0])
def test_peak_signal_noise_ratio_is_that_of_kornia(max_value: float) -> None:
    """`psnr_loss` is minus ``10 log10(max_val**2 / mse)``."""
    images = RNG.uniform(size=(2, 3, 4, 5, 1)) * max_value

    def peer(y: Any, p: Any) -> Any:
        return -10.0 * (max_value**2 / F.mse_loss(p, y, reduction="none").mean((1, 2, 3))).log10()

    assert_same(lossary.PeakSignalNoiseRatio(max_value=max_value, axis=(1, 2, 3)), peer, list(images), [1])


def test_a_perfect_image_has_a_floor() -> None:
    value, slope = lossary.PeakSignalNoiseRatio().value_and_grad([[0.5, 0.25]], [[0.5, 0.25]])
    assert value == pytest.approx(-100.0)
    assert not slope.any()
