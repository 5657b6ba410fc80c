"""Losses in JAX's trees: parameters that are arrays are leaves, everything else is static."""

from __future__ import annotations

from typing import Any

import jax

from ..objects.loss import Loss


def register(kind: type[Loss]) -> None:
    """Lets objects of exactly this class be arguments and results of what JAX transforms."""
    jax.tree_util.register_pytree_node(kind, _flatten, _unflatten)


def _flatten(loss: Loss) -> tuple[tuple[Any, ...], tuple[Loss, tuple[str, ...]]]:
    parts = loss.parts()
    return tuple(parts.values()), (loss.with_parts(dict.fromkeys(parts)) if parts else loss, tuple(parts))


def _unflatten(static: tuple[Loss, tuple[str, ...]], leaves: tuple[Any, ...]) -> Loss:
    loss, names = static
    return loss.with_parts(dict(zip(names, leaves, strict=True))) if names else loss
