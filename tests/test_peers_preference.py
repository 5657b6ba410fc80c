"""Losses of preferences and policies beside the formulas of TRL and of their papers, written for PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F

import lossary
from peer import assert_same

RNG = np.random.default_rng(17)
SHAPE = (40, 1)
# Log-probabilities of whole answers: far below 0, and near those of the reference.
REFERENCES = -RNG.gamma(4.0, 20.0, (2, *SHAPE))
PAIR = REFERENCES + RNG.normal(size=(2, *SHAPE)) * 8.0
FOUR = [*PAIR, *REFERENCES]


def sigmoid(x: Any, beta: float) -> Any:
    return -F.logsigmoid(beta * x)


def robust(x: Any, beta: float) -> Any:
    wrong = 0.2
    return ((1 - wrong) * -F.logsigmoid(beta * x) - wrong * -F.logsigmoid(-beta * x)) / (1 - 2 * wrong)


@pytest.mark.parametrize(
    ("loss", "of_lead"),
    [
        (lossary.DPO, sigmoid),
        (lossary.RobustDPO, robust),
        (lossary.IPO, lambda x, beta: (x - 1 / (2 * beta)).square()),
        (lossary.SlicHinge, lambda x, beta: F.relu(1 - beta * x)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_losses_of_the_lead_over_a_reference_are_those_of_trl(loss: Any, of_lead: Any) -> None:
    def peer(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> Any:
        return of_lead((chosen - rejected) - (ref_chosen - ref_rejected), 0.3).mean(-1)

    smoothing = {"label_smoothing": 0.2} if loss is lossary.RobustDPO else {}
    assert_same(loss(beta=0.3, **smoothing), peer, FOUR, [0, 1])


def test_anchored_preference_optimization_is_that_of_trl() -> None:
    def zero(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> Any:
        return (1 - F.sigmoid(0.3 * (chosen - ref_chosen)) + F.sigmoid(0.3 * (rejected - ref_rejected))).mean(-1)

    def down(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> Any:
        own, other = chosen - ref_chosen, rejected - ref_rejected
        return (F.sigmoid(0.3 * own) + 1 - F.sigmoid(0.3 * (own - other))).mean(-1)

    assert_same(lossary.APOZero(beta=0.3), zero, FOUR, [0, 1])
    assert_same(lossary.APODown(beta=0.3), down, FOUR, [0, 1])


def test_kto_is_that_of_trl() -> None:
    liked, divergence = RNG.integers(0, 2, SHAPE).astype(float), RNG.gamma(2.0, size=SHAPE)

    def peer(y: Any, p: Any, reference: Any, kl: Any) -> Any:
        gain = p - reference
        good, bad = 1 - F.sigmoid(0.3 * (gain - kl)), 1 - F.sigmoid(0.3 * (kl - gain))
        return (1.5 * y * good + 0.5 * (1 - y) * bad).mean(-1)

    loss = lossary.KTO(beta=0.3, desirable_weight=1.5, undesirable_weight=0.5)
    assert_same(loss, peer, [liked, PAIR[0], REFERENCES[0], divergence], [1])


@pytest.mark.parametrize("center", [0.0, 0.01])
def test_bradley_terry_is_that_of_trl(center: float) -> None:
    chosen, rejected = PAIR / 10.0

    def peer(a: Any, b: Any) -> Any:
        return (-F.logsigmoid(a - b - 0.5) + center * (a + b).square()).mean(-1)

    assert_same(lossary.BradleyTerry(margin=0.5, center=center), peer, [chosen, rejected], [0, 1])


def test_preferences_without_a_reference_are_those_of_trl() -> None:
    chosen, rejected, likely = *PAIR, -RNG.gamma(1.0, size=SHAPE)

    def simpo(a: Any, b: Any) -> Any:
        return -F.logsigmoid(2.0 * ((a - b) - 0.5 / 2.0)).mean(-1)  # What TRL calls simpo_gamma is divided by beta.

    def cpo(a: Any, b: Any, mean: Any) -> Any:
        lead = 0.3 * (a - b)
        return (-F.logsigmoid(lead) * 0.9 - F.logsigmoid(-lead) * 0.1 + 0.5 * -mean).mean(-1)

    assert_same(lossary.SimPO(), simpo, [chosen / 20.0, rejected / 20.0], [0, 1])
    assert_same(lossary.CPO(beta=0.3, alpha=0.5, label_smoothing=0.1), cpo, [chosen, rejected, likely], [0, 1, 2])


def test_orpo_is_that_of_trl_and_finite_for_a_certain_answer() -> None:
    chosen, rejected = -RNG.gamma(2.0, size=(2, *SHAPE))

    def peer(a: Any, b: Any) -> Any:
        odds = (a - b) - ((-a.exp()).log1p() - (-b.exp()).log1p())
        return (-a - 0.3 * F.logsigmoid(odds)).mean(-1)

    assert_same(lossary.ORPO(beta=0.3), peer, [chosen, rejected], [0, 1])
    value, slopes = lossary.ORPO().value_and_grad([[0.0]], [[-1.0]])
    assert value == 0.0
    np.testing.assert_allclose(slopes, [[[-1.0 - 0.1 / np.expm1(1.0)]], [[0.0]]], rtol=1e-12)


def test_policy_gradient_and_ppo_are_their_definitions() -> None:
    old, advantage = REFERENCES[0] / 20.0, RNG.normal(size=SHAPE)
    new = old + RNG.normal(size=SHAPE) * 0.3
    assert_same(lossary.PolicyGradient(), lambda x, a: -(a * x).mean(-1), [new, advantage], [0])

    def ppo(new: Any, old: Any, a: Any) -> Any:
        ratio = (new - old).exp()
        return -(ratio * a).minimum(ratio.clamp(0.8, 1.3) * a).mean(-1)

    assert_same(lossary.PPOClip(epsilon_high=0.3), ppo, [new, old, advantage], [0])


def test_an_infinite_ratio_is_clipped_and_meets_no_factor_of_0() -> None:
    value, slope = lossary.PPOClip().value_and_grad([[0.0, 0.0]], [[-2000.0, -2000.0]], [[1.0, 0.0]])
    assert value == pytest.approx(-0.6)
    assert not slope.any()
