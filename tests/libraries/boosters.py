"""Objectives of boosters, read off the leaves of one tree that gives every row its own, and their metrics."""

from __future__ import annotations

from typing import Any

import catboost
import catboost.utils
import lightgbm
import numpy as np
import xgboost

from peer import Peer

ROWS = np.arange(8.0)[:, None]
PAIR = ROWS[:2]


def labels(rng: np.random.Generator, drawn: Any) -> Any:
    """Every class."""
    return np.arange(8) % 5, drawn[1]


def spread(rng: np.random.Generator, drawn: Any) -> Any:
    """Every class, by scores that are not much alike, lest rows stay in one leaf."""
    return np.arange(8) % 5, rng.uniform(-1.0, 1.0, (8, 5))


def scores(rng: np.random.Generator, drawn: Any) -> Any:
    return drawn[0] + 0.5, rng.uniform(-2.0, 2.0, drawn[1].shape)


def of_pairs(fit: Any) -> Any:
    """Derivatives of pairs of rows that one split tells apart: minus the step of a leaf times its second derivative.

    ``fit`` gives the leaves of rows and their steps and weights; rows alike stay in one leaf.
    """

    def slopes(y: Any, z: Any) -> Any:
        found = []
        for at in range(0, len(z), 2):
            leaves, products = fit(y[at : at + 2].reshape(-1), z[at : at + 2], y.reshape(-1))
            together = 1 + (leaves[0] == leaves[1])
            found += [[products[tree, leaf] for tree, leaf in enumerate(row)] / together for row in leaves]
        return np.array(found)

    return slopes


def sides(rng: np.random.Generator, drawn: Any) -> Any:
    """Pairs on one side of the hinge: there is no second derivative on the other, and nothing to split."""
    return drawn[0], drawn[0] * np.array([[0.5], [0.2], [-0.3], [-7.0], [2.0], [3.0], [1.5], [4.0]])


def xgboost_slopes(objective: str, **options: Any) -> Any:
    def fit(y: Any, z: Any, labels: Any) -> Any:
        known = {"objective": objective, "tree_method": "exact", "reg_lambda": 0.0, "min_child_weight": 0.0}
        data = xgboost.DMatrix(PAIR, label=y, base_margin=z, weight=[1e6, 1e6])  # Lest a gain be too small for it.
        booster = xgboost.train({**known, "learning_rate": 1.0, **_common(z), **options}, data, 1)
        nodes = booster.trees_to_dataframe().set_index(["Tree", "Node"])
        return booster.predict(data, pred_leaf=True).reshape(2, -1).astype(int), -nodes["Gain"] * nodes["Cover"] / 1e6

    return of_pairs(fit)


def lightgbm_slopes(objective: str, **options: Any) -> Any:
    def fit(y: Any, z: Any, labels: Any) -> Any:
        known = {"objective": objective, "min_data_in_leaf": 1, "boost_from_average": False}
        # It finds no split between two rows alone, and no tree for a class that it does not see.
        y, z, x = (np.repeat(of, 20, axis=0) for of in (y, z, PAIR))
        y, z = np.concatenate([y, labels]), np.concatenate([z, np.zeros((len(labels), z.shape[1]))])
        x = np.concatenate([x, np.full((len(labels), 1), 2.0)])
        data = lightgbm.Dataset(x, y, init_score=z.reshape(-1, order="F"))
        booster = lightgbm.train({**known, "verbosity": -1, "learning_rate": 1.0, **_common(z), **options}, data, 1)
        nodes = booster.trees_to_dataframe().set_index(["tree_index", "node_index"])
        products = {
            (tree, int(node.partition("L")[2])): -row["value"] * row["weight"] / 20
            for (tree, node), row in nodes.iterrows()
            if "L" in node
        }
        return booster.predict(PAIR, pred_leaf=True).reshape(2, -1), products

    return of_pairs(fit)


def _common(z: Any) -> dict[str, Any]:
    classes = {"num_class": z.shape[1]} if z.shape[1] > 1 else {}
    return {"verbosity": 0, "nthread": 1, "base_score": 0.5, **classes}


def own(loss: Any, *arrays: Any) -> Any:
    return loss.replaced(reduction="sum").value_and_grad(*arrays)[1]


def tree(slopes: Any, ours: Any = own, **options: Any) -> Peer:
    """Derivatives of one output's loss; boosters' floats are single."""
    known = {"shape": (8, 1), "arrays": "numpy", "rtol": 2e-5, **options}
    return Peer(slopes, ours, **known)


def xgboost_metric(metric: str, objective: str = "reg:squarederror", **options: Any) -> Any:
    def value(y: Any, p: Any) -> Any:
        data = xgboost.DMatrix(ROWS, label=y.reshape(-1), base_margin=p)
        known = {"objective": objective, "base_score": 0.5, "eval_metric": metric, "learning_rate": 1e-30, **options}
        if p.shape[1] > 1:
            known["num_class"] = p.shape[1]
        return float(xgboost.train(known, data, 1).eval(data).split(":")[-1])

    return value


def aft(y: Any, p: Any) -> Any:
    data = xgboost.DMatrix(ROWS, base_margin=p)
    data.set_float_info("label_lower_bound", y[..., 0].reshape(-1))
    data.set_float_info("label_upper_bound", y[..., 1].reshape(-1))
    known = {"objective": "survival:aft", "eval_metric": "aft-nloglik", "learning_rate": 1e-30, "nthread": 1}
    return float(xgboost.train(known, data, 1).eval(data).split(":")[-1])


def lightgbm_metric(metric: str, objective: str = "regression", **options: Any) -> Any:
    def value(y: Any, p: Any) -> Any:
        data = lightgbm.Dataset(ROWS, y.reshape(-1), init_score=p.reshape(-1, order="F"))
        known = {"objective": objective, "metric": metric, "learning_rate": 1e-30, "verbose": -1, **options}
        if p.shape[1] > 1:
            known["num_class"] = p.shape[1]
        seen: dict[str, Any] = {}
        known["boost_from_average"] = False
        lightgbm.train(known, data, 1, valid_sets=[data], callbacks=[lightgbm.record_evaluation(seen)])
        return next(iter(seen["training"].values()))[0]

    return value


def catboost_metric(metric: str, *, columns: bool = False, **options: Any) -> Any:
    def value(y: Any, p: Any) -> Any:
        label, approx = (y, p) if columns else (y.reshape(-1), p.reshape(-1))
        return catboost.utils.eval_metric(label, approx, metric, thread_count=1, **options)[0]

    return value


def catboost_aft(y: Any, z: Any) -> Any:
    """Its metric of that name is another; a leaf's step is minus the slope of its row here."""
    found = []
    for bounds, raw in zip(np.where(np.isinf(y), -1.0, y)[:, 0], z, strict=True):
        data = catboost.Pool(PAIR, np.stack([bounds, [1.0, 2.0]]), baseline=np.stack([raw, raw]))
        known = {"leaf_estimation_method": "Gradient", "l2_leaf_reg": 0.0, "learning_rate": 1.0, "depth": 1}
        known |= {"iterations": 1, "thread_count": 1, "allow_writing_files": False}
        model = catboost.CatBoost({"loss_function": "SurvivalAft", **known})
        model.fit(data, verbose=False)
        found.append(-model.predict(PAIR)[:1])
    return np.array(found)


def metric(function: Any, ours: Any = None, **options: Any) -> Peer:
    return Peer(
        lambda *arrays: np.asarray(function(*arrays)),
        ours,
        **{"shape": (8, 1), "arrays": "numpy", "rtol": 2e-5, **options},
    )


ALPHA = {"alpha": 0.3}
PEERS = {
    "xgboost.binary:logistic": tree(xgboost_slopes("binary:logistic")),
    "xgboost.binary:logitraw": tree(xgboost_slopes("binary:logitraw")),
    "xgboost.reg:logistic": tree(xgboost_slopes("reg:logistic")),
    "xgboost.binary:hinge": tree(lambda y, z: xgboost_slopes("binary:hinge")((y + 1) / 2, z), draw=sides),
    "xgboost.count:poisson": tree(xgboost_slopes("count:poisson", max_delta_step=0.0), draw=scores),
    "xgboost.reg:gamma": tree(xgboost_slopes("reg:gamma"), draw=scores),
    "xgboost.reg:tweedie": tree(xgboost_slopes("reg:tweedie"), draw=scores),
    "xgboost.reg:squarederror": tree(xgboost_slopes("reg:squarederror")),
    "xgboost.reg:squaredlogerror": tree(
        xgboost_slopes("reg:squaredlogerror"), draw=lambda rng, drawn: (drawn[0], np.abs(drawn[1]))
    ),
    "xgboost.reg:pseudohubererror": tree(
        xgboost_slopes("reg:pseudohubererror", huber_slope=2.0), settings={"slope": 2.0}
    ),
    "xgboost.multi:softmax": tree(xgboost_slopes("multi:softmax"), shape=(8, 5), draw=spread),
    "xgboost.multi:softprob": tree(xgboost_slopes("multi:softprob"), shape=(8, 5), draw=spread),
    "xgboost.reg:absoluteerror": metric(xgboost_metric("mae", "reg:absoluteerror")),
    "xgboost.reg:quantileerror": metric(
        xgboost_metric("quantile", "reg:quantileerror", quantile_alpha=0.3), settings=ALPHA
    ),
    "xgboost.survival:aft": metric(aft),
    "xgboost.rmse": metric(xgboost_metric("rmse"), lambda loss, y, p: np.sqrt(loss(y, p))),
    "xgboost.mlogloss": metric(
        lambda y, p: xgboost_metric("mlogloss", "multi:softprob")(y, np.log(p)), shape=(8, 5), draw=labels
    ),
    "xgboost.gamma-deviance": metric(lambda y, p: xgboost_metric("gamma-deviance", "reg:gamma")(y, np.log(p))),
    "lightgbm.binary": tree(lightgbm_slopes("binary")),
    "lightgbm.cross_entropy": tree(lightgbm_slopes("cross_entropy")),
    "lightgbm.xentropy": tree(lightgbm_slopes("xentropy")),
    "lightgbm.fair": tree(lightgbm_slopes("fair")),
    "lightgbm.gamma": tree(lightgbm_slopes("gamma"), draw=scores),
    "lightgbm.poisson": tree(lightgbm_slopes("poisson"), draw=scores),
    "lightgbm.tweedie": tree(lightgbm_slopes("tweedie"), draw=scores),
    "lightgbm.regression": tree(lightgbm_slopes("regression")),
    "lightgbm.regression_l2": tree(lightgbm_slopes("regression_l2")),
    **{
        f"lightgbm.{name}": tree(lightgbm_slopes(name), shape=(8, 5), draw=spread)
        for name in (
            "multiclass",
            "softmax",
            "multiclassova",
            "multiclass_ova",
            "ova",
            "ovr",
        )
    },
    "lightgbm.huber": metric(lightgbm_metric("huber")),
    "lightgbm.l2": metric(lightgbm_metric("l2")),
    "lightgbm.mape": metric(lightgbm_metric("mape")),
    "lightgbm.quantile": metric(lightgbm_metric("quantile")),
    "lightgbm.regression_l1": metric(lightgbm_metric("l1", "regression_l1")),
    "lightgbm.gamma_deviance": metric(lambda y, p: lightgbm_metric("gamma_deviance", "gamma")(y, np.log(p)) / 8),
    "lightgbm.binary_logloss": metric(lambda y, p: lightgbm_metric("binary_logloss", "binary")(y, np.log(p / (1 - p)))),
    "lightgbm.multi_logloss": metric(
        lambda y, p: lightgbm_metric("multi_logloss", "multiclass")(y, np.log(p)), shape=(8, 5), draw=labels
    ),
    "lightgbm.cross_entropy_lambda": metric(
        lambda y, z, w: lightgbm_metric("cross_entropy_lambda", "cross_entropy_lambda")(y, z),
        draw=lambda rng, drawn: (drawn[0], drawn[1], np.ones_like(drawn[1])),
    ),
    "catboost.Expectile": metric(catboost_metric("Expectile:alpha=0.3"), settings=ALPHA),
    "catboost.Huber": metric(catboost_metric("Huber:delta=2.0"), settings={"slope": 2.0}),
    "catboost.LogCosh": metric(catboost_metric("LogCosh")),
    "catboost.MAE": metric(catboost_metric("MAE")),
    "catboost.MAPE": metric(catboost_metric("MAPE")),
    "catboost.Poisson": metric(catboost_metric("Poisson")),
    "catboost.Logloss": metric(catboost_metric("Logloss")),
    "catboost.CrossEntropy": metric(catboost_metric("CrossEntropy")),
    "catboost.MultiClass": metric(catboost_metric("MultiClass", columns=True), shape=(8, 5), draw=labels),
    "catboost.MultiLogloss": metric(catboost_metric("MultiLogloss", columns=True), shape=(8, 3)),
    "catboost.MultiCrossEntropy": metric(catboost_metric("MultiCrossEntropy", columns=True), shape=(8, 3)),
    "catboost.Focal": metric(catboost_metric("Focal:focal_alpha=0.3;focal_gamma=2.0"), settings=ALPHA),
    "catboost.MultiClassOneVsAll": metric(
        catboost_metric("MultiClassOneVsAll", columns=True),
        lambda loss, y, z: loss(y, z) / 5,
        shape=(8, 5),
        draw=labels,
    ),
    "catboost.Quantile": metric(catboost_metric("Quantile:alpha=0.3"), settings=ALPHA),
    "catboost.QuerySoftMax": metric(
        catboost_metric("QuerySoftMax", group_id=np.repeat(np.arange(8), 5)),
        lambda loss, y, z: loss(y, z) / y.sum(),
        shape=(8, 5),
    ),
    "catboost.RMSE": metric(catboost_metric("RMSE"), lambda loss, y, p: np.sqrt(loss(y, p))),
    "catboost.RMSEWithUncertainty": metric(
        lambda y, p: catboost_metric("RMSEWithUncertainty", columns=True)(
            y[:, 0], np.stack([p[:, 0, 0], np.log(p[:, 0, 1]) / 2], -1)
        )
    ),
    "catboost.SMAPE": metric(catboost_metric("SMAPE")),
    "catboost.SurvivalAft": tree(
        catboost_aft, draw=lambda rng, drawn: (drawn[0] + [[[0.1, 0.2]]], drawn[1]), rtol=2e-4
    ),
    "catboost.Tweedie": metric(
        catboost_metric("Tweedie:variance_power=1.5"),
        lambda loss, y, z: loss(y, z) + 4 * np.sqrt(y).mean(),
        draw=scores,
    ),
}
