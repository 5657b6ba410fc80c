"""PyTorch's private doors: what each must mean, so that a release which closes one is found out here by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from lossary._marks import untraced
from lossary.routes import torch_doors


def asked(door: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return door(*arguments)
    except (AttributeError, TypeError) as error:
        pytest.fail(f"PyTorch {torch.__version__} closed the door of {door.__name__}: {error}")


def seen(door: Callable[..., Any], transform: Callable[[Callable[..., Any]], Any], x: Any = None) -> Any:
    """What a door says to the function inside a transformation."""
    answers: list[Any] = []

    def function(x: Any) -> Any:
        answers.append(asked(door))
        return (x * x).sum()

    transform(function)(torch.ones(3) if x is None else x)
    return answers[0]


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def dual(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        with torch.autograd.forward_ad.dual_level():
            return function(torch.autograd.forward_ad.make_dual(x, x))

    return run


def under_grad(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: function(x.clone().requires_grad_())


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: torch.jit.trace(function, x)


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
@pytest.mark.parametrize(
    ("transform", "answer"), [(make_fx, True), (traced, True), (plainly, False), (torch.func.grad, False)]
)
def test_is_recorded(transform: Any, answer: bool) -> None:
    assert seen(torch_doors.is_recorded, transform) is answer, (
        "torch._C._get_tracing_state or _len_torch_dispatch_stack no longer tells of what records operations"
    )


@pytest.mark.parametrize(
    ("transform", "answer"),
    [(torch.func.grad, True), (torch.vmap, True), (dual, True), (plainly, False), (under_grad, False)],
)
def test_is_transformed(transform: Any, answer: bool) -> None:
    assert seen(torch_doors.is_transformed, transform) is answer, (
        "torch._C._functorch.maybe_current_level or forward_ad._current_level no longer tell of open transforms"
    )


class Told(torch.autograd.Function):
    """Asks about the factors that come back."""

    answers: ClassVar[list[Any]] = []

    @staticmethod
    def forward(x: Any) -> Any:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        Told.answers.append(asked(torch_doors.is_several, upstream))
        return upstream


def test_is_several() -> None:
    x = torch.ones(2, requires_grad=True)
    y = Told.apply(x)
    Told.answers.clear()
    torch.autograd.grad(y, x, torch.ones(2), retain_graph=True)
    torch.autograd.grad(y, x, torch.eye(2), is_grads_batched=True, retain_graph=True)
    torch.vmap(lambda upstream: torch.autograd.grad(y, x, upstream, retain_graph=True))(torch.eye(2))
    assert Told.answers == [False, True, True], (
        "torch._C._functorch.is_batchedtensor or is_legacy_batchedtensor no longer tells of batched tensors"
    )


def test_apply() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, other: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * upstream, None

    x = torch.tensor([3.0, 4.0], requires_grad=True)
    y = asked(torch_doors.apply, Square, x, "other")
    y.sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([9.0, 16.0], [6.0, 8.0]), "the base of Function.apply is no longer reached"


def test_untraced_is_what_pytorch_marks_with_its_own_door() -> None:
    def function() -> bool:
        return True

    def other() -> bool:
        return True

    assert vars(untraced(function)) == vars(torch.compiler.assume_constant_result(other)), (
        "torch.compiler.assume_constant_result marks functions otherwise now"
    )
