"""Is this digit an eight? One in ten is: what a weight of the rare class changes, and what it does not."""

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

import lossary

images, digits = load_digits(return_X_y=True)
eight = (digits == 8).astype(float)
columns = np.column_stack([images / 16, np.ones(len(images))])
x, x_test, y, y_test = train_test_split(columns, eight, test_size=0.5, random_state=0, stratify=eight)


def scores(loss):
    """Of the linear model whose loss, with a small penalty on its weights, is the smallest."""
    both = lossary.value_and_grad(loss)

    def objective(weights):
        value, slope = both(y, x @ weights)
        return float(value) + 0.001 * weights @ weights, x.T @ slope + 0.002 * weights

    return x_test @ minimize(objective, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


advice = lossary.suggest(eight)
print(f"advice: {advice.loss}, metric {advice.metric}; {advice.reasons[-1].split('; ')[0]}")
for weight in (1.0, 8.8):
    found = scores(lossary.BinaryCrossentropy(from_logits=True, pos_weight=weight))
    said, rank = found > 0, roc_auc_score(y_test, found)
    print(
        f"pos_weight {weight}: finds {said[y_test == 1].mean():.0%} of the eights, and of what it calls eights "
        f"{y_test[said].mean():.0%} are; mean probability {(1 / (1 + np.exp(-found))).mean():.3f} "
        f"(true {y_test.mean():.3f}), AUC {rank:.3f}"
    )
