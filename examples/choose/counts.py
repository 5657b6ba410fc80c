"""How often 20,190 people saw a doctor in a year: rates by the Poisson loss, and how far counts scatter."""

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import train_test_split
from statsmodels.datasets import randhie

import lossary

data = randhie.load_pandas().data
visits, facts = data["mdvis"].to_numpy(), data.drop(columns="mdvis").to_numpy()
facts = np.column_stack([np.ones(len(facts)), (facts - facts.mean(0)) / facts.std(0)])
x, x_test, y, y_test = train_test_split(facts, visits, random_state=0)


def fitted(loss, rate=np.exp, slope_of_rate=np.exp):
    """The weights whose loss is the smallest."""
    both = lossary.value_and_grad(loss)

    def objective(weights):
        value, slope = both(y, rate(x @ weights))
        return float(value), x.T @ (slope * slope_of_rate(x @ weights))

    return minimize(objective, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


advice = lossary.suggest(visits, goal="counts")
print(f"advice: {advice.loss}, {advice.units} unit, {advice.activation}, and perhaps {list(advice.alternatives)[-1]}")
deviance = lossary.TweedieDeviance(power=1.0)  # twice how much the Poisson loss lies above its minimum
rates = np.exp(x_test @ fitted("poisson"))
line = x_test @ fitted("mean_squared_error", lambda score: score, np.ones_like)
print(f"poisson, exp    deviance {deviance(y_test, rates):.3f}, smallest rate {rates.min():.2f}")
print(f"squared, linear deviance {deviance(y_test, line):.3f}, smallest rate {line.min():.2f}")
print(f"nothing known   deviance {deviance(y_test, np.full(len(y_test), y.mean())):.3f}")
print(f"variance {visits.var():.1f}, mean {visits.mean():.1f}: more than Poisson's law allows")
