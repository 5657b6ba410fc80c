"""The most memory that a call takes, as the system counts it."""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lossary import kernels

_SELF = Path("/proc/self")


def available() -> bool:
    """Whether the system tells and resets the peak of a process: Linux does."""
    return (_SELF / "clear_refs").exists()


def peak(run: Callable[[], Any]) -> float:
    """Bytes that a warm call takes at its peak beyond what was held before."""
    run()
    kernels.release()
    gc.collect()
    trim = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "malloc_trim", None)
    if trim is not None:
        trim(0)
    (_SELF / "clear_refs").write_text("5")
    before = _status("VmRSS")
    run()
    return max(0.0, _status("VmHWM") - before)


def _status(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", (_SELF / "status").read_text(), re.MULTILINE)
    return 1024.0 * float(found[1]) if found else float("nan")
