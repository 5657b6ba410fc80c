"""Two devices of JAX: prints what a mean over both is, with totals and with means of each."""

from __future__ import annotations

import json
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import lossary

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)).astype("float32"), rng.integers(0, 4, 8)
MASK = np.asarray([True, True, True, True, True, False, False, False])
WEIGHTS = rng.normal(size=(3, 4)).astype("float32")
LOSS = lossary.SparseCategoricalCrossentropy(from_logits=True)
MESH = jax.make_mesh((2,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
ROWS = PartitionSpec("batch")


def whole(weights):
    return LOSS(Y, X @ weights, where=MASK)


def shared(reduce):
    def local(weights, x, y, mask):
        return reduce(y, x @ weights, mask)

    return jax.shard_map(local, mesh=MESH, in_specs=(PartitionSpec(), ROWS, ROWS, ROWS), out_specs=PartitionSpec())


def exact(y, scores, mask):
    return LOSS.total(y, scores, where=mask).psum("batch").mean()


def of_means(y, scores, mask):
    return jax.lax.pmean(LOSS(y, scores, where=mask), "batch")


def inside(weights, x, y, mask):
    """A step that differentiates on each device, as most training loops do."""
    return jax.value_and_grad(lambda w: exact(y, x @ w, mask))(weights)


right, slopes = jax.value_and_grad(whole)(WEIGHTS)
found, gradient = jax.jit(jax.value_and_grad(shared(exact)))(WEIGHTS, X, Y, MASK)
specs = {"in_specs": (PartitionSpec(), ROWS, ROWS, ROWS), "out_specs": (PartitionSpec(), PartitionSpec())}
stepped, its = jax.jit(jax.shard_map(inside, mesh=MESH, **specs))(WEIGHTS, X, Y, MASK)
spread = [jax.device_put(x, NamedSharding(MESH, ROWS)) for x in (Y, X @ WEIGHTS, MASK)]
print(
    json.dumps(
        {
            "right": float(right),
            "exact": float(found),
            "gradient": float(jnp.abs(gradient - slopes).max()),
            "stepped": float(stepped),
            "its": float(jnp.abs(its - slopes).max()),
            "means": float(shared(of_means)(WEIGHTS, X, Y, MASK)),
            "compiled": float(jax.jit(lambda y, p, m: LOSS(y, p, where=m))(*spread)),
        }
    )
)
