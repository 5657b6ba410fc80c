"""XGBoost with losses of quantiles and counts: deliveries are promised late rather than early."""

import numpy as np
import xgboost

import lossary
import lossary.xgboost

rng = np.random.default_rng(0)
x = rng.uniform(size=(2000, 3))
y = 10 + 20 * x[:, 0] + rng.exponential(5.0, 2000)
train, test = xgboost.DMatrix(x[:1500], y[:1500]), xgboost.DMatrix(x[1500:], y[1500:])

# Nine of ten deliveries shall arrive as promised.
objective = lossary.xgboost.objective(lossary.Pinball(quantile=0.9))
print(objective)
params = {**objective.params(y[:1500]), "max_depth": 3, "eta": 0.3, "nthread": 1}
booster = xgboost.train(
    params, train, 60, obj=objective, custom_metric=lossary.xgboost.metric(objective.loss), evals=[(test, "test")],
    early_stopping_rounds=10, verbose_eval=False,
)  # fmt: skip
print(f"on time: {np.mean(y[1500:] <= booster.predict(test)):.3f}")

# Counts through a log link: predictions are rates, from the first tree on.
counts = rng.poisson(np.exp(2 * x[:, 0]))
objective = lossary.xgboost.objective("poisson")
matrix = xgboost.DMatrix(x, counts)
params = {**objective.params(counts), "max_depth": 3, "nthread": 1}
rates = xgboost.train(params, matrix, 30, obj=objective).predict(matrix)
print(f"mean count {counts.mean():.3f}, mean rate {rates.mean():.3f}")
