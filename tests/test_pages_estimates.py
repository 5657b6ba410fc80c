"""What pages say that a loss estimates is what the prediction with the smallest mean loss is, of a sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from tools.pages import estimates
from tools.pages.formulas import formula

import lossary
from inputs import BUILTIN

pytestmark = pytest.mark.usefixtures("formula_in")
RNG = np.random.default_rng(3)
POSITIVE = np.round(RNG.gamma(2.0, 1.5, 31) + 0.1, 3)
MEAN, MEDIAN = POSITIVE.mean(), float(np.median(POSITIVE))
ONES = np.array([1.0] * 7 + [0.0] * 3)  # 7 in 10
ODDS = np.log(7 / 3)


def best(loss, targets, low, high):
    """The constant with the least mean loss, by looking for it."""
    made = lossary.get(loss).replaced(check="off")
    value = lambda constant: float(made(targets, np.full(len(targets), constant)))  # noqa: E731
    grid = np.linspace(low, high, 201)
    start = grid[np.argmin([value(constant) for constant in grid])]
    step = grid[1] - grid[0]
    return minimize_scalar(value, bounds=(start - step, start + step), method="bounded", options={"xatol": 1e-9}).x


def weighted_median(targets, weights):
    order = np.argsort(targets)
    return targets[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]


NUMBERS = {
    "mean_squared_error": MEAN,
    "mean_absolute_error": MEDIAN,
    "mean_absolute_percentage_error": weighted_median(POSITIVE, 1 / POSITIVE),
    "mean_squared_logarithmic_error": np.expm1(np.log1p(POSITIVE).mean()),
    "pinball": MEDIAN,
    "expectile": MEAN,
    "poisson": MEAN,
    "gamma_deviance": MEAN,
    "tweedie_deviance": MEAN,
    "generalized_kl_divergence": MEAN,
}
BINARY = {
    "binary_crossentropy": 0.7,
    "exponential": ODDS / 2,
    "soft_margin": ODDS,
    "squared_hinge": 2 * 0.7 - 1,
    "modified_huber": 2 * 0.7 - 1,
    "binary_sparsemax": 2 * 0.7 - 1,
    "hinge": 1.0,
}


@pytest.mark.parametrize("name", NUMBERS)
def test_of_numbers(name):
    assert best(name, POSITIVE, 0.05, 12.0) == pytest.approx(NUMBERS[name], rel=1e-4)


def test_of_levels():
    assert best(lossary.Pinball(quantile=0.9), POSITIVE, 0.05, 12.0) == pytest.approx(np.sort(POSITIVE)[27], rel=1e-4)


@pytest.mark.parametrize("name", BINARY)
def test_of_two_classes(name):
    signs = name != "binary_crossentropy"
    found = best(name, 2 * ONES - 1 if signs else ONES, *((-3.0, 3.0) if signs else (0.01, 0.99)))
    assert found == pytest.approx(BINARY[name], abs=1e-4)


def test_a_focal_probability_is_drawn_to_the_middle():
    assert 0.5 < best("binary_focal_crossentropy", ONES, 0.01, 0.99) < 0.7
    # -0.7 / p + 0.3 / (1 - p) = 0.4
    assert best(lossary.PolyBinaryCrossentropy(poly_weight=1.0), ONES, 0.01, 0.99) == pytest.approx(0.7707, abs=1e-4)


@pytest.mark.parametrize("name", sorted(r.name for r in BUILTIN if r.family == "robust" and r.name != "wing_loss"))
def test_of_robust_losses_it_lies_between_median_and_mean(name):
    assert MEDIAN - 1e-6 <= best(name, POSITIVE, 0.05, 12.0) <= MEAN + 1e-6


def test_of_a_general_robust_loss_it_depends_on_the_shape():
    assert MEDIAN < best(lossary.GeneralRobust(alpha=1.0), POSITIVE, 0.05, 12.0) < MEAN
    assert best(lossary.GeneralRobust(alpha=-2.0), np.append(np.linspace(-1, 1, 21), 500.0), -3, 3) < 1e-3


REDESCENDING = sorted(
    r.name for r in BUILTIN if estimates.estimate(r.name, r.family) == estimates.FAMILIES["redescending"]
)


@pytest.mark.parametrize("name", REDESCENDING)
def test_far_targets_hardly_pull_at_redescending_ones(name):
    near, far = np.append(np.linspace(-1, 1, 21), 5.0), np.append(np.linspace(-1, 1, 21), 500.0)
    assert abs(best(name, far, -3, 3)) <= abs(best(name, near, -3, 3)) + 1e-6 < 0.3


def test_of_classes():
    labels, shares = np.array([0] * 5 + [1] * 3 + [2] * 2), np.array([0.5, 0.3, 0.2])
    scores = np.broadcast_to(np.log(shares), (10, 3)).copy()
    for name, inputs in {
        "sparse_categorical_crossentropy": (labels, np.exp(scores)),
        "categorical_crossentropy": (np.eye(3)[labels], np.exp(scores)),
        "brier": (np.eye(3)[labels], np.exp(scores)),
    }.items():
        _, slope = lossary.value_and_grad(name)(*inputs)
        # The slope is the same for all classes: no other probabilities cost less.
        assert np.ptp(slope.sum(0)) < 1e-9, name
    _, slope = lossary.value_and_grad("negative_log_likelihood")(labels, scores)  # of logarithms: minus the shares
    assert slope.sum(0) == pytest.approx(-shares)


def test_every_name_is_one_of_a_loss_and_every_loss_has_a_formula():
    assert set(estimates.ESTIMATES) <= {record.name for record in BUILTIN}
    assert set(estimates.FAMILIES) <= {record.family for record in BUILTIN}
    assert all(formula(record) for record in BUILTIN)
