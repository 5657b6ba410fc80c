"""scikit-learn: models compared by a loss, and trees grown for it."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

import lossary
import lossary.sklearn

rng = np.random.default_rng(0)
x = rng.normal(size=(600, 3))
species = np.array(["crow", "finch", "owl"])[np.digitize(x[:, 0] + 0.5 * rng.normal(size=600), [-0.5, 0.5])]

scorer = lossary.sklearn.scorer("sparse_categorical_crossentropy")
scores = cross_val_score(LogisticRegression(), x, species, scoring=scorer)
print(f"minus the cross-entropy: {scores.mean():.3f}")

y = 3 * x[:, 0] + rng.standard_t(2, size=600)
loss = lossary.LogCosh()
model = HistGradientBoostingRegressor(loss=lossary.sklearn.HistLoss(loss), max_iter=30).fit(x, y)
best = np.full(600, loss.best_constant(y))
print(f"log-cosh {float(loss(y, model.predict(x))):.3f}, of the best constant {float(loss(y, best)):.3f}")
