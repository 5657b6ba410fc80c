"""Kernels printed as Triton, which compiles them for GPUs: what a call of PyTorch takes there.

Nothing here imports Triton before a tensor on a device asks for it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ...calls.kernel import Fused, Fusible, NoKernelError
from ...facts.registry import is_enrolled
from ...graph.program import Program
from .. import UNLIKE, fits, off, part, unfit

if TYPE_CHECKING:
    from .run import Step

# The oldest GPUs of NVIDIA that Triton has code for.
_OLDEST = (8, 0)
_LONGEST_ROW = 2**31 - 1
# Elements from which on a gradient is worth a kernel that multiplies it.
WORTH = 1 << 20


def offer(call: Fusible, look: Callable[[], None] | None) -> Fused | None:
    """The kernel for a call, or None when the words of PyTorch are to run it.

    ``look`` checks the values, as far as they may be waited for: a kernel does not tell what it has met.
    """
    if refusal(call):
        return None
    if look is not None:
        look()
    fused: Fused = part("triton.run").Fused(call)
    return fused


def step(program: Program, parameters: tuple[float, ...], device: Any, rows: int, columns: int) -> Step | None:
    """What computes plain totals of so many rows, or None where there is no kernel."""
    if unusable(device) or unfit(program) or not 0 < columns <= _LONGEST_ROW:
        return None
    try:
        found: Step = part("triton.run").Step(program, parameters, rows, columns, total=program.separable, kept=True)
    except NoKernelError:
        return None
    return found


def scaled(gradient: Any, upstream: Any) -> Any:
    """A gradient that nobody else holds, times one number on the device; by 1 without reading it, if it is large."""
    if gradient.numel() < WORTH or not gradient.is_cuda or unusable(gradient.device):
        return gradient.mul_(upstream)
    return part("triton.run").scaled(gradient, upstream)


def refusal(call: Fusible) -> str:
    """Why no kernel takes the call, or nothing."""
    y_pred = call.y_pred
    if not y_pred.is_cuda:
        return "the tensors are on no GPU"
    if str(y_pred.dtype) != "torch.float32":
        return f"kernels for GPUs compute in float32, not {y_pred.dtype}"
    if not is_enrolled(call.program.record):
        return "a plain function is traced anew at every call"
    if not y_pred.numel() or y_pred.shape[-1] > _LONGEST_ROW:
        return "there are no elements, or more than a kernel counts"
    if not all(isinstance(number, float) for number in call.numbers):
        return "a parameter is an array"
    if not fits(call):
        return UNLIKE
    return unfit(call.program) or unusable(y_pred.device) or _refused(call.program)


def _refused(program: Program) -> str:
    """What an earlier call found out."""
    kept = (found for key, found in program.kernels.items() if isinstance(key, tuple) and key[0] == "device")
    return next((f"no kernel can be compiled ({found})" for found in kept if isinstance(found, NoKernelError)), "")


def unusable(device: Any) -> str:
    """Why no call on this device takes a kernel, or nothing."""
    return off() or _missing() or _too_old(device)


@cache
def _missing() -> str:
    if "tensorflow" in sys.modules and "triton" not in sys.modules:
        return "Triton crashes where TensorFlow was imported before it: import triton first"
    try:
        importlib.import_module("triton")
    except ImportError as error:
        return f"Triton cannot be imported: {error}"
    return ""


@cache
def _too_old(device: Any) -> str:
    import torch

    if torch.version.hip is None and torch.cuda.get_device_capability(device) < _OLDEST:
        return f"Triton has no code for {torch.cuda.get_device_name(device)}"
    return ""
