"""What the first use costs: importing, compiling or loading a kernel, and memory beyond the gradient."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

_PROGRAM = """
import json, resource, sys, time
import numpy as np
start = time.perf_counter()
import lossary
imported = time.perf_counter() - start
rng = np.random.default_rng(0)
y, p = (rng.normal(size=(65536, 64)).astype("float32") for _ in range(2))
call = lossary.value_and_grad("log_cosh")
start = time.perf_counter()
value, gradient = call(y, p)
first = time.perf_counter() - start
del gradient
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
y, p = (rng.normal(size=(262144, 64)).astype("float32") for _ in range(2))
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
value, gradient = call(y, p)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scale = 1024 if sys.platform != "darwin" else 1
beyond = (after - held) * scale - gradient.nbytes
print(json.dumps({"import": imported, "first call": first, "bytes beyond the gradient": max(0, beyond)}))
"""


def measure() -> dict[str, Any]:
    """Seconds and bytes: with an empty cache, and with the kernel on disk."""
    with tempfile.TemporaryDirectory() as folder:
        cold, warm = (_child(folder) for _ in range(2))
    return {
        "import seconds, NumPy loaded": warm["import"],
        "first call seconds, cold": cold["first call"],
        "first call seconds, kernel on disk": warm["first call"],
        "bytes beyond the gradient": warm["bytes beyond the gradient"],
    }


def _child(folder: str) -> dict[str, float]:
    environment = os.environ | {"LOSSARY_CACHE_DIR": folder}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found
