"""Kernels that XLA calls: inside every transformation of JAX, and where they must stay away."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import accuracy
import lossary
from inputs import FEWEST, FLOAT_TARGETS, FUSED, PROVEN, WITNESSES, Setting, every, jax_with
from lossary import kernels
from lossary.facts.registry import enrol

SHAPE = (33, 12)
LIMIT_IN_ULP = 4.0


@pytest.fixture(autouse=True)
def _kernels_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    monkeypatch.delenv("LOSSARY_JAX_KERNELS", raising=False)


def drawn(setting: Setting, shape: tuple[int, ...] = SHAPE) -> tuple[jax.Array, jax.Array]:
    y_true, y_pred = setting.draw(np.random.default_rng(21), shape)
    return jnp.asarray(y_true, "float32" if setting.has_float_targets else "int32"), jnp.asarray(y_pred, "float32")


def in_words(monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any]) -> Any:
    with monkeypatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "0")
        return run()


def assert_close(got: Any, expected: Any) -> None:
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        scale = max(float(jnp.abs(b).max()), 1e-30)
        np.testing.assert_allclose(a, b, rtol=3e-6, atol=1e-6 * scale)


def calls_a_kernel(function: Callable[..., Any], *arrays: Any) -> bool:
    return "lossary_" in jax.jit(function).lower(*arrays).as_text()


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
def test_value_and_gradient_are_those_of_the_words(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting)
    weight = jnp.linspace(0.0, 2.0, SHAPE[0])
    kept = jnp.arange(SHAPE[0]) % 3 > 0
    spoiled = jnp.where(kept[:, None], y_pred, jnp.nan)
    mean, total = setting.configured(), setting.configured(reduction="sum")
    weighted = setting.configured(reduction="mean_with_sample_weight")

    @jax.jit
    def run(p: Any, nans: Any, w: Any) -> Any:
        masked = jax.value_and_grad(lambda p, w: weighted(y_true, p, sample_weight=w, where=kept), (0, 1))
        plain = [jax.value_and_grad(lambda p, loss=loss: 3.0 * loss(y_true, p))(p) for loss in (mean, total)]
        return plain, masked(nans, w), lossary.value_and_grad(mean)(y_true, p, w)

    arrays = y_pred, spoiled, weight
    assert run.lower(*arrays).as_text().count("@lossary_") == 4
    got = run(*arrays)
    run.clear_cache()
    assert_close(got, in_words(monkeypatch, lambda: run(*arrays)))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("name", ["mean_squared_error", "kl_divergence"])
def test_a_plain_call_is_one_operation(name: str, reduction: str) -> None:
    loss, half = lossary.get(name, reduction=reduction), jnp.full((4, 3), 0.5, "float32")
    program = jax.jit(jax.value_and_grad(lambda p, y: loss(y, p))).lower(half, half).compile().as_text()
    assert program.count("custom-call(") == 1
    assert "fusion(" not in program


def test_many_rows_are_added_up_in_double_precision() -> None:
    # 2^24, 1 and 1: float32 has no number between 2^24 and 2^24 + 2.
    y_pred = jnp.asarray([[1.0 - 2.0**24, 0.0], [0.0, 0.0], [0.0, 0.0]], "float32")
    total = jax.jit(lossary.CategoricalHinge(reduction="sum"))(jnp.tile(jnp.asarray([1.0, 0.0]), (3, 1)), y_pred)
    assert float(total) == 2.0**24 + 2.0


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_values_per_data_point_and_any_upstream(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting, (3, 11, 5))
    upstream = jnp.linspace(-1.0, 1.0, 33).reshape(3, 11)
    loss = setting.configured(reduction="none")

    @jax.jit
    def run(p: Any) -> Any:
        values, pull = jax.vjp(lambda p: setting(y_true, p), p)
        return values, pull(upstream), lossary.value_and_grad(loss)(y_true, p)

    assert run.lower(y_pred).as_text().count("@lossary_") == 2
    got = run(y_pred)
    run.clear_cache()
    assert_close(got, in_words(monkeypatch, lambda: run(y_pred)))


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
@pytest.mark.costly
def test_other_derivatives_are_those_of_the_words(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting)
    loss = setting.configured()
    direction = jnp.asarray(np.random.default_rng(0).normal(size=SHAPE), "float32")

    def run() -> Any:
        def value(p: Any) -> Any:
            return loss(y_true, p)

        forward = jax.jit(lambda p: jax.jvp(value, (p,), (direction,)))(y_pred)
        curved = jax.jit(lambda p: jax.jvp(jax.grad(value), (p,), (direction,)))(y_pred)
        twice = jax.grad(lambda p: jnp.vdot(jax.grad(value)(p), direction))(y_pred)
        points = jax.jvp(lambda p: setting(y_true, p), (y_pred,), (direction,))
        return forward, curved, twice, points

    assert_close(run(), in_words(monkeypatch, run))


@pytest.mark.parametrize("setting", every([s for s in FLOAT_TARGETS if s in WITNESSES], FEWEST), ids=str)
def test_derivative_with_respect_to_targets(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred = drawn(setting)
    loss = setting.configured(check="shapes")

    def run() -> Any:
        return jax.jit(jax.grad(loss, argnums=(0, 1)))(y_true, y_pred)

    assert_close(run(), in_words(monkeypatch, run))


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_vmap_calls_the_kernel_for_every_member(setting: Setting) -> None:
    y_true, y_pred = drawn(setting)
    loss = setting.configured()
    members = jnp.stack([y_pred, y_pred[::-1], y_pred[:, ::-1]], axis=1)
    gradient = jax.grad(lambda p, t: loss(t, p))
    got = jax.jit(jax.vmap(gradient, in_axes=(1, None), out_axes=1))(members, y_true)
    for place in range(3):
        np.testing.assert_array_equal(got[:, place], gradient(members[:, place], y_true))
    values = jax.vmap(lambda p: loss(y_true, p), in_axes=1)(members)
    np.testing.assert_array_equal(values, [loss(y_true, members[:, place]) for place in range(3)])


def test_control_flow_and_rematerialisation() -> None:
    loss = lossary.get("mean_squared_error")
    y, p = jnp.zeros(SHAPE), jnp.ones(SHAPE)

    def step(p: Any, _: Any) -> Any:
        value, gradient = jax.value_and_grad(lambda q: loss(y, q))(p)
        return p - 0.5 * p.size * gradient / 2, value

    # The gradient of the mean of p^2 is 2 p / size, so every step halves p and quarters the value.
    assert jax.jit(lambda p: jax.lax.scan(step, p, None, length=3))(p)[1].tolist() == [1.0, 0.25, 0.0625]
    kept = jax.jit(jax.grad(jax.checkpoint(lambda q: loss(y, 2.0 * q))))(p)
    np.testing.assert_allclose(kept, 8.0 / p.size, rtol=1e-6)
    with jax.disable_jit():
        assert float(loss(y, p)) == 1.0


@pytest.mark.parametrize("loop", ["scan", pytest.param("map", marks=pytest.mark.costly)])
def test_second_derivatives_through_loops(loop: str) -> None:
    rng = np.random.default_rng(3)
    x, y = (jnp.asarray(rng.normal(size=(3, 8, size)), "float32") for size in (5, 4))
    weights, labels = jnp.asarray(rng.uniform(1.0, 2.0, (3, 8)), "float32"), jnp.asarray(rng.integers(0, 4, (3, 8)))
    start = jnp.asarray(rng.normal(size=(5, 4)), "float32")
    squares, likelihood = lossary.MeanSquaredError(), lossary.get("gaussian_nll", epsilon=0.0)
    sparse = lossary.SparseCategoricalCrossentropy(from_logits=True)

    def ours(p: Any, y: Any, weights: Any, labels: Any) -> Any:
        whole = squares(y, p, sample_weight=weights) + sparse(labels, p)
        return whole + likelihood(y, (p, jnp.exp(p)))

    def formula(p: Any, y: Any, weights: Any, labels: Any) -> Any:
        whole = jnp.mean(weights[:, None] * (p - y) ** 2) - jnp.mean(jax.nn.log_softmax(p)[jnp.arange(8), labels])
        return whole + jnp.mean((p - y) ** 2 / jnp.exp(p) + p) / 2

    def twice(one: Callable[..., Any]) -> Any:
        def total(w: Any) -> Any:
            if loop == "map":
                return jnp.sum(jax.lax.map(lambda part: one(part[0] @ w, *part[1:]), (x, y, weights, labels)))
            step = jax.checkpoint(lambda total, part: (total + one(part[0] @ w, *part[1:]), None))
            return jax.lax.scan(step, 0.0, (x, y, weights, labels))[0]

        return jax.jit(lambda w: jax.jvp(jax.grad(total), (w,), (start,))[1])(start)

    assert_close(twice(ours), twice(formula))


def test_threads_share_large_calls_and_give_the_same_bits() -> None:
    rng = np.random.default_rng(2)
    y, p = (jnp.asarray(rng.normal(size=(20000, 64)), "float32") for _ in range(2))
    labels = jnp.asarray(rng.integers(0, 64, 20000))
    softmax = lossary.get("sparse_categorical_crossentropy", from_logits=True)
    calls = [
        jax.jit(jax.value_and_grad(lambda p: lossary.get("huber")(y, p))),
        jax.jit(jax.value_and_grad(lambda p: softmax(labels, p))),
    ]
    seen: list[set[bytes]] = [set(), set()]

    def work() -> None:
        for _ in range(5):
            for call, found in zip(calls, seen, strict=True):
                value, gradient = call(p)
                found.add(np.asarray(value).tobytes() + np.asarray(gradient).tobytes())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(map(len, seen)) == [1, 1]
    exact = np.asarray(lossary.get("huber")(np.asarray(y, "float64"), np.asarray(p, "float64")))
    np.testing.assert_allclose(calls[0](p)[0], exact, rtol=1e-6)


def test_what_is_exported_runs_without_the_kernel() -> None:
    loss = lossary.get("huber")
    call = jax.jit(jax.value_and_grad(lambda p, y: loss(y, p)))
    y, p = jnp.zeros(SHAPE), jnp.full(SHAPE, 3.0)
    assert calls_a_kernel(call, p, y)
    exported = jax.export.export(call, platforms=["cpu", "cuda"])(p, y)
    assert "custom_call" not in exported.mlir_module()
    # huber of 3 with delta 1 is 3 - 1/2.
    assert float(jax.export.deserialize(exported.serialize()).call(p, y)[0]) == pytest.approx(2.5, rel=1e-6)
    (rows,) = jax.export.symbolic_shape("rows")
    symbolic = jax.export.export(call)(*[jax.ShapeDtypeStruct((rows, 12), jnp.float32)] * 2)
    assert float(symbolic.call(p, y)[0]) == pytest.approx(2.5, rel=1e-6)
    assert "custom_call" not in call.trace(p, y).lower(lowering_platforms=("cuda",)).as_text()


def test_labels_outside_and_half_precision() -> None:
    labels, p = jnp.asarray([0, -1, 3]), jnp.zeros((3, 3), jnp.float16)
    loss = lossary.sparse_categorical_crossentropy
    values, slopes = jax.jit(jax.value_and_grad(lambda p: loss(labels, p, from_logits=True)[0]))(p)
    assert values.dtype == slopes.dtype == jnp.float16
    assert float(values) == pytest.approx(np.log(3.0), rel=2**-10)
    np.testing.assert_allclose(slopes[0], [-2 / 3, 1 / 3, 1 / 3], rtol=2**-10)
    everything = jax.jit(lambda p: loss(labels, p, from_logits=True))(p)
    assert jnp.isnan(everything).tolist() == [False, True, True]
    left_out = lossary.get("sparse_categorical_crossentropy", from_logits=True, ignore_class=-1)
    assert float(jax.jit(left_out)(labels[:2], p[:2])) == pytest.approx(np.log(3.0), rel=2**-10)


def test_values_are_checked_where_they_can_be() -> None:
    with pytest.raises(lossary.DomainError, match="binary_crossentropy"):
        lossary.get("binary_crossentropy")(jnp.zeros((2, 2)), jnp.full((2, 2), 1.5))


def test_a_formula_that_cannot_be_compiled_runs_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossary.kernels.xla import handler

    def fail(*_: Any) -> Any:
        raise NotImplementedError("no loop for this")

    record = lossary.get("mean_squared_error").record
    y, p = jnp.zeros((2, 3)), jnp.ones((2, 3))
    with monkeypatch.context() as patch:
        patch.setattr(handler, "source", fail)
        enrol(record)  # So that kernels are made anew.
        assert "no loop for this" in kernels.explain("mean_squared_error", y, p)
        value, gradient = jax.jit(jax.value_and_grad(lambda p: lossary.get("mean_squared_error")(y, p)))(p)
        assert float(value) == 1.0
        np.testing.assert_allclose(gradient, 2.0 / 6.0, rtol=1e-6)
    enrol(record)
    assert "in a fused kernel" in kernels.explain("mean_squared_error", y, p)


def test_what_was_compiled_for_a_loss_is_let_go_when_it_is_defined_again() -> None:
    """Each program of XLA holds more than a megabyte."""

    def define() -> int:
        @lossary.loss(name="jax_again")
        def again(y_true: Any, y_pred: Any) -> Any:
            return lossary.words.mean(7.0 * abs(y_pred - y_true) ** 3)

        assert float(again.cls()(jnp.zeros((2, 3)), jnp.ones((2, 3)))) == 7.0
        gc.collect()
        return len(jax.devices()[0].client.live_executables())

    first = define()
    assert [define() for _ in range(3)] == [first] * 3


def test_a_gradient_for_factors_that_come_later() -> None:
    fused = lossary.get("mean_squared_error").ready((jnp.zeros((2, 3)), jnp.ones((2, 3)))).batch.fused
    # 2 (1 - 0) / 3 times 3, and times -6.
    np.testing.assert_allclose(fused.gradients(jnp.array([3.0, -6.0]))[0], [[2.0] * 3, [-4.0] * 3], rtol=1e-6)


def test_arrays_of_a_call_are_let_go_with_it() -> None:
    batch = lossary.get("mean_squared_error").ready((jnp.zeros((2, 3)), jnp.ones((2, 3))), np.array([1.0, 2.0])).batch
    fused = weakref.ref(batch.fused)
    assert float(batch.value_and_gradient("sum")[0]) == 1.0 + 2.0
    del batch
    assert fused() is None


def test_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p = jnp.zeros((2, 3)), jnp.ones((2, 3))
    assert "in a fused kernel on jax" in kernels.explain("huber", y, p)
    assert "in a fused kernel on jax" in kernels.explain("huber", backend="jax")
    with jax_with(x64=True):
        assert "float64" in kernels.explain("huber", y.astype("float64"), p.astype("float64"))
    mesh = jax.make_mesh((1,), ("d",), axis_types=(jax.sharding.AxisType.Explicit,))
    spread = jax.device_put(p, jax.NamedSharding(mesh, jax.P("d")))
    assert "sharding" in kernels.explain("huber", jnp.zeros_like(spread), spread)
    monkeypatch.setenv("LOSSARY_JAX_KERNELS", "0")
    assert "LOSSARY_JAX_KERNELS=0 switches" in kernels.explain("huber", y, p)
    monkeypatch.delenv("LOSSARY_JAX_KERNELS")
    assert "LOSSARY_KERNELS=0" in in_words(monkeypatch, lambda: kernels.explain("huber", y, p))


def test_every_size_takes_a_kernel_and_small_members_of_a_batch_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 1 << 16)
    y, p = jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.5, 0.5]])
    loss = lossary.MeanSquaredError()
    assert "at every size" in kernels.explain(loss, backend="jax")
    assert "fused kernel" in kernels.explain(loss, y, p)
    assert calls_a_kernel(loss, y, p)
    assert float(jax.jit(loss)(y, p)) == 0.25
    gradient = jax.vmap(jax.grad(lambda p, y: loss(y, p)), in_axes=(0, None))
    members = jnp.stack([p, p + 1.0])
    assert not calls_a_kernel(gradient, members, y)
    assert jax.jit(gradient)(members, y).tolist() == [[[-0.5, 0.5]], [[0.5, 1.5]]]
    # Whole numbers are subtracted in float64, which kernels leave to the words.
    assert not calls_a_kernel(loss, y.astype(int), p.astype(int))


_DEVICES = """
import jax, jax.numpy as jnp, lossary
from lossary import kernels
kernels.THRESHOLD = 0
y, p = jnp.zeros((2, 5, 3)), jnp.ones((2, 5, 3))
assert "several devices" in kernels.explain("huber", y[0], p[0])
assert jax.pmap(lambda y, p: lossary.get("huber")(y, p))(y, p).tolist() == [0.5, 0.5]
"""


@pytest.mark.costly
def test_several_devices_keep_to_the_words() -> None:
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", _DEVICES], env=_environment() | flags, check=True)


_ALIKE = """
import sys
import jax, jax.numpy as jnp, lossary
from lossary import kernels
kernels.THRESHOLD = 0
losses = {
    "kl_divergence": lossary.get("kl_divergence"),
    "softmax": lossary.get("categorical_crossentropy", from_logits=True),
}
y, p = jnp.eye(4)[:1], jnp.full((1, 4), 0.5)
for name in sys.argv[1:]:
    value, gradient = jax.jit(jax.value_and_grad(lambda p: losses[name](y, p)))(p)
    print(round(float(value), 4), round(float(gradient[0, 0]), 4))
    print("loaded" if "loaded from" in kernels.explain(losses[name], y, p) else "compiled")
"""


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.costly
def test_kernels_that_different_processes_compiled_do_not_take_each_others_place(tmp_path: Any, swapped: bool) -> None:
    # All handlers have one name in their machine code: what a third process loads is its own nevertheless.
    environment = _environment() | {"LOSSARY_CACHE_DIR": str(tmp_path), "JAX_PLATFORMS": "cpu"}

    def said(*names: str) -> list[str]:
        command = [sys.executable, "-W", "error", "-c", _ALIKE, *names]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

    # At a half everywhere: log 2 and -1 / (1/2), log 4 and 1/4 - 1.
    divergence, softmax = ["0.6931", "-2.0"], ["1.3863", "-0.75"]
    assert said("kl_divergence") == [*divergence, "compiled"]
    assert said("softmax") == [*softmax, "compiled"]
    divergence, softmax = [*divergence, "loaded"], [*softmax, "loaded"]
    if swapped:
        assert said("softmax", "kl_divergence") == softmax + divergence
    else:
        assert said("kl_divergence", "softmax") == divergence + softmax


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "LOSSARY_KERNELS"}


def assert_accurate(chosen: Any = None, **some: Any) -> None:
    for key, account in accuracy.measure(accuracy.on_backend("jax", in_words=False), chosen, **some).items():
        assert (account.nonfinite, account.dead) == (0, 0), (key, account.examples)
        assert account.worst <= LIMIT_IN_ULP, (key, account.where)


def test_a_gradient_for_given_factors() -> None:
    y_true, y_pred = jnp.zeros((3, 2)), jnp.array([[0.5, 2.0], [-3.0, 0.25], [-0.5, 1.0]])
    batch = lossary.Huber().ready((y_true, y_pred)).batch
    assert batch.fused is not None
    # The slope of Huber's loss is the error within [-1, 1], here over two outputs.
    expected = [[0.25, 0.5], [-1.0, 0.25], [-0.75, 1.5]]
    np.testing.assert_allclose(batch.pulled_back(jnp.array([1.0, 2.0, 3.0])), expected)


def test_kernels_are_as_accurate_as_on_numpy() -> None:
    chosen = [(setting.record, dict(setting.parameters)) for setting in WITNESSES[:2]]
    assert_accurate(chosen, widths=slice(3, 4), most=8)


@pytest.mark.exhaustive
def test_kernels_of_proven_losses_are_as_accurate_as_on_numpy() -> None:
    assert_accurate([(s.record, dict(s.parameters)) for s in FUSED if s.record.name in PROVEN])
