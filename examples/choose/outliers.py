"""Murders and poverty in the states of the USA: one of 51 points, the capital, is far off."""

import numpy as np
from scipy.optimize import minimize
from statsmodels.datasets import statecrime

import lossary

data = statecrime.load_pandas().data
poverty, murders = data["poverty"].to_numpy(), data["murder"].to_numpy()


def line(loss, x, y):
    """Offset and slope of the line whose loss is the smallest."""
    both, columns = lossary.value_and_grad(loss), np.stack([np.ones_like(x), x], axis=1)

    def objective(weights):
        value, slope = both(y, columns @ weights)
        return float(value), columns.T @ slope

    return minimize(objective, np.zeros(2), jac=True, method="L-BFGS-B").x


lines = {"squared error": line("mean_squared_error", poverty, murders)}
offset, slope = lines["squared error"]
advice = lossary.suggest(murders - offset - slope * poverty)  # what the first line leaves over
print(f"advice: {advice.loss}, {advice.units} unit, {advice.activation}")
lines["Huber"] = line(advice.loss, poverty, murders)
others = murders < 20
lines["squared error without the capital"] = line("mean_squared_error", poverty[others], murders[others])
for name, (offset, slope) in lines.items():
    print(f"{name:<34} {slope:.2f} murders more per point of poverty, {offset + 12 * slope:.2f} at 12 points")
