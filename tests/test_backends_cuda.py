"""CUDA: the same values and derivatives as on the host, without ever waiting for the device."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import accuracy
import lossary
from inputs import FUSED, SETTINGS, WITNESSES, Setting, assert_ulps
from lossary import kernels

if not torch.cuda.is_available():
    pytest.skip("PyTorch sees no GPU of NVIDIA", allow_module_level=True)
DEVICE = "cuda"


@pytest.fixture
def without_waiting() -> Iterator[None]:
    """Whatever makes the host wait for the device is an error."""
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


def drawn(setting: Setting, rng: np.random.Generator, dtype: torch.dtype, shape: tuple[int, ...] = (64, 7)) -> Any:
    """Targets and predictions on the host and on the device, a weight and a mask per data point."""
    y_true, y_pred = map(torch.tensor, setting.draw(rng, shape))
    y_true = y_true.to(dtype) if y_true.is_floating_point() else y_true
    weight, mask = torch.tensor(rng.uniform(0.5, 2.0, shape[0])), torch.tensor(rng.random(shape[0]) < 0.7)
    host = y_true, y_pred.to(dtype), weight.to(dtype), mask
    return host, tuple(x.to(DEVICE) for x in host)


def step(loss: Any, y_true: Any, y_pred: Any, weight: Any = None, mask: Any = None) -> tuple[Any, Any]:
    """The reduced loss and its gradient through autograd."""
    leaf = y_pred.detach().clone().requires_grad_()
    value = loss(y_true, leaf, sample_weight=weight, where=mask)
    value.sum().backward()
    return value.detach(), leaf.grad


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum", "none"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_agrees_with_the_host(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    loss = setting.configured(reduction=reduction)
    for dtype, name, ulps in ((torch.float64, "float64", 64), (torch.float32, "float32", 8)):
        host, device = drawn(setting, rng, dtype)
        for arguments in (2, 4):
            for got, wanted in zip(step(loss, *device[:arguments]), step(loss, *host[:arguments]), strict=True):
                assert got.device.type == DEVICE
                assert_ulps(got.cpu().numpy(), wanted.numpy(), ulps=ulps, dtype=name)


@pytest.mark.usefixtures("without_waiting")
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_never_waits_for_the_device(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    torch.cuda.set_sync_debug_mode("default")
    _, device = drawn(setting, rng, torch.float32)
    loss = setting.configured(reduction=reduction)
    torch.cuda.set_sync_debug_mode("error")
    step(loss, *device[:2])
    step(loss, *device)
    lossary.value_and_grad(loss)(*device[:2])


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_second_derivative(setting: Setting, rng: np.random.Generator) -> None:
    host, device = drawn(setting, rng, torch.float64, (3, 4))
    found = []
    for y_true, y_pred, weight, mask in (host, device):
        leaf = y_pred.clone().requires_grad_()
        value = setting.configured()(y_true, leaf, sample_weight=weight, where=mask)
        (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
        curved = slope.requires_grad  # The slope of a hinge has none.
        found.append(torch.autograd.grad((slope * slope).sum(), leaf)[0].cpu() if curved else slope.detach().cpu())
    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_half_precision_is_computed_in_single(setting: Setting, dtype: torch.dtype, rng: np.random.Generator) -> None:
    _, (y_true, y_pred, *_) = drawn(setting, rng, dtype)
    with lossary.check("shapes"):
        value, slope = step(setting.configured(), y_true, y_pred)
        wide = y_true.float() if y_true.is_floating_point() else y_true
        wanted, steep = step(setting.configured(), wide, y_pred.float())
    assert value.dtype == torch.float32
    assert slope.dtype == dtype
    torch.testing.assert_close(value, wanted, rtol=0.0, atol=0.0)
    torch.testing.assert_close(slope, steep.to(dtype), rtol=0.0, atol=0.0)


def test_a_scaled_gradient_survives_half_precision() -> None:
    y_pred = torch.ones(1 << 20, 1, device=DEVICE, dtype=torch.float16, requires_grad=True)
    value = lossary.MeanSquaredError()(torch.zeros_like(y_pred), y_pred)
    (value * 16384.0).backward()  # 2^-19 * 2^14; by itself 2^-19 has 6 of 11 bits.
    assert y_pred.grad is not None
    assert torch.all(y_pred.grad == 2.0**-5)


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_compiled(setting: Setting, rng: np.random.Generator) -> None:
    torch.compiler.reset()
    _, device = drawn(setting, rng, torch.float32, (64, 33))
    compiled = torch.compile(setting.configured(), fullgraph=True)
    for got, wanted in zip(step(compiled, *device), step(setting.configured(), *device), strict=True):
        assert_ulps(got.cpu().numpy(), wanted.cpu().numpy(), ulps=8)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_recorded_as_a_cuda_graph(setting: Setting, rng: np.random.Generator) -> None:
    _, (y_true, y_pred, *_) = drawn(setting, rng, torch.float32)
    loss, leaf = setting.configured(), y_pred.clone().requires_grad_()
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):  # Frameworks want one warm call beside the stream that records.
        loss(y_true, leaf).backward()
    torch.cuda.current_stream().wait_stream(side)
    graph, leaf.grad = torch.cuda.CUDAGraph(), None
    with torch.cuda.graph(graph):
        value = loss(y_true, leaf)
        value.backward()
    other = y_pred.flip(0).clone()
    with torch.no_grad():
        leaf.copy_(other)
    graph.replay()
    wanted, slope = step(loss, y_true, other)
    torch.testing.assert_close(value.detach(), wanted)
    torch.testing.assert_close(leaf.grad, slope)


def test_accuracy_in_float32() -> None:
    def on_the_device(record: Any, parameters: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        loss = lossary.get(record.name, reduction="none", **parameters)
        values, slopes = step(loss, torch.tensor(y_true, device=DEVICE), torch.tensor(y_pred, device=DEVICE))
        return values.cpu().numpy(), slopes.cpu().numpy()

    found = accuracy.measure(on_the_device)
    wrong = {key: a for key, a in found.items() if a.worst > 6 or a.nonfinite or a.dead}
    assert not wrong, wrong


def test_kernels_say_that_they_run_and_why_they_stay_away() -> None:
    y_true, y_pred = torch.zeros(64, 3, device=DEVICE), torch.zeros(64, 3, device=DEVICE)
    assert "fused kernel on torch, compiled by Triton for " in kernels.explain("huber", y_true, y_pred)
    assert "compute in float32, not torch.float64" in kernels.explain("huber", y_true.double(), y_pred.double())
    assert "the words of torch" in kernels.explain("triplet_margin", backend="torch")


@pytest.mark.parametrize("setting", FUSED, ids=str)
def test_every_loss_that_has_a_kernel_takes_it(setting: Setting, rng: np.random.Generator) -> None:
    _, (y_true, y_pred, *_) = drawn(setting, rng, torch.float32)
    assert "fused kernel" in kernels.explain(setting.configured(), y_true, y_pred)


@pytest.mark.parametrize("shape", [(3, 20000), (3000, 1), (300, 100)], ids=str)
@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_rows_of_every_length(setting: Setting, shape: tuple[int, int], rng: np.random.Generator) -> None:
    host, device = drawn(setting, rng, torch.float32, shape)
    wide = [x.double() if x.is_floating_point() else x for x in host]
    for arguments in (2, 3, 4):
        value, slope = step(setting.configured(), *device[:arguments])
        wanted, steep = step(setting.configured(), *wide[:arguments])
        torch.testing.assert_close(value.cpu().double(), wanted, rtol=4e-6, atol=2e-6)
        size = steep.abs().amax(-1, keepdim=True)
        assert float(((slope.cpu().double() - steep).abs() / (size + 1e-30)).max()) < 4e-6


def test_outputs_along_another_axis(rng: np.random.Generator) -> None:
    scores = torch.tensor(rng.normal(size=(4, 5, 6, 7))).float()
    labels = torch.tensor(rng.integers(0, 5, (4, 6, 7)))
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, axis=1, ignore_class=3)
    wanted = step(loss, labels, scores)
    for given in (scores.cuda(), scores.cuda().to(memory_format=torch.channels_last)):
        for got, want in zip(step(loss, labels.cuda(), given), wanted, strict=True):
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
    wanted = step(loss, y_true.float(), scores)
    for got, want in zip(step(loss, y_true.to(DEVICE, dtype), scores.cuda()), wanted, strict=True):
        assert_ulps(got.cpu().numpy(), want.numpy(), ulps=8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_linear_head(dtype: torch.dtype, rng: np.random.Generator) -> None:
    hidden, weight = (torch.tensor(rng.normal(size=(n, 32)) / 4, device=DEVICE).to(dtype) for n in (600, 1500))
    labels = torch.tensor(rng.integers(0, 1500, 600), device=DEVICE)
    found = []
    for head in (lossary.linear_cross_entropy, lambda y, h, w: torch.nn.functional.cross_entropy((h @ w.T).float(), y)):
        leaves = [x.clone().requires_grad_() for x in (hidden, weight)]
        value = head(labels, *leaves)
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
