"""Kernels inside PyTorch's autograd, in forked workers, and beside what must not reach them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import lossary
from inputs import FEWEST, FUSED, Setting, every
from lossary import kernels

SHAPE = (33, 12)
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum")
# Those with a slope by hand; slopes that are constant have no second derivative for autograd.
CURVED = [setting for setting in FUSED if setting.record.slope is not None]
EACH = pytest.mark.parametrize("setting", every(FUSED), ids=str)


@pytest.fixture(autouse=True)
def _kernels_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)


def drawn(setting: Setting, dtype: str = "float32") -> tuple[torch.Tensor, torch.Tensor]:
    y_true, y_pred = setting.draw(np.random.default_rng(21), SHAPE)
    y_true = y_true.astype(dtype) if setting.has_float_targets else y_true
    return torch.from_numpy(y_true), torch.from_numpy(y_pred.astype(dtype)).requires_grad_()


def through_words(monkeypatch: pytest.MonkeyPatch, run: Any) -> Any:
    with monkeypatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "0")
        # Steps that earlier calls have prepared stay.
        patch.setattr("lossary.routes.torch._plain", lambda *_, **__: None)
        return run()


def assert_close(got: Any, expected: Any) -> None:
    scale = max(float(expected.abs().max()), 1e-30)
    torch.testing.assert_close(got, expected, rtol=2e-6, atol=1e-6 * scale)


@EACH
def test_backward_is_that_of_the_words(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting)
    weights = torch.rand(SHAPE[0])
    assert "fused kernel" in kernels.explain(setting.configured(), y_true, y_pred)
    for reduction in REDUCTIONS:
        for options in ({}, {"sample_weight": weights}):
            loss = setting.configured(reduction=reduction)

            def run(loss: Any = loss, options: Any = options) -> Any:
                value = loss(y_true, y_pred, **options)
                (gradient,) = torch.autograd.grad(3.0 * value, y_pred)
                return value.detach(), gradient

            for got, expected in zip(run(), through_words(monkeypatch, run), strict=True):
                assert_close(got, expected)


@EACH
def test_per_sample_values_take_any_upstream_gradient(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting)
    upstream = torch.randn(SHAPE[0])

    def run() -> Any:
        values = setting(y_true, y_pred)
        (mixed,) = torch.autograd.grad(values, y_pred, upstream, retain_graph=True)
        (mean,) = torch.autograd.grad(values.mean(), y_pred)
        return values.detach(), mixed, mean

    for got, expected in zip(run(), through_words(monkeypatch, run), strict=True):
        assert_close(got, expected)


@pytest.mark.parametrize("setting", every(CURVED, FEWEST), ids=str)
def test_double_backward_is_right(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting, "float64")
    direction = torch.randn(SHAPE, dtype=torch.float64)
    for call in (setting.configured(), lambda y, p: (setting(y, p) ** 2).sum()):

        def run(call: Any = call) -> Any:
            (first,) = torch.autograd.grad(call(y_true, y_pred), y_pred, create_graph=True)
            return torch.autograd.grad((first * direction).sum(), y_pred)[0]

        torch.testing.assert_close(run(), through_words(monkeypatch, run), rtol=1e-9, atol=1e-12)


def test_backward_twice_and_changed_inputs() -> None:
    y_true, y_pred = drawn(FUSED[0])
    value = lossary.get("huber")(y_true.float(), y_pred)
    (first,) = torch.autograd.grad(value, y_pred, retain_graph=True)
    (second,) = torch.autograd.grad(value, y_pred)
    torch.testing.assert_close(first, second)
    value = lossary.get("huber")(y_true.float(), y_pred)
    with torch.no_grad():
        y_pred.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_values_may_be_changed_in_place() -> None:
    y_pred = torch.tensor([[1.0, 2.0]], requires_grad=True)
    values = lossary.MeanSquaredError(reduction="none")(torch.zeros(1, 2), y_pred, sample_weight=torch.ones(1))
    values *= 4.0
    values.sum().backward()
    assert values.tolist() == [10.0]
    assert y_pred.grad.tolist() == [[4.0, 8.0]]  # type: ignore[union-attr]


def test_the_gradient_reaches_a_network_and_shares_its_memory() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 3)
    x, labels = torch.randn(20, 6), torch.randint(0, 3, (20,))
    lossary.get("sparse_categorical_crossentropy", from_logits=True)(labels, layer(x)).backward()
    ours = layer.weight.grad.clone()
    layer.weight.grad = None
    torch.nn.functional.cross_entropy(layer(x), labels).backward()
    torch.testing.assert_close(ours, layer.weight.grad, rtol=1e-5, atol=1e-6)


def test_what_kernels_do_not_take_says_so_and_is_right() -> None:
    loss = lossary.get("huber")
    y, p = torch.zeros(4, 3), torch.full((4, 3), 1.5)
    assert "more than the predictions" in kernels.explain(loss, y.clone().requires_grad_(), p)
    assert "not in host memory" in kernels.explain(loss, y.to("meta"), p.to("meta"))
    assert "host" not in kernels.explain(loss, y, p)
    target = y.clone().requires_grad_()
    loss(target, p).backward()
    torch.testing.assert_close(target.grad, torch.full((4, 3), -1.0 / 12))
    tangent = torch.func.jvp(lambda q: loss(y, q), (p,), (torch.ones(4, 3),))[1]
    torch.testing.assert_close(tangent, torch.tensor(1.0))
    rows = torch.func.vmap(loss)(y[:, None], p[:, None])
    torch.testing.assert_close(rows, torch.ones(4))
    gradient = torch.func.grad(lambda q: loss(y, q))(p)
    torch.testing.assert_close(gradient, torch.full((4, 3), 1.0 / 12))
    half = p.bfloat16().requires_grad_()
    loss(y.bfloat16(), half).backward()
    assert half.grad is not None
    assert half.grad.dtype == torch.bfloat16


class Losses(Dataset[Any]):
    """Computes a loss in the worker."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        value, _ = lossary.value_and_grad("log_cosh")(*large(index))
        return float(value)


def large(seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(600, 300)).astype("float32"), rng.normal(size=(600, 300)).astype("float32")


def test_forked_workers_compute_after_the_parent_did() -> None:
    expected = [float(lossary.value_and_grad("log_cosh")(*large(i))[0]) for i in range(6)]
    torch.mm(torch.randn(300, 300), torch.randn(300, 300))
    loader = DataLoader(Losses(), batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=60)
    assert list(loader) == expected


CHILD = """
import threading, numpy as np, lossary
from concurrent.futures import ThreadPoolExecutor
rng = np.random.default_rng(0)
y, p = (rng.normal(size=(900, 300)).astype("float32") for _ in range(2))
call = lossary.value_and_grad("huber")
expected = call(y, p)[1].tobytes()
with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(lambda _: call(y, p)[1].tobytes() == expected, range(40)))
print(lossary.kernels.explain("huber", y, p))
"""


def child(folder: Any) -> str:
    """Runs the program above with its own cache and returns what `explain` says."""
    import os

    variables = os.environ | {"LOSSARY_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.costly
def test_the_cache_is_kept_found_again_and_survives_damage(tmp_path: Any) -> None:
    folder = tmp_path / "kernels"
    assert f"compiled and kept in {folder}" in child(folder)
    assert f"loaded from {folder}" in child(folder)
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert f"compiled and kept in {folder}" in child(folder)
    assert f"loaded from {folder}" in child(folder)


def test_a_cache_that_cannot_be_written_or_trusted_is_not_used(tmp_path: Any) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    assert "for this process alone" in child(not_a_folder)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert "can be written by others" in child(shared)
    assert list(shared.iterdir()) == []


@pytest.mark.costly
def test_two_processes_may_compile_at_once(tmp_path: Any) -> None:
    import os

    variables = os.environ | {"LOSSARY_CACHE_DIR": str(tmp_path / "kernels")}
    running = [subprocess.Popen([sys.executable, "-c", CHILD], env=variables, stdout=subprocess.PIPE) for _ in range(2)]
    for process in running:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert b"fused kernel" in output


def test_the_number_of_threads_follows_torch_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from lossary.kernels.cpu import threads

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert threads.count() == 3
    finally:
        torch.set_num_threads(before)
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert threads.count() == 5
    # A digit for Python's isdigit, but no number: as if nothing were set.
    monkeypatch.setenv("OMP_NUM_THREADS", "²")
    assert threads.count() == len(os.sched_getaffinity(0))


def test_importing_the_library_does_not_import_the_compiler() -> None:
    program = "import sys, lossary; lossary.mse([[1.0]], [[2.0]]); print('llvmlite' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_large_gradients_reuse_pages_that_nobody_holds() -> None:
    from lossary.kernels.cpu import pages

    pages.release()
    first = pages.empty((3000, 3000), "float32")
    place = first.ctypes.data
    second = pages.empty((3000, 3000), "float32")
    assert second.ctypes.data != place
    view = first[5:]
    del first
    assert pages.empty((3000, 3000), "float32").ctypes.data != place
    del view
    assert pages.empty((3000, 3000), "float32").ctypes.data == place
    pages.release()


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr", "to_mkldnn"])
def test_layouts_without_an_address_are_refused_beside_dense_ones(layout: str, place: int, reduction: str) -> None:
    """Also where dense tensors of the same dtypes and shapes came before."""
    loss, arrays = lossary.MeanSquaredError(reduction=reduction), [torch.eye(2), torch.zeros(2, 2, requires_grad=True)]
    assert loss(*arrays).sum() in (0.5, 1.0)
    arrays[place] = getattr(torch.eye(2), layout)().requires_grad_(place == 1)
    with pytest.raises(lossary.DTypeError, match="is a sparse tensor"):
        loss(*arrays)
