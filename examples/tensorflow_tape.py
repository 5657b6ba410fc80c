"""The same losses under tf.GradientTape and tf.function: rates of counts by the Poisson loss."""

import numpy as np
import tensorflow as tf

import lossary

rng = np.random.default_rng(0)
inputs = rng.uniform(0, 1, size=(2000, 1))
x = tf.constant(inputs, tf.float32)
y = tf.constant(rng.poisson(np.exp(2 * inputs + 0.5)), tf.float32)
slope, offset = tf.Variable(0.0), tf.Variable(0.0)
loss = lossary.Poisson()


@tf.function
def step():
    with tf.GradientTape() as tape:
        value = loss(y, tf.exp(slope * x + offset))
    for variable, gradient in zip((slope, offset), tape.gradient(value, (slope, offset)), strict=True):
        variable.assign_sub(0.2 * gradient)


for _ in range(500):
    step()
print(f"log rate = {slope.numpy():.2f} x {offset.numpy():+.2f}  (true: 2.00 x +0.50)")
