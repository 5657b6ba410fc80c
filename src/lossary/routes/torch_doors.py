"""What PyTorch knows and says only by its private names: every such name stands here, with the official door it lacks.

`tests/test_torch_doors.py` says of each when a release of PyTorch closes it.  One more, a mark that modules need which
import no PyTorch, is `lossary._marks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .._marks import untraced
from ..backends import Array


def is_recorded() -> bool:
    """Whether operations are recorded: by ``torch.jit.trace``, or by a mode, as ``make_fx`` and fake tensors have.

    Lacking: a question whether any ``TorchDispatchMode`` is active; and for the first one outside of ``torch.jit``,
    which is deprecated.
    """
    return torch._C._get_tracing_state() is not None or torch._C._len_torch_dispatch_stack() > 0


@untraced
def is_transformed() -> bool:
    """Whether torch.func or forward mode differentiates what is computed.

    Lacking: a question whether a transform of ``torch.func``, or a ``torch.autograd.forward_ad.dual_level``, is open.
    """
    return torch._C._functorch.maybe_current_level() is not None or torch.autograd.forward_ad._current_level >= 0


@untraced
def is_eager() -> bool:
    """Whether what is computed now is neither recorded nor transformed: both answers in one."""
    return _tracing() is None and _modes() == 0 and _level() is None and torch.autograd.forward_ad._current_level < 0


_tracing, _modes = torch._C._get_tracing_state, torch._C._len_torch_dispatch_stack
_level = torch._C._functorch.maybe_current_level
_batched, _legacy = torch._C._functorch.is_batchedtensor, torch._C._functorch.is_legacy_batchedtensor


def is_several(x: Array) -> bool:
    """Whether a tensor stands for several at once: inside ``vmap``, or for the rows of a Jacobian.

    Lacking: a question whether a tensor is batched.  The second is what ``is_grads_batched=True`` makes.
    """
    return bool(_batched(x) or _legacy(x))


def prepared(function: Any) -> Callable[..., Array]:
    """``function.apply`` for where nothing is transformed.

    Lacking: a way past its look for ``torch.func`` and at the signature, which is what a small call costs.
    """
    found: Callable[..., Array] = super(torch.autograd.Function, function).apply
    return found


def apply(function: Any, *inputs: Any) -> Array:
    """As ``function.apply`` where nothing is transformed."""
    return prepared(function)(*inputs)
