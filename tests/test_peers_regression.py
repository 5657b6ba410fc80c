"""Losses of numbers and rows against scikit-learn and SciPy, and against other libraries' definitions in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn import metrics
from sklearn.linear_model import _sgd_fast

import lossary

RNG = np.random.default_rng(35)
T = RNG.normal(size=(20, 6))
P = T + RNG.normal(size=T.shape)
SCALE = RNG.uniform(0.5, 3.0, 20)


def smape(t: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (2.0 * (t - p).abs() / (t.abs() + p.abs())).mean(-1)


def correlation(t: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return torch.stack([1.0 - torch.corrcoef(torch.stack([a, b]))[0, 1] for a, b in zip(t, p, strict=True)])


def concordance_of_audtorch(t: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    both = ((t - t.mean(-1, True)) * (p - p.mean(-1, True))).mean(-1)
    spread = t.var(-1, correction=0) + p.var(-1, correction=0)
    return 1.0 - 2.0 * both / (spread + (t.mean(-1) - p.mean(-1)) ** 2)


def silog_of_mmseg(t: torch.Tensor, p: torch.Tensor, weight: float) -> torch.Tensor:
    d = torch.log(t) - torch.log(p)
    return torch.sqrt(d.pow(2).mean(-1) - weight * d.mean(-1).pow(2))


def mase(t: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return (t - p).abs().mean(-1) / torch.tensor(SCALE)


def rmsse(t: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return torch.sqrt((t - p).pow(2).mean(-1) / torch.tensor(SCALE))


# Ours and theirs by row, of which arrays, and what is given besides.
PEERS: dict[str, tuple[Any, Callable[..., torch.Tensor], Any, list[Any]]] = {
    "rmse": (lossary.RootMeanSquaredError, lambda t, p: (t - p).pow(2).mean(-1).sqrt(), np.positive, []),
    "smape": (lossary.SymmetricMeanAbsolutePercentageError, smape, np.positive, []),
    "pearson": (lossary.PearsonCorrelation, correlation, np.positive, []),
    "concordance": (lossary.ConcordanceCorrelation, concordance_of_audtorch, np.positive, []),
    "silog": (lossary.ScaleInvariantLogarithmicError, lambda t, p: silog_of_mmseg(t, p, 0.5), np.exp, []),
    "silog 0.85": (
        lambda **more: lossary.ScaleInvariantLogarithmicError(variance_focus=0.85, **more),
        lambda t, p: silog_of_mmseg(t, p, 0.85),
        np.exp,
        [],
    ),
    "mase": (lossary.MeanAbsoluteScaledError, mase, np.positive, [SCALE]),
    "rmsse": (lossary.RootMeanSquaredScaledError, rmsse, np.positive, [SCALE]),
}


@pytest.mark.parametrize("name", PEERS)
def test_value_and_gradient_are_those_of_the_definition(name: str) -> None:
    ours, theirs, front, given = PEERS[name]
    p = torch.tensor(front(P), requires_grad=True)
    wanted = theirs(torch.tensor(front(T)), p)
    wanted.sum().backward()
    value, gradient = ours(reduction="none").value_and_grad(front(T), front(P), *given)
    np.testing.assert_allclose(value, wanted.detach(), rtol=1e-9)
    np.testing.assert_allclose(gradient, p.grad, rtol=1e-9, atol=1e-14)


def test_roots_of_scikit_learn() -> None:
    wanted = metrics.root_mean_squared_error(T, P)
    np.testing.assert_allclose(lossary.RootMeanSquaredError(axis=0)(T, P), wanted, rtol=1e-12)
    scaled = lossary.root_mean_squared_scaled_error(T[:1], P[:1], [2.0])
    np.testing.assert_allclose(scaled, metrics.root_mean_squared_error(T[0], P[0]) / np.sqrt(2.0), rtol=1e-12)


def test_correlation_of_scipy() -> None:
    wanted = [1.0 - scipy.stats.pearsonr(t, p).statistic for t, p in zip(T, P, strict=True)]
    np.testing.assert_allclose(lossary.pearson_correlation(T, P), wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["EpsilonInsensitive", "SquaredEpsilonInsensitive"])
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0])
def test_tolerances_of_scikit_learn(name: str, epsilon: float) -> None:
    theirs = getattr(_sgd_fast, name)(epsilon)
    loss = getattr(lossary, name)(epsilon=epsilon, reduction="sum")
    value, gradient = loss.value_and_grad(T.reshape(-1, 1), P.reshape(-1, 1))
    pairs = list(zip(P.ravel(), T.ravel(), strict=True))
    np.testing.assert_allclose(value, sum(theirs.py_loss(*pair) for pair in pairs), rtol=1e-12)
    np.testing.assert_allclose(gradient.ravel(), [theirs.py_dloss(*pair) for pair in pairs], rtol=1e-12)


def test_a_depth_that_is_not_known_is_left_out() -> None:
    depth, known = np.exp(T), RNG.random(T.shape) < 0.7
    spoiled = np.where(known, depth, 0.0)
    loss = lossary.ScaleInvariantLogarithmicError(reduction="none")
    value, slope = loss.value_and_grad(spoiled, np.exp(P), where=known)
    for row in range(len(T)):
        alone = lossary.scale_invariant_logarithmic_error(depth[row, known[row]], np.exp(P)[row, known[row]])
        np.testing.assert_allclose(value[row], alone, rtol=1e-12)
    assert np.all(slope[~known] == 0.0)
