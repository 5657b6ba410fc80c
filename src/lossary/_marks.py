"""The marks that compilers of frameworks look for, on functions and classes of modules which import no framework."""

from __future__ import annotations

import inspect
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


def unconverted(entry: Function) -> Function:
    """Lets AutoGraph call a function, or the methods of a class and its objects, instead of rewriting their source.

    ``tf.function`` rewrites whatever Python is called in it, and what that calls: for a loss hundreds of functions,
    seconds.  TensorFlow's own way to say so, ``tf.autograph.experimental.do_not_convert``, sets this mark on a wrapper.
    """
    entry.autograph_info__ = {}  # type: ignore[attr-defined]
    if inspect.isclass(entry):
        for method in vars(entry).values():
            if inspect.isfunction(method):
                unconverted(method)
    return entry
