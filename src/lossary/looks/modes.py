"""How much is checked: the modes, and the block that sets one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal

from .. import texts
from .._marks import unconverted

Mode = Literal["full", "async", "shapes", "off"]
MODES: tuple[Mode, ...] = ("full", "async", "shapes", "off")
_mode: ContextVar[Mode | None] = ContextVar("lossary_check", default=None)
# How many `check` blocks are open anywhere; torch.compile cannot trace a ContextVar, so it is read only when needed.
_active = 0
_counting = threading.Lock()


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

    >>> import lossary
    >>> with lossary.check("off"):
    ...     print(lossary.poisson([[-1.0]], [[2.0]]).round(4))
    [2.6931]
    """
    global _active  # noqa: PLW0603
    token = _mode.set(valid_mode("check", mode))
    with _counting:
        _active += 1
    try:
        yield
    finally:
        with _counting:
            _active -= 1
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
    return _mode.get() if _active else None
