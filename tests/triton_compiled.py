"""Kernels of Triton compiled for devices that are not there: a process of its own, as Triton bears no TensorFlow.

``python tests/triton_compiled.py NAME...`` prints what is wrong with each named setting, or with all.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from inputs import EVERY_FUSED, Setting, program
from lossary.kernels.cpu.arguments import argument
from lossary.kernels.lowering.lower import lower
from lossary.kernels.triton import emit, module

DEVICES = (GPUTarget("cuda", 90, 32), GPUTarget("hip", "gfx942", 64))
# Approximations, and subnormal numbers lost.
INEXACT = r"approx|\.ftz|div\.full"


def signature(kernel: Any, labels: Sequence[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """The types of what a kernel takes, and what is known of it."""
    known: dict[str, Any] = {"ROWS": 4, "BLOCK": 512, "inner": 1}
    known |= dict.fromkeys(("values", "value", "factors", "live", "upstream"))
    names = kernel.arg_names
    types = {name: "*fp32" for name in names if name.startswith(("y_true", "y_pred", "given_", "gradient"))}
    types |= dict.fromkeys(labels, "*i64") | {"totals": "*fp64"}
    types |= dict.fromkeys(("rows", "columns", "size", "divisor"), "i32")
    found = {name: "constexpr" if name in known else types.get(name, "fp32") for name in names}
    return found, {name: value for name, value in known.items() if name in names}


def verdict(setting: Setting) -> str:
    """Whether a setting's kernel compiles for all devices into exact arithmetic."""
    shapes: list[emit.Shape] = ["long", "elements" if program(setting).separable else "rows"]
    for made in [emit.source(program(setting), shape) for shape in shapes]:
        kernel = module.module(made.text)[made.name]
        form = lower(program(setting), emit.DEVICE, gradient=True, rows=True)
        types, known = signature(kernel, [argument(each) for each in form.inputs if each.is_label])
        source = ASTSource(kernel, types, constexprs=known)
        for device in DEVICES:
            compiled = triton.compile(source, target=device, options={"num_warps": 4, **module.OPTIONS})
            if device.backend == "cuda" and (found := sorted(set(re.findall(INEXACT, compiled.asm["ptx"])))):
                return f"{made.name} has {', '.join(found)}"
    return "is right"


if __name__ == "__main__":
    for each in EVERY_FUSED:
        if len(sys.argv) == 1 or str(each) in sys.argv[1:]:
            print(each, verdict(each))
