"""Two classes with XGBoost: trees grown for a loss."""

import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import lossary.xgboost

x, y = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = train_test_split(x, y, random_state=0)

objective = lossary.xgboost.objective("binary_crossentropy")
params = {**objective.params(y), "max_depth": 3, "nthread": 1}
booster = xgboost.train(params, xgboost.DMatrix(x, y), 30, obj=objective)

probabilities = booster.predict(xgboost.DMatrix(x_test))
print(f"loss {objective.loss(y_test, probabilities):.3f}, accuracy {((probabilities > 0.5) == y_test).mean():.3f}")
