"""The same losses under jax.grad and jax.jit: logistic regression by gradient descent."""

import jax
import jax.numpy as jnp

import lossary

key = jax.random.key(0)
x = jax.random.normal(key, (500, 2))
y = (x @ jnp.array([2.0, -1.0]) > 0).astype(jnp.float32)[:, None]


def objective(weights):
    return lossary.BinaryCrossentropy(from_logits=True)(y, x @ weights)


@jax.jit
def step(weights):
    return weights - 1.0 * jax.grad(objective)(weights)


weights = jnp.zeros((2, 1))
for _ in range(200):
    weights = step(weights)
accuracy = ((x @ weights > 0) == y).mean()
print(f"direction {weights[0, 0] / -weights[1, 0]:.2f} : -1 (true: 2 : -1), {accuracy:.1%} of the points on their side")
