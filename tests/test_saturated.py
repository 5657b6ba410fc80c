"""Infinite scores, probabilities of 0 and 1, soft targets that are met, parallel rows: the answers at the limits.

Expected values are worked by hand, or come from `oracle` in 60 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
import oracle
from inputs import few
from lossary import kernels

inf = math.inf
Maker = Callable[[Any], Any]
MAKERS: dict[str, Maker] = {
    "numpy": np.asarray,
    "torch": lambda x: torch.as_tensor(np.asarray(x)),
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}


@pytest.fixture(params=few({"numpy", "torch"}.__contains__, [*MAKERS, "kernel", "jit"]))
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """Value and gradient of a loss for float32 rows, in words of every backend, by a kernel, and inside ``jax.jit``."""
    if request.param == "kernel":
        monkeypatch.setattr(kernels, "THRESHOLD", 0)
    else:
        monkeypatch.setattr(kernels, "PLAIN", kernels.THRESHOLD)
    make = MAKERS.get(request.param, np.asarray if request.param == "kernel" else jnp.asarray)

    def evaluate(loss: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        found = lossary.value_and_grad(loss)
        run: Any = jax.jit(found) if request.param == "jit" else found
        value, gradient = run(make(y_true), make(np.asarray(y_pred, np.float32)))
        return np.asarray(value), np.asarray(gradient)

    return evaluate


BCE, CCE, SCCE = lossary.BinaryCrossentropy, lossary.CategoricalCrossentropy, lossary.SparseCategoricalCrossentropy
LOGITS: dict[str, Any] = {"from_logits": True}
P, Q = 1 / (1 + math.e), math.e / (1 + math.e)
LIMITS: list[tuple[Any, Any, list[float], float, list[float]]] = [
    (SCCE(**LOGITS), [1], [0, -inf, 1], inf, [P, -1, Q]),
    (SCCE(**LOGITS), [0], [0, -inf, 1], math.log(1 + math.e), [P - 1, 0, Q]),
    (SCCE(**LOGITS), [1], [0, inf, 1], 0, [0, 0, 0]),
    (SCCE(**LOGITS), [0], [0, inf, 1], inf, [-1, 1, 0]),
    (CCE(**LOGITS), [[0, 1, 0]], [0, -inf, 1], inf, [P, -1, Q]),
    (CCE(**LOGITS), [[1, 0, 0]], [0, -inf, 1], math.log(1 + math.e), [P - 1, 0, Q]),
    (CCE(**LOGITS), [[0, 1, 0]], [0, inf, 1], 0, [0, 0, 0]),
    (BCE(**LOGITS), [[1]], [inf], 0, [0]),
    (BCE(**LOGITS), [[0]], [-inf], 0, [0]),
    (BCE(**LOGITS), [[1]], [-inf], inf, [-1]),
    (BCE(**LOGITS), [[0.5]], [-inf], inf, [-0.5]),
    (BCE(epsilon=0.0), [[0]], [0], 0, [1]),
    (BCE(epsilon=0.0), [[1]], [1], 0, [-1]),
    (BCE(epsilon=0.0), [[1]], [0], inf, [-inf]),
    (CCE(epsilon=0.0), [[1, 0]], [0, 1], inf, [-inf, 1]),
    (CCE(epsilon=0.0), [[0, 1]], [0, 1], 0, [1, 0]),
    (SCCE(epsilon=0.0), [0], [0, 0.25, 0.75], inf, [-inf, 1, 1]),
    (lossary.SparseCategoricalFocalCrossentropy(epsilon=0.0), [0], [0, 0.25, 0.75], inf, [-inf, 0.25, 0.25]),
    (lossary.GeneralizedCrossentropy(epsilon=0.0), [0], [0, 0.25, 0.75], 2, [-inf, 0, 0]),
    # A row of zeros has no leader: whatever the label, its share is clipped.
    (SCCE(), [0], [0, 0, 0], 7 * math.log(10), [-1e7, 0, 0]),
    (SCCE(), [1], [0, 0, 0], 7 * math.log(10), [0, -1e7, 0]),
    (CCE(), [[1, 0, 0]], [0, 0, 0], 7 * math.log(10), [-1e7, 0, 0]),
    (lossary.KLDivergence(epsilon=0.0), [[0, 1]], [0, 1], 0, [0, -1]),
    (lossary.CategoricalHinge(), [[0, 1, 0]], [2, 1.5, -inf], 1.5, [1, -1, 0]),
    (lossary.Sparsemax(), [0], [inf, 1, 2], 0, [0, 0, 0]),
    (lossary.Sparsemax(), [1], [inf, 1, 2], inf, [1, -1, 0]),
    (lossary.FenchelYoung(), [[1, 0, 0]], [inf, 1, 2], 0, [0, 0, 0]),
    (lossary.FenchelYoung(), [[0.5, 0.5, 0]], [inf, 1, 2], inf, [0.5, -0.5, 0]),
    (lossary.Hinge(), [[1]], [inf], 0, [0]),
    (lossary.LogCosh(), [[0]], [-inf], inf, [-1]),
    (lossary.Huber(delta=2.0), [[0]], [inf], inf, [2]),
    (lossary.Poisson(from_logs=True), [[0]], [-inf], 0, [0]),
    (lossary.Poisson(from_logs=True), [[2]], [-inf], inf, [-2]),
    (lossary.AsymmetricLoss(**LOGITS), [[0]], [-inf], 0, [0]),
    (lossary.AsymmetricLoss(**LOGITS), [[1]], [inf], 0, [0]),
    (lossary.BinaryFocalCrossentropy(**LOGITS), [[1]], [-inf], inf, [-1]),
    (lossary.BinaryFocalCrossentropy(**LOGITS), [[0]], [inf], inf, [1]),
    (lossary.BinaryFocalCrossentropy(epsilon=0.0), [[0.5]], [0], inf, [-inf]),
    (lossary.BinaryFocalCrossentropy(epsilon=0.0), [[0.25]], [1], inf, [inf]),
    (lossary.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=1.0, epsilon=0.0), [[0]], [1], 0, [0]),
    (lossary.GaussianFocal(**LOGITS), [[0]], [inf], inf, [1]),
    (lossary.QualityFocal(), [[1]], [inf], 0, [0]),
    (lossary.QualityFocal(), [[0]], [inf], inf, [1]),
    (lossary.Varifocal(), [[0]], [-inf], 0, [0]),
    (lossary.Varifocal(), [[0]], [inf], inf, [0.75]),
    (lossary.ZLossCrossentropy(), [1], [0, inf, 1], inf, [0, inf, 0]),
    (lossary.KnowledgeDistillation(), [[0, 0]], [0, -inf], inf, [0.5, -0.5]),
    (lossary.KnowledgeDistillation(), [[0, -inf]], [0, -inf], 0, [0, 0]),
    (lossary.MulticlassPerceptron(), [0], [inf, 0, 1], 0, [0, 0, 0]),
    (lossary.MulticlassPerceptron(), [0], [0, inf, 1], inf, [-1, 1, 0]),
    (lossary.MultilabelMargin(), [[1, 0, 0]], [inf, 0, 1], 0, [0, 0, 0]),
    (lossary.MultilabelMargin(), [[1, 0, 0]], [0, inf, -2], inf, [-1 / 3, 1 / 3, 0]),
    (lossary.MultilabelMargin(), [[1, 0, 0]], [0, -inf, 1], 2 / 3, [-1 / 3, 0, 1 / 3]),
    (lossary.PairwiseLogistic(), [[2, 1, 0]], [inf, 1, 0], math.log(1 + 1 / math.e) / 3, [0, -P / 3, P / 3]),
    (lossary.PairwiseLogistic(), [[2, 1, 0]], [0, 1, -inf], math.log(1 + math.e) / 3, [-Q / 3, Q / 3, 0]),
    (lossary.PairwiseLogistic(), [[1, 0, 0]], [0, inf, 0], inf, [-0.75, 0.5, 0.25]),
]


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "value", "slope"), LIMITS, ids=str)
def test_limits(both: Any, loss: Any, y_true: Any, y_pred: Any, value: float, slope: list[float]) -> None:
    kind = np.int32 if loss.record.labels_are_integers else np.float32
    found, gradient = both(loss, np.asarray(y_true, kind), [y_pred])
    np.testing.assert_allclose(found, value, rtol=1e-6)
    np.testing.assert_allclose(gradient, [slope], rtol=1e-6)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    ("loss", "arrays", "value", "slopes"),
    [
        (lossary.BradleyTerry(), ([[inf]], [[0]]), 0, (0, 0)),
        (lossary.BradleyTerry(), ([[-inf]], [[0]]), inf, (-1, 1)),
        (lossary.DPO(beta=1.0), ([[inf]], [[0]], [[0]], [[0]]), 0, (0, 0)),
        (lossary.CrossEntropyLambda(), ([[1]], [[inf]], [[2]]), 0, (0,)),
        (lossary.CrossEntropyLambda(), ([[0]], [[-inf]], [[2]]), 0, (0,)),
    ],
    ids=str,
)
@pytest.mark.usefixtures("formula_in")
def test_limits_of_losses_with_arguments_of_their_own(
    make: Maker, loss: Any, arrays: Any, value: float, slopes: tuple[float, ...]
) -> None:
    found, gradients = loss.value_and_grad(*(make(np.asarray(each, np.float32)) for each in arrays))
    assert float(found) == value
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert tuple(float(np.asarray(each).item()) for each in gradients) == slopes


@pytest.mark.parametrize("weight", [None, 2.0])
def test_forward_mode_where_the_value_is_infinite(weight: float | None) -> None:
    """Its slopes are those of reverse mode; nothing that stands still is multiplied with it."""
    label, scores = jnp.asarray([1]), jnp.asarray([[0, -inf, 1]])
    slopes = jax.jacfwd(lambda p: SCCE(**LOGITS)(label, p, None if weight is None else jnp.asarray([weight])))(scores)
    np.testing.assert_allclose(slopes, np.array([[P, -1, Q]]) * (weight or 1.0), rtol=1e-6)
    # Of a spread of 0 the slope is infinite, that in the location, which it meets, is 0.
    loss, y = lossary.GaussianNLL(epsilon=0.0), jnp.ones((1, 1))
    np.testing.assert_array_equal(jax.jacfwd(lambda mean: loss(y, (mean, 0.0 * y)))(y), [[0.0]])


SUBNORMAL = float(np.float32(1e-45))


@pytest.mark.parametrize("make", [MAKERS["numpy"], MAKERS["torch"]], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("loss", "y_true", "slope"),
    [
        (CCE(epsilon=0.0), [1, 0], [-inf, 1]),
        (lossary.KLDivergence(epsilon=0.0), [0.5, 0.5], [-inf, -0.5]),
        (BCE(epsilon=0.0), [1, 1], [-inf, -0.5]),
        (lossary.PolyCrossentropy(epsilon=0.0), [1, 0], [-inf, 1]),
    ],
    ids=str,
)
def test_subnormal_probabilities(make: Maker, loss: Any, y_true: list[float], slope: list[float]) -> None:
    """XLA and TensorFlow take subnormal numbers for 0."""
    rows = np.asarray([y_true], np.float32), np.asarray([[SUBNORMAL, 1.0]], np.float32)
    value, gradient = lossary.value_and_grad(loss)(*map(make, rows))
    exact = oracle.value(loss.record.name, rows[0][0], rows[1][0], epsilon=oracle.mp.mpf(0))
    np.testing.assert_allclose(value, float(exact), rtol=3e-7)
    np.testing.assert_allclose(gradient, [slope])


@pytest.mark.parametrize("sum_of_row", [0.49, 0.01, 1e-6, 1e-12, 2.5])
def test_rows_that_sum_to_something_else(both: Any, sum_of_row: float) -> None:
    """Every entry is divided by the sum, so the slope is 1/sum, less y/entry; the first two lead the row together."""
    row = np.asarray([[3, 3, 2, 1, 1]], np.float32) * np.float32(sum_of_row / 10)
    exact = [Fraction(float(x)) for x in row[0]]
    for y_true in ([1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0.5, 0.5]):
        slopes = [1 / sum(exact) - Fraction(y) / x for y, x in zip(y_true, exact, strict=True)]
        # Of one data point, in which the largest slope sets the scale.
        largest = float(max(map(abs, slopes)))
        for loss in (CCE(), CCE(label_smoothing=1e-9), lossary.PolyCrossentropy(poly_weight=0.0)):
            _, gradient = both(loss, np.asarray([y_true], np.float32), row)
            np.testing.assert_allclose(gradient[0] / largest, [float(x) / largest for x in slopes], atol=4e-7)


@pytest.mark.parametrize(("target", "share"), [(0.3, 0.300001), (0.9, 0.9000001), (1e-3, 1.0001e-3), (0.5, 0.49999997)])
def test_the_slope_beside_a_soft_target_keeps_its_digits(both: Any, target: float, share: float) -> None:
    """Two units in the last place of (p - t)/(p (1 - p)); a smoothed 1 is the number between 1 and 1/2."""
    p, t, bit = np.float32(share), np.float32(target), np.float32(share >= 0.5)
    smoothing = 2.0 * abs(float(bit) - share)  # So that the bit becomes nearly p.
    for loss, y_true, met in (
        (BCE(), t, Fraction(float(t))),
        (BCE(label_smoothing=smoothing), bit, abs(Fraction(float(bit)) - Fraction(smoothing) / 2)),
    ):
        row = Fraction(float(p))
        exact = float((row - met) / (row * (1 - row)))
        _, gradient = both(loss, np.asarray([[y_true]]), [[p]])
        assert abs(float(gradient[0, 0]) - exact) <= 2.0 * abs(np.spacing(np.float32(exact)))


NEARLY, TWICE = float(np.float32(1e-40)), float(np.float32(2e-40))


@pytest.mark.parametrize("make", [MAKERS["numpy"], MAKERS["torch"]], ids=["numpy", "torch"])
@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "value", "slope"),
    [
        (lossary.BinaryFocalCrossentropy(epsilon=0.0), [SUBNORMAL], [0], inf, [-inf]),
        (lossary.JensenShannonDivergence(epsilon=0.0), [SUBNORMAL, 1], [0, 1], 0, [-inf, 0]),
        (
            lossary.JensenShannonDivergence(epsilon=0.0),
            [1, 0],
            [NEARLY, 1],
            math.log(2.0),
            [0.5 * math.log(2.0 * NEARLY), math.log(2.0) / 2],
        ),
        (lossary.GammaDeviance(), [0.5], [NEARLY], inf, [-inf]),  # 2 (r - 1 - log r) of r = 5e39
        (lossary.SymmetricMeanAbsolutePercentageError(), [NEARLY], [NEARLY], 0, [0]),
        (lossary.SymmetricMeanAbsolutePercentageError(), [SUBNORMAL], [0], 2, [-inf]),
        (lossary.CosineSimilarity(), [SUBNORMAL], [SUBNORMAL], -1, [0]),
        (lossary.CosineSimilarity(), [1, 1], [SUBNORMAL, 0], -math.sqrt(0.5), [0, -inf]),
        (lossary.PearsonCorrelation(), [0, 2], [0, 4 * SUBNORMAL], 0, [0, 0]),
        (lossary.MeanAbsolutePercentageError(epsilon=0.0), [SUBNORMAL], [SUBNORMAL], 0, [0]),
    ],
    ids=str,
)
@pytest.mark.usefixtures("formula_in")
def test_subnormal_targets_and_predictions(
    make: Maker, loss: Any, y_true: list[float], y_pred: list[float], value: float, slope: list[float]
) -> None:
    found, gradient = loss.value_and_grad(*(make(np.asarray([row], np.float32)) for row in (y_true, y_pred)))
    np.testing.assert_allclose(found, value, rtol=3e-7, atol=2e-45)
    np.testing.assert_allclose(gradient, [slope], rtol=3e-7)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_normal_distribution_without_spread_is_scored_by_the_absolute_error(make: Maker) -> None:
    y_true, mu, sigma = (make(np.asarray([x], np.float32)) for x in ([3.0, 1.0], [1.0, 1.0], [0.0, 0.0]))
    value, (slope, _) = lossary.CRPSGaussian(epsilon=0.0).value_and_grad(y_true, (mu, sigma))
    assert float(value) == 1.0
    np.testing.assert_array_equal(np.asarray(slope), [[-0.5, 0.0]])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("name", ["GaussianNLL", "LaplaceNLL", "LogNormalNLL"])
def test_a_spread_of_nothing_costs_infinitely_much_and_is_infinitely_good_where_it_is_right(
    make: Maker, name: str
) -> None:
    """The limits of ``log(s) + d(gap / s)`` and its slopes as s goes to 0."""
    loss = getattr(lossary, name)(epsilon=0.0, reduction="none")
    rows = [[1.0], [1.0]], [[2.0], [0.0 if name == "LogNormalNLL" else 1.0]], [[0.0], [0.0]]
    y_true, location, spread = (make(np.asarray(x, np.float32)) for x in rows)
    values, (of_location, of_spread) = loss.value_and_grad(y_true, (location, spread))
    np.testing.assert_array_equal(np.asarray(values), [inf, -inf])
    np.testing.assert_array_equal(np.asarray(of_location), [[inf], [0.0]])
    np.testing.assert_array_equal(np.asarray(of_spread), [[-inf], [inf]])


@pytest.mark.parametrize(
    ("loss", "y_true", "parts", "value", "slopes"),
    [
        # log G(s) - s log r - (s - 1) log y + r y: of no rate and of no shape, and of the least shape.
        (lossary.GammaNLL(epsilon=0.0), 2, (3, 0), inf, (inf, -inf)),
        (lossary.GammaNLL(epsilon=0.0), 2, (0, 3), inf, (-inf, 2)),
        (lossary.GammaNLL(epsilon=0.0), 2, (SUBNORMAL, 1), 2 + math.log(2) - math.log(SUBNORMAL), (-inf, 2)),
        (lossary.GammaNLL(epsilon=0.0), 1e20, (SUBNORMAL, 1e20), inf, (-inf, 1e20)),
        # log G(a) + log G(b) - log G(a + b) - (a - 1) log y - (b - 1) log(1 - y): at 0 the density is 0, b or infinite.
        (lossary.BetaNLL(epsilon=0.0), 0, (2, 2), inf, (inf, -1 / 2 - 1 / 3)),
        (lossary.BetaNLL(epsilon=0.0), 0, (1, 4), -math.log(4), (inf, -1 / 4)),
        (lossary.BetaNLL(epsilon=0.0), 1, (4, 0.5), -inf, (-0.132753, inf)),
        (lossary.BetaNLL(epsilon=0.0), 0.5, (0, 2), inf, (-inf, math.log(2))),
        (lossary.BetaNLL(epsilon=0.0), 0.5, (0, 0), inf, None),
        # r log(1 + m/r) and so on: nothing is expected, and nothing is known of how it spreads.
        (lossary.NegativeBinomialNLL(epsilon=0.0), 0, (0, 2), 0, (1, 0)),
        (lossary.NegativeBinomialNLL(epsilon=0.0), 0, (3, 0), 0, (0, inf)),
        (lossary.NegativeBinomialNLL(epsilon=0.0), 1, (0, 2), inf, (-inf, 0)),
        (lossary.NegativeBinomialNLL(epsilon=0.0), 2, (3, 0), inf, (0, -inf)),
        (lossary.NegativeBinomialNLL(epsilon=0.0), 2, (3, SUBNORMAL), math.log(2) - math.log(SUBNORMAL), (0, -inf)),
        (lossary.NegativeBinomialNLL(epsilon=0.0), 2, (1e-20, 1e-20), math.log(8e20), (-1e20, math.log(2) - 1.5)),
        # The tail is that of a power of the error, whatever the scale; at the location the density has a peak.
        (lossary.StudentTNLL(epsilon=0.0), 1, (2, 3, 0), inf, (inf, 1.5, -inf)),
        (lossary.StudentTNLL(epsilon=0.0), 1, (2, 1, 0), -inf, (-0.056853, 0, inf)),
        (lossary.StudentTNLL(epsilon=0.0), 1, (0, 3, 2), inf, (-inf, 0.5, 0)),
        (lossary.StudentTNLL(epsilon=0.0), 1, (0, 1, 2), inf, (-inf, 0, 0.5)),
        (lossary.StudentTNLL(epsilon=0.0), 0, (1, 1, NEARLY), math.log(math.pi) - math.log(NEARLY), (None, 2, -inf)),
        # A component without a scale has no part in other targets, and all of its own.
        (lossary.MixtureDensityNLL(epsilon=0.0), 0, ([0, 0], [0, 1], [1, 0]), 0.5 * math.log(8 * math.pi),
         ([-0.5, 0.5], [0, 0], [1, 0])),
        (lossary.MixtureDensityNLL(epsilon=0.0), 1, ([0, 0], [0, 1], [1, 0]), -inf, ([0.5, -0.5], [0, 0], [0, inf])),
        (lossary.MixtureDensityNLL(epsilon=0.0), 2, ([0, 0], [0, 1], [0, 0]), inf, None),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("make", [MAKERS["numpy"], MAKERS["torch"]], ids=["numpy", "torch"])
@pytest.mark.usefixtures("formula_in")
def test_distributions_whose_parameters_are_nothing_have_their_limits(
    make: Maker, loss: Any, y_true: float, parts: Any, value: float, slopes: Any
) -> None:
    components = np.ndim(parts[0]) > 0
    arrays = [make(np.asarray([part] if components else [[part]], np.float32)) for part in parts]
    target = make(np.asarray([y_true] if components else [[y_true]], np.float32))
    found, gradients = loss.value_and_grad(target, tuple(arrays))
    np.testing.assert_allclose(found, value, rtol=1e-6, atol=1e-7)
    for gradient, slope in zip(gradients, slopes or (), strict=bool(slopes)):
        if slope is not None:
            np.testing.assert_allclose(np.ravel(gradient), np.ravel(slope), rtol=2e-5, atol=1e-7)


# --- second derivatives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", [30.0, 60.0, 87.0, 100.0, 110.0])
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", ["categorical_focal_crossentropy", "binary_focal_crossentropy", "asymmetric_loss"])
@pytest.mark.usefixtures("formula_in")
def test_second_derivatives_where_what_is_missed_is_next_to_nothing(name: str, gamma: float, score: float) -> None:
    """With o = exp(-score) the loss is o^(gamma + 1) but for a factor 1 + O(o), so its second derivative is as well."""
    of_one = name != "categorical_focal_crossentropy"
    settings = {"gamma_positive": gamma} if name == "asymmetric_loss" else {"gamma": gamma}
    loss = lossary.get(name, from_logits=True, **settings)
    y_true = torch.tensor([[1.0]] if of_one else [[1.0, 0.0]])

    def of(first: Any) -> Any:
        return loss(y_true, first.reshape(1, 1) if of_one else torch.stack([first, first * 0.0])[None])

    found = torch.autograd.functional.hessian(of, torch.tensor(score))
    alpha = 1.0 if of_one else 0.25
    exact = alpha * (gamma + 1.0) ** 2 * math.exp(-score * (gamma + 1.0))
    assert float(found) == pytest.approx(exact, rel=1e-4, abs=1e-37)


@pytest.mark.parametrize("score", [30.0, 60.0, 87.0, 88.0])
@pytest.mark.parametrize("gamma", [0.5, 0.75, 1.5])
def test_second_derivative_of_a_region_next_to_perfect(gamma: float, score: float) -> None:
    """What is missed at scores (s, -s) is exp(-s), but for a factor 1 + O(exp(-s))."""
    loss = lossary.FocalTversky(from_logits=True, gamma=gamma, axis=(-1,))
    found = torch.autograd.functional.hessian(
        lambda s: loss(torch.tensor([[1.0, 0.0]]), torch.stack([s, -s])[None]), torch.tensor(score)
    )
    assert float(found) == pytest.approx(gamma**2 * math.exp(-gamma * score), rel=1e-4, abs=1e-37)


# (1 - p)^2 softplus(-z) and (p - 1/2)^2 log 2 at z = 0, and what training starts from.
FOCAL = 5 / 16 + math.log(2.0) / 8
BENDS: list[tuple[Any, Any, tuple[float, ...], int, float]] = [
    (lossary.BinaryFocalCrossentropy(**LOGITS), 1, (0,), 0, FOCAL),
    (lossary.BinaryFocalCrossentropy(**LOGITS), 0, (0,), 0, FOCAL),
    (lossary.GaussianFocal(**LOGITS), 1, (0,), 0, FOCAL),
    (lossary.GaussianFocal(), 1, (1,), 0, 0),
    (lossary.QualityFocal(), 1, (0,), 0, FOCAL),
    (lossary.QualityFocal(), 0.5, (0,), 0, math.log(2.0) / 8),
    (lossary.Varifocal(alpha=1.0), 0, (0,), 0, FOCAL),
    (lossary.BalancedL1(), 2, (2,), 0, (math.e**3 - 1) / 2),
    (lossary.GaussianNLL(), 1, (1, 4), 0, 1 / 4),
    (lossary.LogNormalNLL(), 1, (0, 2), 0, 1 / 4),
    (lossary.StudentTNLL(), 1, (3, 1, 2), 1, 1 / 3),
    (lossary.StudentTNLL(), 1, (3, 1, 2), 2, -1 / 4),
    (lossary.CRPSGaussian(), 1, (1, 2), 0, 1 / math.sqrt(2 * math.pi)),
]


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "place", "bend"), BENDS, ids=str)
def test_second_derivatives_where_a_difference_is_nothing(
    loss: Any, y_true: float, y_pred: tuple[float, ...], place: int, bend: float
) -> None:
    """Magnitudes have no slope there; formulas that are smooth have."""

    def of(moved: Any) -> Any:
        parts = [torch.tensor([[float(x)]]) for x in y_pred]
        parts[place] = moved
        return loss(torch.tensor([[float(y_true)]]), tuple(parts) if len(parts) > 1 else moved)

    found = torch.autograd.functional.hessian(of, torch.tensor([[float(y_pred[place])]]))
    assert found.item() == pytest.approx(bend, rel=1e-6)
    if len(y_pred) == 1:
        _, found = lossary.grad_and_hess(loss, link="identity")(np.array([float(y_true)]), np.array(y_pred, float))
        assert found.item() == pytest.approx(bend, rel=1e-12)


def test_second_derivatives_of_distances_with_an_equal_component() -> None:
    anchor, near, far = (torch.tensor([row], dtype=torch.float64) for row in ([1.0, 2, 3], [1.0, 0, 0], [1.0, 2, -1]))
    found = torch.autograd.functional.hessian(lambda x: lossary.TripletMargin(margin=9.0)(x, near, far), anchor)
    norm = torch.linalg.vector_norm
    exact = torch.autograd.functional.hessian(lambda x: norm(x - near) - norm(x - far), anchor)
    torch.testing.assert_close(found, exact)


@pytest.mark.parametrize("answers", [[0.3, 0.0], [0.35, -0.7], [0.7, 0.5]])
def test_second_derivatives_of_an_answer_that_gained_nothing(answers: list[float]) -> None:
    s, loss = torch.sigmoid, lossary.APODown(beta=1.0)
    at, reference = torch.tensor([answers], dtype=torch.float64), torch.tensor([[0.7]], dtype=torch.float64)

    def exact(x: Any) -> Any:
        gained = x[:, 0] - 0.7
        return (s(gained) + s(x[:, 1] - gained)).sum()

    found = torch.autograd.functional.hessian(lambda x: loss(x[:, :1], x[:, 1:], reference, 0.0 * reference), at)
    torch.testing.assert_close(found, torch.autograd.functional.hessian(exact, at))


# --- the angle of two rows -------------------------------------------------------------------------------------------


def _rows_at_small_angles() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 2)) * 10.0 ** rng.integers(-14, 1, (200, 2))
    return rows.astype(np.float32), (rows * rng.choice([-1.0, 1.0], (200, 1)) * 3.7).astype(np.float32)


@pytest.mark.parametrize("maker", [*MAKERS, "kernel"])
def test_the_slope_of_a_cosine_has_its_digits_at_any_angle(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two columns it is the cross product ``(a_0 b_1 - a_1 b_0)(b_1, -b_0)/(|a| |b|^3)``, in fractions."""
    if maker == "kernel":
        monkeypatch.setattr(kernels, "THRESHOLD", 0)
    make = MAKERS.get(maker, np.asarray)
    a, b = _rows_at_small_angles()
    loss = lossary.CosineSimilarity(reduction="sum")
    found = np.asarray(lossary.value_and_grad(loss)(make(a), make(b))[1], np.float64)
    exact = [[Fraction(float(x)) for x in row] for row in np.hstack([a, b])]
    cross = np.array([float(a0 * b1 - a1 * b0) for a0, a1, b0, b1 in exact])
    wide, long = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(long, axis=1) ** 3
    expected = -(cross / lengths)[:, None] * np.stack([long[:, 1], -long[:, 0]], axis=1)
    largest = abs(expected).max(axis=1, keepdims=True)
    ordinary = largest > 1e-30
    assert ordinary.mean() > 0.5
    assert (abs(found - expected) / np.where(ordinary, largest, np.inf)).max() < 6 * 2.0**-23


# --- targets that are differentiated ----------------------------------------------------------------------------------


def _log(x: Any) -> Any:
    return np.log(np.maximum(x, 1e-7))


HARD = np.asarray([[0.0, 1.0, 0.0]])
SCORES = np.asarray([[0.1, 2.0, -1.0]])
CHANCES = np.asarray([[0.2, 0.7, 0.1]])
LSE = np.log(np.exp(SCORES).sum())
# The loss is linear in such targets; their slope is what stands beside them in the definition.
TARGET_SLOPES = [
    (CCE(**LOGITS), HARD, SCORES, LSE - SCORES),
    (CCE(), HARD, CHANCES, -np.log(CHANCES)),
    (BCE(), HARD, CHANCES, np.log((1 - CHANCES) / CHANCES) / 3),
    (BCE(**LOGITS), HARD, SCORES, -SCORES / 3),
    (lossary.Poisson(epsilon=0.0), 2 * HARD, CHANCES, -np.log(CHANCES) / 3),
    (lossary.KLDivergence(), CHANCES, CHANCES, np.ones((1, 3))),
    (lossary.KLDivergence(epsilon=0.0), CHANCES, HARD, [[inf, math.log(0.7) + 1, inf]]),
    (lossary.KLDivergence(), HARD, CHANCES, _log(HARD) - np.log(CHANCES) + 1),
    # Of a row of distributions log(t/m)/2, where 0 has the slope that epsilon has beside half the prediction.
    (lossary.JensenShannonDivergence(), HARD, CHANCES,
     0.5 * (_log(HARD) - np.log((HARD + CHANCES) / 2))),
    (lossary.ZLPR(), HARD, SCORES,
     np.exp(-SCORES) / (1 + math.exp(-2)) - np.exp(SCORES) / (1 + math.exp(0.1) + math.exp(-1))),
    (lossary.ScaleInvariantLogarithmicError(axis=(-1,)), CHANCES, CHANCES, np.zeros((1, 3))),
    (lossary.MeanSquaredLogarithmicError(), HARD, CHANCES,
     2 * (np.log1p(np.maximum(HARD, 1e-7)) - np.log1p(CHANCES)) / (1 + np.maximum(HARD, 1e-7)) / 3),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "y_true", "y_pred", "expected"), TARGET_SLOPES, ids=str)
def test_slope_of_hard_targets(loss: Any, y_true: Any, y_pred: Any, expected: Any) -> None:
    true = torch.tensor(y_true, requires_grad=True)
    loss(true, torch.tensor(y_pred, requires_grad=True)).backward()
    np.testing.assert_allclose(true.grad, expected, rtol=1e-12)
    with jax.enable_x64(True):
        true, pred = jnp.asarray(y_true), jnp.asarray(y_pred)
        np.testing.assert_allclose(jax.jit(jax.grad(loss))(true, pred), expected, rtol=1e-12)
        forward = jax.jit(lambda t: jax.jvp(lambda t: loss(t, pred), (t,), (jnp.ones_like(t),))[1])(true)
        np.testing.assert_allclose(forward, np.sum(expected), rtol=1e-11)
    true = tf.constant(y_true)
    with tf.GradientTape() as tape:
        tape.watch(true)
        value = loss(true, tf.constant(y_pred))
    np.testing.assert_allclose(tape.gradient(value, true), expected, rtol=1e-12)


# --- mixed second derivatives, and third ------------------------------------------------------------------------------


@pytest.mark.parametrize("from_logits", [False, True])
def test_how_a_hard_target_moves_the_slope(from_logits: bool) -> None:
    """d/dt of (p - t)/(p (1 - p)) is -1/(p (1 - p)), and of sigmoid(z) - t it is -1."""
    y_true = torch.tensor([[0.0], [1.0]], dtype=torch.float64, requires_grad=True)
    y_pred = torch.tensor([[0.3], [0.3]], dtype=torch.float64, requires_grad=True)
    value = lossary.BinaryCrossentropy(from_logits=from_logits, reduction="sum")(y_true, y_pred)
    (slope,) = torch.autograd.grad(value, y_pred, create_graph=True)
    (mixed,) = torch.autograd.grad(slope.sum(), y_true)
    np.testing.assert_allclose(mixed, np.full((2, 1), -1.0 if from_logits else -1 / 0.21), rtol=1e-9)


# --- whole numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64"])
def test_whole_numbers_are_subtracted_exactly(make: Maker, dtype: str) -> None:
    y_true, y_pred = (make(np.asarray([[n, 5]], dtype)) for n in (1_700_000_001, 1_700_000_000))
    assert lossary.mean_absolute_error(y_true, y_pred) == 0.5
    assert lossary.MeanSquaredError()(y_true, y_pred) == 0.5
    value, slope = lossary.MeanSquaredError().value_and_grad(y_true, y_pred)
    assert value == 0.5
    np.testing.assert_array_equal(slope, [[-1.0, 0.0]])
    masked = lossary.MeanSquaredError()(y_true, y_pred, sample_weight=[3.0], where=[True])
    assert masked == 1.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lossary.MeanAbsoluteError(), 0.5),
        (lossary.mean_absolute_error, [0.5]),
        (lossary.LogCosh(reduction="sum"), np.log(np.cosh(1.0)) / 2.0),
        (jax.vmap(lossary.mean_absolute_error), [0.5]),
        (lossary.value_and_grad("mean_squared_error"), (0.5, [[-1.0, 0.0]])),
    ],
)
def test_whole_numbers_are_subtracted_exactly_in_traced_jax(loss: Any, expected: Any) -> None:
    found = jax.jit(loss)(*(jnp.asarray([[n, 5]]) for n in (1_700_000_001, 1_700_000_000)))
    for got, wanted in zip(
        jax.tree.leaves(found), expected if isinstance(expected, tuple) else [expected], strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
        assert got.dtype == jnp.float32


@pytest.mark.parametrize("make", [np.asarray, torch.tensor, tf.constant])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_that_no_float_holds_are_not_rounded_without_a_word(make: Any, dtype: Any) -> None:
    high, higher = (make(np.asarray([[n, 5]], dtype)) for n in (2**60, 2**60 + 1))
    for y_true, y_pred in ((higher, high), (high, higher), ([[2**60 + 1, 5]], high)):
        with pytest.raises(lossary.DomainError, match="is 1152921504606846977, which float64 rounds"):
            lossary.MeanAbsoluteError()(y_true, y_pred)
    assert lossary.MeanAbsoluteError()(higher, high, where=[[False, True]]) == 0.0
    assert lossary.mean_absolute_error(make(np.asarray([[2**62]], dtype)), make(np.asarray([[0]], dtype))) == 2.0**62


def test_whole_numbers_beyond_int32_beside_jax() -> None:
    assert lossary.mean_absolute_error([[3_000_000_000]], jnp.asarray([[3e9]])) == 0
    with jax.enable_x64(True):
        assert lossary.mean_absolute_error(jnp.asarray([[3_000_000_001]]), jnp.asarray([[3_000_000_000]])) == 1


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(("dtype", "ignored"), [("uint8", -1), ("uint8", 256), ("uint16", -1), ("int32", 2**32)])
def test_a_class_to_ignore_is_compared_as_a_number(make: Maker, dtype: str, ignored: int) -> None:
    """Labels that wrap around to it in their own dtype are not it: 255 is -1, and 0 is 256 and 2**32."""
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(300), 3).astype(np.float32)
    labels = np.asarray([0, 255, 2], dtype)
    expected = -np.log(shares[[0, 1, 2], [0, 255, 2]].astype(np.float64)).mean()
    got = SCCE(ignore_class=ignored)(make(labels), make(shares))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
