"""CUDA: the same values and derivatives as on the host, without ever waiting for the device."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import accuracy
import lossary
from inputs import (
    EVERY_FUSED,
    FEWEST_OF_SEVERAL,
    SETTINGS,
    SEVERAL,
    WITNESSES,
    WITNESSES_OF_SEVERAL,
    Setting,
    assert_ulps,
)
from lossary import kernels
from lossary.facts.arguments import Role
from lossary.routes.torch_together import leaves

if not torch.cuda.is_available():
    pytest.skip("PyTorch sees no GPU of NVIDIA", allow_module_level=True)
DEVICE = "cuda"
CHOSEN, OF_EACH_KIND = SETTINGS + SEVERAL, WITNESSES + WITNESSES_OF_SEVERAL


@pytest.fixture
def without_waiting() -> Iterator[None]:
    """Whatever makes the host wait for the device is an error."""
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


Drawn = tuple[tuple[Any, ...], Any, Any]


def drawn(
    setting: Setting, rng: np.random.Generator, dtype: torch.dtype, shape: tuple[int, ...] = (64, 7), *,
    packed: bool = False,
) -> tuple[Drawn, Drawn]:  # fmt: skip
    """Arguments on the host and on the device, a weight and a mask per data point; parts are tensors of their own.

    Predictions require a gradient.
    """
    host = []
    for argument, given in zip(setting.record.arguments, map(torch.tensor, setting.draw(rng, shape)), strict=True):
        predicted = argument.role is Role.PREDICTION
        x = given.to(dtype) if predicted or given.is_floating_point() else given
        apart = tuple(x[..., part].contiguous() for part in range(len(argument.parts))) if not packed else ()
        host.append(apart or x)
        for leaf in apart or (x,):
            leaf.requires_grad_(predicted)
    weight, mask = torch.tensor(rng.uniform(0.5, 2.0, shape[0])), torch.tensor(rng.random(shape[0]) < 0.7)
    call = tuple(host), weight.to(dtype), mask
    return call, mapped(lambda x: again(x, DEVICE), call)


def again(x: Any, to: Any) -> Any:
    """The same tensor on another device or in another dtype, which requires a gradient where it does."""
    return x.detach().to(to).requires_grad_(x.requires_grad)


def widened(given: Any, dtype: torch.dtype) -> Any:
    """The same with floats in this dtype."""
    return mapped(lambda x: again(x, dtype) if x.is_floating_point() else x, given)


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The function of every tensor in a structure."""
    return tuple(mapped(function, each) for each in x) if isinstance(x, tuple) else function(x)


def differentiated(arguments: tuple[Any, ...]) -> list[Any]:
    """The tensors that require a gradient."""
    return [x for each in arguments for x in leaves(each) if x.requires_grad]


def step(loss: Any, arguments: tuple[Any, ...], weight: Any = None, mask: Any = None) -> list[Any]:
    """The reduced loss and its gradients through autograd."""
    value = loss(*arguments, sample_weight=weight, where=mask)
    return [value.detach(), *torch.autograd.grad(value.sum(), differentiated(arguments))]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum", "none"])
@pytest.mark.parametrize("setting", CHOSEN, ids=str)
def test_agrees_with_the_host(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    loss = setting.configured(reduction=reduction)
    for dtype, name, ulps in ((torch.float64, "float64", 64), (torch.float32, "float32", 8)):
        host, device = drawn(setting, rng, dtype)
        for given in (1, 3):
            for got, wanted in zip(step(loss, *device[:given]), step(loss, *host[:given]), strict=True):
                assert got.device.type == DEVICE
                assert_ulps(got.cpu().numpy(), wanted.numpy(), ulps=ulps, dtype=name)


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("setting", CHOSEN, ids=str)
def test_never_waits_for_the_device(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    torch.cuda.set_sync_debug_mode("default")
    _, device = drawn(setting, rng, torch.float32)
    loss = setting.configured(reduction=reduction)
    torch.cuda.set_sync_debug_mode("error")
    step(loss, *device[:1])
    step(loss, *device)
    lossary.value_and_grad(loss)(*device[0])


@pytest.mark.parametrize("setting", CHOSEN, ids=str)
def test_second_derivative(setting: Setting, rng: np.random.Generator) -> None:
    found = []
    for arguments, weight, mask in drawn(setting, rng, torch.float64, (3, 4)):
        predictions = differentiated(arguments)
        value = setting.configured()(*arguments, sample_weight=weight, where=mask)
        slopes = torch.autograd.grad(value, predictions, create_graph=True)
        total = sum((x * x).sum() for x in slopes)
        # The slope of a hinge has none.
        curves = torch.autograd.grad(total, predictions, allow_unused=True) if total.requires_grad else slopes
        found.append([None if x is None else x.detach().cpu() for x in curves])
    for got, wanted in zip(*found, strict=True):
        assert (got is None) == (wanted is None)
        if got is not None:
            torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("setting", CHOSEN, ids=str)
def test_half_precision_is_computed_in_single(setting: Setting, dtype: torch.dtype, rng: np.random.Generator) -> None:
    _, (arguments, *_) = drawn(setting, rng, dtype)
    with lossary.check("shapes"):
        value, *slopes = step(setting.configured(), arguments)
        wanted, *steep = step(setting.configured(), widened(arguments, torch.float32))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, wanted, rtol=0.0, atol=0.0)
    for slope, other in zip(slopes, steep, strict=True):
        assert slope.dtype == dtype
        torch.testing.assert_close(slope, other.to(dtype), rtol=0.0, atol=0.0)


def test_a_scaled_gradient_survives_half_precision() -> None:
    y_pred = torch.ones(1 << 20, 1, device=DEVICE, dtype=torch.float16, requires_grad=True)
    value = lossary.MeanSquaredError()(torch.zeros_like(y_pred), y_pred)
    (value * 16384.0).backward()  # 2^-19 * 2^14; by itself 2^-19 has 6 of 11 bits.
    assert y_pred.grad is not None
    assert torch.all(y_pred.grad == 2.0**-5)


@pytest.mark.parametrize("setting", OF_EACH_KIND, ids=str)
def test_compiled(setting: Setting, rng: np.random.Generator) -> None:
    torch.compiler.reset()
    _, device = drawn(setting, rng, torch.float32, (64, 33))
    compiled = torch.compile(setting.configured(), fullgraph=True)
    for got, wanted in zip(step(compiled, *device), step(setting.configured(), *device), strict=True):
        assert_ulps(got.cpu().numpy(), wanted.cpu().numpy(), ulps=8)


@pytest.mark.parametrize("setting", CHOSEN, ids=str)
def test_recorded_as_a_cuda_graph(setting: Setting, rng: np.random.Generator) -> None:
    _, (arguments, *_) = drawn(setting, rng, torch.float32)
    loss, predictions = setting.configured(), differentiated(arguments)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):  # Frameworks want one warm call beside the stream that records.
        loss(*arguments).backward()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    for x in predictions:
        x.grad = None
    with torch.cuda.graph(graph):
        value = loss(*arguments)
        value.backward()
    with torch.no_grad():
        for x in predictions:
            x.copy_(x.flip(0).clone())
    graph.replay()
    wanted, *slopes = step(loss, arguments)
    torch.testing.assert_close(value.detach(), wanted)
    for x, slope in zip(predictions, slopes, strict=True):
        torch.testing.assert_close(x.grad, slope)


def test_accuracy_in_float32() -> None:
    def on_the_device(record: Any, parameters: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        loss = lossary.get(record.name, reduction="none", **parameters)
        given = torch.tensor(y_true, device=DEVICE), torch.tensor(y_pred, device=DEVICE, requires_grad=True)
        values, slopes = step(loss, given)
        return values.cpu().numpy(), slopes.cpu().numpy()

    found = accuracy.measure(on_the_device)
    wrong = {key: a for key, a in found.items() if a.worst > 6 or a.nonfinite or a.dead}
    assert not wrong, wrong


def test_kernels_say_that_they_run_and_why_they_stay_away() -> None:
    y_true, y_pred = torch.zeros(64, 3, device=DEVICE), torch.zeros(64, 3, device=DEVICE)
    assert "fused kernel on torch, compiled by Triton for " in kernels.explain("huber", y_true, y_pred)
    assert "compute in float32, not torch.float64" in kernels.explain("huber", y_true.double(), y_pred.double())
    assert "compiled by Triton for " in kernels.explain("triplet_margin", y_true, y_pred, y_pred + 1.0)
    with pytest.raises(lossary.LossError, match="all pairs of outputs"):
        kernels.source("crps_ensemble", device="cuda")


@pytest.mark.parametrize("setting", EVERY_FUSED, ids=str)
def test_every_loss_that_has_a_kernel_takes_it(setting: Setting, rng: np.random.Generator) -> None:
    _, (arguments, *_) = drawn(setting, rng, torch.float32)
    assert "compiled by Triton for " in kernels.explain(setting.configured(), *arguments)


@pytest.mark.parametrize("setting", [s for s in SEVERAL if any(a.parts for a in s.record.arguments)], ids=str)
def test_parts_in_one_tensor(setting: Setting, rng: np.random.Generator) -> None:
    host, device = drawn(setting, rng, torch.float32, packed=True)
    for given in (1, 3):
        for got, wanted in zip(step(setting.configured(), *device[:given]), step(setting.configured(), *host[:given]),
                               strict=True):  # fmt: skip
            assert_ulps(got.cpu().numpy(), wanted.numpy(), ulps=8)


@pytest.mark.parametrize("setting", FEWEST_OF_SEVERAL, ids=str)
def test_plain_totals_of_several_inputs_are_prepared_once(setting: Setting, rng: np.random.Generator) -> None:
    _, (arguments, *_) = drawn(setting, rng, torch.float32)
    loss = setting.configured()
    step(loss, arguments)
    kept = [x for x in loss._setting.steps.values() if getattr(x, "step", None) is not None]
    assert len(kept) == 1


@pytest.mark.parametrize("shape", [(3, 20000), (3000, 1), (300, 100)], ids=str)
@pytest.mark.parametrize("setting", OF_EACH_KIND, ids=str)
def test_rows_of_every_length(setting: Setting, shape: tuple[int, int], rng: np.random.Generator) -> None:
    host, device = drawn(setting, rng, torch.float32, shape)
    wide = widened(host, torch.float64)
    for given in (1, 2, 3):
        value, *slopes = step(setting.configured(), *device[:given])
        wanted, *steep = step(setting.configured(), *wide[:given])
        torch.testing.assert_close(value.cpu().double(), wanted, rtol=4e-6, atol=2e-6)
        size = torch.stack(steep).abs().amax((0, -1))[..., None]  # The largest slope of a data point.
        for slope, other in zip(slopes, steep, strict=True):
            assert float(((slope.cpu().double() - other).abs() / (size + 1e-30)).max()) < 4e-6


def test_outputs_along_another_axis(rng: np.random.Generator) -> None:
    scores = torch.tensor(rng.normal(size=(4, 5, 6, 7))).float()
    labels = torch.tensor(rng.integers(0, 5, (4, 6, 7)))
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, axis=1, ignore_class=3)
    wanted = step(loss, (labels, scores.requires_grad_()))
    on_device = scores.detach().to(DEVICE)
    for given in (on_device.clone(), on_device.to(memory_format=torch.channels_last)):
        for got, want in zip(step(loss, (labels.to(DEVICE), given.requires_grad_())), wanted, strict=True):
            assert_ulps(got.cpu().numpy(), want.numpy(), ulps=8)


@pytest.mark.parametrize("upstream", [1.0, 3.0])
def test_a_large_gradient_is_scaled(upstream: float) -> None:
    y_true, y_pred = torch.zeros(2048, 1024, device=DEVICE), torch.ones(2048, 1024, device=DEVICE, requires_grad=True)
    value = lossary.MeanSquaredError(reduction="sum")(y_true, y_pred)
    (value * upstream).backward()
    assert y_pred.grad is not None
    assert torch.all(y_pred.grad == upstream * 2.0 / 1024)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float16, torch.float64], ids=str)
def test_targets_of_every_dtype(dtype: torch.dtype, rng: np.random.Generator) -> None:
    y_true = torch.tensor(rng.integers(0, 2, (5, 3)))
    scores = torch.tensor(rng.normal(size=(5, 3))).float()
    loss = lossary.BinaryCrossentropy(from_logits=True)
    wanted = step(loss, (y_true.float(), scores.requires_grad_()))
    given = y_true.to(DEVICE, dtype), scores.detach().to(DEVICE).requires_grad_()
    for got, want in zip(step(loss, given), wanted, strict=True):
        assert_ulps(got.cpu().numpy(), want.numpy(), ulps=8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_linear_head(dtype: torch.dtype, rng: np.random.Generator) -> None:
    hidden, weight = (torch.tensor(rng.normal(size=(n, 32)) / 4, device=DEVICE).to(dtype) for n in (600, 1500))
    labels = torch.tensor(rng.integers(0, 1500, 600), device=DEVICE)
    found = []
    for head in (lossary.linear_cross_entropy, lambda y, h, w: torch.nn.functional.cross_entropy((h @ w.T).float(), y)):
        leaves = [x.clone().requires_grad_() for x in (hidden, weight)]
        value = head(labels, *leaves)  # type: ignore[no-untyped-call]
        found.append([value.detach(), *torch.autograd.grad(value, leaves)])
    for got, wanted in zip(*found, strict=True):
        most = float(wanted.abs().max())
        torch.testing.assert_close(got, wanted, rtol=0.0, atol=most * (2e-5 if dtype is torch.float32 else 2e-2))


def test_a_graph_that_is_kept_gives_the_same_bits_again(rng: np.random.Generator) -> None:
    for dtype in (torch.float32, torch.float16):
        leaf = torch.tensor(rng.normal(size=(64, 9)), device=DEVICE).to(dtype).requires_grad_()
        value = lossary.MeanSquaredError()(torch.zeros_like(leaf), leaf)
        (first,) = torch.autograd.grad(value, leaf, retain_graph=True)
        (again,) = torch.autograd.grad(value, leaf)
        assert first.dtype == dtype
        assert torch.equal(first, again)


def test_slopes_of_several_at_once(rng: np.random.Generator) -> None:
    y_pred = torch.tensor(rng.normal(size=(3, 4)), device=DEVICE).float()
    y_true = torch.zeros_like(y_pred)
    for reduction in ("none", "sum"):
        loss = lossary.MeanSquaredError(reduction=reduction)
        found = torch.autograd.functional.jacobian(lambda p: loss(y_true, p), y_pred, vectorize=True)  # noqa: B023
        summed = found.sum(0) if reduction == "none" else found
        torch.testing.assert_close(summed, 2 * y_pred / 4)


def test_a_label_out_of_range_is_nan_and_told_afterwards() -> None:
    y_true, y_pred = torch.tensor([0, 7, 2], device=DEVICE), torch.full((3, 3), 1 / 3, device=DEVICE)
    values = lossary.sparse_categorical_crossentropy(y_true, y_pred)
    assert torch.isnan(values).tolist() == [False, True, False]
    lossary.sparse_categorical_crossentropy(y_true, y_pred, check="async")
    with pytest.raises(lossary.DomainError, match=r"y_true\[1\].*7"):
        lossary.raise_faults()
    with lossary.check("full"), pytest.raises(lossary.DomainError, match="7"):
        lossary.sparse_categorical_crossentropy(y_true, y_pred)


def test_targets_left_on_the_host_are_an_error() -> None:
    with pytest.raises(lossary.BackendError, match=r"y_true is on cpu and y_pred on cuda:0.*y_true\.to"):
        lossary.MeanSquaredError()(torch.zeros(2, 2), torch.zeros(2, 2, device=DEVICE))


def test_lists_join_tensors() -> None:
    y_pred = torch.ones(2, 1, device=DEVICE, requires_grad=True)
    assert lossary.MeanSquaredError()([[0.0], [0.0]], y_pred, sample_weight=[1.0, 3.0]).item() == 2.0


def test_doctor_reads_tensors_of_the_device() -> None:
    scores = torch.randn(64, 3, device=DEVICE) * 4
    labels = torch.arange(64, device=DEVICE) % 3
    report = lossary.diagnose(lossary.SparseCategoricalCrossentropy(), labels, scores)
    assert "from_logits=True" in str(report)


JAX = """
import sys; sys.path[:0] = ["tests"]
import jax, jax.numpy as jnp, numpy as np, lossary
from inputs import SETTINGS, assert_ulps
assert jax.default_backend() == "gpu", jax.default_backend()
rng = np.random.default_rng(3)
for setting in SETTINGS:
    for shape in ((6, 5), (4096, 64)):
        y_true, y_pred = setting.draw(rng, shape)
        y_pred = y_pred.astype(np.float32)
        y_true = y_true if y_true.dtype.kind == "i" else y_true.astype(np.float32)
        loss = setting.configured()
        with lossary.check("shapes"):
            wanted = lossary.value_and_grad(loss)(y_true, y_pred)
        found = jax.jit(jax.value_and_grad(lambda p, t: loss(t, p)))(jnp.asarray(y_pred), jnp.asarray(y_true))
        for got, want in zip(found, wanted):
            assert got.devices().pop().platform == "gpu"
            assert_ulps(np.asarray(got) * y_pred.shape[0], want * y_pred.shape[0], ulps=32)
"""


def test_jax_on_the_device() -> None:
    pytest.importorskip("jax_cuda13_plugin", reason="JAX is installed for the CPU alone")
    environment = os.environ | {"JAX_PLATFORMS": "cuda,cpu", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    done = subprocess.run([sys.executable, "-c", JAX], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
