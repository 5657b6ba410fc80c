"""Tumours, benign or not: what scores of a linear model tell under three losses."""

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import lossary

x, y = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = train_test_split(np.column_stack([scale(x), np.ones(len(x))]), y, test_size=0.5, random_state=0)


def fitted(loss, targets):
    """The weights whose loss, with a small penalty on their squares, is the smallest."""
    both = lossary.value_and_grad(loss)

    def objective(weights):
        value, slope = both(targets, x @ weights)
        return float(value) + 0.001 * weights @ weights, x.T @ slope + 0.002 * weights

    return minimize(objective, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


advice = lossary.suggest(y)
print(f"advice: {advice.loss}, {advice.units} unit, {advice.activation}")
crossentropy = lossary.BinaryCrossentropy(from_logits=True)
signs = 2 * y - 1
trained = {
    "binary_crossentropy": x_test @ fitted(crossentropy, y),
    "squared_hinge": x_test @ fitted("squared_hinge", signs),
    "hinge": x_test @ fitted("hinge", signs),
}
for name, scores in trained.items():
    right = np.mean((scores > 0) == y_test)
    print(f"{name:<20} {right:.1%} right; cross-entropy of its scores {crossentropy(y_test, scores):.3f}")
