"""Losses inside the libraries that train with PyTorch and JAX, on several processes and devices."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import lossary
import lossary.hf
import lossary.torch as ours

HERE = Path(__file__).parent


def start(*command):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [sys.executable, *map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def told(process):
    output, error = process.communicate(timeout=300)
    assert process.returncode == 0, error[-3000:]
    return json.loads(output.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.costly
def test_two_processes_train_as_one(tmp_path):
    both = [start(HERE / "torch_processes.py", rank, tmp_path / "meeting") for rank in range(2)]
    for report in map(told, both):
        for name, off in report.items():
            assert off.get("value", 0.0) < 1e-6, (name, report)
            assert off["gradient"] < 1e-6, (name, report)
        # What a mean by each process makes of 6 and 2 rows, and of 3 labels with weights among them.
        assert report["rows"]["plain"] > 0.2
        assert report["classes"]["plain"] > 0.2


@pytest.mark.exhaustive
def test_two_devices_train_as_one():
    report = told(start(HERE / "jax_devices.py"))
    for name in ("exact", "stepped", "compiled"):
        assert report[name] == pytest.approx(report["right"], rel=1e-6), report
    assert max(report["gradient"], report["its"]) < 1e-6, report
    # 4 labels count on one device and 1 on the other.
    assert abs(report["means"] / report["right"] - 1) > 0.1, report


# --- Hugging Face ----------------------------------------------------------------------------------------------------

VOCABULARY, LENGTHS = 17, (3, 9, 4, 10, 8, 2, 10, 5)


def texts():
    tokens = torch.randint(0, VOCABULARY, (8, 10), generator=torch.Generator().manual_seed(0))
    return [
        {"input_ids": row, "labels": torch.where(torch.arange(10) < length, row, -100)}
        for row, length in zip(tokens, LENGTHS, strict=True)
    ]


def trained(folder, batch, steps, compute):
    """The loss of one step of the Trainer, and the parameters after it."""
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

    torch.manual_seed(0)
    sizes = {"vocab_size": VOCABULARY, "n_positions": 10, "n_embd": 8, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(**sizes, **ends, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    model = GPT2LMHeadModel(config)
    arguments = TrainingArguments(
        folder,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=steps,
        max_steps=1,
        learning_rate=1.0,
        optim="sgd",
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
        logging_strategy="no",
    )
    found = Trainer(model, arguments, train_dataset=texts(), compute_loss_func=compute).train()
    return found.training_loss, torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.costly
def test_the_trainer_accumulates_exactly(tmp_path):
    scce = lossary.hf.compute_loss_func("scce", shift=True, from_logits=True)
    whole, parameters = trained(tmp_path, 8, 1, scce)
    assert whole == pytest.approx(trained(tmp_path, 8, 1, None)[0], rel=1e-6)
    value, moved = trained(tmp_path, 2, 4, scce)
    assert value == pytest.approx(whole, rel=1e-6)
    torch.testing.assert_close(moved, parameters, rtol=1e-6, atol=1e-6)

    def mean(outputs, labels, num_items_in_batch=None):
        return nn.functional.cross_entropy(outputs.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())

    value, moved = trained(tmp_path, 2, 4, mean)
    assert value / whole > 3.5
    assert not torch.allclose(moved, parameters, atol=1e-3)


def test_what_the_trainer_hands_over():
    logits, labels = torch.randn(2, 5, 7).bfloat16(), torch.tensor([[1, 2, 3, -100, -100], [4, 5, 6, 0, 1]])
    right = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
    for loss in (ours.CrossEntropyLoss(), "sparse_categorical_crossentropy"):
        settings = {} if isinstance(loss, nn.Module) else {"from_logits": True}
        compute = lossary.hf.compute_loss_func(loss, shift=True, **settings)
        for outputs in ({"logits": logits}, (logits, None)):
            torch.testing.assert_close(compute(outputs, labels), right)
            torch.testing.assert_close(compute(outputs, labels, num_items_in_batch=torch.tensor(12)), right / 2)
        elsewhere = pickle.loads(pickle.dumps(compute))  # As a launcher hands it to the processes that it starts.
        torch.testing.assert_close(elsewhere({"logits": logits}, labels), right)
    numbers = lossary.hf.compute_loss_func("mse")
    assert float(numbers({"logits": torch.ones(4, 1)}, torch.zeros(4), num_items_in_batch=8)) == 0.5
    with pytest.raises(lossary.ParameterError, match=r"labels is None.*rename_column"):
        numbers({"logits": torch.ones(4, 1)}, None)
    with pytest.raises(lossary.ParameterError, match=r"dict without logits.*Write return"):
        numbers({"scores": torch.ones(4, 1)}, torch.zeros(4))


def test_accelerate_accumulates_exactly():
    from accelerate import Accelerator

    accelerator, loss = Accelerator(gradient_accumulation_steps=3, cpu=True), ours.CrossEntropyLoss(ignore_index=-1)
    x, y = torch.randn(9, 4), torch.tensor([0, 1, 2, 3, -1, 0, -1, -1, 1])
    models = [nn.Linear(4, 4), nn.Linear(4, 4)]
    models[1].load_state_dict(models[0].state_dict())
    loss(models[0](x), y).backward()
    made, counted = accelerator.prepare(models[1]), (y != -1).sum()
    for rows in (slice(0, 3), slice(3, 6), slice(6, 9)):
        with accelerator.accumulate(made):
            part = loss.total(made(x[rows]), y[rows]).mean(counted)
            # Accelerate divides by the number of steps by itself.
            accelerator.backward(part * accelerator.gradient_accumulation_steps)
    torch.testing.assert_close(models[1].weight.grad, models[0].weight.grad, rtol=1e-6, atol=1e-7)


# --- other trainers --------------------------------------------------------------------------------------------------


def test_skorch_trains_with_a_criterion():
    from skorch import NeuralNetClassifier, NeuralNetRegressor

    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    y = (x @ np.asarray([1.0, -2.0], "float32") > 0).astype("int64")
    torch.manual_seed(0)
    common = {"max_epochs": 20, "lr": 0.5, "verbose": 0, "train_split": None}
    softmax = {"predict_nonlinearity": partial(torch.softmax, dim=-1)}
    smoothed = {"criterion": ours.CrossEntropyLoss, "criterion__label_smoothing": 0.01}
    net = NeuralNetClassifier(nn.Linear(2, 2), **smoothed, **softmax, **common)
    assert net.fit(x, y).score(x, y) > 0.9
    assert net.predict_proba(x).sum(1) == pytest.approx(np.ones(64), abs=1e-5)
    named = {"criterion": ours.Loss, "criterion__loss": "log_cosh"}
    line = NeuralNetRegressor(nn.Linear(2, 1), **named, **common)
    assert line.fit(x, x @ np.asarray([[1.0], [-2.0]], "float32")).history[-1]["train_loss"] < 0.05


@pytest.mark.exhaustive
def test_lightning_logs_and_saves(tmp_path):
    import pytorch_lightning as lightning

    class Model(lightning.LightningModule):
        def __init__(self, penalty=None):
            super().__init__()
            self.save_hyperparameters()
            self.layer, self.loss = nn.Linear(3, 2), ours.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))

        def training_step(self, batch, _):
            x, y = batch
            found = self.loss(self.layer(x), y)
            self.log("loss", found)
            return found

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    data = torch.utils.data.TensorDataset(torch.randn(8, 3), torch.randint(0, 2, (8,)))
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer, model = (
        lightning.Trainer(max_epochs=2, default_root_dir=tmp_path, **quiet),
        Model(lossary.Huber(delta=2.0)),
    )
    trainer.fit(model, torch.utils.data.DataLoader(data, 4))
    assert 0 < float(trainer.callback_metrics["loss"]) < 10
    with torch.serialization.safe_globals([lossary.Huber]):
        again = Model.load_from_checkpoint(trainer.checkpoint_callback.best_model_path, weights_only=True)
    assert again.hparams.penalty == lossary.Huber(delta=2.0)
    assert again.loss.weight.tolist() == [1.0, 3.0]
    torch.testing.assert_close(again.layer.weight, model.layer.weight)


@pytest.mark.exhaustive
def test_torchmetrics_average_with_weights():
    from torchmetrics import MeanMetric

    loss, metric = ours.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0, 0.5])), MeanMetric()
    batches = [(torch.randn(n, 3), torch.randint(0, 3, (n,))) for n in (5, 1, 3)]
    for batch in batches:
        total = loss.total(*batch)
        metric.update(total.mean(), total.weight)
    torch.testing.assert_close(metric.compute(), loss(*map(torch.cat, zip(*batches, strict=True))))


@pytest.mark.exhaustive
def test_equinox_modules_hold_losses():
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    class Model(eqx.Module):
        layer: eqx.nn.Linear
        loss: lossary.Loss

        def __call__(self, x, y):
            return self.loss(y, jax.vmap(self.layer)(x))

    x = jax.random.normal(jax.random.key(0), (32, 2))
    y = x @ jnp.asarray([[1.0], [-2.0]])
    model, optimizer = Model(eqx.nn.Linear(2, 1, key=jax.random.key(1)), lossary.Huber(delta=2.0)), optax.sgd(0.3)

    @eqx.filter_jit
    def step(model, state):
        value, gradient = eqx.filter_value_and_grad(lambda m: m(x, y))(model)
        change, state = optimizer.update(gradient, state)
        return eqx.apply_updates(model, change), state, value

    state = optimizer.init(eqx.filter(model, eqx.is_array))
    for _ in range(50):
        model, state, value = step(model, state)
    assert float(value) < 1e-3
    assert model.loss == lossary.Huber(delta=2.0)


@pytest.mark.exhaustive
def test_flax_modules_hold_losses():
    import jax
    import jax.numpy as jnp
    import optax
    from flax import linen, nnx

    x = jax.random.normal(jax.random.key(0), (16, 3))
    labels, theirs = jnp.arange(16) % 4, optax.softmax_cross_entropy_with_integer_labels

    class Model(nnx.Module):
        def __init__(self, loss):
            self.layer, self.loss = nnx.Linear(3, 4, rngs=nnx.Rngs(0)), loss

        def __call__(self, x, y):
            return self.loss(y, self.layer(x))

    class OfLinen(linen.Module):
        loss: lossary.Loss

        @linen.compact
        def __call__(self, x, y):
            return self.loss(y, linen.Dense(4)(x))

    def of_hidden(model):
        return lossary.linear_cross_entropy(labels, x, model.layer.kernel.T, model.layer.bias)

    @nnx.jit
    def step(model, optimizer):
        value, gradient = nnx.value_and_grad(lambda m: m(x, labels))(model)
        optimizer.update(model, gradient)
        return value, gradient

    loss = lossary.SparseCategoricalCrossentropy(from_logits=True)
    model = Model(loss)
    value, gradient = nnx.value_and_grad(lambda m: theirs(m.layer(x), labels).mean())(model)
    optimizer = nnx.Optimizer(model, optax.sgd(0.3), wrt=nnx.Param)
    for found in (nnx.value_and_grad(of_hidden)(model), step(model, optimizer)):
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-7), found, (value, gradient))
    assert float(model(x, labels)) < value  # Trained in place,
    assert nnx.clone(model).loss == loss  # and the loss is none of what is trained.
    module = OfLinen(loss)
    variables = module.init(jax.random.key(0), x, labels)
    weights = variables["params"]["Dense_0"]
    right = theirs(x @ weights["kernel"] + weights["bias"], labels).mean()
    assert float(jax.jit(module.apply)(variables, x, labels)) == pytest.approx(float(right), rel=1e-6)


def test_parameters_of_flax_are_arrays_of_jax():
    """What only stands for an array: JAX's functions take it, and ``jax.jit`` does not."""
    import jax
    import jax.numpy as jnp

    class Parameter:
        def __init__(self, value):
            self.value = value

        def __jax_array__(self):
            return self.value

    jax.tree_util.register_pytree_node(Parameter, lambda p: ((p.value,), None), lambda _, value: Parameter(*value))
    two, y, loss = Parameter(jnp.asarray([0.5, 3.0])), np.zeros(2), lossary.Huber()
    # Huber's slopes are 1/2 and 1, of which the mean takes half.
    gradient = jax.grad(lambda p: loss(y, p))
    for each in (gradient, jax.jit(gradient)):
        assert each(two).value.tolist() == [0.25, 0.5]
    assert float(jax.jit(lambda d: lossary.huber(y, two, delta=d))(Parameter(jnp.asarray(3.0)))) == 4.625 / 2
    with pytest.raises(lossary.BackendError, match="y_pred is a JAX array"):
        loss(torch.zeros(2), two)
    with pytest.raises(lossary.DTypeError, match=r"y_pred \(dict\) is not an .*Write y_pred = y_pred\['no'\]"):
        loss(y, Parameter({"no": "array"}))


@pytest.mark.exhaustive
def test_onnx_has_the_loss_of_an_exported_program(tmp_path):
    import onnxruntime

    for loss, arguments in (
        (ours.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5])), (torch.randn(4, 3), torch.tensor([0, 2, 1, 1]))),
        (ours.HuberLoss(), (torch.randn(4, 3), torch.randn(4, 3))),
    ):
        torch.onnx.export(loss.eval(), arguments, tmp_path / "loss.onnx", dynamo=True, verbose=False)
        run = onnxruntime.InferenceSession(tmp_path / "loss.onnx")
        (found,) = run.run(None, {"input": arguments[0].numpy(), "target": arguments[1].numpy()})
        assert float(found) == pytest.approx(float(loss(*arguments)), rel=1e-5)
    # Of any number of points: the mean of 1 is 1, where a size that was fixed makes it 2/5.
    five, rows = (torch.zeros(5, 1), torch.ones(5, 1)), {0: torch.export.Dim("rows", min=1, max=99)}
    torch.onnx.export(
        ours.MSELoss(), five, tmp_path / "any.onnx", dynamic_shapes=(rows, rows), dynamo=True, verbose=False
    )
    run = onnxruntime.InferenceSession(tmp_path / "any.onnx")
    assert run.run(None, {"input": np.ones((2, 1), "float32"), "target": np.zeros((2, 1), "float32")})[0] == 1.0


def test_torchmetrics_like_use_over_batches():
    loss, batches = ours.CrossEntropyLoss(), [(torch.randn(n, 3), torch.randint(0, 3, (n,))) for n in (5, 1, 3)]
    with torch.no_grad():
        mean = sum(loss.total(*batch) for batch in batches).mean()
    torch.testing.assert_close(mean, nn.CrossEntropyLoss()(*map(torch.cat, zip(*batches, strict=True))))
