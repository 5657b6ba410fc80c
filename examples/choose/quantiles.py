"""What 235 households spend on food, by income: five quantiles, each a line."""

import numpy as np
from scipy.optimize import minimize
from statsmodels.datasets import engel

import lossary

data = engel.load_pandas().data
income, food = data["income"].to_numpy() / 1000, data["foodexp"].to_numpy() / 1000
levels = (0.05, 0.25, 0.5, 0.75, 0.95)


def line(loss):
    """Offset and slope of the line whose loss is the smallest; the loss has corners, so no slopes are asked for."""
    value = lambda weights: float(loss(food, weights[0] + weights[1] * income))  # noqa: E731
    return minimize(value, [0.1, 0.5], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x


lines = {level: line(lossary.Pinball(quantile=level)) for level in levels}
for level, (offset, slope) in lines.items():
    below = np.mean(food <= offset + slope * income)
    print(f"quantile {level:<4}  food = {offset:.3f} + {slope:.3f} income, {below:.1%} of the households lie below")
offset, slope = line(lossary.MeanSquaredError())
print(f"mean           food = {offset:.3f} + {slope:.3f} income")
