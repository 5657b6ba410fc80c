"""Losses for numbers with outliers against other libraries: run where they are installed, else as they define them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch
from torch.nn import functional as F

import lossary

RNG = np.random.default_rng(31)
T, P = RNG.normal(size=(20, 5)), RNG.standard_t(1.0, size=(20, 5)) * 3.0
D = P - T


def mmdet_balanced_l1(d: torch.Tensor, alpha: float = 0.5, gamma: float = 1.5) -> torch.Tensor:
    b = np.exp(gamma / alpha) - 1
    near = alpha / b * (b * d + 1) * torch.log(b * d + 1) - alpha * d
    return torch.where(d < 1.0, near, gamma * d + gamma / b - alpha)


def lossfun(u: torch.Tensor, alpha: float) -> torch.Tensor:
    b = abs(alpha - 2.0)
    return b / alpha * ((u**2 / b + 1.0) ** (alpha / 2) - 1.0)


# Ours, and the same of PyTorch or written in it, of the differences.
TORCH: dict[str, tuple[Any, Callable[[torch.Tensor], torch.Tensor]]] = {
    "torch smooth_l1": (
        lossary.SmoothL1(beta=0.3),
        lambda d: F.smooth_l1_loss(d, torch.zeros_like(d), beta=0.3, reduction="none"),
    ),
    "torch huber": (
        2.0 * lossary.SmoothL1(beta=0.5),
        lambda d: 4.0 * F.huber_loss(d, torch.zeros_like(d), delta=0.5, reduction="none"),
    ),
    "lightgbm fair": (lossary.FairLoss(c=2.0), lambda d: 2.0 * d.abs() - 4.0 * torch.log(d.abs() / 2.0 + 1.0)),
    "xgboost pseudohubererror": (
        lossary.PseudoHuber(delta=2.0),
        lambda d: 4.0 * (torch.sqrt(1.0 + (d / 2.0) ** 2) - 1.0),
    ),
    "kornia charbonnier": (lossary.PseudoHuber(), lambda d: (d**2 + 1.0).sqrt() - 1.0),
    "basicsr charbonnier": (lossary.Charbonnier(epsilon=1e-6), lambda d: torch.sqrt(d**2 + 1e-12)),
    "mmdet balanced_l1": (lossary.BalancedL1(), lambda d: mmdet_balanced_l1(d.abs())),
    "pytorch-toolbelt wing": (
        lossary.WingLoss(width=5.0, curvature=0.5),
        lambda d: torch.where(
            d.abs() < 5.0, 5.0 * torch.log(1.0 + d.abs() / 0.5), d.abs() - (5.0 - 5.0 * np.log(11.0))
        ),
    ),
    "kornia cauchy": (lossary.Cauchy(), lambda d: (0.5 * d**2 + 1.0).log()),
    "kornia geman_mcclure": (lossary.GemanMcClure(), lambda d: 2.0 * d**2 / (d**2 + 4.0)),
    "kornia welsch": (lossary.Welsch(), lambda d: 1.0 - torch.exp(-0.5 * d**2)),
    "statsmodels TukeyBiweight": (
        lossary.TukeyBiweight(),
        lambda d: -((1.0 - (d / 4.685).clamp(-1.0, 1.0) ** 2) ** 3 - 1.0) * 4.685**2 / 6.0,
    ),
    "robust_loss_pytorch": (lossary.GeneralRobust(alpha=-3.0, c=2.0), lambda d: lossfun(d / 2.0, -3.0)),
    "robust_loss_pytorch 1.5": (lossary.GeneralRobust(alpha=1.5), lambda d: lossfun(d, 1.5)),
}


@pytest.mark.parametrize("name", TORCH)
def test_value_and_gradient_of_torch(name: str) -> None:
    ours, theirs = TORCH[name]
    d = torch.tensor(D, requires_grad=True)
    wanted = theirs(d).mean()
    wanted.backward()
    value, gradient = ours.value_and_grad(T, P)
    np.testing.assert_allclose(value, wanted.detach(), rtol=1e-9)
    np.testing.assert_allclose(gradient, d.grad, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("delta", [0.2, 1.0, 4.0])
def test_pseudo_huber_of_scipy(delta: float) -> None:
    wanted = scipy.special.pseudo_huber(delta, D).mean(-1)
    np.testing.assert_allclose(lossary.pseudo_huber(T, P, delta=delta), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("soft_l1", 2.0 * lossary.PseudoHuber(delta=1.5)), ("cauchy", 1.5**2 * lossary.Cauchy(c=1.5 * 0.5**0.5))],
    ids=str,
)
def test_least_squares_of_scipy(theirs: str, ours: Any) -> None:
    """Its cost at a point that it may not leave is half the sum over the residuals."""
    found = scipy.optimize.least_squares(
        lambda x: D.ravel() + 0.0 * x[0], [0.0], loss=theirs, f_scale=1.5, max_nfev=1, method="trf"
    )
    np.testing.assert_allclose(ours(T, P), 2.0 * found.cost / D.size, rtol=1e-9)


def test_one_general_loss_stands_for_its_members() -> None:
    members = {
        2.0: 0.5 * (D / 0.7) ** 2,
        1.0: lossary.pseudo_huber(T, P, delta=0.7, axis=-1),
        0.0: lossary.cauchy(T, P, c=0.7),
        -2.0: lossary.geman_mcclure(T, P, c=0.7),
        -np.inf: lossary.welsch(T, P, c=0.7),
    }
    members[2.0], members[1.0] = members[2.0].mean(-1), members[1.0] / 0.7**2
    for alpha, wanted in members.items():
        np.testing.assert_allclose(lossary.general_robust(T, P, alpha=alpha, c=0.7), wanted, rtol=1e-12)
        # Its neighbours on both sides are next to it in value.
        for near in {max(alpha, -1e12) - 1e-9, min(max(alpha, -1e12) + 1e-9, 2.0)}:
            moved = lossary.general_robust(T, P, alpha=near, c=0.7)
            np.testing.assert_allclose(moved, wanted, rtol=1e-7)
