"""Every finding: its bad example triggers it, its clean one does not; what the texts say; what a report holds."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest

import lossary
from lossary.doctor.examples import names, run
from lossary.doctor.rules import RULES, rule

NS = names()
THEMES = {"LS0": "refusal", "LS1": "outputs", "LS12": "parts", "LS20": "targets", "LS21": "targets", "LS22": "balance"}
THEMES |= {"LS13": "preferences", "LS3": "head", "LS4": "metric", "LS5": "start"}


def found(source: str) -> dict[str, Any]:
    return {finding.code: finding for finding in run(source).findings}


@pytest.mark.parametrize("code", sorted(RULES))
def test_bad_example_triggers_and_clean_one_is_silent(code: str) -> None:
    bad, clean = run(RULES[code].bad), run(RULES[code].clean)
    mine = [finding for finding in bad.findings if finding.code == code]
    assert len(mine) == 1, str(bad)
    assert mine[0].severity == RULES[code].severity
    assert not [finding for finding in clean.findings if finding.code == code], str(clean)
    assert clean.ok, str(clean)


@pytest.mark.parametrize("code", sorted(RULES))
def test_texts_state_numbers_and_a_remedy_that_is_code(code: str) -> None:
    finding = found(RULES[code].bad)[code]
    assert re.search(r"\d", finding.message)
    compile(finding.remedy, code, "exec")
    assert not finding.message.endswith(".")
    assert finding.better is None or finding.better in lossary.names()


def test_codes_are_grouped_by_theme_and_unique() -> None:
    for code, entered in RULES.items():
        theme = next(theme for prefix, theme in sorted(THEMES.items(), reverse=True) if code.startswith(prefix))
        assert entered.theme == theme
    with pytest.raises(ValueError, match="LS101 is taken"):
        rule("LS101", "again", bad="", clean="")(lambda e: None)


def test_double_softmax_states_the_floor() -> None:
    finding = found(RULES["LS101"].bad)["LS101"]
    assert f"{math.log(1 + 4 / math.e):.4f}" in finding.message
    assert finding.remedy.startswith("loss = lossary.CategoricalCrossentropy() ")


def test_the_stated_floor_is_the_floor() -> None:
    """A perfect softmax output under from_logits=True scores exactly what the message says."""
    value = lossary.CategoricalCrossentropy(from_logits=True)(np.eye(5), np.eye(5))
    assert float(value) == pytest.approx(math.log(1 + 4 / math.e), abs=1e-12)


@pytest.mark.parametrize(
    ("source", "code", "parts"),
    [
        ("diagnose('poisson', [[1.0], [-2.0]], [[1.0], [1.0]])", "LS207", ["y_true[1, 0] = -2", "1 of 2 (50%)"]),
        ("diagnose('mse', [0.0, 1.0, np.nan], [0.0, 1.0, 2.0])", "LS220", ["y_true[2] = nan", "1 of 3"]),
        ("diagnose('mse', [[0.0], [1.0]], [[0.0], [np.inf]])", "LS106", ["y_pred[1, 0] = inf"]),
        ("diagnose('bce', [0, 255, 255], [0.2, 0.5, 0.9])", "LS206", ["y_true[1] = 255", "2 of 3", "8-bit mask"]),
        ("diagnose('bce', [-1, 1, 1], [0.2, 0.5, 0.9])", "LS206", ["y_true[0] = -1", "labels -1 and 1"]),
        ("diagnose('scce', [0, 7], [[0.1, 0.9], [0.2, 0.8]])", "LS203", ["y_true[1] = 7", "0 to 1", "2 outputs"]),
        ("diagnose('scce', [1, 2], [[0.1, 0.9], [0.2, 0.8]])", "LS203", ["y_true[1] = 2"]),
        ("diagnose('scce', [0, -1], [[0.1, 0.9], [0.2, 0.8]])", "LS203", ["y_true[1] = -1"]),
        ("diagnose('cce', [0, 1], [[0.1, 0.9], [0.2, 0.8]])", "LS201", ["(2,)", "0 to 1", "2 class"]),
        ("diagnose('scce', [[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]])", "LS202", ["(2, 2)"]),
        ("diagnose('cce', [[0, 1], [1, 0]], [[-3, 0.9], [0.2, 0.8]])", "LS102", ["y_pred[0, 0] = -3", "1 of 4"]),
        ("diagnose('cce', [[0, 1], [1, 0]], [[0.2, 0.8], [0.2, 0.9]])", "LS103", ["y_pred[1] sums to 1.1"]),
        ("diagnose('mse', rare_bits, rare_bits, model=dense(3, 'linear'))", "LS302", ["3 output units", "1 columns"]),
    ],
)
def test_what_is_said(source: str, code: str, parts: list[str]) -> None:
    message = found(source)[code].message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("source", "code", "remedy"),
    [
        ("diagnose('scce', [1, 2], [[0.1, 0.9], [0.2, 0.8]])", "LS203", "y_true = y_true - 1"),
        ("diagnose('scce', [0, -100], [[0.1, 0.9], [0.2, 0.8]])", "LS203", "ignore_class=-100"),
        ("diagnose('bce', [0, 255], [0.2, 0.5])", "LS206", "y_true = y_true / 255"),
        ("diagnose('bce', [-1, 1], [0.2, 0.5])", "LS206", "y_true = (y_true + 1) / 2"),
        ("diagnose('cce', [0, 1], [[0.1, 0.9], [0.2, 0.8]])", "LS201", "lossary.to_categorical(y_true, 2)"),
        ("diagnose('cce', one_hot, scores)", "LS102", "lossary.CategoricalCrossentropy(from_logits=True)"),
        ("diagnose('hinge', bits, margins)", "LS205", "2 * y_true - 1"),
        ("diagnose('mse', reals, np.where(reals > 1, np.nan, 0))", "LS106", "clipnorm"),
    ],
)
def test_what_to_do(source: str, code: str, remedy: str) -> None:
    assert remedy in found(source)[code].remedy


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_sequences_of_labels_of_which_one_is_1_are_no_one_hot_rows(classes: int) -> None:
    labels, shares = np.eye(6, dtype=int)[np.arange(32) % 6], np.full((32, 6, classes), 1 / classes)
    shares[:, ::2] += np.linspace(-0.1, 0.1, classes)
    assert lossary.diagnose("sparse_categorical_crossentropy", labels, shares).ok
    rows = lossary.diagnose("sparse_categorical_crossentropy", labels, np.full((32, 6), 1 / 6))
    assert [finding.code for finding in rows.findings][:1] == ["LS202"]


def test_remedies_heal() -> None:
    """Following the remedy of a finding makes it go away."""
    healed = {
        "LS101": "diagnose(lossary.CategoricalCrossentropy(), one_hot, softmax(scores))",
        "LS102": "diagnose(lossary.CategoricalCrossentropy(from_logits=True), one_hot, scores)",
        "LS201": "diagnose('categorical_crossentropy', lossary.to_categorical(labels, 5), softmax(scores))",
        "LS203": "diagnose('sparse_categorical_crossentropy', (labels + 1) - 1, softmax(scores))",
        "LS206": "diagnose('binary_crossentropy', 255 * bits / 255, sigmoid(margins))",
        "LS210": "diagnose('mse', (lambda y: (y - y.mean()) / y.std())(1e4 * reals), reals)",
        "LS211": "diagnose(lossary.Huber(delta=1.0), with_outliers, reals)",
    }
    for code, source in healed.items():
        assert code in found(RULES[code].bad)
        assert run(source).ok


def test_a_report_always_ends_with_what_was_not_checked() -> None:
    for source in (
        "diagnose('mse', reals)",
        "diagnose('mse', reals, reals, model=dense(1, 'linear'), metrics=['mae'])",
    ):
        report = run(source)
        text = str(report)
        assert report.not_checked
        assert text.index("not checked:") > max((text.rindex(str(f)) for f in report.findings), default=0)
        assert text.rstrip().endswith(report.not_checked[-1])
        assert "Not checked" in report._repr_html_()


def test_reasons_for_not_checking_are_given() -> None:
    report = run("diagnose('mse', reals)")
    assert any("no y_pred was given" in line and "LS101" in line for line in report.not_checked)
    assert any("no model was given" in line for line in report.not_checked)
    few = run("diagnose('bce', bits[:20], sigmoid(margins[:20]))")
    assert any("at least 100 targets" in line and "there are 20" in line for line in few.not_checked)


def test_broken_values_stop_the_rules_that_would_repeat_them() -> None:
    report = run("diagnose('mse', np.where(reals > 1, np.nan, 1e6 * reals), reals)")
    assert [finding.code for finding in report.findings] == ["LS220"]
    assert any("mend those first (LS220)" in line for line in report.not_checked)


def test_report_as_data() -> None:
    report = run(RULES["LS101"].bad)
    data = json.loads(report.to_json())
    assert data["ok"] is False
    assert data["findings"][0]["code"] == "LS101"
    assert set(data["findings"][0]) == {"code", "severity", "message", "remedy", "better"}
    assert data["not_checked"] == list(report.not_checked)


def test_html_is_escaped() -> None:
    page = run("diagnose('mse', [[1.0, 2.0]], [[1.0]])")._repr_html_()
    assert "<b" in page
    assert "<class" not in page


def test_only_misuse_raises() -> None:
    with pytest.raises(lossary.UnknownLossError, match="mean_square_eror"):
        lossary.diagnose("mean_square_eror", [1.0], [1.0])
    assert not lossary.diagnose("mse", ["a"], [1.0]).ok
    assert not lossary.diagnose("mse", [[1.0], [2.0, 3.0]], [[1.0], [1.0]]).ok
    assert lossary.diagnose("mse", None).not_checked


def test_start_is_measured() -> None:
    report = run("diagnose('sparse_categorical_crossentropy', labels, softmax(0 * scores))")
    assert any(f"{math.log(5):.4f} (log 5)" in fact for fact in report.facts)
    binary = run("diagnose('bce', rare_bits[:80], rare_probabilities[:80])")
    rate = 3 / 80
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    assert any(f"{entropy:.4g} (entropy of the base rate" in fact for fact in binary.facts)
    spread = run("diagnose('mse', np.array([[1.0], [3.0]] * 20), np.array([[2.0], [2.5]] * 20))")
    assert any("1 (the variance of the targets)" in fact for fact in spread.facts)


def test_channels_first_gets_the_axis() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 5, (4, 8, 8)), rng.normal(size=(4, 5, 8, 8))
    finding = next(
        iter(lossary.diagnose(lossary.SparseCategoricalCrossentropy(from_logits=True), labels, scores).findings)
    )
    assert finding.code == "LS108"
    assert "axis=1" in finding.remedy
    assert lossary.diagnose(lossary.SparseCategoricalCrossentropy(from_logits=True, axis=1), labels, scores).ok


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow", "list", "pandas", "polars"])
def test_arrays_of_every_framework(framework: str) -> None:
    one_hot, probabilities = NS["one_hot"].astype("float32"), NS["softmax"](NS["scores"]).astype("float32")
    y_true, y_pred = converted(framework, one_hot), converted(framework, probabilities)
    loss = lossary.CategoricalCrossentropy(from_logits=True)
    assert [f.code for f in lossary.diagnose(loss, y_true, y_pred).findings] == ["LS101"]
    assert lossary.diagnose(lossary.CategoricalCrossentropy(), y_true, y_pred).ok


def converted(framework: str, array: Any) -> Any:
    if framework == "torch":
        import torch

        return torch.tensor(array, requires_grad=True)
    if framework == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array)
    if framework == "tensorflow":
        import tensorflow as tf

        return tf.constant(array)
    if framework == "pandas":
        import pandas as pd

        return pd.DataFrame(array)
    if framework == "polars":
        import polars as pl

        return pl.DataFrame(array)
    return array.tolist()


def test_losses_of_other_libraries_are_understood() -> None:
    import keras
    import torch

    labels, one_hot, scores = NS["labels"], NS["one_hot"], NS["scores"]
    probabilities = NS["softmax"](scores)
    assert "LS101" in {f.code for f in lossary.diagnose(torch.nn.CrossEntropyLoss(), labels, probabilities).findings}
    assert lossary.diagnose(torch.nn.CrossEntropyLoss(), labels, scores).ok
    assert lossary.diagnose(torch.nn.CrossEntropyLoss(label_smoothing=0.1), labels, scores).ok
    assert "LS102" in {f.code for f in lossary.diagnose(torch.nn.BCELoss(), NS["bits"], NS["margins"]).findings}
    ours = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert "LS101" in {f.code for f in lossary.diagnose(ours, one_hot, probabilities).findings}
    assert "LS102" in {
        f.code for f in lossary.diagnose(keras.losses.binary_crossentropy, NS["bits"], NS["margins"]).findings
    }


def test_losses_of_torch_are_read_as_torch_reads_them() -> None:
    """Classes along axis 1, (input, target), and losses that lossary has no name for."""
    import torch

    rng = np.random.default_rng(1)
    steps = torch.tensor(rng.integers(0, 3, (64, 4)))
    scores = torch.tensor(rng.normal(size=(64, 3, 4)))
    assert not lossary.diagnose(torch.nn.CrossEntropyLoss(), steps, scores).findings
    shares = torch.softmax(scores, 1)
    assert "LS101" in {f.code for f in lossary.diagnose(torch.nn.CrossEntropyLoss(), steps, shares).findings}
    assert not lossary.diagnose(torch.nn.CrossEntropyLoss(), torch.softmax(scores + 1, 1), scores).findings
    model = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.LogSoftmax(-1))
    found = lossary.diagnose(torch.nn.NLLLoss(), steps[:, 0], scores[:, :, 0].log_softmax(1), model=model)
    assert not found.findings
    assert any("NLLLoss is a function of which nothing is known" in line for line in found.not_checked)
    counts = torch.tensor(rng.poisson(2.0, (64, 1)))
    assert not lossary.diagnose(torch.nn.PoissonNLLLoss(), counts, scores[:, :1, 0]).findings
    wants_variance = lossary.diagnose(torch.nn.GaussianNLLLoss(), scores[:, 0], scores[:, 1])
    assert [finding.remedy for finding in wants_variance.findings] == ["y_pred = (mean, variance)"]
    with_variance = lossary.diagnose(torch.nn.GaussianNLLLoss(), scores[:, 0], (scores[:, 1], scores[:, 1].exp()))
    assert not with_variance.findings


def test_torchs_silent_mistakes() -> None:
    import torch

    y = torch.linspace(-1.0, 1.0, 8)
    p = y[:, None] + 0.1
    for loss in (torch.nn.MSELoss(), torch.nn.L1Loss(), torch.nn.HuberLoss(), torch.nn.SmoothL1Loss()):
        (finding,) = lossary.diagnose(loss, y, p).findings
        assert finding.code == "LS002"
        assert "y_true has shape (8,) and y_pred (8, 1); PyTorch broadcasts both to (8, 8)" in finding.message
        assert not lossary.diagnose(loss, y[:, None], p).at_least("error")
    assert "LS002" not in {f.code for f in lossary.diagnose("mse", y, p).findings}
    shares = torch.softmax(torch.arange(24.0).reshape(8, 3).sin(), -1)
    (finding,) = lossary.diagnose(torch.nn.KLDivLoss(reduction="batchmean"), shares, shares).findings
    assert finding.code == "LS003"
    assert "8 of 8 (100%) rows do not" in finding.message
    assert not lossary.diagnose(torch.nn.KLDivLoss(reduction="batchmean"), shares, shares.log()).findings


def test_a_function_of_ones_own() -> None:
    assert lossary.diagnose(lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean(-1), NS["reals"], NS["reals"]).ok
    report = lossary.diagnose(lambda y_true, y_pred: y_true.nonsense(), NS["reals"], NS["reals"])
    assert [finding.code for finding in report.findings] == ["LS001"]


def test_functions_of_torch_and_optax_are_read() -> None:
    import optax
    import torch
    from torch.nn import functional

    labels, scores, one_hot = torch.as_tensor(NS["labels"]), torch.as_tensor(NS["scores"]), NS["one_hot"]
    cases = [
        (functional.cross_entropy, labels, scores.softmax(1), "LS101"),
        (functional.binary_cross_entropy, NS["bits"], NS["margins"], "LS102"),
        (functional.mse_loss, NS["reals"][:, 0], NS["reals"], "LS002"),
        (functional.nll_loss, labels, scores, "LS003"),
        (optax.softmax_cross_entropy, one_hot, NS["softmax"](NS["scores"]), "LS101"),
        (optax.softmax_cross_entropy_with_integer_labels, NS["labels"], NS["softmax"](NS["scores"]), "LS101"),
        (optax.sigmoid_binary_cross_entropy, 255 * NS["bits"], NS["margins"], "LS206"),
        (optax.squared_error, NS["with_outliers"], NS["reals"], "LS211"),
    ]
    for loss, y_true, y_pred, code in cases:
        assert code in {f.code for f in lossary.diagnose(loss, y_true, y_pred).findings}, loss
    assert lossary.diagnose(functional.cross_entropy, labels, scores).ok
    assert lossary.diagnose(optax.softmax_cross_entropy, one_hot, NS["scores"]).ok


def test_what_is_not_known_of_a_loss_is_said() -> None:
    import keras
    import torch

    class Own(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return keras.ops.mean(y_pred, -1)

    report = lossary.diagnose(Own(), NS["labels"], NS["scores"])
    assert report.ok
    assert (
        "whether Own reads such targets and outputs: it is a function of which nothing is known but its values, so "
        "most findings cannot be looked for" in report.not_checked
    )
    weighted = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))
    lines = lossary.diagnose(weighted, torch.as_tensor(NS["bits"]), torch.as_tensor(NS["margins"])).not_checked
    assert "pos_weight of the loss: the values measured are those without" in lines


def test_a_function_of_another_framework_is_not_judged() -> None:
    import jax.numpy as jnp

    def own(y_true: Any, y_pred: Any) -> Any:
        return jnp.abs(jnp.asarray(y_true) - jnp.asarray(y_pred)).mean(-1)

    report = lossary.diagnose(own, NS["reals"], NS["reals"] + NS["noise"])
    assert report.ok
    assert any(
        line.endswith("(LS001): own computes with jax; pass y_true and y_pred as arrays of jax")
        for line in report.not_checked
    )


def test_softmax_under_a_binary_loss_names_the_better_one() -> None:
    (finding,) = lossary.diagnose(
        "binary_crossentropy", np.eye(2)[[0, 1] * 9], model=NS["dense"](2, "softmax")
    ).findings
    assert (finding.code, finding.severity, finding.better) == ("LS301", "warning", "categorical_crossentropy")
    assert finding.remedy == (
        "loss = lossary.CategoricalCrossentropy()   # or keras.layers.Dense(2, activation='sigmoid')"
    )


def test_collapsed_binary_outputs_name_the_class() -> None:
    found = lossary.diagnose("binary_crossentropy", NS["bits"], 0.97 + 0.001 * NS["sigmoid"](NS["margins"])).findings
    (finding,) = [finding for finding in found if finding.code == "LS111"]
    assert "200 of 200 (100%) rows are predicted as class 1, with" in finding.message
