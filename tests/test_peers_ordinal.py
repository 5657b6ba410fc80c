"""Losses of ordered classes against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import lossary

RNG = np.random.default_rng(19)
LABELS, SCORES = RNG.integers(0, 6, 40), 2.0 * RNG.normal(size=(40, 5))
LEVELS = np.arange(5) < LABELS[:, None]


def assert_is(loss: Any, used: Any) -> None:
    scores = torch.tensor(SCORES, requires_grad=True)
    costs = F.binary_cross_entropy_with_logits(scores, torch.tensor(LEVELS.astype(float)), reduction="none")
    values = (costs * torch.tensor(used)).sum(-1)
    (slopes,) = torch.autograd.grad(values.sum(), scores)
    value, slope = loss.value_and_grad(LABELS, SCORES)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-12)
    np.testing.assert_allclose(slope, slopes, rtol=1e-12)


def test_coral_is_binary_cross_entropy_of_levels() -> None:
    assert_is(lossary.CORAL(reduction="none"), np.ones_like(LEVELS))
    wanted = 5 * lossary.binary_crossentropy(LEVELS.astype(float), SCORES, from_logits=True)
    np.testing.assert_allclose(lossary.coral(LABELS, SCORES), wanted, rtol=1e-12)


def test_corn_asks_each_step_of_those_that_came_so_far() -> None:
    assert_is(lossary.CORN(reduction="none"), np.arange(5) <= LABELS[:, None])


def test_an_order_of_two_classes_is_a_binary_question() -> None:
    labels, scores = LABELS % 2, SCORES[:, :1]
    wanted = lossary.binary_crossentropy(labels[:, None].astype(float), scores, from_logits=True)
    for function in (lossary.coral, lossary.corn):
        np.testing.assert_allclose(function(labels, scores), wanted, rtol=1e-12)
