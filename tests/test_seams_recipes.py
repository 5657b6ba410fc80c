"""Losses in scipy's minimiser, statsmodels' robust regression and river: the hosts' own numbers."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize

import lossary
import lossary.river
import lossary.statsmodels

RNG = np.random.default_rng(0)
X = np.column_stack([np.ones(60), RNG.normal(size=(60, 2))])
Y = X @ [1.0, 2.0, -1.0] + RNG.standard_t(2, size=60)


def test_lbfgs_finds_what_the_normal_equations_give():
    both = lossary.value_and_grad("mse")

    def loss_and_gradient(weights):
        value, gradient = both(Y, X @ weights)
        return float(value), X.T @ gradient

    found = minimize(loss_and_gradient, np.zeros(3), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    np.testing.assert_allclose(found.x, np.linalg.lstsq(X, Y)[0], rtol=1e-6)


def test_newtons_method_fits_a_poisson_regression():
    """With grad_and_hess, to the weights at which the mean of x (rate - y) is 0."""
    counts, weights = RNG.poisson(np.exp(0.5 * X[:, 1])), np.zeros(3)
    derivatives = lossary.grad_and_hess("poisson")
    for _ in range(8):
        gradient, hessian = derivatives(counts, X @ weights)
        weights = weights - np.linalg.solve(X.T @ (hessian[:, None] * X), X.T @ gradient)
    np.testing.assert_allclose(X.T @ (np.exp(X @ weights) - counts), 0.0, atol=1e-9)


NORMS = {
    "HuberT": lossary.Huber(delta=1.345),
    "TukeyBiweight": lossary.TukeyBiweight(c=4.685),
    "LeastSquares": 0.5 * lossary.MeanSquaredError(),
}


@pytest.mark.parametrize("name", NORMS)
def test_robust_linear_models(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import statsmodels.api as sm
    theirs, ours = getattr(sm.robust.norms, name)(), lossary.statsmodels.norm(NORMS[name])
    z = np.linspace(-6.0, 6.0, 25)
    for part in ("psi", "weights", "psi_deriv"):
        np.testing.assert_allclose(getattr(ours, part)(z), getattr(theirs, part)(z), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.diff(ours.rho(z)), np.diff(theirs.rho(z)), rtol=1e-9, atol=1e-12)
    one, other = (sm.RLM(Y, X, M=norm).fit() for norm in (ours, theirs))
    np.testing.assert_allclose(one.params, other.params, rtol=1e-9)
    np.testing.assert_allclose(one.bse, other.bse, rtol=1e-9)


@pytest.mark.parametrize("kind", ["numbers", "classes", "margins"])
def test_river(kind):
    from river import linear_model, optim

    if kind == "numbers":
        model, own, ours, y = (
            linear_model.LinearRegression,
            optim.losses.Squared(),
            lossary.river.loss("mse"),
            Y.tolist(),
        )
    else:
        own, name = (optim.losses.Log(), "bce") if kind == "classes" else (optim.losses.Hinge(), "hinge")
        model, ours = linear_model.LogisticRegression, lossary.river.loss(name)
        y = (Y > 0).tolist()
    one, other = model(loss=ours), model(loss=own)
    for row, target in zip(X, y, strict=True):
        features = dict(enumerate(row.tolist()))
        one.learn_one(features, target)
        other.learn_one(features, target)
    assert one.weights == pytest.approx(other.weights, rel=1e-9)
    assert one.predict_one(features) == pytest.approx(other.predict_one(features), rel=1e-9)
    if kind != "numbers":
        assert one.predict_proba_one(features) == pytest.approx(other.predict_proba_one(features), rel=1e-9)
    assert repr(pickle.loads(pickle.dumps(ours))) == repr(ours)
