"""The same losses in a PyTensor graph: a compiled function of loss and gradient, for a robust line."""

import numpy as np
import pytensor
import pytensor.tensor as pt

import lossary

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=(200, 1))
y = 3 * x + 0.05 * rng.normal(size=(200, 1))
y[::10] += 5.0  # one point in ten is far off

slope = pt.dscalar("slope")
value = lossary.LogCosh()(pt.constant(y), slope * pt.constant(x))
step = pytensor.function([slope], [value, pytensor.grad(value, slope)], mode="FAST_COMPILE")

found = 0.0
for _ in range(100):
    loss, gradient = step(found)
    found -= 1.0 * float(gradient)
print(f"slope {found:.2f} (true: 3.00), mean log cosh {float(loss):.3f}")
