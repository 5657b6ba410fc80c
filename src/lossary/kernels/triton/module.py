"""From a source to functions of Triton, which reads the source again: `linecache` keeps it, so no file is written."""

from __future__ import annotations

import hashlib
import linecache
from functools import cache
from typing import Any

# Fusion is off, so that a device computes the bits that the interpreter does.
OPTIONS = {"enable_fp_fusion": False}
# Outputs of a row up to which a program holds it in registers; longer ones spill.
LONGEST = 8192
# Elements of the rows that a program takes.
TILE = 2048


@cache
def module(text: str) -> dict[str, Any]:
    """The names that the source defines."""
    name = f"<lossary kernel {hashlib.sha256(text.encode()).hexdigest()[:16]}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    scope: dict[str, Any] = {"__name__": "lossary.kernels.triton"}
    exec(compile(text, name, "exec"), scope)
    return scope


def sizes(columns: int) -> dict[str, int]:
    """Rows and columns of what a program holds in registers, and how many threads share it, in groups of 32."""
    block = 1 << max(columns - 1, 0).bit_length()
    return {"ROWS": max(1, TILE // block), "BLOCK": block, "num_warps": min(16, max(4, block // 512))}
