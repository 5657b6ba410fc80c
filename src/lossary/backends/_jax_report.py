"""JAX: a callback that runs only where a value lies outside its set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from ..looks.faults import Look, Site
from ._base import Array


def report_later(poison: Array, looks: Sequence[Look], site: Site) -> Array:
    """The poison as it is; the report is an effect of the program, in every transformation."""
    shapes = [look.wrong.shape for look in looks]
    pairs = [(jax.lax.stop_gradient(look.values), look.wrong) for look in looks]
    _reporter(partial(site.tell, shapes))(pairs)
    return poison


def _reporter(tell: Callable[[Any, Any], None]) -> Callable[..., None]:
    def faulty(pairs: Any) -> None:
        positions = [jnp.where(jnp.any(wrong), jnp.argmax(wrong), -1) for _, wrong in pairs]
        values = [jnp.ravel(x)[jnp.argmax(wrong)] for x, wrong in pairs]
        jax.debug.callback(tell, positions, values)

    @custom_vmap
    def report(pairs: Any) -> None:
        anything = jnp.any(jnp.stack([jnp.any(wrong) for _, wrong in pairs]))
        jax.lax.cond(anything, faulty, lambda _: None, pairs)

    # Batched as it is, a `cond` would run both branches: the callback for every example, faulty or not.
    @report.def_vmap
    def _(size: int, batched: Any, pairs: Any) -> tuple[None, None]:
        full = jax.tree.map(lambda x, is_batched: x if is_batched else jnp.stack([x] * size), pairs, *batched)
        marks = jnp.stack([jnp.any(wrong.reshape(size, -1), axis=1) for _, wrong in full])
        first = jnp.argmax(jnp.any(marks, axis=0))
        report(jax.tree.map(lambda x: x[first], full))
        return None, None

    return cast(Callable[..., None], report)
