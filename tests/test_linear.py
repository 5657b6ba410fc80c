"""Losses of a last layer's scores: the values and gradients of the layer and the loss one after the other."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytensor
import pytest
import tensorflow as tf
import torch
from torch.nn import functional

import lossary
from inputs import few, jax_with
from lossary.calls.linear import chunk_size
from lossary.texts import linear as texts

TOKENS, FEATURES, CLASSES = (3, 5), 4, 7
SETTINGS: list[dict[str, Any]] = [
    {},
    {"ignore_class": -100},
    {"label_smoothing": 0.1},
    {"softcap": 2.0},
    {"z_loss": 0.1},
    {"shift": 1},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"reduction": "mean_with_sample_weight", "ignore_class": 2},
    {"softcap": 1.5, "z_loss": 0.2, "label_smoothing": 0.3, "ignore_class": -100, "shift": 2, "reduction": "sum"},
]


def drawn(seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, CLASSES, TOKENS)
    y_true[1, 2:] = -100
    hidden, weight, bias = (rng.normal(size=shape) for shape in ((*TOKENS, FEATURES), (CLASSES, FEATURES), (CLASSES,)))
    return y_true, hidden, weight, bias, rng.uniform(0.5, 2.0, TOKENS)


def expected(
    y_true, hidden, weight, bias, sample_weight=None, *, ignore_class=None, label_smoothing=0.0, softcap=None,
    z_loss=0.0, shift=0, reduction="mean",
):  # fmt: skip
    """The same in PyTorch's own functions, all scores at once: the loss and its gradients."""
    leaves = [torch.tensor(x, requires_grad=True) for x in (hidden, weight, bias)]
    scores = functional.linear(*leaves)[:, : TOKENS[1] - shift].flatten(0, 1)
    labels = torch.tensor(y_true)[:, shift:].flatten()
    scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
    kept = (labels >= 0) & (labels != (-1 if ignore_class is None else ignore_class))
    values = functional.cross_entropy(
        scores, torch.where(kept, labels, 0), label_smoothing=label_smoothing, reduction="none"
    )
    values = (values + z_loss * torch.logsumexp(scores, -1) ** 2) * kept
    weights = torch.ones_like(values)
    if sample_weight is not None:
        weights = torch.tensor(sample_weight)[:, shift:].flatten()
    total = (values * weights).sum()
    if reduction == "mean":
        total = total / kept.sum()
    if reduction == "mean_with_sample_weight":
        total = total / (weights * kept).sum()
    total.backward()
    found = (values * weights).reshape(TOKENS[0], -1).detach() if reduction == "none" else total.detach()
    return found.numpy(), [x.grad.numpy() for x in leaves]


def in_numpy(x):
    return x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


LIBRARIES: dict[str, Callable[..., Any]] = {
    "numpy": np.asarray, "torch": torch.tensor, "jax": jnp.asarray, "tensorflow": tf.convert_to_tensor
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _x64():
    with jax_with(x64=True):
        yield


# JAX traces and compiles a loop for each: none, two and all of the settings there, one alone in the proof.
@pytest.mark.parametrize(
    ("settings", "library"),
    few(lambda pair: pair[1] != "jax" or len(pair[0]) != 1, [(s, name) for s in SETTINGS for name in LIBRARIES]),
    ids=str,
)
def test_values_and_gradients_are_those_of_the_scores(settings: dict[str, Any], library: str) -> None:
    y_true, hidden, weight, bias, sample_weight = drawn()
    if settings.get("ignore_class") != -100:
        y_true = np.abs(y_true) % CLASSES
    wanted = expected(y_true, hidden, weight, bias, sample_weight, **settings)
    given = [LIBRARIES[library](x) for x in (y_true, hidden, weight, bias, sample_weight)]
    # A chunk that divides the tokens, one that does not, and all at once; compiled loops take their time for each.
    for chunk in (None, 1, 4) if library in ("numpy", "torch") else (4,):
        loss = lossary.LinearCrossEntropy(chunk=chunk, **settings)
        value, gradients = loss.value_and_grad(*given)
        np.testing.assert_allclose(in_numpy(value), wanted[0], rtol=1e-12)
        for got, of in zip(gradients, wanted[1], strict=True):
            np.testing.assert_allclose(in_numpy(got), of, rtol=1e-11, atol=1e-14)
        if library != "jax":
            np.testing.assert_allclose(in_numpy(loss(*given)), wanted[0], rtol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
def test_masked_tokens_touch_nothing(library: str) -> None:
    y_true, hidden, weight, bias, _ = drawn()
    where = y_true >= 0
    hidden[~where] = np.nan
    wanted = expected(y_true, np.nan_to_num(hidden), weight, bias, ignore_class=-100)
    given = [LIBRARIES[library](x) for x in (y_true, hidden, weight, bias)]
    value, gradients = lossary.LinearCrossEntropy(chunk=4).value_and_grad(*given, where=LIBRARIES[library](where))
    np.testing.assert_allclose(in_numpy(value), wanted[0], rtol=1e-12)
    for got, of in zip(gradients, wanted[1], strict=True):
        np.testing.assert_allclose(in_numpy(got), of, rtol=1e-11, atol=1e-14)
    nothing = lossary.LinearCrossEntropy(ignore_class=-100, chunk=4)
    value, gradients = nothing.value_and_grad(given[0] * 0 - 100, *given[1:])
    assert float(value) == 0.0
    assert all((in_numpy(x) == 0.0).all() for x in gradients)


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_loss_of_rows_of_scores(library: str) -> None:
    _, hidden, weight, bias, _ = drawn()
    rng = np.random.default_rng(1)
    teacher = rng.dirichlet(np.ones(CLASSES), TOKENS)
    labels = rng.integers(0, CLASSES, TOKENS)
    make = LIBRARIES[library]
    losses = [
        (lossary.CategoricalCrossentropy(from_logits=True, temperature=2.0), teacher),
        (lossary.SparseCategoricalCrossentropy(from_logits=True, class_weight=[1, 2, 0, 1, 3, 1, 1]), labels),
        (lossary.ZLossCrossentropy() + 0.5 * lossary.SparseCategoricalCrossentropy(from_logits=True), labels),
        (lossary.BinaryCrossentropy(from_logits=True, reduction="sum"), (teacher > 0.2) * 1.0),
    ]
    for loss, y_true in losses[: 2 if library == "jax" else 4]:
        value, (of_hidden, of_weight, of_bias) = lossary.linear(loss, chunk=4).value_and_grad(
            make(y_true), make(hidden), make(weight), make(bias)
        )
        wanted, slopes = loss.value_and_grad(y_true, hidden @ weight.T + bias)
        np.testing.assert_allclose(in_numpy(value), wanted, rtol=1e-12)
        np.testing.assert_allclose(in_numpy(of_hidden), slopes @ weight, rtol=1e-11, atol=1e-14)
        flat = slopes.reshape(-1, CLASSES)
        np.testing.assert_allclose(in_numpy(of_weight), flat.T @ hidden.reshape(-1, FEATURES), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(in_numpy(of_bias), flat.sum(0), rtol=1e-10, atol=1e-14)


def test_rows_of_targets_in_the_function() -> None:
    _, hidden, weight, bias, _ = drawn()
    teacher = np.random.default_rng(1).dirichlet(np.ones(CLASSES), TOKENS)
    scores = functional.linear(*map(torch.tensor, (hidden, weight, bias))).flatten(0, 1)
    wanted = functional.cross_entropy(scores, torch.tensor(teacher).flatten(0, 1), label_smoothing=0.1)
    found = lossary.linear_cross_entropy(teacher, hidden, weight, bias, label_smoothing=0.1)
    assert float(found) == pytest.approx(float(wanted), rel=1e-12)


def test_a_softcap_keeps_the_digits_of_slopes_near_the_cap() -> None:
    # tanh(40) is 1 in float32, and its slope 4 exp(-80).
    hidden, weight = np.ones((1, 1), np.float32), np.array([[40.0], [0.0]], np.float32)
    _, (of_hidden, _) = lossary.LinearCrossEntropy(softcap=1.0).value_and_grad([1], hidden, weight)
    share = 1.0 / (1.0 + np.exp(-1.0))
    # The cap's own slope at the second score is 1, and its weight 0.
    assert of_hidden[0, 0] == pytest.approx(40.0 * share * 4.0 * np.exp(-80.0), rel=1e-5)


# --- PyTorch --------------------------------------------------------------------------------------------------------


def leaves() -> list[torch.Tensor]:
    _, hidden, weight, bias, _ = drawn()
    return [torch.tensor(x[..., :2], requires_grad=True) for x in (hidden[:2, :3], weight[:4])] + [
        torch.tensor(bias[:4], requires_grad=True)
    ]


LABELS = torch.tensor([[0, 3, 1], [1, 2, 0]])


EVERYTHING = {"reduction": "none", "ignore_class": 1, "softcap": 2.0, "z_loss": 0.1}


@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=str)
def test_derivatives_of_every_kind_in_torch(settings: dict[str, Any]) -> None:
    loss = lossary.LinearCrossEntropy(chunk=4, **settings)
    assert torch.autograd.gradcheck(lambda *x: loss(LABELS, *x), leaves(), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda *x: loss(LABELS, *x), leaves())


def test_transforms_of_torch() -> None:
    hidden, weight, _ = (x.detach() for x in leaves())
    loss = lossary.LinearCrossEntropy(chunk=4)

    def plain(h, w, y=LABELS):
        return functional.cross_entropy((h @ w.T).flatten(0, -2), y.flatten())

    def twice(f):
        return torch.func.grad(lambda w: torch.func.grad(f)(w).sum())

    for transform in (torch.func.grad, torch.func.hessian, twice):
        torch.testing.assert_close(
            transform(lambda w: loss(LABELS, hidden, w))(weight), transform(lambda w: plain(hidden, w))(weight)
        )
    each = torch.func.vmap(torch.func.grad(lambda h, y: loss(y, h, weight)))(hidden, LABELS)
    torch.testing.assert_close(each, torch.func.vmap(torch.func.grad(lambda h, y: plain(h, weight, y)))(hidden, LABELS))
    rows = torch.autograd.functional.jacobian(lambda w: loss(LABELS, hidden, w) * torch.ones(2), weight, vectorize=True)
    torch.testing.assert_close(rows[1], torch.func.grad(lambda w: plain(hidden, w))(weight))


def test_backward_again_gives_the_same_and_a_change_in_place_is_noticed() -> None:
    hidden, weight, bias = leaves()
    value = lossary.linear_cross_entropy(LABELS, hidden, weight, bias)
    first = torch.autograd.grad(3 * value, weight, retain_graph=True)[0].clone()
    torch.testing.assert_close(torch.autograd.grad(value, weight, retain_graph=True)[0] * 3, first)
    with torch.no_grad():
        weight += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_only_what_is_trained_has_a_gradient() -> None:
    hidden, weight, bias = leaves()
    lossary.linear_cross_entropy(LABELS, hidden, weight.detach(), bias).backward()
    assert weight.grad is None
    assert hidden.grad is not None
    assert bias.grad is not None
    assert not lossary.linear_cross_entropy(LABELS, hidden.detach(), weight.detach()).requires_grad


def test_weights_and_targets_may_be_differentiated_too() -> None:
    hidden, weight, bias = leaves()
    sample_weight = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    value = lossary.linear_cross_entropy(LABELS, hidden, weight, bias, sample_weight=sample_weight, chunk=4)
    values = lossary.linear_cross_entropy(LABELS, hidden, weight, bias, reduction="none")
    torch.testing.assert_close(torch.autograd.grad(value, sample_weight)[0], values.detach() / 6)


COMPILED: dict[str, tuple[Any, dict[str, Any]]] = {
    "a mean": (lossary.LinearCrossEntropy(ignore_class=-1, label_smoothing=0.1, softcap=2.0, z_loss=0.1), {}),
    "a value per token": (
        lossary.LinearCrossEntropy(shift=1, reduction="none"),
        {"where": torch.tensor([[True, False, True], [True] * 3])},
    ),
    "the function": (lossary.linear_cross_entropy, {"sample_weight": torch.rand(2, 3)}),
    "rows of targets": (lossary.linear(lossary.CategoricalCrossentropy(from_logits=True, temperature=2.0)), {}),
}


@pytest.mark.costly
@pytest.mark.parametrize("name", COMPILED)
def test_it_is_an_operator_of_torch_compile(name: str) -> None:
    loss, more = COMPILED[name]
    labels = torch.eye(4, dtype=torch.float64)[LABELS] if name == "rows of targets" else LABELS
    found = []
    for run in (torch.compile(loss, backend="aot_eager", fullgraph=True), loss):
        given = leaves()
        value = 2 * run(labels, *given, **more)
        upstream = torch.arange(1.0, value.numel() + 1, dtype=value.dtype).reshape(value.shape)
        found.append((value, *torch.autograd.grad(value, given, upstream)))
    torch.testing.assert_close(*found)


@pytest.mark.costly
def test_torch_compile_calls_what_is_more_than_the_operator_as_it_is() -> None:
    given, weights = leaves(), torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    step = torch.compile(
        lambda *x: 2 * lossary.linear_cross_entropy(LABELS, *x, sample_weight=weights), backend="eager"
    )
    expected = 2 * lossary.linear_cross_entropy(LABELS, *given, sample_weight=weights)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Dynamo detected a call to a `functools.lru_cache`")
        step(*given)
    torch.testing.assert_close(*(torch.autograd.grad(value, [*given, weights]) for value in (step(*given), expected)))


# --- TensorFlow's graphs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"ignore_class": 1}, {"shift": 1, "reduction": "none"}], ids=str)
@pytest.mark.parametrize(
    "how", ["any length", *(pytest.param(each, marks=pytest.mark.costly) for each in ("xla", "twice"))]
)
def test_programs_of_tensorflow(how: str, settings: dict[str, Any]) -> None:
    y_true, *trained = (tf.constant(in_numpy(x)) for x in (LABELS, *leaves()))
    head = lossary.LinearCrossEntropy(chunk=4, **settings)
    shift = settings.get("shift", 0)
    plain = lossary.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=settings.get("ignore_class"), reduction=head.reduction
    )

    def of_scores(y_true: Any, hidden: Any, weight: Any, bias: Any) -> Any:
        scores = tf.matmul(hidden, weight, transpose_b=True) + bias
        return plain(y_true[:, shift:], scores[:, : 3 - shift])

    def derived(loss: Any, y_true: Any, *trained: Any) -> Any:
        with tf.GradientTape() as outer:
            outer.watch(trained)
            with tf.GradientTape() as tape:
                tape.watch(trained)
                value = loss(y_true, *trained)
            gradients = tape.gradient(value, trained)
            bent = sum(tf.reduce_sum(x * tf.cos(x)) for x in gradients)
        return value, *gradients, *(outer.gradient(bent, trained) if how == "twice" else ())

    shapes = [tf.TensorSpec((None, None, *x.shape[2:]), x.dtype) for x in (y_true, trained[0])]
    signature = [*shapes, *(tf.TensorSpec(x.shape, x.dtype) for x in trained[1:])] if how == "any length" else None
    run = tf.function(lambda *given: derived(head, *given), signature, jit_compile=how == "xla")
    for got, expected in zip(run(y_true, *trained), derived(of_scores, y_true, *trained), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-14)


# --- half precision -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_half_precision_is_summed_up_in_float32(library: str) -> None:
    rng = np.random.default_rng(3)
    y_true, hidden, weight = rng.integers(0, 9, 600), rng.normal(size=(600, 8)), rng.normal(size=(9, 8))
    given = [LIBRARIES[library](x) for x in (y_true, hidden, weight)]
    given[1:] = [x.bfloat16() if library == "torch" else x.astype("bfloat16") for x in given[1:]]
    value, gradients = lossary.LinearCrossEntropy(chunk=16).value_and_grad(*given)
    rounded = [np.asarray(x.float() if library == "torch" else x.astype("float32"), np.float64) for x in given[1:]]
    wanted, exact = lossary.LinearCrossEntropy().value_and_grad(y_true, *rounded)
    assert float(value) == pytest.approx(float(wanted), rel=1e-6)
    assert str(value.dtype).endswith("float32")
    for got, of in zip(gradients, exact, strict=True):
        assert str(got.dtype).endswith("bfloat16")
        wide = np.asarray(got.float() if library == "torch" else got.astype("float32"))
        np.testing.assert_allclose(wide, of, rtol=2**-8, atol=1e-9)  # Rounded once, at the end.


# --- JAX ------------------------------------------------------------------------------------------------------------


@pytest.mark.costly
def test_transforms_of_jax() -> None:
    y_true, hidden, weight, *_ = (jnp.asarray(x) for x in drawn())
    y_true = jnp.abs(y_true) % CLASSES
    loss = lossary.LinearCrossEntropy(chunk=4)

    def plain(h, w, y=y_true):
        return optax.softmax_cross_entropy_with_integer_labels(h @ w.T, y).mean()

    direction = jnp.ones_like(weight)
    for transform in (jax.hessian, jax.jacfwd, lambda f: lambda w: jax.jvp(f, (w,), (direction,))[1]):
        found = jax.jit(transform(lambda w: loss(y_true, hidden, w)))(weight)
        np.testing.assert_allclose(found, transform(lambda w: plain(hidden, w))(weight), rtol=1e-10, atol=1e-15)
    each = jax.vmap(jax.grad(lambda h, y: loss(y, h, weight)))(hidden, y_true)
    np.testing.assert_allclose(each, jax.vmap(jax.grad(lambda h, y: plain(h, weight, y)))(hidden, y_true), rtol=1e-10)
    # In single precision kernels compute each chunk.
    narrow = weight.astype("float32"), direction.astype("float32")
    found, expected = (
        jax.jvp(jax.grad(lambda w, f=f: f(hidden.astype("float32"), w)), narrow[:1], narrow[1:])[1]
        for f in (lambda h, w: loss(y_true, h, w), plain)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    of_weights = jax.grad(lambda s: loss(y_true, hidden, weight, sample_weight=s))(jnp.ones(TOKENS))
    np.testing.assert_allclose(of_weights, loss.replaced(reduction="none")(y_true, hidden, weight) / 15, rtol=1e-10)


# --- memory ---------------------------------------------------------------------------------------------------------

MEMORY = """
import json, sys
import numpy as np, torch, jax, lossary, tensorflow as tf
from benchmarks.memory import peak
tokens, features, vocabulary = 2048, 8, 2048
rng = np.random.default_rng(0)
y = rng.integers(0, vocabulary, tokens)
h, w = (rng.normal(size=(n, features)).astype("f") for n in (tokens, vocabulary))
loss = lossary.LinearCrossEntropy(chunk=64)
ty, th, tw = map(torch.from_numpy, (y, h, w))
th.requires_grad_(), tw.requires_grad_()
def in_torch(reduction):
    value = loss.replaced(reduction=reduction)(ty, th, tw).sum()
    torch.autograd.grad(value, (th, tw))
def twice():
    gradient, = torch.autograd.grad(loss(ty, th, tw), tw, create_graph=True)
    gradient.sum().backward()
    th.grad = tw.grad = None
jy, jh, jw = map(jax.numpy.asarray, (y, h, w))
both = jax.jit(jax.value_and_grad(lambda h, w: loss(jy, h, w), argnums=(0, 1)))
each = jax.jit(jax.grad(lambda h, w: loss.replaced(reduction="none")(jy, h, w).sum(), argnums=(0, 1)))
fy, fh, fw = map(tf.constant, (y, h, w))
def in_tensorflow():
    with tf.GradientTape() as tape:
        tape.watch((fh, fw))
        value = loss(fy, fh, fw)
    return tape.gradient(value, (fh, fw))
runs = {
    "numpy": lambda: loss.value_and_grad(y, h, w), "torch": lambda: in_torch("mean"),
    "torch none": lambda: in_torch("none"), "torch twice": twice,
    "tensorflow": lambda: in_tensorflow(), "tensorflow graph": tf.function(in_tensorflow),
    "jax": lambda: jax.block_until_ready(both(jh, jw)), "jax none": lambda: jax.block_until_ready(each(jh, jw)),
}
print(json.dumps({name: peak(run) for name, run in runs.items()}))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell the peak of a process")
@pytest.mark.costly
def test_the_scores_of_all_tokens_are_never_held() -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    scores = 2048 * 2048 * 4
    found = json.loads(done.stdout.splitlines()[-1])
    # In words a second derivative holds some sixty arrays like a chunk's scores, which are two scores of all tokens.
    # What eager operations of TensorFlow free stays in its own pool for a while.
    allowed = {"torch twice": 4.0, "tensorflow": 0.8}
    assert {name: taken / scores for name, taken in found.items() if taken > scores * allowed.get(name, 0.5)} == {}


def test_chunks_are_small_beside_the_scores_and_large_beside_the_weight() -> None:
    assert chunk_size(512, 32000) == 256
    assert chunk_size(4096, 128256) == 512
    assert chunk_size(64, 2) == 2**22  # All tokens of any batch: there is nothing to save.


# --- processes ------------------------------------------------------------------------------------------------------


@pytest.mark.costly
def test_two_processes_compute_what_one_does(tmp_path: Path) -> None:
    program = Path(__file__).parent / "linear_processes.py"
    ranks = [
        subprocess.Popen(
            [sys.executable, str(program), str(rank), str(tmp_path / "store")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    for process in ranks:
        out, err = process.communicate(timeout=120)
        assert out.strip().endswith("same"), err[-2000:]


# --- objects --------------------------------------------------------------------------------------------------------


def test_names_configurations_and_copies() -> None:
    loss = lossary.LinearCrossEntropy(ignore_class=-100, softcap=30, shift=1, reduction="sum", name="head")
    assert repr(loss) == "LinearCrossEntropy(ignore_class=-100, softcap=30.0, shift=1, reduction='sum', name='head')"
    other = lossary.linear(lossary.CategoricalCrossentropy(from_logits=True), z_loss=1e-4, chunk=8)
    assert repr(other) == "linear(CategoricalCrossentropy(from_logits=True), z_loss=0.0001, chunk=8)"
    for each in (loss, other):
        assert lossary.get(json.loads(json.dumps(each.get_config()))) == each
        assert pickle.loads(pickle.dumps(each)) == copy.deepcopy(each) == each
        assert each.replaced(shift=2) != each
        assert each.replaced(shift=2).replaced(shift=each.shift) == each
        assert hash(each.replaced()) == hash(each)
    assert lossary.get("linear_cross_entropy", softcap=3) == lossary.LinearCrossEntropy(softcap=3.0)
    with pytest.raises(lossary.UnknownLossError, match=r"Write lossary\.LinearCrossEntropy\(\)"):
        lossary.get("LinearCrossEntropyLoss")
    assert lossary.linear(lossary.ZLossCrossentropy(reduction="sum")).reduction == "sum"


def test_a_sum_of_heads_is_a_loss() -> None:
    y_true, hidden, weight, bias, _ = drawn()
    y_true = np.abs(y_true) % CLASSES
    one = lossary.LinearCrossEntropy()
    value, gradients = (one + 0.5 * one).value_and_grad(y_true, hidden, weight, bias)
    wanted, each = one.value_and_grad(y_true, hidden, weight, bias)
    assert value == pytest.approx(1.5 * wanted)
    np.testing.assert_allclose(gradients[2], 1.5 * each[2])


# --- messages -------------------------------------------------------------------------------------------------------

H, W, Y = np.zeros((2, 3)), np.zeros((4, 3)), np.zeros(2, int)
CCE = lossary.CategoricalCrossentropy(from_logits=True)


def call(y=Y, h=H, w=W, b=None, **settings):
    return lossary.linear_cross_entropy(y, h, w, b, **settings)


MESSAGES: list[tuple[str, Callable[[], Any], str]] = [
    ("linear_shapes", lambda: call(w=W.T), "linear_cross_entropy: the shapes are hidden (2, 3), weight (3, 4); "
     "accepted "
     "are hidden (..., features), weight (vocabulary, features) and bias (vocabulary,). A kernel of Keras or Flax lies "
     "the other way round: write kernel.T for the weight"),
    ("linear_shapes", lambda: call(h=H[0]), "Write hidden[None] and y_true[None] for a single token"),
    ("linear_shapes", lambda: call(b=np.zeros(3)), "bias (3,); accepted are hidden (..., features), weight"),
    ("linear_labels", lambda: call(Y[:1]), "linear_cross_entropy: y_true has shape (1,); accepted is one label "
     "per hidden "
     "vector, (2,). To predict the next token write shift=1, with as many labels as hidden vectors"),
    ("linear_rows", lambda: lossary.linear(CCE)(Y, H, W), "linear: y_true has shape (2,); accepted is one row "
     "of targets "
     "per hidden vector, (2, 4). Integer labels are those of "
     "lossary.linear(lossary.SparseCategoricalCrossentropy(from_logits=True))"),
    ("linear_probabilities", lambda: lossary.linear("brier"), "linear: the loss is Brier, whose predictions are "
     "probabilities in [0, 1]; accepted are losses of raw scores, which hidden @ weight.T + "
     "bias gives. "
     "Write lossary.linear(lossary.Brier(from_logits=True))"),
    ("linear_loss", lambda: lossary.linear(lambda y_true, y_pred: y_pred), "linear: the loss is <lambda>, a "
     "function of "
     "arrays; accepted are losses of (y_true, y_pred) in words. Write "
     "lossary.linear(lossary.SparseCategoricalCrossentropy(from_logits=True)), or your formula with @lossary.loss"),
    ("linear_loss", lambda: lossary.linear("triplet_margin"), "which takes (anchor, positive, negative)"),
    ("linear_around", lambda: lossary.linear(lossary.BinaryCrossentropy(from_logits=True, pos_weight=2.0)),
     "linear: the "
     "loss is BinaryCrossentropy with weights per output; accepted are weights per token. Write "
     "lossary.linear(lossary.BinaryCrossentropy(from_logits=True))(y_true, hidden, weight, sample_weight=weights)"),
    ("linear_setting", lambda: call(softcap=0), "linear_cross_entropy: softcap is 0; accepted is a number > 0, "
     "or None. "
     "Write softcap=None for none"),
    ("linear_setting", lambda: call(z_loss=-1.0), "z_loss is -1.0; accepted is a number >= 0. Write z_loss=1e-4"),
    ("linear_setting", lambda: call(shift=True), "shift is True; accepted is a whole number >= 0"),
    ("linear_setting", lambda: call(chunk=0), "chunk is 0; accepted is a whole number >= 1"),
    ("linear_setting", lambda: call(parallel="data"), "parallel is 'data'; accepted is None, 'tokens' or 'vocabulary'"),
    ("linear_ignored", lambda: call(np.full((2, 4), 0.25), ignore_class=0), "linear_cross_entropy: ignore_class "
     "is 0 and "
     "y_true holds rows of targets, of which none is one class; accepted is ignore_class beside integer labels. "
     "To leave "
     "tokens out write where=mask, True where one counts"),
    ("linear_library", lambda: call(h=pytensor.tensor.matrix()), "linear_cross_entropy: hidden is an array of "
     "pytensor; accepted are arrays of NumPy, PyTorch, JAX and TensorFlow. With the scores in memory write "
     "lossary.SparseCategoricalCrossentropy(from_logits=True)(y_true, hidden @ weight.T)"),
    ("linear_function", lambda: lossary.LinearCrossEntropy().batch(Y, H), "linear_cross_entropy: this takes a loss of "
     "(y_true, y_pred), and this one takes (y_true, hidden, weight); accepted is the loss of the scores. Write "
     "lossary.SparseCategoricalCrossentropy(from_logits=True) with hidden @ weight.T"),
    ("linear_function", lambda: lossary.verify("linear_cross_entropy"), "linear_cross_entropy: this takes a loss of"),
    ("linear_function", lambda: lossary.kernels.source(lossary.LinearCrossEntropy()), "this takes a loss of (y_true, "),
    ("", lambda: lossary.grad_and_hess(lossary.LinearCrossEntropy())(Y, H),
     "linear_cross_entropy: takes y_true, hidden, weight, and a raw score per output is one prediction"),
    ("linear_loss", lambda: lossary.linear("ctc"), "linear: the loss is CTC, whose data points are matrices; accepted"),
    ("linear_loss", lambda: lossary.linear("circle"), "linear: the loss is Circle, which compares data points with "),
    ("linear_loss", lambda: lossary.linear("gaussian_nll"), "which takes (y_true, y_pred's mean, y_pred's variance)"),
    ("linear_no_processes", lambda: call(Y, *map(torch.tensor, (H, W)), parallel="tokens"), "linear_cross_entropy: "
     "parallel is 'tokens' and torch.distributed has not begun; accepted are processes that know each other. Write "
     "torch.distributed.init_process_group() first, or parallel=None"),
    ("linear_spread_library", lambda: call(parallel="vocabulary"), "linear_cross_entropy: parallel is 'vocabulary' and "
     "hidden is an array of numpy; accepted are PyTorch's tensors. Write parallel=None; arrays of JAX that are spread "
     "over devices need nothing besides"),
    ("", lambda: call(np.array([0, 4])),
     "linear_cross_entropy: y_true[1] is 4; accepted are labels 0 to 3 (4 classes)"),
    ("", lambda: call(h=np.array([[0.0] * 3, [0.0, np.nan, 0.0]])), "linear_cross_entropy: hidden[1, 1] is nan"),
    ("", lambda: call(sample_weight=[1.0, np.inf]), "linear_cross_entropy: sample_weight[1] is inf"),
    ("", lambda: call(where=np.ones(3, bool)), "linear_cross_entropy: where has shape (3,)"),
    ("", lambda: call(Y[:0], H[:0]), "linear_cross_entropy: hidden has shape (0, 3), which holds no elements"),
    ("", lambda: call(shift=2, y=Y, h=H), "linear_cross_entropy: hidden has shape (0, 3), which holds no elements"),
]  # fmt: skip
# Said in the file beside this one, on two processes, or in a model of Keras.
ELSEWHERE = {"linear_split", "linear_split_again", "linear_in_keras"}


@pytest.mark.parametrize(("text", "run", "message"), MESSAGES, ids=lambda x: x if isinstance(x, str) else "")
def test_messages(text: str, run: Callable[[], Any], message: str) -> None:
    with pytest.raises(lossary.LossError) as caught:
        run()
    assert message in str(caught.value)


def test_every_message_is_tested() -> None:
    written = {name for name in vars(texts) if name.startswith("linear_")}
    assert written == {text for text, *_ in MESSAGES if text} | ELSEWHERE


def test_a_model_of_keras_is_told_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossary.LinearCrossEntropy, "in_keras", staticmethod(lambda: True))
    with pytest.raises(lossary.ParameterError, match=r"loss=lossary\.SparseCategoricalCrossentropy"):
        call()


def test_empty_batches_have_a_sum() -> None:
    value, gradients = lossary.LinearCrossEntropy(reduction="sum").value_and_grad(Y[:0], H[:0], W)
    assert value == 0.0
    assert (gradients[1] == 0.0).all()
    leaf = torch.zeros(4, 3, requires_grad=True)
    lossary.linear_cross_entropy(torch.tensor(Y[:0]), torch.zeros(0, 3), leaf, reduction="sum").backward()
    assert (leaf.grad == 0.0).all()
