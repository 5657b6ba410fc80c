"""A loop of JAX and optax with losses under optax's names; the mean of batches of any size at the end."""

import jax
import jax.numpy as jnp
import optax

import lossary
import lossary.optax

x = jax.random.normal(jax.random.key(0), (300, 2))
y = (x @ jnp.array([2.0, -1.0]) > 0).astype(jnp.int32)
optimizer = optax.adam(0.1)


def objective(weights, x, y):
    return lossary.optax.softmax_cross_entropy_with_integer_labels(x @ weights, y).mean()


@jax.jit
def step(weights, state):
    change, state = optimizer.update(jax.grad(objective)(weights, x, y), state)
    return optax.apply_updates(weights, change), state


weights = jnp.zeros((2, 2))
state = optimizer.init(weights)
for _ in range(100):
    weights, state = step(weights, state)
accuracy = ((x @ weights).argmax(1) == y).mean()

loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
total = jax.jit(lambda y, x: loss.total(y, x @ weights))
parts = [slice(0, 128), slice(128, 256), slice(256, 300)]
mean = sum(total(y[rows], x[rows]) for rows in parts).mean()
print(f"{accuracy:.1%} of the points on their side")
print(f"mean loss {mean:.4f} of three batches, {objective(weights, x, y):.4f} of one")
