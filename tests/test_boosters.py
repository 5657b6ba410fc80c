"""Objectives, metrics and losses inside XGBoost, LightGBM, CatBoost and scikit-learn's boosting.

Where a host has a loss itself, ours gives its trees; all starts are the same and said.
"""

from __future__ import annotations

import pickle
import statistics
import time

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

import lossary
import lossary.catboost
import lossary.lightgbm
import lossary.sklearn
import lossary.xgboost
from booster_data import CLASSES, DATA, ONE_THREAD, QUIET, data
from inputs import few


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for so few points cost more than all the trees."""
    with threadpool_limits(1):
        yield


# --- XGBoost --------------------------------------------------------------------------------------------------------

# Its objective -> our loss, the targets, how ours is asked for, what the host is told.
XGBOOST = {
    "reg:squarederror": ("mse", "number", {}, {}),
    "reg:pseudohubererror": (lossary.PseudoHuber(delta=2.0), "number", {"hessian": "exact"}, {"huber_slope": 2.0}),
    "reg:squaredlogerror": ("msle", "large", {"hessian": "positive"}, {}),
    "binary:logistic": ("bce", "bit", {}, {}),
    "count:poisson": ("poisson", "count", {}, {}),
    "reg:gamma": ("gamma_deviance", "positive", {}, {}),
    "reg:tweedie": (lossary.TweedieDeviance(power=1.3), "count", {}, {"tweedie_variance_power": 1.3}),
    "multi:softprob": (CLASSES, "class", {}, {"num_class": 3}),
    "multi:softmax": ("categorical_crossentropy", "class", {}, {"num_class": 3}),
}


def splits_of(booster) -> list[list[str]]:
    """What the trees of XGBoost ask, node by node, without the values that they give."""
    return [[line.split(" ")[0] for line in tree.split("\n") if "[" in line] for tree in booster.get_dump()]


def same_as_xgboost(name, found, rounds, weight=None):
    loss, kind, asked, told = XGBOOST[name]
    matrix = xgboost.DMatrix(found["x"], found[kind], weight=weight)
    params = {**ONE_THREAD, "objective": name, "base_score": 0.5, "max_depth": 4, **told}
    theirs = xgboost.train(params, matrix, rounds)
    ours = xgboost.train(params, matrix, rounds, obj=lossary.xgboost.objective(loss, **asked))
    assert splits_of(ours) == splits_of(theirs)
    scores = [booster.predict(matrix, output_margin=True) for booster in (ours, theirs)]
    assert np.abs(scores[0] - scores[1]).max() <= 1e-4


@pytest.mark.parametrize("name", XGBOOST)
def test_xgboost_grows_its_own_trees(name):
    same_as_xgboost(name, DATA, rounds=4)
    same_as_xgboost(name, DATA, rounds=3, weight=DATA["weight"])


@pytest.mark.parametrize("distribution", ["normal", "logistic"])
def test_xgboost_grows_its_own_trees_of_survival_times(distribution):
    rng, matrix = np.random.default_rng(1), xgboost.DMatrix(DATA["x"])
    times = np.exp(DATA["x"][:, 0] + 0.5 * rng.normal(size=400))
    until = np.where(rng.uniform(size=400) < 0.3, np.inf, times)
    matrix.set_float_info("label_lower_bound", times)
    matrix.set_float_info("label_upper_bound", until)
    params = {**ONE_THREAD, "objective": "survival:aft", "base_score": 1.0, "max_depth": 3}
    params |= {"aft_loss_distribution": distribution, "aft_loss_distribution_scale": 1.0}
    loss, seen = lossary.AFTNLL(distribution=distribution), {}
    theirs = xgboost.train(params, matrix, 5)
    ours = xgboost.train(
        params, matrix, 5, obj=lossary.xgboost.objective(loss), custom_metric=lossary.xgboost.metric(loss, name="own"),
        evals=[(matrix, "train")], evals_result=seen, verbose_eval=False,
    )  # fmt: skip
    assert splits_of(ours) == splits_of(theirs)
    both = np.stack([times, until], axis=1)
    mean = loss(both, ours.predict(matrix, output_margin=True).astype(float))
    assert seen["train"]["own"][-1] == pytest.approx(float(mean), rel=1e-5)
    best = loss.best_constant(both)
    assert float(loss(both, np.full(400, best))) <= min(
        float(loss(both, np.full(400, best + d))) for d in (-0.01, 0.01)
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", XGBOOST)
def test_xgboost_grows_its_own_50_trees(name):
    same_as_xgboost(name, data(2000), rounds=50)


@pytest.mark.parametrize(
    ("loss", "kind"), [("poisson", "count"), ("bce", "bit"), ("mae", "number"), (CLASSES, "class")]
)
def test_xgboost_starts_and_keeps_the_link(loss, kind):
    objective, matrix = lossary.xgboost.objective(loss), xgboost.DMatrix(DATA["x"], DATA[kind])
    params = objective.params(DATA[kind])
    still = xgboost.train({**ONE_THREAD, **params, "eta": 0.0}, matrix, 1, obj=objective)
    best = lossary.get(loss).best_constant(DATA[kind].astype(int) if kind == "class" else DATA[kind])
    np.testing.assert_allclose(still.predict(matrix)[:2], [best, best], rtol=1e-5)
    booster = xgboost.train({**ONE_THREAD, **params}, matrix, 3, obj=objective)
    scores = booster.predict(matrix, output_margin=True)
    np.testing.assert_allclose(booster.predict(matrix), objective.inverse_link(scores), rtol=1e-5)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_xgboost_of_several_outputs(strategy):
    both = np.stack([DATA["number"], DATA["count"]], axis=1)
    matrix, objective = xgboost.DMatrix(DATA["x"], both), lossary.xgboost.objective("mse")
    np.testing.assert_allclose(objective.params(both)["base_score"], both.mean(0), rtol=1e-9)
    params = {**ONE_THREAD, "objective": "reg:squarederror", "base_score": 0.5, "multi_strategy": strategy}
    theirs, ours = (xgboost.train(params, matrix, 3, obj=each).predict(matrix) for each in (None, objective))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_objectives_are_equal_and_pickled_whatever_the_loss_was_called():
    one, other = lossary.xgboost.objective("mae"), lossary.xgboost.objective(lossary.mean_absolute_error)
    assert one == other
    assert hash(one) == hash(other)
    assert one != lossary.xgboost.objective("mae", hessian="constant")
    made = [lossary.catboost.Objective(CLASSES), lossary.lightgbm.metric("mae", name="mine")]
    assert list(map(repr, pickle.loads(pickle.dumps(made)))) == list(map(repr, made))


def test_xgboost_has_max_delta_step_of_poisson():
    assert lossary.xgboost.objective("poisson").params([1, 2])["max_delta_step"] == 0.7


def other_counts() -> np.ndarray:
    """Targets that the features say nothing about, so that a model of the true ones soon gets worse."""
    return np.roll(DATA["count"], 7)


def test_xgboost_metric_stops_early_on_the_weighted_mean():
    loss, objective = lossary.get("poisson"), lossary.xgboost.objective("poisson")
    matrix, other = (
        xgboost.DMatrix(DATA["x"], counts, weight=DATA["weight"]) for counts in (DATA["count"], other_counts())
    )
    seen: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        {**ONE_THREAD, **objective.params(DATA["count"], DATA["weight"])}, matrix, 20, obj=objective,
        custom_metric=lossary.xgboost.metric(loss), evals=[(other, "other")], early_stopping_rounds=2,
        evals_result=seen, verbose_eval=False,
    )  # fmt: skip
    history = seen["other"]["poisson"]
    assert booster.best_iteration == int(np.argmin(history)) < len(history) - 1 < 19
    rates = booster.predict(matrix, iteration_range=(0, booster.best_iteration + 1)).astype(float)
    mean = loss.replaced(reduction="mean_with_sample_weight")(other_counts(), rates, sample_weight=DATA["weight"])
    assert min(history) == pytest.approx(float(mean), rel=1e-4)
    # Beside a built-in objective the host hands over predictions.
    told = lossary.xgboost.metric(loss, link="identity")(rates, other)
    assert told == ("poisson", pytest.approx(float(mean)))


def test_a_loss_itself_is_a_metric_of_xgboosts_estimators():
    model = xgboost.XGBRegressor(n_estimators=2, n_jobs=1, eval_metric=lossary.MeanSquaredError())
    model.fit(DATA["x"], DATA["number"], eval_set=[(DATA["x"], DATA["number"])], verbose=False)
    history = model.evals_result()["validation_0"]["mean_squared_error"]
    assert history[-1] == pytest.approx(np.square(model.predict(DATA["x"]) - DATA["number"]).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", [xgboost.DMatrix, lightgbm.Dataset, catboost.Pool])
def test_the_data_of_a_booster_are_no_array_and_the_line_takes_their_labels(kind):
    scope = {"y_true": kind(np.eye(2), label=[3.0, 4.0])}
    with pytest.raises(lossary.DTypeError) as caught:
        lossary.mean_squared_error(scope["y_true"], [1.0, 2.0])
    exec(str(caught.value).partition("Write ")[2], scope)
    np.testing.assert_array_equal(scope["y_true"], [3.0, 4.0])


def test_xgboost_estimators():
    objective, metric = lossary.xgboost.objective("bce"), lossary.xgboost.metric("bce")
    model = xgboost.XGBClassifier(
        objective=objective, eval_metric=metric, early_stopping_rounds=2, n_estimators=4, n_jobs=1
    )
    fitted = {"eval_set": [(DATA["x"], DATA["bit"])], "verbose": False}
    model.fit(DATA["x"], DATA["bit"], sample_weight=DATA["weight"], **fitted)
    built_in = xgboost.XGBClassifier(n_estimators=4, n_jobs=1, base_score=0.5)
    built_in.fit(DATA["x"], DATA["bit"], sample_weight=DATA["weight"])
    np.testing.assert_allclose(model.predict_proba(DATA["x"]), built_in.predict_proba(DATA["x"]), atol=1e-5)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(DATA["x"]), model.predict_proba(DATA["x"]))
    assert clone(model).fit(DATA["x"], DATA["bit"], **fitted).get_params()["objective"] == objective
    three = xgboost.XGBClassifier(objective=lossary.xgboost.objective(CLASSES), n_estimators=2, n_jobs=1)
    assert three.fit(DATA["x"], DATA["class"]).predict_proba(DATA["x"]).shape == (400, 3)
    grid = {"objective": [lossary.xgboost.objective(name) for name in ("mae", "huber")]}
    search = GridSearchCV(
        xgboost.XGBRegressor(n_estimators=2, n_jobs=1), grid, cv=2, scoring=lossary.sklearn.scorer("mae")
    )
    assert search.fit(DATA["x"], DATA["number"]).best_params_["objective"] in grid["objective"]


# --- LightGBM -------------------------------------------------------------------------------------------------------

LIGHTGBM = {
    "regression": ("mse", "number", {}, {}),
    "huber": (lossary.Huber(delta=1.5), "number", {"hessian": "constant"}, {"alpha": 1.5}),
    "fair": (lossary.FairLoss(c=2.0), "number", {"hessian": "exact"}, {"fair_c": 2.0}),
    "binary": ("bce", "bit", {}, {}),
    "poisson": ("poisson", "count", {}, {}),
    "gamma": ("gamma_deviance", "positive", {}, {}),
    "tweedie": ("tweedie_deviance", "count", {}, {}),
    "multiclass": (CLASSES, "class", {}, {"num_class": 3}),
}


def questions_of(booster) -> list[str]:
    return [line for line in booster.model_to_string().split("\n") if line.startswith(("split_feature=", "threshold="))]


def same_as_lightgbm(name, found, rounds, weight=None):
    loss, kind, asked, told = LIGHTGBM[name]
    params = {**QUIET, "boost_from_average": False, "deterministic": True, "num_leaves": 15, **told}
    theirs, ours = (
        lightgbm.train({**params, "objective": each}, lightgbm.Dataset(found["x"], found[kind], weight=weight), rounds)
        for each in (name, lossary.lightgbm.objective(loss, **asked))
    )
    assert questions_of(ours) == questions_of(theirs)
    scores = [booster.predict(found["x"], raw_score=True) for booster in (ours, theirs)]
    assert np.abs(scores[0] - scores[1]).max() <= 1e-4


@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm_grows_its_own_trees(name):
    same_as_lightgbm(name, DATA, rounds=4)
    same_as_lightgbm(name, DATA, rounds=3, weight=DATA["weight"])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LIGHTGBM)
def test_lightgbm_grows_its_own_50_trees(name):
    same_as_lightgbm(name, data(2000), rounds=50)


def test_lightgbm_starts_stops_and_predicts():
    objective, metric = lossary.lightgbm.objective("poisson"), lossary.lightgbm.metric("poisson")
    start = objective.init_score(DATA["count"], DATA["weight"])
    rate = np.average(DATA["count"], weights=DATA["weight"])
    np.testing.assert_allclose(start, np.full(400, np.log(rate)), rtol=1e-9)
    dataset, other = (
        lightgbm.Dataset(DATA["x"], counts, weight=DATA["weight"], init_score=start)
        for counts in (DATA["count"], other_counts())
    )
    seen: dict[str, dict[str, list[float]]] = {}
    stop = [lightgbm.early_stopping(2, verbose=False), lightgbm.record_evaluation(seen)]
    params = {**QUIET, "objective": objective}
    booster = lightgbm.train(params, dataset, 20, [other], ["other"], metric, callbacks=stop)
    history = seen["other"]["poisson"]
    assert booster.best_iteration == int(np.argmin(history)) + 1 < len(history) < 20
    rates = objective.inverse_link(start[0] + booster.predict(DATA["x"], raw_score=True))
    mean = lossary.Poisson(reduction="mean_with_sample_weight")(other_counts(), rates, sample_weight=DATA["weight"])
    assert min(history) == pytest.approx(float(mean), rel=1e-6)


def test_lightgbm_estimators():
    objective, metric = lossary.lightgbm.objective("bce"), lossary.lightgbm.metric("bce")
    model = lightgbm.LGBMClassifier(objective=objective, n_estimators=3, n_jobs=1, verbose=-1)
    names = np.array(["no", "yes"])[DATA["bit"].astype(int)]
    model.fit(DATA["x"], names, sample_weight=DATA["weight"])
    own = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, boost_from_average=False)
    own.fit(DATA["x"], names, sample_weight=DATA["weight"])
    scores = model.predict_proba(DATA["x"], raw_score=True)
    np.testing.assert_allclose(objective.inverse_link(scores), own.predict_proba(DATA["x"])[:, 1], atol=1e-6)
    assert pickle.loads(pickle.dumps(clone(model))).objective == objective
    assert metric(DATA["bit"], scores)[0::2] == ("binary_crossentropy", False)


WEIGHTED = {  # What weights of classes make of the weight of each of three points, in both kinds of columns.
    CLASSES: ({"class_weight": [1.0, 3.0, 2.0]}, np.array([0.0, 1.0, 2.0]), np.array([[1.0], [3.0], [2.0]])),
    "bce": ({"pos_weight": [2.0, 3.0]}, np.eye(3)[:, :2], np.array([[2.0, 1.0], [1.0, 3.0], [1.0, 1.0]])),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_of_classes_in_objectives(name):
    settings, y_true, times = WEIGHTED[name]
    scores = np.linspace(-1.0, 1.0, 9).reshape(3, 3)[:, : 3 if name == CLASSES else 2]
    plain, weighted = (lossary.lightgbm.objective(lossary.get(name, **more)) for more in ({}, settings))
    for found, expected in zip(weighted.derivatives(y_true, scores), plain.derivatives(y_true, scores), strict=True):
        np.testing.assert_allclose(found, times * expected, rtol=1e-12)


# --- CatBoost -------------------------------------------------------------------------------------------------------

CATBOOST = {
    "RMSE": ("mse", "number"),
    "Logloss": ("bce", "bit"),
    "Poisson": ("poisson", "count"),
    "MultiClass": (CLASSES, "class"),
}
PLAIN = {
    "depth": 3, "learning_rate": 0.3, "verbose": False, "thread_count": 1, "leaf_estimation_method": "Newton",
    "leaf_estimation_iterations": 1, "leaf_estimation_backtracking": "No", "bootstrap_type": "No",
    "score_function": "L2", "random_strength": 0, "allow_writing_files": False,
}  # fmt: skip


def same_as_catboost(name, found, rounds):
    loss, kind = CATBOOST[name]
    params = {
        **PLAIN,
        "iterations": rounds,
        **({"classes_count": 3} if kind == "class" else {"boost_from_average": False}),
    }
    pool = catboost.Pool(found["x"], found[kind], weight=found["weight"])
    theirs = catboost.CatBoost({**params, "loss_function": name}).fit(pool)
    ours, metric = lossary.catboost.Objective(loss), lossary.catboost.Metric(loss)
    model = catboost.CatBoost({**params, "loss_function": ours, "eval_metric": metric}).fit(pool)
    scores = [each.predict(pool, prediction_type="RawFormulaVal") for each in (model, theirs)]
    assert np.abs(scores[0] - scores[1]).max() <= 1e-4
    return model, theirs, scores[0]


ROWS = {  # Losses of rows, and what they multiply the cross-entropy of the second class by.
    "a weight of a class": (lossary.CategoricalCrossentropy(class_weight=[1.0, 3.0, 1.0]), {}, 3.0),
    "a scale": (CLASSES, {"scale": 2.0}, 2.0),
    "a sum": (0.5 * lossary.get(CLASSES) + 2.0 * lossary.get(CLASSES, class_weight=[1.0, 1.0, 2.0]), {}, 2.5),
    "scores far apart": (CLASSES, {}, 1.0),
}


@pytest.mark.parametrize("name", ROWS)
def test_both_derivatives_of_a_row_in_catboost(name):
    loss, settings, times = ROWS[name]
    scores = np.array([0.0, -800.0, 1.0]) if "apart" in name else np.array([0.1, 0.2, -0.3])
    p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    objective = lossary.catboost.Objective(loss, **settings)
    slope, matrix = (np.array(each) for each in objective.calc_ders_multi(scores, 1.0, 0.5))
    np.testing.assert_allclose(slope, -0.5 * times * (p - [0.0, 1.0, 0.0]), rtol=1e-12)
    np.testing.assert_allclose(matrix, -0.5 * times * (np.diag(p) - np.outer(p, p)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0], [0.5, 0.0, 1.0]])
def test_both_derivatives_of_a_block_in_catboost(weights):
    """RMSE has (y - s) and -1 there, Poisson y - exp(s) and -exp(s)."""
    y, s, w = (
        np.array([1.0, 0.0, 4.0]),
        np.array([0.5, -40.0, 2.0]),
        np.ones(3) if weights is None else np.array(weights),
    )
    expected = {"mse": (y - s, np.ones(3)), "poisson": (y - np.exp(s), np.maximum(np.exp(s), 1e-16))}
    for name, (slope, curve) in expected.items():
        found = lossary.catboost.Objective(name).calc_ders_range(s, y, weights)
        np.testing.assert_allclose(found, np.stack([w * slope, -w * curve], axis=1), rtol=1e-12)
    found = lossary.catboost.Objective("mae").calc_ders_range(s, y, weights)
    assert (np.sign(found[:, 0]) == np.sign((y - s) * w)).all()


def test_models_of_catboost_are_cloned_and_know_names_of_classes():
    model = catboost.CatBoostRegressor(
        loss_function=lossary.catboost.Objective("huber"), eval_metric=lossary.catboost.Metric("huber")
    )
    assert clone(model).get_params(deep=False) == model.get_params(deep=False)
    settings = {"iterations": 2, "verbose": False, "allow_writing_files": False, "class_names": ["no", "yes"]}
    objective, metric = lossary.catboost.Objective("bce"), lossary.catboost.Metric("bce")
    named = catboost.CatBoostClassifier(loss_function=objective, eval_metric=metric, **settings)
    assert set(named.fit([[0.0], [1.0]] * 9, ["no", "yes"] * 9).predict([[0.0], [1.0]])) == {"no", "yes"}
    objective = lossary.catboost.Objective(CLASSES)
    slopes = [objective.calc_ders_multi(np.zeros(size), 1.0, 1.0)[0] for size in (3, 2, 3)]
    assert slopes[0] == slopes[2] == pytest.approx([-1 / 3, 2 / 3, -1 / 3])


def test_labels_that_name_no_class_in_catboost():
    with pytest.raises(lossary.LossError, match="classes_count=3"):
        lossary.catboost.Objective(CLASSES).calc_ders_multi(np.zeros(2), 2.0, 1.0)


@pytest.mark.parametrize("name", CATBOOST)
def test_catboost_grows_its_own_trees(name):
    model, theirs, scores = same_as_catboost(name, DATA, 3)
    loss, kind = CATBOOST[name]
    link = lossary.catboost.Objective(loss).inverse_link
    true = DATA[kind].astype(int if kind == "class" else float)
    mean = lossary.get(loss, reduction="mean_with_sample_weight")(true, link(scores), sample_weight=DATA["weight"])
    assert model.get_evals_result()["learn"]["Metric"][-1] == pytest.approx(float(mean), rel=1e-6)
    if name in ("Logloss", "MultiClass"):
        assert theirs.get_evals_result()["learn"][name][-1] == pytest.approx(float(mean), rel=1e-3)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CATBOOST)
def test_catboost_grows_its_own_50_trees(name):
    same_as_catboost(name, data(2000), 50)


def test_catboost_samples_as_its_own_several_classes_do_where_it_is_told():
    more = {"classes_count": 3, "iterations": 3, "bootstrap_type": "Bayesian", "random_strength": 1}
    params = {**PLAIN, **more}
    models = [{**params, **lossary.catboost.Objective(CLASSES).params()}, {**params, "loss_function": "MultiClass"}]
    fitted = [catboost.CatBoost(each).fit(DATA["x"], DATA["class"]) for each in models]
    ours, theirs = (each.predict(DATA["x"], prediction_type="RawFormulaVal") for each in fitted)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize(("name", "loss"), [("MultiRMSE", "mse"), ("MultiLogloss", "bce")])
def test_catboost_grows_its_own_trees_of_several_targets(name, loss):
    y = np.stack([DATA["number"], DATA["count"]], axis=1)
    y = (y > 0.5).astype(int) if loss == "bce" else y
    pool, more = catboost.Pool(DATA["x"], y, weight=DATA["weight"]), {"iterations": 3, "boost_from_average": False}
    theirs = catboost.CatBoost({**PLAIN, **more, "loss_function": name}).fit(pool)
    told = lossary.catboost.MultiTargetObjective(loss).params()
    ours = catboost.CatBoost({**PLAIN, **more, **told}).fit(pool)
    scores, expected = (each.predict(pool, prediction_type="RawFormulaVal") for each in (ours, theirs))
    np.testing.assert_allclose(scores, expected, atol=1e-9)
    mean = told["eval_metric"].value(y, scores, DATA["weight"])
    assert next(iter(ours.get_evals_result()["learn"].values()))[-1] == pytest.approx(mean, rel=1e-6)
    assert repr(pickle.loads(pickle.dumps(told))) == repr(told)


def test_catboost_is_told_to_go_down_parabolas_step_by_step():
    assert set(lossary.catboost.Objective("mse").params()) == {"loss_function", "eval_metric"}
    told, short = lossary.catboost.Objective("mae").params(), {"iterations": 20, "verbose": False, "thread_count": 1}
    found = []
    for settings in (told, {name: told[name] for name in ("loss_function", "eval_metric")}):
        model = catboost.CatBoost({**settings, **short, "learning_rate": 0.3, "allow_writing_files": False})
        found.append(np.abs(DATA["number"] - model.fit(DATA["x"], DATA["number"]).predict(DATA["x"])).mean())
    assert found[0] < 0.9 * found[1]


# --- scikit-learn -----------------------------------------------------------------------------------------------------

HIST = {
    "squared_error": ("mse", "number"),
    "poisson": ("poisson", "count"),
    "gamma": ("gamma_deviance", "positive"),
    "absolute_error": ("mae", "number"),
    "quantile": (lossary.Pinball(quantile=0.8), "number"),
    "log_loss": ("bce", "bit"),
}


def same_as_sklearn(name, found, loss, kind, rounds, *weights):
    """Of raw scores too: those of several classes have a sum of 0 in every row."""
    kinds = HistGradientBoostingClassifier if name == "log_loss" else HistGradientBoostingRegressor
    told = {"quantile": 0.8} if name == "quantile" else {}
    predict = "decision_function" if name == "log_loss" else "predict"
    for weight in (None, found["weight"], *weights):
        theirs, ours = (
            kinds(loss=each, max_iter=rounds, early_stopping=False, **more).fit(found["x"], found[kind], weight)
            for each, more in ((name, told), (lossary.sklearn.HistLoss(loss), {}))
        )
        np.testing.assert_allclose(getattr(ours, predict)(found["x"]), getattr(theirs, predict)(found["x"]), atol=1e-6)


@pytest.mark.parametrize("name", few({"quantile", "log_loss"}.__contains__, HIST))
def test_histogram_boosting_grows_its_own_trees(name):
    same_as_sklearn(name, DATA, *HIST[name], rounds=3)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", HIST)
def test_histogram_boosting_grows_its_own_50_trees(name):
    same_as_sklearn(name, data(2000), *HIST[name], rounds=50)


def test_histogram_boosting_of_classes_stops_early():
    same_as_sklearn("log_loss", DATA, CLASSES, "class", rounds=2)
    names = np.array(["a", "b", "c"])[DATA["class"].astype(int)]
    loss = lossary.sklearn.HistLoss(CLASSES)
    model = HistGradientBoostingClassifier(
        loss=loss, early_stopping=True, n_iter_no_change=2, max_iter=30, learning_rate=1.0
    )
    model.fit(DATA["x"], names)
    assert model.n_iter_ < 30
    assert set(model.predict(DATA["x"])) <= {"a", "b", "c"}
    again = pickle.loads(pickle.dumps(clone(model).fit(DATA["x"], names)))
    assert again.predict_proba(DATA["x"]).shape == (400, 3)


def test_weights_below_0_are_those_of_histogram_boosting():
    same_as_sklearn("squared_error", DATA, "mse", "number", 3, DATA["weight"] - 0.6)
    weight = np.array([2.0, -2.0])
    slope, curve = lossary.xgboost.objective("mae").derivatives(np.zeros(2), np.array([1.0, -4.0]), weight)
    # Parabolas 1 / |d| of weights 2 and -2 are 2 and -0.5, of magnitude 1.25 on average.
    np.testing.assert_allclose([slope, curve], [[1.6, 1.6], [1.6, -0.4]])


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_histogram_boosting_of_numbers_stops_early_as_its_own(loss):
    """Which it does by itself from 10,000 data points on."""
    settings = {"max_iter": 5, "early_stopping": True, "random_state": 0}
    both = [
        HistGradientBoostingRegressor(loss=each, **settings).fit(DATA["x"], DATA["number"])
        for each in (lossary.sklearn.HistLoss(loss), loss)
    ]
    np.testing.assert_allclose(*(model.predict(DATA["x"]) for model in both), atol=1e-6)


def test_histogram_boosting_with_a_loss_that_it_has_not():
    both = lossary.Huber(delta=2.0) + 0.1 * lossary.MeanSquaredError()
    model = HistGradientBoostingRegressor(loss=lossary.sklearn.HistLoss(both), max_iter=20, early_stopping=False)
    model.fit(DATA["x"], DATA["number"])
    after, before = (
        both(DATA["number"], each)
        for each in (model.predict(DATA["x"]), np.full(400, both.best_constant(DATA["number"])))
    )
    assert float(after) < 0.7 * float(before)


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["reg:squarederror", "binary:logistic", "count:poisson", "multi:softprob"])
def test_a_round_of_xgboost_takes_about_as_long_as_its_own(name):
    rng = np.random.default_rng(0)
    loss, kind, _, told = XGBOOST[name]
    found = data(100_000)
    x = np.concatenate([found["x"], rng.normal(size=(100_000, 15)).astype("float32")], axis=1)
    matrix, objective = xgboost.QuantileDMatrix(x, found[kind], nthread=1), lossary.xgboost.objective(loss)
    params = {**ONE_THREAD, "objective": name, "base_score": 0.5, **told}

    def seconds(own: bool) -> float:
        begun = time.process_time()  # Of one thread, so that others on the machine count little.
        xgboost.train(params, matrix, 3, obj=objective if own else None)
        return time.process_time() - begun

    # Neighbours in time see the same machine; the median is not moved by one lucky or unlucky run of either.
    ratios = [seconds(own=True) / seconds(own=False) for _ in range(7)]
    assert statistics.median(ratios) <= 1.3, ratios
