"""Losses of quantiles against scikit-learn, and against other libraries' definitions written in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn._loss.loss import PinballLoss
from sklearn.metrics import mean_pinball_loss
from torch.nn import functional as F

import lossary

RNG = np.random.default_rng(32)
T, P = RNG.normal(size=(20, 5)), RNG.normal(size=(20, 5)) * 2.0


@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.5, 0.9])
def test_pinball_of_scikit_learn(quantile: float) -> None:
    loss = lossary.Pinball(quantile=quantile)
    np.testing.assert_allclose(loss(T, P), mean_pinball_loss(T.ravel(), P.ravel(), alpha=quantile), rtol=1e-12)
    if quantile:
        values, slopes = PinballLoss(quantile=quantile).loss_gradient(T.ravel(), P.ravel())
        value, gradient = loss.replaced(reduction="sum").value_and_grad(T.reshape(-1, 1), P.reshape(-1, 1))
        np.testing.assert_allclose(value, values.sum(), rtol=1e-12)
        np.testing.assert_allclose(gradient.ravel(), slopes, rtol=1e-12)


def expectile_of_rlax(e: torch.Tensor, level: float) -> torch.Tensor:
    return torch.abs(level - (e < 0).double()) * e**2


def quantile_huber_of_rlax(e: torch.Tensor, level: Any, delta: float) -> torch.Tensor:
    weight = torch.abs(level - (e.detach() < 0).double())
    return weight * F.huber_loss(e, torch.zeros_like(e), delta=delta, reduction="none")


LEVEL = RNG.uniform(0.01, 0.99, T.shape)
# Ours and theirs, of the target less the prediction; what is given besides.
PEERS: dict[str, tuple[Any, Callable[[torch.Tensor], torch.Tensor], list[Any]]] = {
    "expectile": (lossary.Expectile(expectile=0.8), lambda e: expectile_of_rlax(e, 0.8), []),
    "quantile_huber": (
        0.5 * lossary.QuantileHuber(quantile=0.8, delta=0.5),
        lambda e: quantile_huber_of_rlax(e, 0.8, 0.5),
        [],
    ),
    "implicit_quantile": (
        lossary.ImplicitQuantile(),
        lambda e: torch.maximum(torch.tensor(LEVEL) * e, (torch.tensor(LEVEL) - 1.0) * e),
        [LEVEL],
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_value_and_gradient_are_those_of_the_definition(name: str) -> None:
    ours, theirs, given = PEERS[name]
    p = torch.tensor(P, requires_grad=True)
    wanted = theirs(torch.tensor(T) - p).mean()
    wanted.backward()
    value, gradient = ours.value_and_grad(T, P, *given)
    np.testing.assert_allclose(value, wanted.detach(), rtol=1e-12)
    np.testing.assert_allclose(gradient, p.grad, rtol=1e-12)


@pytest.mark.parametrize(("loss", "best"), [(lossary.Pinball(quantile=0.8), np.quantile), (lossary.Expectile(), None)])
def test_the_best_constant(loss: Any, best: Any) -> None:
    y = np.random.default_rng(33).exponential(size=(10001, 1))
    wanted = best(y, 0.8) if best else y.mean()
    _, below = loss.value_and_grad(y, np.full_like(y, wanted - 0.01))
    _, above = loss.value_and_grad(y, np.full_like(y, wanted + 0.01))
    assert below.sum() < 0.0 < above.sum()
