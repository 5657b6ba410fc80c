"""Divergences against PyTorch and SciPy, and against their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import cityblock, jensenshannon

import lossary

RNG = np.random.default_rng(17)
TEACHER, STUDENT = 3.0 * RNG.normal(size=(2, 30, 5))


def chances(scores: Any) -> Any:
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


TRUE, PREDICTED = chances(TEACHER), chances(STUDENT)


def assert_is(loss: Any, y_true: Any, y_pred: Any, peer: Callable[[Any, Any], Any]) -> None:
    """Values per row, and the slopes of their sum, are those of a function of PyTorch's tensors."""
    predicted = torch.tensor(y_pred, requires_grad=True)
    values = peer(torch.tensor(y_true), predicted)
    (slopes,) = torch.autograd.grad(values.sum(), predicted)
    value, slope = loss.replaced(reduction="none").value_and_grad(y_true, y_pred)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(slope, slopes, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_distillation_is_its_definition(temperature: float) -> None:
    def peer(teacher: Any, student: Any) -> Any:
        logs = [(scores / temperature).log_softmax(-1) for scores in (student, teacher)]
        return temperature**2 * F.kl_div(*logs, log_target=True, reduction="none").sum(-1)

    assert_is(lossary.KnowledgeDistillation(temperature=temperature), TEACHER, STUDENT, peer)


def test_distillation_beyond_the_exponentials_of_floats() -> None:
    """A student that is sure of what the teacher rules out, and shares that are 0 on one side or on both."""
    teacher, student = np.array([[0.0, -300.0, -np.inf]]), np.array([[-5000.0, 0.0, -np.inf]])
    loss = lossary.KnowledgeDistillation(reduction="none")
    value, slope = loss.value_and_grad(teacher, student)
    np.testing.assert_allclose(value, [5000.0])
    np.testing.assert_allclose(slope, [[-1.0, 1.0, 0.0]], atol=1e-12)
    value, slope = loss.value_and_grad(np.array([[0.0, -np.inf]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(value, [np.log1p(np.e)])
    np.testing.assert_allclose(slope, [[-np.e / (1 + np.e), np.e / (1 + np.e)]])


def test_reverse_divergence_has_the_roles_exchanged() -> None:
    def peer(true: Any, predicted: Any) -> Any:
        return F.kl_div(true.log(), predicted, reduction="none").sum(-1)

    assert_is(lossary.ReverseKLDivergence(), TRUE, PREDICTED, peer)
    np.testing.assert_allclose(
        lossary.reverse_kl_divergence(TRUE, PREDICTED), lossary.kl_divergence(PREDICTED, TRUE), rtol=1e-12
    )


@pytest.mark.parametrize("beta", [0.5, 0.2])
def test_jensen_shannon_is_its_definition(beta: float) -> None:
    def peer(true: Any, predicted: Any) -> Any:
        middle = beta * true + (1 - beta) * predicted
        apart = [torch.xlogy(row, row / middle).sum(-1) for row in (true, predicted)]
        return beta * apart[0] + (1 - beta) * apart[1]

    assert_is(lossary.JensenShannonDivergence(beta=beta), TRUE, PREDICTED, peer)


def test_distances_of_scipy() -> None:
    with_zeros = np.eye(5)[RNG.integers(0, 5, 30)]
    for true in (TRUE, with_zeros):
        rows = list(zip(true, PREDICTED, strict=True))
        shannon, variation = ([f(a, b) for a, b in rows] for f in (jensenshannon, cityblock))
        np.testing.assert_allclose(lossary.jensen_shannon_divergence(true, PREDICTED), np.square(shannon), rtol=1e-9)
        np.testing.assert_allclose(
            lossary.total_variation_distance(true, PREDICTED), np.array(variation) / 2, rtol=1e-12
        )


def test_jensen_shannon_between_the_two_divergences() -> None:
    near = lossary.jensen_shannon_divergence(TRUE, PREDICTED, beta=1e-9) / 1e-9
    np.testing.assert_allclose(near, lossary.kl_divergence(TRUE, PREDICTED, epsilon=0.0), rtol=1e-4)
    far = lossary.jensen_shannon_divergence(TRUE, PREDICTED, beta=1 - 1e-9) / 1e-9
    np.testing.assert_allclose(far, lossary.reverse_kl_divergence(TRUE, PREDICTED, epsilon=0.0), rtol=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_curvature_of_distillation_at_the_truth_is_that_of_a_softmax(temperature: float) -> None:
    scores = torch.tensor([[1.0, 2.0, -3.0]], dtype=torch.float64, requires_grad=True)
    value = lossary.knowledge_distillation(scores.detach(), scores, temperature=temperature)
    (slope,) = torch.autograd.grad(value.sum(), scores, create_graph=True)
    found = torch.stack([torch.autograd.grad(x, scores, retain_graph=True)[0][0] for x in slope[0]])
    shares = (scores.detach()[0] / temperature).softmax(-1)
    torch.testing.assert_close(found, torch.diag(shares) - torch.outer(shares, shares))


@pytest.mark.parametrize("parameters", [{"epsilon": 0.0}, {"from_logs": True}], ids=str)
def test_the_slope_of_a_divergence_in_its_targets_is_the_limit_from_above(parameters: Any) -> None:
    """``1 + log(y_true / y_pred)``, which has no bound at 0: there it is that of the least target."""
    y_true = torch.tensor([[0.5, 0.5], [1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    shares = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64)
    y_pred = shares.log() if parameters.get("from_logs") else shares
    lossary.kl_divergence(y_true, y_pred, check="off", **parameters).sum().backward()
    np.testing.assert_allclose(y_true.grad[0], [1.0, 1.0], rtol=1e-12)
    np.testing.assert_allclose(y_true.grad[1, 0], 1.0 + np.log(4.0), rtol=1e-12)
    assert -90.0 < y_true.grad[1, 1] < -80.0
