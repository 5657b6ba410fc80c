"""The table of `docs/seams.md`: what it says to write is there, and a test inside the host stands behind every line."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import lossary

ROOT = Path(__file__).parent.parent
# Where a line was tried inside its library, or with it where it has none.
TRIED = {
    "PyTorch": "test_torch_modules.py::test_values_and_gradients_are_those_of_torch",
    "a last layer of PyTorch": "test_torch_linear.py::test_values_and_gradients_are_pytorchs",
    "several processes (DDP, FSDP)": "test_hosts_torch.py::test_two_processes_train_as_one",
    "gradient accumulation": "test_total.py::test_micro_batches_take_their_share_of_the_whole",
    "Hugging Face": "test_hosts_torch.py::test_the_trainer_accumulates_exactly",
    "Accelerate": "test_hosts_torch.py::test_accelerate_accumulates_exactly",
    "skorch": "test_hosts_torch.py::test_skorch_trains_with_a_criterion",
    "Lightning": "test_hosts_torch.py::test_lightning_logs_and_saves",
    "optax": "test_optax_face.py::test_values_and_gradients_are_those_of_optax",
    "several devices (JAX)": "test_hosts_torch.py::test_two_devices_train_as_one",
    "flax, equinox": (
        "test_hosts_torch.py::test_flax_modules_hold_losses test_hosts_torch.py::test_equinox_modules_hold_losses"
    ),
    "several replicas (TensorFlow)": "test_keras.py::test_replicas_share_one_step",
    "a language model's head": "test_linear.py::test_values_and_gradients_are_those_of_the_scores",
    "any, NumPy": "test_grad_and_hess.py::test_derivatives_have_the_digits_of_the_answer",
    "XGBoost": "test_boosters.py::test_xgboost_grows_its_own_trees",
    "LightGBM": "test_boosters.py::test_lightgbm_grows_its_own_trees",
    "CatBoost": "test_boosters.py::test_catboost_grows_its_own_trees",
    "scikit-learn": "test_sklearn_scorer.py::test_log_loss_of_probabilities_and_of_scores",
    "scipy": "test_seams_recipes.py::test_lbfgs_finds_what_the_normal_equations_give",
    "statsmodels": "test_seams_recipes.py::test_robust_linear_models",
    "river": "test_seams_recipes.py::test_river",
}


def rows() -> list[tuple[str, str]]:
    """Library and what to write; a line without a library belongs to the one above it."""
    found: list[tuple[str, str]] = []
    for line in (ROOT / "docs" / "seams.md").read_text(encoding="utf8").split("\n\n")[2].splitlines()[2:]:
        library, write = (cell.strip() for cell in line.strip("|").split("|"))
        found.append((library or found[-1][0], write))
    return found


def test_every_line_was_tried_in_its_library() -> None:
    assert {library for library, _ in rows()} == set(TRIED)
    for place in " ".join(TRIED.values()).split():
        file, name = place.split("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, place


@pytest.mark.costly  # It imports every host.
def test_what_to_write_is_there() -> None:
    names = {name for _, write in rows() for name in re.findall(r"\blossary((?:\.\w+)+)", write)}
    assert len(names) > 20
    for name in names:
        first, *rest = name[1:].split(".")
        found = getattr(lossary, first, None) or importlib.import_module(f"lossary.{first}")
        for part in rest:
            assert hasattr(found, part), f"lossary{name}"
            found = getattr(found, part)
