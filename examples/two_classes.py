"""Two classes with Keras: tumours from scikit-learn's breast cancer data, by a configured binary crossentropy."""

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossary
from lossary.keras import Sequential

data = load_breast_cancer()
x, x_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
scaler = StandardScaler().fit(x)

keras.utils.set_random_seed(0)
model = Sequential([keras.Input((30,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
# The last layer gives raw scores, so the loss is told; 0 is where the two classes part.
model.compile(
    loss=lossary.BinaryCrossentropy(from_logits=True, label_smoothing=0.05),
    optimizer=keras.optimizers.SGD(0.1),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)
model.fit(scaler.transform(x), y, epochs=30, verbose=0)
_, accuracy = model.evaluate(scaler.transform(x_test), y_test, verbose=0)
print(f"{accuracy:.1%} of {len(y_test)} unseen tumours told apart")
