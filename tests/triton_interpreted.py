"""Kernels of Triton in its interpreter, which has to be chosen before triton is imported: a process of its own.

``python tests/triton_interpreted.py NAME...`` prints what is wrong with each named setting, or with all.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch

import lossary
from inputs import FUSED, Setting, program
from lossary.kernels.cpu.run import host_numbers
from lossary.kernels.triton import emit, module

# Of the largest slope of a row, and of the value.
MOST = 2e-6


class Case:
    """Inputs of one loss, the words' results in double precision, and the kernel's in single."""

    def __init__(self, setting: Setting, shape: tuple[int, int], dtype: torch.dtype = torch.float32) -> None:
        rng = np.random.default_rng(7)
        y_true, y_pred = map(torch.tensor, setting.draw(rng, shape))
        self.y_true = y_true.to(dtype) if y_true.is_floating_point() else y_true
        self.y_pred, self.setting, self.shape = y_pred.to(dtype), setting, shape
        self.weights, self.live = torch.tensor(rng.uniform(0.5, 2.0, shape[0])).float(), torch.arange(shape[0]) % 3 != 1
        self.gradient = torch.full(shape, torch.nan, dtype=dtype)

    def wanted(self, factors: Any) -> tuple[Any, Any]:
        true = self.y_true.double() if self.y_true.is_floating_point() else self.y_true
        leaf = self.y_pred.double().requires_grad_()
        with lossary.check("off"):
            values = self.setting.configured(reduction="none")(true, leaf)
        used = torch.where(self.live, values, 0.0) if factors is not None else values
        total = (used * (1.0 if factors is None else factors.double())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        self.size = float(used.abs().sum())  # Values may cancel.
        return float(total.detach()), leaf.grad

    def rows(self, *, weighted: bool = False, inner: int = 1, upstream: Any = None) -> tuple[Any, Any]:
        made = emit.source(program(self.setting), rows=True)
        kernel = module.module(made.text)[made.name]
        points, columns = self.shape
        sizes = module.sizes(columns) | {"ROWS": 2}
        sizes.pop("num_warps")
        grid = -(-points // 2)
        totals, values, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(points), torch.zeros(())
        arrays = [self.y_true, self.y_pred, self.gradient]
        if inner > 1:  # Outputs lie along the first axis.
            arrays = [x.T.contiguous() if x.dim() > 1 else x for x in arrays]
        weights, live = (self.weights, self.live) if weighted else (None, None)
        given = [*arrays, values, totals, weights, live, upstream, points, columns, inner, 1.0, *self.numbers(made)]
        kernel[(grid,)](*given, **sizes)
        module.module(made.text)["finish"][(1,)](totals, value, grid, 1, BLOCK=2)
        self.gradient = arrays[2].T if inner > 1 else arrays[2]
        assert abs(float(values.double().sum()) - float(totals.sum())) <= MOST * (1 + float(values.abs().sum()))
        return float(value), self.gradient.double()

    def elements(self) -> tuple[Any, Any]:
        made = emit.source(program(self.setting), rows=False)
        size, columns = self.y_pred.numel(), self.shape[1]
        grid = -(-size // 16)
        totals, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(())
        given = [self.y_true, self.y_pred, self.gradient, totals, None, size, columns, 1.0, *self.numbers(made)]
        module.module(made.text)[made.name][(grid,)](*given, BLOCK=16)
        module.module(made.text)["finish"][(1,)](totals, value, grid, columns, BLOCK=2)
        return float(value), self.gradient.double()

    def numbers(self, made: emit.Source) -> list[float]:
        given = self.setting.configured()._setting.numbers
        return [float(x) for x in host_numbers(program(self.setting), made.numbers)(*given)]


def differs(case: Case, found: tuple[Any, Any], factors: Any = None, most: float = MOST) -> str:
    wanted = case.wanted(factors)
    value = abs(found[0] - wanted[0]) / (case.size + 1e-30)
    size = wanted[1].abs().amax(-1, keepdim=True) + 1e-30
    slope = float(((found[1] - wanted[1]).abs() / size).max())
    return "" if value <= MOST and slope <= most else f"value {value:.1e} slope {slope:.1e}"


def faults(setting: Setting) -> dict[str, str]:
    found = {}
    for shape in ((5, 7), (2, 300)):
        case = Case(setting, shape)
        found[f"rows {shape}"] = differs(case, case.rows())
        if program(setting).separable:
            case = Case(setting, shape)
            found[f"elements {shape}"] = differs(case, case.elements())
    case = Case(setting, (5, 7))
    found["weights and mask"] = differs(case, case.rows(weighted=True), case.weights)
    if not case.gradient[1].eq(0.0).all():
        found["masked"] = "the gradient of a masked row is not 0"
    case = Case(setting, (5, 7))
    found["strided"] = differs(case, case.rows(inner=5))
    case = Case(setting, (5, 7))
    value, slope = case.rows(upstream=torch.tensor(2.0))
    found["upstream"] = differs(case, (value, slope / 2))
    case = Case(setting, (5, 7), torch.float16)
    found["half"] = differs(case, case.rows(), most=1e-3)
    return {name: text for name, text in found.items() if text}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for one in FUSED:
        if not sys.argv[1:] or str(one) in sys.argv[1:]:
            print(one, faults(one) or "is right", flush=True)
