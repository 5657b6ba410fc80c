"""Features and targets for boosters, and how their hosts are told to be quiet."""

from __future__ import annotations

import numpy as np

ONE_THREAD = {"nthread": 1, "verbosity": 0}
QUIET = {"num_threads": 1, "verbose": -1}


def data(points: int = 400) -> dict[str, np.ndarray]:
    """Features, and targets of every kind that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(points, 5)).astype("float32")
    f = x[:, 0] + np.sin(2 * x[:, 1]) + 0.5 * x[:, 2] * x[:, 3]
    return {
        "x": x,
        "number": f + rng.standard_t(2, size=points),
        "bit": (f + rng.logistic(size=points) > 0).astype(float),
        "count": rng.poisson(np.exp(0.5 * f)).astype(float),
        "positive": np.exp(0.5 * f) * rng.gamma(2.0, 0.5, points),
        # Far enough from 0 that no prediction is clipped, which the host does at -1 and the loss at 0.
        "large": 3.0 + np.exp(0.5 * f) * rng.gamma(2.0, 0.5, points),
        "class": np.argmax(np.stack([f, x[:, 3], x[:, 4]], 1) + rng.gumbel(size=(points, 3)), 1).astype(float),
        "weight": rng.uniform(0.5, 2.0, points),
    }


DATA = data()
CLASSES = "sparse_categorical_crossentropy"
