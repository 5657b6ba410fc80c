"""How long 69 patients lived with a new heart: 24 of them were alive when the study ended."""

import numpy as np
from scipy.optimize import minimize
from statsmodels.datasets import heart
from statsmodels.duration.survfunc import SurvfuncRight

import lossary

data = heart.load_pandas().data
days, died = data["survival"].to_numpy(), data["censors"].to_numpy() == 1


def median(lower, upper):
    """The median of the log-normal times that are the most likely, of bounds between which each lies."""

    def objective(weights):
        loss = lossary.AFTNLL(distribution="normal", sigma=float(np.exp(weights[1])))
        return float(loss((lower, upper), np.full(len(lower), weights[0])))

    return float(np.exp(minimize(objective, [5.0, 0.0], method="Nelder-Mead").x[0]))


medians = {
    "censored: 'longer than'": median(days, np.where(died, days, np.inf)),
    "as if all had died": median(days, days),
    "those alive left out": median(days[died], days[died]),
}
for name, value in medians.items():
    print(f"{name:<24} half of the patients live longer than {value:.0f} days")
seen = SurvfuncRight(days, died)
print(f"{'Kaplan and Meier':<24} {seen.quantile(0.5):.0f} days, from the counts alone")
