"""The functions of Triton's kernels in its interpreter: the largest error of each over sampled arguments."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch

from lossary.kernels.lowering.form import SPECIAL
from lossary.kernels.triton import functions, module
from test_words_accuracy import WORDS, drawn, errors


def logcosh(x: Any) -> Any:
    size = np.abs(x)
    near, far = np.log1p(2.0 * np.sinh(0.5 * size) ** 2), size - np.log(2.0) + np.log1p(np.exp(-2.0 * size))
    return np.where(size < 1.0, near, far)


EXACT: dict[str, Callable[..., Any]] = {"exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p}
EXACT |= {"tanh": np.tanh, "sinh": np.sinh}
EXACT |= {"arctan": np.arctan, "exp_decaying": np.exp, "log1p_of_normal": np.log1p, "log1p_unit": np.log1p}
EXACT |= {"log_of_normal": np.log}
EXACT |= {"hypot1": lambda x: np.hypot(1.0, x), "logcosh": logcosh}
RANGES = {"exp_decaying": (-np.inf, 0.0), "log1p_unit": (0.0, 1.0)}
RANGES |= {"log_of_normal": (2.0**-126, np.inf), "log1p_of_normal": (-1.0 + 2.0**-24, np.inf)}
SIZE = 1 << 16
LOOP = """@triton.jit
def loop(x, out, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, {name}(tl.load(x + at)))
"""


def applied(name: str, x: Any) -> Any:
    text = LOOP.format(name=name)
    parts = ["import triton\nimport triton.language as tl\n", functions.source(text), text]
    given, out = torch.tensor(np.resize(x, SIZE)), torch.empty(SIZE)
    module.module("\n\n".join(parts))["loop"][(1,)](given, out, BLOCK=SIZE)
    return out.numpy()[: x.size]


def special_error(name: str) -> float:
    """In the same units, of the gamma function and the normal distribution."""
    x = next(drawn("float32", 150)[kind] for kind, names in WORDS.items() if name in names)
    return float(max(errors(name, x, applied(name, x))))


def error(name: str) -> float:
    """In units in the last place of float32; infinite where the kind of number is another one."""
    bits = np.arange(0, 2**32, 65521, dtype=np.uint64)[:SIZE].astype(np.uint32)
    x = np.resize(bits, SIZE).view(np.float32)
    low, high = RANGES.get(name, (-np.inf, np.inf))
    x = np.where((x >= low) & (x <= high), x, np.float32(max(low, 0.0)))
    exact, got = EXACT[name](x.astype(np.float64)), applied(name, x)
    rounded = exact.astype(np.float32)
    ordinary = np.isfinite(rounded) & np.isfinite(got)
    if not np.array_equal(got[~ordinary], rounded[~ordinary], equal_nan=True):
        return float("inf")
    return float(np.max(np.abs(got - exact)[ordinary] / np.spacing(np.abs(rounded[ordinary]))))


if __name__ == "__main__":
    np.seterr(all="ignore")
    for each in EXACT:
        print(each, error(each))
    for each in sorted(SPECIAL):
        print(each, special_error(each))
