"""Which curvature objectives choose, where it leads, and what objectives refuse."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import xgboost

import lossary
import lossary.catboost
import lossary.lightgbm
import lossary.xgboost
from booster_data import CLASSES, DATA, ONE_THREAD, QUIET
from inputs import few

# --- losses whose own Hessian is of no use --------------------------------------------------------------------------

CURVES = {
    "mae": ("majorizer", "0 wherever"),
    "pinball": ("majorizer", "0 wherever"),
    "hinge": ("majorizer", "0 wherever"),
    "mape": ("majorizer", "0 wherever"),
    "msle": ("majorizer", "negative"),
    "huber": ("majorizer", "0 in places"),
    "log_cosh": ("majorizer", "dies out"),
    "pseudo_huber": ("majorizer", "dies out"),
    "cauchy": ("majorizer", "negative"),
    "binary_focal_crossentropy": ("positive", "negative"),
    "brier": ("positive", "negative"),
    "categorical_hinge": ("constant", "0 wherever"),
    "aft_nll": ("exact", "above 0"),
    "soft_margin": ("exact", "above 0"),
    "expectile": ("exact", "above 0"),
    "tweedie_deviance": ("exact", "above 0"),
    CLASSES: ("exact", "above 0"),
}


@pytest.mark.parametrize("name", CURVES)
def test_auto_picks_a_curvature_and_says_so(name):
    objective = lossary.xgboost.objective(name)
    kind, why = CURVES[name]
    assert objective.hessian == kind
    assert why in objective.reason
    assert f"hessian={kind!r}, {objective.reason}" in repr(objective)


@pytest.mark.parametrize(("rows", "single"), [("generalized_kl_divergence", "poisson"), ("zlpr", "bce")])
def test_scores_of_a_host_are_data_points_of_one_output(rows, single):
    """And no single row: the two losses have one derivative there."""
    y, scores = DATA["bit"], DATA["number"]
    one, other = (lossary.xgboost.objective(name, scale=1.0)(y, scores) for name in (rows, single))
    np.testing.assert_allclose(one, other, rtol=1e-9)
    blocks = lossary.catboost.Objective(rows).calc_ders_range(scores, y, None)
    np.testing.assert_allclose(blocks, -np.stack(other, axis=1), rtol=1e-9)


OF_ROWS = ("cosine_similarity", "pearson_correlation", "concordance_correlation", "scale_invariant_sdr")


@pytest.mark.parametrize("name", few("cosine_similarity".__eq__, OF_ROWS))
def test_a_loss_of_rows_has_a_curvature_for_several_outputs(name):
    y, scores = DATA["x"][:9, :3].astype(float), DATA["x"][9:18, :3].astype(float)
    slope, curve = lossary.xgboost.objective(name)(y, scores)
    np.testing.assert_allclose(slope, lossary.grad_and_hess(name)(y, scores)[0], rtol=1e-9)
    assert (curve > 0).all()


def test_mape_behind_a_log_link_too():
    assert lossary.xgboost.objective("mape", link="log").hessian == "majorizer"


@pytest.mark.parametrize(
    "loss", ["mae", lossary.Pinball(quantile=0.9), "huber", "log_cosh", "pseudo_huber", "mape"], ids=str
)
def test_majorizers_lead_down_far_from_the_start(loss):
    """Targets of 200 and more, started at 0: with their own Hessians there is no split at all, or no end."""
    made, y = lossary.get(loss), 200.0 + 10.0 * DATA["number"]
    floor = float(made(y, np.full(400, made.best_constant(y))))
    matrix, dataset = xgboost.DMatrix(DATA["x"], y), lightgbm.Dataset(DATA["x"], y)
    booster = xgboost.train({**ONE_THREAD, "base_score": 0.0}, matrix, 30, obj=lossary.xgboost.objective(loss))
    assert float(made(y, booster.predict(matrix).astype(float))) < 0.6 * floor
    model = lightgbm.train({**QUIET, "objective": lossary.lightgbm.objective(loss), "learning_rate": 0.3}, dataset, 30)
    assert float(made(y, model.predict(DATA["x"]))) < 0.8 * floor


# --- own losses, and what is refused --------------------------------------------------------------------------------


def test_own_losses_and_sums():
    @lossary.loss
    def quartic(y_true, y_pred):
        return lossary.words.mean((y_pred - y_true) ** 4)

    for loss in (quartic, 0.5 * lossary.MeanSquaredError() + lossary.LogCosh(), lambda t, p: np.mean((t - p) ** 2, -1)):
        objective = lossary.xgboost.objective(loss)
        y, scores = np.array([1.0, 2.0], "float32"), np.array([0.0, 4.0], "float32")
        gradient, hessian = objective(y, scores)
        assert gradient.dtype == hessian.dtype == np.float32
        assert (np.sign(gradient) == [-1, 1]).all()
        assert (hessian > 0).all()


def test_scale_is_a_factor_of_both():
    y, scores = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    np.testing.assert_allclose(lossary.xgboost.objective("mse")(y, scores), [scores - y, [1.0, 1.0]])
    np.testing.assert_allclose(lossary.xgboost.objective("mse", scale=1.0)(y, scores), [2 * (scores - y), [2.0, 2.0]])
    assert lossary.xgboost.objective("mae")(y, scores)[1].mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: lossary.xgboost.objective("dice"), "dice: compares whole regions"),
        (lambda: lossary.lightgbm.objective("pairwise_logistic"), "compared in pairs.*lambdarank"),
        (
            lambda: lossary.lightgbm.objective("ranking_softmax")(DATA["bit"], DATA["number"]),
            "ranking_softmax: is of the outputs of a data point together, and there is one raw score for each",
        ),
        (lambda: lossary.catboost.Objective("root_mean_squared_error").calc_ders_range([0.0], [1.0], None), "one raw"),
        (lambda: lossary.catboost.MultiTargetObjective("mae"), "hessian is 'majorizer' .its second.*MultiOutputRegr"),
        (lambda: lossary.catboost.MultiTargetObjective(CLASSES), "is of one label per data point.*Objective.'sparse"),
        (lambda: lossary.xgboost.objective("mse", hessian="newton"), "accepted are 'auto', 'exact'.*hessian='auto'"),
        (lambda: lossary.xgboost.objective("mse", scale=-1.0), "scale is -1.0"),
        (
            lambda: xgboost.XGBRegressor(objective=lossary.xgboost.objective(CLASSES), n_estimators=1).fit(
                DATA["x"], DATA["class"]
            ),
            "have 1 column and the labels name 3 classes.*num_class=3",
        ),
        (
            lambda: lightgbm.train(
                {**QUIET, "objective": lossary.lightgbm.objective("poisson")},
                lightgbm.Dataset(DATA["x"], DATA["number"]), 1,
            ),
            "poisson: y_true.*accepted are numbers >= 0",
        ),
    ],
)  # fmt: skip
def test_refusals(given, said):
    with pytest.raises(lossary.LossError, match=said):
        given()
