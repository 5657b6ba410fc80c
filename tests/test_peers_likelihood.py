"""Likelihoods and scores of predicted distributions against PyTorch's and SciPy's distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import distributions as d

import lossary
from test_peers_arguments import assert_same

RNG = np.random.default_rng(8)
SHAPE = (30, 5)


def real() -> Any:
    return RNG.normal(size=SHAPE) * 2.0


def above(least: float = 0.05) -> Any:
    return least + RNG.gamma(2.0, size=SHAPE)


# Loss: targets, parts, PyTorch's distribution of the parts, and SciPy's logarithm of a density.
LIKELIHOODS: dict[str, tuple[Any, tuple[Any, ...], Callable[..., Any], Callable[..., Any]]] = {
    "laplace_nll": (real(), (real(), above()), d.Laplace, stats.laplace.logpdf),
    "student_t_nll": (real(), (above(), real(), above()), d.StudentT, stats.t.logpdf),
    "lognormal_nll": (
        above(), (real(), above()), d.LogNormal,
        lambda y, mu, sigma: stats.lognorm.logpdf(y, s=sigma, scale=np.exp(mu)),
    ),
    "gamma_nll": (
        above(), (above(), above()), d.Gamma, lambda y, shape, rate: stats.gamma.logpdf(y, shape, scale=1.0 / rate),
    ),
    "beta_nll": (RNG.uniform(0.01, 0.99, SHAPE), (above(), above()), d.Beta, stats.beta.logpdf),
    "negative_binomial_nll": (
        RNG.poisson(3.0, SHAPE).astype(float), (above(), above()),
        lambda m, r: d.NegativeBinomial(r, logits=(m / r).log()),
        lambda y, m, r: stats.nbinom.logpmf(y, r, r / (r + m)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihoods_are_those_of_pytorch_and_scipy(name: str) -> None:
    y, parts, distribution, logarithm = LIKELIHOODS[name]
    loss = lossary.get(name, epsilon=0.0)

    def peer(y: Any, p: Any) -> Any:
        return -distribution(*p.unbind(-1)).log_prob(y).mean(-1)

    assert_same(loss, peer, [y, np.stack(parts, -1)], [1])
    np.testing.assert_allclose(loss.replaced(reduction="none")(y, parts), -logarithm(y, *parts).mean(-1), rtol=1e-9)


def test_gamma_functions_of_large_numbers_keep_their_digits() -> None:
    """In float32, where a difference of logarithms of gamma functions has none left."""
    y, mean, many = (np.float32(x) for x in ([[7.0]], [[5.0]], [[1e12]]))
    np.testing.assert_allclose(lossary.negative_binomial_nll(y, (mean, many)), -stats.poisson.logpmf(7, 5.0), rtol=3e-7)
    np.testing.assert_allclose(lossary.gamma_nll(mean, (many, many / 4)), 1e12 * (5 / 4 - 1 - np.log(5 / 4)), rtol=3e-7)
    a, b = np.float32([[3e6]]), np.float32([[1e6]])
    np.testing.assert_allclose(
        lossary.beta_nll(np.float32([[0.75]]), (a, b)), -stats.beta.logpdf(0.75, 3e6, 1e6), rtol=3e-7
    )
    normal = -stats.norm.logpdf(1.5)
    np.testing.assert_allclose(
        lossary.student_t_nll(np.float32([[1.5]]), (many, 0 * many, many / many)), normal, rtol=3e-7
    )


def test_mixtures_are_those_of_pytorch() -> None:
    y, parts = RNG.normal(size=SHAPE[0]), np.stack([real(), real(), above()], -1)

    def peer(y: Any, p: Any) -> Any:
        weight, mean, scale = p.unbind(-1)
        mixture = d.MixtureSameFamily(d.Categorical(logits=weight), d.Normal(mean, scale))
        return -mixture.log_prob(y)

    assert_same(lossary.MixtureDensityNLL(epsilon=0.0), peer, [y, parts], [1])


def test_the_divergence_is_that_of_pytorch() -> None:
    def peer(mean: Any, log_variance: Any) -> Any:
        zero = torch.zeros_like(mean)
        posterior = d.Normal(mean, (log_variance / 2).exp())
        return d.kl_divergence(posterior, d.Normal(zero, zero + 1.0)).sum(-1)

    assert_same(lossary.VAEKL(), peer, [real(), real()], [0, 1])


def test_the_score_of_a_normal_distribution_is_its_integral() -> None:
    """The square of what the distribution function is off by, over all thresholds (T. Gneiting, A. E. Raftery 2007)."""
    for y, mu, sigma in ((0.3, -0.2, 0.7), (-4.0, 1.0, 2.0)):
        below, _ = integrate.quad(lambda x: stats.norm.cdf(x, mu, sigma) ** 2, -np.inf, y)  # noqa: B023
        over, _ = integrate.quad(lambda x: stats.norm.sf(x, mu, sigma) ** 2, y, np.inf)  # noqa: B023
        np.testing.assert_allclose(lossary.crps_gaussian([[y]], ([[mu]], [[sigma]])), below + over, rtol=1e-8)


def test_a_dawid_sebastiani_score_is_twice_a_gaussian_likelihood() -> None:
    y, mean, variance = real(), real(), above()
    twice = 2.0 * lossary.GaussianNLL(epsilon=0.0)
    wanted = np.mean(np.log(variance) + (y - mean) ** 2 / variance)
    np.testing.assert_allclose(twice(y, (mean, variance)), wanted, rtol=1e-12)
