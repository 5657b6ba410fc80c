"""Two classes with Keras: a loss by its name."""

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from lossary.keras import Sequential

x, y = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = train_test_split(scale(x), y, random_state=0)

keras.utils.set_random_seed(0)
model = Sequential([keras.Input((30,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.05), metrics=["accuracy"])
model.fit(x, y, epochs=20, verbose=0)

value, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"loss {value:.3f}, accuracy {accuracy:.3f}")
