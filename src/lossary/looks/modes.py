"""How much is checked: the modes, and the block that sets one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal

from .. import texts
from .._marks import unconverted, untraced

Mode = Literal["full", "async", "shapes", "off"]
MODES: tuple[Mode, ...] = ("full", "async", "shapes", "off")
_mode: ContextVar[Mode | None] = ContextVar("lossary_check", default=None)
# The modes of the `check` blocks that are open anywhere.  torch.compile cannot look into a ContextVar: it compiles
# again where these have changed, and takes what the variable holds then for a constant.
_open: tuple[Mode, ...] = ()
_opening = threading.Lock()


@unconverted
@contextlib.contextmanager
def check(mode: Mode) -> Iterator[None]:
    """How much is checked inside a ``with`` block.

    ``"full"`` also reads values, waiting for an accelerator if need be; ``"shapes"`` checks shapes, dtypes and
    parameters; ``"off"`` only what is needed to line the arrays up.  Without any choice, values are read wherever
    that costs no wait: arrays in host memory, outside of tracing.

    ``"async"`` is for where they cannot be read: inside ``jax.jit``, ``torch.compile`` and ``tf.function``, and on an
    accelerator.  A data point with a value outside its set becomes NaN there, and the program tells afterwards which
    one it was, without waiting at any step: by a `DomainWarning`, and by `raise_faults`.

    A block belongs around the call of a compiled program, and counts where that is traced: PyTorch does so again in
    another block, ``jax.jit`` and ``tf.function`` do not.  Inside a program write ``check="async"`` in the call.

    >>> import lossary
    >>> with lossary.check("off"):
    ...     print(lossary.poisson([[-1.0]], [[2.0]]).round(4))
    [2.6931]
    """
    global _open  # noqa: PLW0603
    token = _mode.set(valid_mode("check", mode))
    with _opening:
        _open = (*_open, mode)
    try:
        yield
    finally:
        with _opening:
            last = len(_open) - 1 - _open[::-1].index(mode)
            _open = _open[:last] + _open[last + 1 :]
        _mode.reset(token)


def valid_mode(loss: str, mode: Any) -> Mode:
    """The mode, or a `ParameterError`."""
    if mode not in MODES:
        raise texts.check_mode(loss, mode)
    found: Mode = mode
    return found


def mode_of(loss: str, *choices: Mode | None) -> Mode | None:
    """The first choice that was made: of the call, of the object, of the context; None means the default."""
    for choice in choices:
        if choice is not None:
            return valid_mode(loss, choice)
    return of_block()


def of_block() -> Mode | None:
    """That of the innermost `check` block around the call."""
    return _of_block(_open) if _open else None


@untraced
def _of_block(_compiled_for: tuple[Mode, ...]) -> Mode | None:
    return _mode.get()
