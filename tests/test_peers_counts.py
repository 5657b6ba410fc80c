"""Deviances and divergences against scikit-learn, SciPy and optax, and against gradients as boosters state them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
from sklearn._loss import loss as sklearn_losses
from sklearn.metrics import mean_tweedie_deviance

import lossary
from inputs import jax_with

RNG = np.random.default_rng(34)
RAW = RNG.normal(size=(60, 1)) * 2.0
P = np.exp(RAW)
T = RNG.gamma(1.5, size=P.shape)
ZEROS = np.where(RNG.random(P.shape) < 0.3, 0.0, T)


@pytest.mark.parametrize("power", [-2.0, 0.0, 1.0, 1.001, 1.5, 1.999, 2.0, 2.5, 3.0])
def test_tweedie_deviance_of_scikit_learn(power: float) -> None:
    y = T if power >= 2.0 else ZEROS
    wanted = mean_tweedie_deviance(y.ravel(), P.ravel(), power=power)
    np.testing.assert_allclose(lossary.TweedieDeviance(power=power)(y, P), wanted, rtol=1e-9)
    if power == 2.0:
        np.testing.assert_allclose(lossary.GammaDeviance()(y, P), wanted, rtol=1e-12)


@pytest.mark.parametrize("power", [2.0, 2.0 + 1e-6, 2.5, 3.0, 6.0])
def test_amounts_above_0_in_single_precision(power: float) -> None:
    y = np.exp(RNG.normal(size=(200, 3)) * 5.0).astype(np.float32)
    p = y * np.where(RNG.random(y.shape) < 0.5, 1.0 + RNG.normal(size=y.shape) * 1e-4, np.exp(RNG.normal(size=y.shape)))
    loss = lossary.TweedieDeviance(power=power, reduction="none")
    single = loss.value_and_grad(y, p.astype(np.float32))
    double = loss.value_and_grad(y.astype(np.float64), p.astype(np.float32).astype(np.float64))
    for mine, wanted in zip(single, double, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=2e-6)


# Half of ours has the gradients of theirs in the raw prediction; values differ by what the targets alone add.
HALF = {
    "HalfGammaLoss": (lossary.GammaDeviance(), {}, T, np.exp),
    "HalfPoissonLoss": (lossary.TweedieDeviance(power=1.0), {}, ZEROS, np.exp),
    "HalfTweedieLoss": (lossary.TweedieDeviance(power=1.7), {"power": 1.7}, ZEROS, np.exp),
    "HalfTweedieLossIdentity": (lossary.TweedieDeviance(power=1.2), {"power": 1.2}, ZEROS, np.positive),
}


@pytest.mark.parametrize("name", HALF)
def test_half_losses_of_scikit_learn(name: str) -> None:
    ours, settings, y, inverse = HALF[name]
    raw = RAW if inverse is np.exp else P
    values, slopes = getattr(sklearn_losses, name)(**settings).loss_gradient(y.ravel(), raw.ravel())
    best = np.maximum(y, 1e-300).ravel()
    at_best = getattr(sklearn_losses, name)(**settings).loss(best, np.log(best) if inverse is np.exp else best)
    value, gradient = ours.replaced(reduction="none").value_and_grad(y, inverse(raw))
    np.testing.assert_allclose(0.5 * value, values - at_best, rtol=1e-9, atol=1e-12)
    through_the_link = P if inverse is np.exp else 1.0
    np.testing.assert_allclose((0.5 * gradient * through_the_link).ravel(), slopes, rtol=1e-9, atol=1e-12)


def test_gradients_of_boosters() -> None:
    """As xgboost and LightGBM state them in the raw prediction: gamma and Tweedie with a log link."""
    rho = 1.4
    stated = {
        lossary.GammaDeviance(): (T, 1.0 - T / P),
        lossary.TweedieDeviance(power=rho): (ZEROS, -ZEROS * np.exp((1 - rho) * RAW) + np.exp((2 - rho) * RAW)),
    }
    for loss, (y, wanted) in stated.items():
        _, gradient = loss.replaced(reduction="sum").value_and_grad(y, P)
        np.testing.assert_allclose(0.5 * gradient * P, wanted, rtol=1e-9, atol=1e-12)


def test_generalized_kl_of_scipy_and_optax() -> None:
    y, p = ZEROS.reshape(12, 5), P.reshape(12, 5)
    value = lossary.generalized_kl_divergence(y, p)
    np.testing.assert_allclose(value, scipy.special.kl_div(y, p).sum(-1), rtol=1e-12)
    with jax_with(x64=True):
        theirs = optax.losses.generalized_kl_divergence(jnp.log(p), jnp.asarray(y))
    np.testing.assert_allclose(value, theirs, rtol=1e-12)
    half = 0.5 * lossary.tweedie_deviance(y, p, power=1.0)
    np.testing.assert_allclose(value, 5.0 * half, rtol=1e-12)


def test_cross_entropy_lambda_is_that_of_logits_at_an_exposure_of_1() -> None:
    y, logits = (RNG.random((20, 5)) < 0.3).astype(float), RNG.normal(size=(20, 5)) * 5.0
    ours = lossary.CrossEntropyLambda().value_and_grad(y, logits, np.ones_like(y))
    theirs = lossary.BinaryCrossentropy(from_logits=True).value_and_grad(y, logits)
    for mine, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-12)


def test_cross_entropy_lambda_as_lightgbm_states_it() -> None:
    """The gradient in the raw score, with the exposure as the weight."""
    y, f, w = (RNG.random((20, 5)) < 0.3).astype(float), RNG.normal(size=(20, 5)), RNG.uniform(0.2, 3.0, (20, 5))
    z = 1.0 - (1.0 + np.exp(f)) ** -w
    wanted: Any = (1.0 - y / z) * w / (1.0 + np.exp(-f))
    _, gradient = lossary.CrossEntropyLambda(reduction="sum").value_and_grad(y, f, w)
    np.testing.assert_allclose(5.0 * gradient, wanted, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dispersion_beside_which_counts_are_lost_in_sums_still_has_its_slope(dtype: str) -> None:
    """Next to Poisson's distribution it is ``((m - y)**2 - y) / (2 * r**2)``."""
    y, m, r = (x.astype(dtype) for x in np.meshgrid([0.0, 1.0, 3.0, 50.0], [2.5, 4.0], [1e8, 1e12]))
    shape = np.stack([m, r], -1)
    slope = lossary.value_and_grad(lossary.NegativeBinomialNLL(reduction="sum"))(y, shape)[1][..., 1] * y.shape[-1]
    np.testing.assert_allclose(slope, ((m - y) ** 2 - y) / (2.0 * r**2), rtol=1e-5)
