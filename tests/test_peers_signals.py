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


@pytest.mark.parametrize("zero_mean", [True, False])
def test_ratios_of_signals_are_those_of_auraloss(zero_mean: bool) -> None:
    """Whose epsilon is added elsewhere: compared where it does not count."""
    signal, noise = RNG.normal(size=(2, 6, 50))

    def centered(x: Any) -> Any:
        return x - x.mean(-1, keepdim=True) if zero_mean else x

    def power(x: Any) -> Any:
        return x.square().sum(-1)

    def snr(y: Any, p: Any) -> Any:
        y, p = centered(y), centered(p)
        return -10.0 * (power(y) / power(y - p)).log10()

    def sdr(y: Any, p: Any) -> Any:
        y, p = centered(y), centered(p)
        target = (y * p).sum(-1, keepdim=True) / y.square().sum(-1, keepdim=True) * y
        return -10.0 * (power(target) / power(p - target)).log10()

    outputs = 0.3 * signal + 0.2 * noise + 0.1
    settings = {"zero_mean": zero_mean, "epsilon": 0.0}
    assert_same(lossary.SignalNoiseRatio(**settings), snr, [signal, outputs], [1])
    assert_same(lossary.ScaleInvariantSDR(**settings), sdr, [signal, outputs], [1])


@pytest.mark.parametrize("name", ["signal_noise_ratio", "scale_invariant_sdr"])
@pytest.mark.parametrize("silent", ["target", "output", "both"])
def test_silence_has_a_finite_value_and_slope(name: str, silent: str) -> None:
    signal = RNG.normal(size=(2, 8))
    target, output = (0.0 * signal if silent in (each, "both") else signal for each in ("target", "output"))
    value, slope = lossary.get(name).value_and_grad(target, output)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
