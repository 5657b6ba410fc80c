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


def test_weibull_is_the_likelihood_of_torchs_distribution() -> None:
    time, event = torch.tensor([0.5, 2.0, 4.0, 1.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    raw = torch.tensor([[0.3, -0.2], [1.0, 0.4], [0.9, 0.7], [-0.5, 0.1]], requires_grad=True)
    of = torch.distributions.Weibull(raw[:, 0].exp(), raw[:, 1].exp())
    seen = event * of.log_prob(time) + (1.0 - event) * torch.log(1.0 - of.cdf(time))
    expected = torch.autograd.grad(-seen.sum(), raw)[0]
    got = lossary.weibull_survival_nll((time[:, None], event[:, None]), raw[:, None])
    torch.testing.assert_close(got, -seen, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.autograd.grad(got.sum(), raw)[0], expected, rtol=1e-5, atol=1e-6)
