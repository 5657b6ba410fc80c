"""Losses of scores that are not held at once, on JAX's arrays: a scan over chunks of tokens.

A reduced loss has a rule of its own, which makes the gradients together with the value; a chunk that is differentiated
once more is computed again.  So is every chunk where each token keeps its value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from ..backends import FLOATS, Array
from ..backends.jax import BACKEND
from ..calls import route
from ..calls.linear import Arguments, Head, Settings, alone, prepare
from ..calls.plan import Setting

# Hidden vectors, weight and, if there is one, bias.
Trained = tuple[Array, ...]
Flags = tuple[bool, ...]


def value(settings: Settings, given: Arguments) -> Array:
    """The reduced loss, differentiable."""
    head = _without_dead(prepare(alone(settings, "jax"), given))
    factor, scale = (None, head.factor) if isinstance(head.factor, float) else (head.factor, 1.0)
    made = settings.row, head.chunk(), head.computing
    run = _values(*made) if settings.reduction == "none" else _total(*made, scale)
    return head.answer(run(head.arrays, head.labels, factor))


def value_and_gradients(settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
    """The reduced loss and its gradients for hidden, weight and, if there is one, bias."""
    trained = [BACKEND.asarray(x) for x in (given.hidden, given.weight, given.bias) if x is not None]
    floats = [x if BACKEND.dtype(x) in FLOATS else x.astype(BACKEND.default_float()) for x in trained]

    def of(*trained: Array) -> tuple[Array, Array]:
        named = dict(zip(("hidden", "weight", "bias"), trained, strict=False))
        found = value(settings, given._replace(**named))
        return jnp.sum(found), found

    gradients, found = jax.grad(of, argnums=tuple(range(len(floats))), has_aux=True)(*floats)
    return found, gradients


def _without_dead(head: Head) -> Head:
    """Tokens that do not count as zeros: a NaN among them touches nothing."""
    if head.live is not None:
        live, row = head.live, head.live[:, None]
        head.labels = jnp.where(live if head.labels.ndim == 1 else row, head.labels, 0)
        head.hidden = jnp.where(row, head.hidden, 0)
    return head


# --- one chunk -------------------------------------------------------------------------------------------------------


def _scores(trained: Trained, computing: str) -> Array:
    hidden, weight, *bias = trained
    # Along the last axis of both: of a transposed weight XLA would make a copy.
    found = jax.lax.dot_general(hidden, weight, (((1,), (1,)), ((), ())), preferred_element_type=computing)
    return found + bias[0][None] if bias else found


def _row(row: Setting, labels: Array, scores: Array, factor: Array | None, *, gradient: bool) -> Any:
    """The loss of each token times its factor, and its slopes."""
    call = route.of(BACKEND).call(row, (labels, scores), factor, None, -1, "off", batched=True)
    return call.value_and_gradient("none") if gradient else call.reduced("none")


def _over_chunks(
    body: Callable[[Any, Any], tuple[Any, Any]], carry: Any, tokens: tuple[Any, ...], chunk: int
) -> tuple[Any, Any]:
    """As ``jax.lax.scan`` over chunks of tokens, of which the last may be shorter."""
    count = tokens[0].shape[0]
    whole = count // chunk
    parts = []
    if whole > 1:
        main = jax.tree.map(lambda x: x[: whole * chunk].reshape((whole, chunk, *x.shape[1:])), tokens)
        carry, found = jax.lax.scan(body, carry, main)
        parts.append(jax.tree.map(lambda x: x.reshape((whole * chunk, *x.shape[2:])), found))
    rest = whole * chunk if whole > 1 else 0
    for first in range(rest, count, chunk):
        carry, found = body(carry, jax.tree.map(lambda x, first=first: x[first : first + chunk], tokens))
        parts.append(found)
    if not parts:
        parts.append(body(carry, tokens)[1])
    return carry, parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: jnp.concatenate(x), *parts)


# --- all of them -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _values(row: Setting, chunk: int, computing: str) -> Callable[..., Array]:
    """The loss of each token times its factor; what is differentiated is computed again chunk by chunk."""

    def values(trained: Trained, labels: Array, factor: Array | None) -> Array:
        hidden, *shared = trained

        @jax.checkpoint
        def body(carry: None, part: Any) -> tuple[None, Array]:
            own, labels, factor = part
            return None, _row(row, labels, _scores((own, *shared), computing), factor, gradient=False)

        return _over_chunks(body, None, (hidden, labels, factor), chunk)[1]

    made: Callable[..., Array] = jax.jit(values)
    return made


@lru_cache(maxsize=64)
def _total(row: Setting, chunk: int, computing: str, scale: float) -> Callable[..., Array]:
    """Their sum times one number for all, whose gradients are made with it."""
    words = _values(row, chunk, computing)

    @jax.custom_jvp
    def total(trained: Trained, labels: Array, factor: Array | None) -> Array:
        return jnp.sum(words(trained, labels, factor)) * scale

    def rule(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
        moved = tangents[0]
        if any(not _is_zero(x) for x in jax.tree.leaves(tangents[1:], is_leaf=_is_zero)):
            directions = jax.tree.map(_plain, tangents, is_leaf=_is_zero)
            both: tuple[Array, Array] = jax.jvp(lambda *given: jnp.sum(words(*given)) * scale, primals, directions)
            return both
        wanted = tuple(not _is_zero(x) for x in moved)
        found, gradients = _both(row, chunk, computing, scale, wanted, *primals)
        pairs = zip(gradients, [x for x in moved if not _is_zero(x)], strict=True)
        return found, sum(jnp.sum(gradient * tangent.astype(computing)) for gradient, tangent in pairs)

    total.defjvp(rule, symbolic_zeros=True)
    made: Callable[..., Array] = jax.jit(total)
    return made


def _both(
    row: Setting, chunk: int, computing: str, scale: float, wanted: Flags, trained: Trained, labels: Array,
    factor: Array | None,
) -> tuple[Array, list[Array]]:  # fmt: skip
    """The sum and the wanted gradients."""
    hidden, weight, *bias = trained
    of_hidden, of_weight, of_bias = (*wanted, False)[:3]

    @jax.checkpoint
    def body(carry: tuple[Any, Any], part: Any) -> Any:
        own, labels, factor = part
        weights, biases = carry
        values, slopes = _row(row, labels, _scores((own, weight, *bias), computing), factor, gradient=True)
        # The number for all scales what is small: neither the slopes nor, afterwards, the gradient of the weight.
        back = jnp.matmul(slopes, weight.astype(computing)) * scale if of_hidden else None
        weights = _gathered(weights, slopes, own.astype(computing) * scale) if of_weight else None
        biases = biases + jnp.sum(slopes, 0) * scale if of_bias else None
        return (weights, biases), (values, back)

    start = (
        jnp.zeros(weight.shape, computing) if of_weight else None,
        jnp.zeros(weight.shape[:1], computing) if of_bias else None,
    )
    (weights, biases), (values, back) = _over_chunks(body, start, (hidden, labels, factor), chunk)
    return jnp.sum(values) * scale, [gradient for gradient in (back, weights, biases) if gradient is not None]


# In how many parts a chunk is added to the gradient of the weight: XLA makes a product before it adds it.
_PARTS = 8


def _gathered(total: Array, slopes: Array, hidden: Array) -> Array:
    """``total + slopes.T @ hidden``, without as much memory again.

    The parts are a loop of XLA's, which otherwise makes all the products before it adds the first.
    """
    vocabulary = total.shape[0]
    classes = min(max(-(-vocabulary // _PARTS), 1024), vocabulary)

    def added(total: Array, first: Any, count: int) -> Array:
        part = jax.lax.dynamic_slice_in_dim(slopes, first, count, axis=1)
        product = jax.lax.dot_general(part, hidden, (((0,), (0,)), ((), ())))
        whole = jax.lax.dynamic_slice_in_dim(total, first, count) + product
        return jax.lax.dynamic_update_slice_in_dim(total, whole, first, 0)

    times = vocabulary // classes
    total = jax.lax.fori_loop(0, times, lambda number, total: added(total, number * classes, classes), total)
    rest = vocabulary - times * classes
    return added(total, times * classes, rest) if rest else total


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, SymbolicZero) or getattr(tangent, "dtype", None) == jax.dtypes.float0


def _plain(tangent: Any) -> Any:
    if not isinstance(tangent, SymbolicZero):
        return tangent
    return jnp.zeros(tangent.shape, tangent.dtype)
