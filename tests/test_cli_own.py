"""Losses of one's own on the command line, and ``lossary verify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lossary
from inputs import few
from lossary.console.arguments import loss_from
from test_cli import in_terminal, refused, run, told
from test_demo import folder as images  # noqa: F401

SOURCE = '''
"""Losses for the tests."""
print("noise")
import lossary
from lossary.words import mean
from offset_of_test import OFFSET


@lossary.loss
def quartic_of_file(y_true, y_pred, *, scale=1.0):
    return mean(scale * (y_pred - y_true) ** 4)


@lossary.loss(slope=lambda y_true, y_pred: 0.5 * (y_pred - y_true))
def wrong_of_file(y_true, y_pred):
    return mean((y_pred - y_true) ** 2)


def plain(y_true, y_pred, weight=1.0):
    return mean(weight * abs(y_pred - y_true) + OFFSET)


def failing(y_true, y_pred):
    raise RuntimeError("out of luck")


def for_torch(y_true, y_pred):
    return (y_true - y_pred).abs().mean(-1)


class Made:
    def __init__(self, power=2):
        self.power = power

    def __call__(self, y_true, y_pred):
        return mean(abs(y_pred - y_true) ** self.power)


wide = lossary.Huber(delta=3.0)
number = 3
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of losses, the file it imports, broken files, and predictions 1, 3, 2 of targets 1, 2, 4."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_losses.py").write_text(SOURCE)
    (folder / "offset_of_test.py").write_text("OFFSET = 0.25\n")
    (folder / "lone.py").write_text("def cubed(y_true, y_pred):\n    return abs(y_pred - y_true) ** 3\n")
    (folder / "syntax.py").write_text("x = 1\ndef f(:\n")
    (folder / "raising.py").write_text("import lossary\n\nx = undefined\n")
    (folder / "importing.py").write_text("import no_such_package_here\n")
    (folder / "leaving.py").write_text("import sys\nsys.exit('bye')\n")
    (folder / "taken.py").write_text("import lossary\n@lossary.loss\ndef huber(y_true, y_pred):\n    return y_pred\n")
    (folder / "preds.csv").write_text("y,p\n1,1\n2,3\n4,2\n")
    return folder


@pytest.mark.parametrize(
    ("loss", "mean"),
    [
        # Differences 0, 1, 2; the fourth powers 0, 1, 16.
        ("own_losses.py:quartic_of_file", 17 / 3),
        ("own_losses.py:quartic_of_file:scale=3", 17.0),
        ("own_losses.py:quartic_of_file(scale=3)", 17.0),
        ("own_losses:quartic_of_file", 17 / 3),
        ("own_losses.py:plain", 1.25),
        ("own_losses.py:plain:weight=2", 2.25),
        ("own_losses.py:Made", 5 / 3),
        ("own_losses.py:Made:power=1", 1.0),
        # Huber with delta 3 halves the squares.
        ("own_losses.py:wide", 5 / 6),
        ("own_losses.py:wide:delta=1", (0.5 + 1.5) / 3),
        ("lone.py", 3.0),
        ("huber(delta=1)", (0.5 + 1.5) / 3),
    ],
)
def test_own_losses_score_files(folder: Path, loss: str, mean: float) -> None:
    done = run("score", "preds.csv", "-l", loss, "-t", "y", "-p", "p", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    # What a module prints while it is imported is not part of the JSON.
    (found,) = json.loads(done.stdout)["all"]["means"].values()
    assert found == pytest.approx(mean, rel=1e-15)


def test_two_settings_of_a_plain_function_stay_apart(folder: Path) -> None:
    twice = ("-l", "own_losses.py:plain:weight=2", "-l", "own_losses.py:plain:weight=4")
    found = json.loads(run("score", "preds.csv", *twice, "-t", "y", "-p", "p", "--json", cwd=folder).stdout)
    assert found["all"]["means"] == {"plain(weight=2)": 2.25, "plain(weight=4)": 4.25}


def test_every_command_takes_them(folder: Path) -> None:
    quartic = "own_losses.py:quartic_of_file"
    assert "QuarticOfFile()" in run("show", quartic, cwd=folder).stdout
    assert run("plot", quartic, "lone.py:cubed", "-o", "two.png", cwd=folder).returncode == 0
    assert (folder / "two.png").read_bytes()[:4] == b"\x89PNG"
    assert "QuarticOfFile()" in run("check", "preds.csv", "-l", quartic, "-t", "y", "-p", "p", cwd=folder).stdout


@pytest.mark.parametrize(
    "more", few(lambda more: not more, [{}, {"huber:delta=0.5": "Huber(delta=0.5)", "huber": "Huber()"}])
)
def test_the_demo_trains_with_them(folder: Path, images: Path, tmp_path: Path, more: dict[str, str]) -> None:  # noqa: F811
    losses = ("own_losses.py:quartic_of_file", *more)
    options = ("--data-dir", images, "--epochs", 1, "-o", tmp_path / "demo.png", "--json")
    done = run("demo", *losses, *options, cwd=folder, KERAS_BACKEND="jax" if more else "torch")
    assert done.returncode == 0, done.stderr
    assert [result["loss"] for result in json.loads(done.stdout)["results"]] == [
        "categorical_crossentropy",
        "quartic_of_file",
        *more.values(),
    ]


def said(*arguments: object, cwd: Path) -> str:
    """The message of a command that must fail, behind what the file itself says."""
    return refused(*arguments, cwd=cwd).removeprefix("noise ")


def test_mistakes_in_places_are_answered(folder: Path) -> None:
    def show(place: str) -> str:
        return said("show", place, cwd=folder)

    assert "there is no file own_loses.py; did you mean own_losses.py" in show("own_loses.py:plain")
    assert "own_losses.py has no 'plan'; did you mean own_losses.py:plain? It defines quartic_of" in show(
        "own_losses.py:plan"
    )
    assert "own_losses.py needs the name of a loss behind it, own_losses.py:NAME" in show("own_losses.py")
    assert "there is no module 'own_loses', neither in this folder nor installed" in show("own_loses:plain")
    assert "cannot make a loss of 3 (int)" in show("own_losses.py:number")
    assert "plain: unknown parameter 'wieght'; accepted are weight" in show("own_losses.py:plain:wieght=2")
    assert "Made cannot be made with {'p': 2}: TypeError" in show("own_losses.py:Made:p=2")
    assert "the parameters 'delta=1=2' cannot be read" in show("huber:delta=1=2")


def test_a_file_that_cannot_be_imported_says_why_and_where(folder: Path) -> None:
    def verify(place: str) -> str:
        return said("verify", place, cwd=folder)

    assert verify("raising.py:x").endswith(
        "raising.py cannot be imported: NameError: name 'undefined' is not defined (raising.py, line 3)"
    )
    assert "syntax.py cannot be imported: SyntaxError: " in verify("syntax.py:f")
    assert verify("syntax.py:f").endswith("(syntax.py, line 2)")
    assert "importing.py cannot be imported: ModuleNotFoundError: No module named 'no_such_p" in verify("importing.py")
    assert "importing cannot be imported: ModuleNotFoundError: No module named 'no_such_p" in verify("importing:f")
    assert "leaving.py cannot be imported: SystemExit: bye" in verify("leaving.py")
    assert "the name 'huber' belongs to the loss huber" in verify("taken.py:huber")
    assert verify("own_losses.py:failing").endswith("RuntimeError: out of luck (own_losses.py, line 24)")


def test_parameters_are_read_as_they_are_printed() -> None:
    for loss in (
        lossary.Huber(delta=0.5, reduction="sum"),
        lossary.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        lossary.SparseCategoricalCrossentropy(ignore_class=-1),
    ):
        assert loss_from(repr(loss)) == loss
    assert loss_from("cce:from_logits=TRUE,label_smoothing=1e-1") == lossary.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1
    )
    assert loss_from("scce:ignore_class=none") == lossary.SparseCategoricalCrossentropy()


def test_verify_reports_and_its_status_says_so(folder: Path) -> None:
    text = told("verify", "huber:delta=2")
    assert text.startswith("Huber(delta=2.0) on numpy: sound\nok  gradient ")
    assert "FAIL" not in text
    bad = run("verify", "own_losses.py:wrong_of_file", "own_losses.py:quartic_of_file", "--json", cwd=folder)
    assert bad.returncode == 1
    found = json.loads(bad.stdout)
    wrong, sound = found["reports"]
    assert (found["ok"], wrong["ok"], sound["ok"]) == (False, False, True)
    failed = [check["name"] for check in wrong["checks"] if check["status"] == "failed"]
    assert failed == ["gradient", "hand-written slope"]
    spoken = run("verify", "own_losses.py:wrong_of_file", cwd=folder)
    assert spoken.returncode == 1
    assert "FAIL  hand-written slope" in spoken.stdout
    assert "\x1b[32mok" in in_terminal("verify", "mse")


def test_verify_on_another_backend(folder: Path) -> None:
    on_numpy = run("verify", "own_losses.py:for_torch", cwd=folder)
    assert on_numpy.returncode == 1
    assert "write --backend torch, jax or tensorflow" in " ".join(on_numpy.stdout.split())
    assert (
        "for_torch) on torch: sound"
        in run("verify", "own_losses.py:for_torch", "--backend", "torch", cwd=folder).stdout
    )
    assert "did you mean torch or pytensor?" in refused("verify", "mse", "--backend", "pytorch")
