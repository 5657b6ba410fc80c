"""CatBoost with the focal loss: an objective and the metric that goes with it."""

import catboost
import numpy as np

import lossary.catboost

rng = np.random.default_rng(0)
x = rng.normal(size=(1000, 3))
y = (x[:, 0] + 0.3 * rng.logistic(size=1000) > 0.5).astype(int)

objective = lossary.catboost.Objective("binary_focal_crossentropy")
model = catboost.CatBoost(
    {
        "loss_function": objective, "eval_metric": lossary.catboost.Metric(objective.loss), "iterations": 30,
        "depth": 3, "verbose": False, "thread_count": 1, "allow_writing_files": False,
    }
)  # fmt: skip
model.fit(x, y)
probabilities = objective.inverse_link(model.predict(x, prediction_type="RawFormulaVal"))
print(f"accuracy {100 * np.mean((probabilities > 0.5) == y):.1f}, at least {100 * np.mean(y == 0):.1f}")
