"""Ten classes with Keras: handwritten digits with integer labels, saved and loaded again with the loss."""

import tempfile
from pathlib import Path

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from lossary.keras import Sequential

digits = load_digits()
x, x_test, y, y_test = train_test_split(digits.data / 16, digits.target, random_state=0)

keras.utils.set_random_seed(0)
hidden = keras.layers.Dense(64, activation="relu")
model = Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.SGD(0.05), metrics=["accuracy"])
model.fit(x, y, epochs=30, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.keras"
    model.save(path)
    loaded = keras.models.load_model(path)

_, accuracy = loaded.evaluate(x_test, y_test, verbose=0)
print(f"{accuracy:.1%} of {len(y_test)} unseen digits read, by a loaded model with the loss {loaded.loss}")
