"""LightGBM with a robust loss and a start of its own: one target in twenty is far off, and the trees do not mind."""

import lightgbm
import numpy as np

import lossary
import lossary.lightgbm

rng = np.random.default_rng(0)
x = rng.uniform(size=(2000, 3))
clean = 10 * x[:, 0]
y = clean + rng.normal(size=2000)
y[::20] += 500


def error_of(loss):
    """How far predictions are from what would be without the outliers."""
    objective = lossary.lightgbm.objective(loss)
    start = objective.init_score(y)
    dataset = lightgbm.Dataset(x, y, init_score=start)
    settings = {"objective": objective, "num_leaves": 7, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, dataset, 60, feval=lossary.lightgbm.metric(loss))
    predictions = objective.inverse_link(start[0] + booster.predict(x, raw_score=True))
    return np.abs(predictions - clean).mean()


print(f"squared {error_of('mse'):.2f}, huber {error_of('huber'):.2f}")
