"""Losses of times until an event against other libraries and other formulas for the same."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch

import lossary

LOWER = np.array([0.5, 2.0, 0.0, 1.5, 30.0])
UPPER = np.array([0.5, 5.0, 0.7, np.inf, 30.1])
LOG_TIME = np.array([0.3, -0.4, 1.1, 0.2, 2.0])


@pytest.mark.parametrize("sigma", [1.0, 0.6])
@pytest.mark.parametrize(
    ("distribution", "density"),
    [("normal", scipy.stats.norm), ("logistic", scipy.stats.logistic), ("extreme", scipy.stats.gumbel_l)],
)
def test_aft_has_the_likelihood_of_scipys_distributions(distribution: str, density: object, sigma: float) -> None:
    def likelihood(lower: float, upper: float, center: float) -> float:
        def of_time(time: float) -> float:
            return float(density.pdf(np.log(time), center, sigma) / time)  # type: ignore[attr-defined]

        return of_time(lower) if lower == upper else scipy.integrate.quad(of_time, lower or 1e-300, upper)[0]

    expected = [-np.log(likelihood(*each)) for each in zip(LOWER, UPPER, LOG_TIME, strict=True)]
    times, centers = np.stack([LOWER, UPPER], -1)[:, None], LOG_TIME[:, None]
    got = lossary.aft_nll(times, centers, distribution, sigma=sigma)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_times_long_before_the_prediction_in_double_precision() -> None:
    early = np.exp(-np.linspace(1.0, 60.0, 60))
    got = lossary.aft_nll((np.zeros((60, 1)), early[:, None]), np.zeros((60, 1)), "extreme")
    np.testing.assert_allclose(got, -np.log(-np.expm1(-early)), rtol=1e-15)


def test_weibull_is_the_likelihood_of_torchs_distribution() -> None:
    time, event = torch.tensor([0.5, 2.0, 4.0, 1.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    raw = torch.tensor([[0.3, -0.2], [1.0, 0.4], [0.9, 0.7], [-0.5, 0.1]], requires_grad=True)
    of = torch.distributions.Weibull(raw[:, 0].exp(), raw[:, 1].exp())
    seen = event * of.log_prob(time) + (1.0 - event) * torch.log(1.0 - of.cdf(time))
    expected = torch.autograd.grad(-seen.sum(), raw)[0]
    got = lossary.weibull_survival_nll((time[:, None], event[:, None]), raw[:, None])
    torch.testing.assert_close(got, -seen, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.autograd.grad(got.sum(), raw)[0], expected, rtol=1e-5, atol=1e-6)


SCORES = torch.tensor([[0.3, -1.0, 2.0, 0.5], [1.5, 0.2, -0.7, -3.0], [0.0, 4.0, -2.0, 1.0]], dtype=torch.float64)
PLACES, EVENTS, PARTS = torch.tensor([2, 0, 3]), torch.tensor([1, 1, 0]), torch.tensor([0.25, 1.0, 0.5])


def _hazard(z: torch.Tensor) -> torch.Tensor:
    """Of the logistic hazard: binary cross-entropies of 0 up to the interval and of the event in it."""
    seen = torch.nn.functional.one_hot(PLACES, z.shape[1]) * EVENTS[:, None]
    each = torch.nn.functional.binary_cross_entropy_with_logits(z, seen.double(), reduction="none")
    return each.cumsum(1).gather(1, PLACES[:, None])[:, 0]


def _constant_hazard(z: torch.Tensor) -> torch.Tensor:
    rates = torch.nn.functional.softplus(z)
    lived = (PLACES[:, None] - torch.arange(z.shape[1])).clamp(0, 1) * rates
    own = rates.gather(1, PLACES[:, None])[:, 0]
    exponential = torch.distributions.Exponential(own)
    last = torch.where(EVENTS == 1, -exponential.log_prob(PARTS), -torch.log(1.0 - exponential.cdf(PARTS)))
    return lived.sum(1) + last


def _mass(z: torch.Tensor) -> torch.Tensor:
    chances = torch.softmax(torch.nn.functional.pad(z, (0, 1)), 1)
    below = chances.cumsum(1).gather(1, PLACES[:, None])[:, 0]
    return -torch.where(EVENTS == 1, chances.gather(1, PLACES[:, None])[:, 0], 1.0 - below).log()


@pytest.mark.parametrize(
    ("name", "definition", "target"),
    [
        ("logistic_hazard", _hazard, (PLACES, EVENTS)),
        ("pc_hazard", _constant_hazard, (PLACES, EVENTS, PARTS)),
        ("deephit_nll", _mass, (PLACES, EVENTS)),
    ],
)
def test_times_in_intervals_are_what_torchs_words_make_of_them(name: str, definition: object, target: object) -> None:
    raw = SCORES.clone().requires_grad_(True)
    expected = definition(raw)  # type: ignore[operator]
    slopes = torch.autograd.grad(expected.sum(), raw)[0]
    got = lossary.get(name, reduction="none")(target, raw)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(torch.autograd.grad(got.sum(), raw)[0], slopes)
    packed = torch.stack([part.double() for part in target], -1)  # type: ignore[attr-defined]
    torch.testing.assert_close(lossary.get(name, reduction="none")(packed, raw), expected)


@pytest.mark.parametrize("name", ["logistic_hazard", "deephit_nll"])
def test_an_interval_that_is_none(name: str) -> None:
    for place in (4.0, -1.0, 1.5):
        with pytest.raises(lossary.DomainError, match=r"y_true's interval.*accepted are whole numbers 0 to 3"):
            lossary.get(name)([[place, 1.0]], SCORES[:1].numpy())
        value, slope = lossary.get(name, check="off").value_and_grad([[place, 1.0]], SCORES[:1].numpy())
        assert np.isnan(value)
        assert np.isnan(slope).any()


def test_a_case_beside_its_controls_is_a_class() -> None:
    expected = torch.nn.functional.cross_entropy(SCORES, torch.zeros(3, dtype=torch.long), reduction="none")
    torch.testing.assert_close(lossary.cox_case_control(SCORES), expected)
    fewer = lossary.CoxCaseControl(reduction="none")(SCORES, where=torch.tensor([[True, True, False, True]] * 3))
    kept = torch.nn.functional.cross_entropy(SCORES[:, [0, 1, 3]], torch.zeros(3, dtype=torch.long), reduction="none")
    torch.testing.assert_close(fewer, kept)
