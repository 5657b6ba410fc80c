"""Two classes with JAX: a loss inside of jit and grad."""

import jax
import jax.numpy as jnp
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import lossary

x, y = load_breast_cancer(return_X_y=True)
x, x_test, y, y_test = map(jnp.asarray, train_test_split(scale(x), y[:, None], random_state=0))
loss = lossary.BinaryCrossentropy(from_logits=True)


@jax.jit
def step(weights):
    slope = jax.grad(lambda weights: loss(y, x @ weights))(weights)
    return weights - 0.3 * slope


weights = jnp.zeros((30, 1))
for _ in range(200):
    weights = step(weights)

scores = x_test @ weights
print(f"loss {loss(y_test, scores):.3f}, accuracy {((scores > 0) == y_test).mean():.3f}")
