"""The one mark that PyTorch's compiler looks for on functions of modules which import no PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def untraced(function: Function) -> Function:
    """Lets torch.compile run the function as it is and keep its result, plain data, instead of tracing into it.

    PyTorch's own way to say so, ``torch.compiler.assume_constant_result``, imports PyTorch together with its compiler;
    all it does is to set this mark.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
