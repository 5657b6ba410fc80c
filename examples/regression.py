"""Regression with Keras: a straight line through noisy points, by mean squared error."""

import keras
import numpy as np

from lossary.keras import Sequential

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=(256, 1))
y = 3 * x[:, 0] - 1 + rng.normal(scale=0.1, size=256)

keras.utils.set_random_seed(0)
model = Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(loss="mean_squared_error", optimizer=keras.optimizers.SGD(0.1))
history = model.fit(x, y, epochs=20, verbose=0)

slope, offset = (float(weights.squeeze()) for weights in model.get_weights())
print(f"the line behind the points: y = 3.00 x - 1.00, found: y = {slope:.2f} x {offset:+.2f}")
print(f"mean squared error {history.history['loss'][0]:.3f} -> {history.history['loss'][-1]:.3f} (the noise has 0.010)")
