"""A loss of your own: written once as a formula, used on NumPy with its gradient, in a config, and in Keras."""

import keras
import numpy as np

import lossary
from lossary.keras import Sequential


@lossary.loss
def waiting(y_true, y_pred, *, quantile=0.5):
    """Too short a promise costs the share quantile of what was waited longer, too long a promise the rest of it."""
    error = y_true - y_pred
    return lossary.words.mean(lossary.words.maximum(quantile * error, (quantile - 1) * error))


ninth = lossary.get("waiting", quantile=0.9)
value, gradient = lossary.value_and_grad(ninth)(np.array([[1.0], [2.0]]), np.array([[0.0], [4.0]]))
print(
    f"value {value:.2f}, gradient {gradient[:, 0].round(2)}, again from its config: {lossary.get(ninth.get_config())}"
)

waits = np.random.default_rng(0).exponential(size=(4096, 1))
model = Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(loss=ninth, optimizer=keras.optimizers.SGD(0.05))
model.fit(np.zeros_like(waits), waits, epochs=8, verbose=0)
found = float(model.predict(np.zeros((1, 1)), verbose=0)[0, 0])
print(f"nine waits in ten are shorter than {found:.2f} (of these points: {np.quantile(waits, 0.9):.2f})")
