"""A loss beside another library's, or its definition written for PyTorch: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def assert_same(loss: Any, peer: Any, arguments: list[Any], predictions: list[int]) -> None:
    """Values per row and gradients of their sum are those of a function of PyTorch's tensors."""
    tensors = [torch.tensor(x, requires_grad=i in predictions) for i, x in enumerate(arguments)]
    values = peer(*tensors)
    gradients = torch.autograd.grad(values.sum(), [tensors[i] for i in predictions])
    value, slopes = loss.replaced(reduction="none").value_and_grad(*arguments)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-6, atol=1e-12)
    for mine, theirs in zip(slopes if isinstance(slopes, tuple) else (slopes,), gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-12)
