"""The command line as a user runs it: in pipes, small terminals and without colour.

Most commands run in forks of one process, a few as the program that is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli_server
import lossary
from everywhere import ALL, EXAMPLES, SEVERAL
from inputs import BUILTIN, NAMES, Setting, every, few
from lossary.facts.families import TASKS

LOSSARY = Path(sys.executable).with_name("lossary")


def run(
    *arguments: object, cwd: Path | None = None, installed: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the command, or the very program; what it prints must never be a traceback."""
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    words, settings = list(map(str, arguments)), clean | environment
    if installed:
        program = [str(LOSSARY), *words]
        done = subprocess.run(program, capture_output=True, text=True, timeout=120, cwd=cwd, env=settings, check=False)
    else:
        done = cli_server.command(words, settings, cwd)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def told(*arguments: object, **options: Any) -> str:
    """The output of a command that must succeed."""
    done = run(*arguments, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(*arguments: object, **options: Any) -> str:
    """The message of a command that must fail, in one line."""
    done = run(*arguments, **options)
    assert (done.returncode, done.stdout) == (2, "")
    return " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def preds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Targets ``y`` 1, 2, 4, predictions ``p`` 1, 3, 2, weights, shops, labels and probabilities."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "preds.csv").write_text(
        "y,p,w,shop,label,p0,p1,rate\n1,1,1,b,0,0.5,0.5,1\n2,3,3,a,1,0.75,0.25,-2\n4,2,0.5,a,1,0.5,0.5,1\n"
    )
    return folder / "preds.csv"


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two-class labels with good probabilities ``p`` and raw scores ``z``."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=400) * 3
    y = (rng.uniform(size=400) < 1 / (1 + np.exp(-z))).astype(np.int64)
    folder = tmp_path_factory.mktemp("binary")
    np.savez(folder / "binary.npz", y=y, z=z, p=1 / (1 + np.exp(-z)), price=np.exp(rng.normal(size=400)) * 100)
    return folder / "binary.npz"


# --- catalogue -----------------------------------------------------------------------------------------------------


def test_list_names_every_loss() -> None:
    lines = told("list", installed=True).splitlines()
    assert lines[0].split() == ["name", "family", "what", "it", "is"]
    assert sorted(line.split()[0] for line in lines[1:]) == NAMES
    assert all(line == line.rstrip() for line in lines)


def test_list_by_family_and_backend_in_json() -> None:
    found = json.loads(told("list", "--family", "robust", "--backend", "pytensor", "--json"))
    huber = next(loss for loss in found if loss["name"] == "huber")
    assert {loss["family"] for loss in found} == {"robust"}
    assert huber["parameters"] == {"delta": 1.0}
    assert huber["backend"] == "pytensor"
    assert "in the words of pytensor" in huber["path"]
    assert "huber_loss" in huber["aliases"]


def test_list_by_task_by_words_and_by_another_library() -> None:
    found = json.loads(told("list", "--task", "detection", "--json"))
    assert {"generalized_iou", "binary_crossentropy"} <= {loss["name"] for loss in found}
    found = json.loads(told("list", "--search", "absolute percentage", "--json"))
    assert [loss["name"] for loss in found][:1] == ["mean_absolute_percentage_error"]
    lines = json.loads(told("list", "--peer", "optax", "--json"))
    assert lines["optax.l2_loss"] == "0.5 * lossary.MeanSquaredError()"
    assert "0.5 * lossary.MeanSquaredError()" in told("list", "--peer", "optax")


def test_every_family_is_for_some_task() -> None:
    assert {record.family for record in BUILTIN} <= {family for task in TASKS.values() for family in task}


def test_list_refuses_what_there_is_not() -> None:
    assert "no loss is like that" in refused("list", "--search", "a word that no loss has")
    assert "did you mean segmentation or detection?" in refused("list", "--task", "segmentaton")
    assert "'keras'" in refused("list", "--peer", "theano")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("imbalanced", "binary_focal_crossentropy"),
        ("ordered classes", "coral"),
        ("overdispersed", "negative_binomial_nll"),
        ("skewed", "gamma_deviance"),
    ],
)
def test_words_that_people_search_by(words: str, name: str) -> None:
    assert f"{name} " in told("list", "--search", words)


def test_list_refuses_unknown_families_and_backends() -> None:
    assert "did you mean regression" in refused("list", "--family", "regresion")
    unknown = refused("list", "--peer", "opax")
    assert "--peer 'opax'; did you mean 'optax'?" in unknown
    assert unknown.endswith("Write lossary list --peer optax")
    assert "did you mean torch or pytensor?" in refused("list", "--backend", "pytorch")


def test_show_tells_what_a_loss_is() -> None:
    text = told("show", "huber_loss:delta=2")
    assert "Huber(delta=2.0)" in text
    assert "huber = mean(d**2 / 2 if d <= delta" in text
    assert "P. J. Huber" in text
    assert "`" not in text
    found = json.loads(told("show", "huber_loss:delta=2", "--json"))
    assert found["parameters"] == {"delta": 2.0}
    assert found["written"] == "Huber(delta=2.0)"
    assert found["gradient"].startswith("def huber_slope(y_true, y_pred, delta)")


def in_process(*arguments: Any) -> str:
    """What the command prints, in this process, for many small calls."""
    from typer.testing import CliRunner

    from lossary.cli._app import app

    done = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return str(done.output)


SHOWN = [s for s in ALL if not s.parameters]


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("setting", every(SHOWN, EXAMPLES), ids=str)
def test_every_loss_is_shown_and_measured(setting: Setting) -> None:
    record, name = setting.record, setting.record.name
    text = in_process("show", name)
    for argument in record.names:
        assert re.search(rf"^{argument} +\S", text, re.MULTILINE)
    assert re.search(rf"^by hand +{name}\({re.escape(str(record.cases[0].arrays[0]))}", text, re.MULTILINE)
    found = json.loads(in_process("bench", name, "--shape", "6x4", "--seconds", "0.01", "--backend", "numpy", "--json"))
    assert found["timings"][0]["calls"] >= 3


# What a picture of each kind of loss shows is `test_plot`'s: one of a pair, and one of other arguments.
@pytest.mark.parametrize("setting", every(SHOWN, [next(s for s in SHOWN if s.record.is_pair), SEVERAL[0]]), ids=str)
def test_every_loss_is_drawn(setting: Setting, tmp_path: Path) -> None:
    in_process("show", setting.record.name, "--plot", tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 10_000


def test_check_reads_columns_that_lie_side_by_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, v = rng.normal(size=(40, 2)), np.ones(40)
    np.savez(tmp_path / "f.npz", y=y, p=np.stack([y[:, 0], v, y[:, 1], v], 1), three=rng.normal(size=(40, 12)))
    assert "GaussianNLL(): nothing found" in told(
        "check", tmp_path / "f.npz", "-l", "gaussian_nll", "-t", "y", "-p", "p"
    )
    assert "TripletMargin(): nothing found" in told(
        "check", tmp_path / "f.npz", "-l", "triplet_loss", "-t", "y", "-p", "three"
    )


def test_show_prints_the_kernel_and_draws(tmp_path: Path) -> None:
    source = told("show", "mse", "--kernel")
    compile(source, "kernel", "exec")
    assert source.startswith("def mean_squared_error")
    scope: dict[str, Any] = {}
    exec(told("show", "mse", "--readable"), scope)
    value, slope, inside = scope["mean_squared_error"](np.array([0.0, 1.0]), np.array([2.0, 1.0]))
    assert (value, slope.tolist(), inside) == (2.0, [2.0, 0.0], True)
    out = told("show", "mse", "--plot", tmp_path / "mse.png")
    assert str(tmp_path / "mse.png") in out.replace("\n", "")
    assert (tmp_path / "mse.png").read_bytes()[:4] == b"\x89PNG"


def test_plot_draws_what_is_asked(tmp_path: Path) -> None:
    found = json.loads(told("plot", "huber:delta=0.5", "mae", "-o", tmp_path / "two.svg", "--json"))
    assert found["losses"] == ["Huber(delta=0.5)", "MeanAbsoluteError()"]
    assert "huber(delta=0.5)" in (tmp_path / "two.svg").read_text()
    assert "picture ending '.bmp' is not known" in refused("plot", "mae", "-o", tmp_path / "two.bmp")
    assert "No such file or directory" in refused("plot", "mae", "-o", tmp_path / "nowhere" / "two.png")


def test_mistakes_in_losses_are_answered() -> None:
    assert refused("show", "mean_square_error").endswith("mean_squared_error? All names: lossary list")
    assert "unknown parameter 'delt'" in refused("show", "huber:delt=2")
    assert "delta is -2; accepted is a number > 0" in refused("show", "huber:delta=-2")
    assert "write huber:delta=1.0" in refused("show", "huber:delta")
    found = json.loads(run("show", "hubr", "--json").stdout)
    assert found["error"]["kind"] == "UnknownLossError"


# --- files ---------------------------------------------------------------------------------------------------------

# Squares 0, 1, 4 and differences 0, 1, 2 with weights 1, 3, 1/2.
SCORE = ("--loss", "mse", "--loss", "mae", "--target", "y", "--prediction", "p")


def test_score_by_hand(preds: Path) -> None:
    found = json.loads(told("score", preds, *SCORE, "--weight", "w", "--by", "shop", "--json"))
    assert found["all"] == {
        "rows": 3,
        "weight": 4.5,
        "means": {"mean_squared_error": 5 / 4.5, "mean_absolute_error": 4 / 4.5},
    }
    assert [(g["group"], g["rows"], g["means"]["mean_squared_error"]) for g in found["groups"]] == [
        ("a", 2, 5 / 3.5),
        ("b", 1, 0.0),
    ]


def test_score_prints_a_table(preds: Path) -> None:
    lines = [line.split() for line in told("score", preds, *SCORE, "--by", "shop").splitlines()]
    assert lines == [
        ["shop", "rows", "mean_squared_error", "mean_absolute_error"],
        ["a", "2", "2.5", "1.5"],
        ["b", "1", "0", "0"],
        ["all", "3", "1.66667", "1"],
    ]


def test_scores_stay_readable_in_a_narrow_terminal(preds: Path) -> None:
    lines = [line.split() for line in told("score", preds, *SCORE, "--by", "shop", COLUMNS="30").splitlines()]
    assert lines[:4] == [["shop:", "a"], ["rows", "2"], ["mean_squared_error", "2.5"], ["mean_absolute_error", "1.5"]]
    assert lines[-4:] == [["all"], ["rows", "3"], ["mean_squared_error", "1.66667"], ["mean_absolute_error", "1"]]


def test_whole_numbers_are_labels_as_written(preds: Path) -> None:
    lines = told("score", preds, *SCORE, "--by", "label").splitlines()
    assert [line.split()[0] for line in lines] == ["label", "0", "1", "all"]


def test_score_of_rows(preds: Path) -> None:
    loss = ("--loss", "sparse_categorical_crossentropy", "-t", "label", "-p", "p0", "-p", "p1")
    found = json.loads(told("score", preds, *loss, "--json"))
    # The true classes have the probabilities 1/2, 1/4, 1/2.
    assert found["all"]["means"]["sparse_categorical_crossentropy"] == pytest.approx(np.log([2, 4, 2]).mean())


def test_mistakes_in_files_are_answered(preds: Path) -> None:
    assert "no column 'shops'; did you mean shop?" in refused("score", preds, *SCORE, "--by", "shops")
    assert "there is no file" in refused("score", preds.with_name("pred.csv"), *SCORE)
    assert "did you mean preds.csv?" in refused("score", preds.with_name("pred.csv"), *SCORE)
    assert "column 'shop'" in refused("score", preds, "-l", "mse", "-t", "shop", "-p", "p")
    message = refused("score", preds, "-l", "poisson", "-t", "y", "-p", "rate")
    assert "y_pred[1, 0] is -2" in message
    assert "y_pred is rate" in message
    one_hot_wanted = refused("score", preds, "-l", "cce", "-t", "label", "-p", "p0", "-p", "p1")
    assert "need --loss sparse_categorical_crossentropy, or a --target for each of the classes" in one_hot_wanted


def test_check_finds_and_its_status_says_so(binary: Path) -> None:
    good = run("check", binary, "--loss", "binary_crossentropy", "--target", "y", "--prediction", "p")
    assert (good.returncode, good.stderr) == (0, "")
    assert "not checked" in good.stdout
    # The doctor's texts name Python's arguments; here they name what a file lacks.
    assert "a file holds no model; lossary.diagnose takes one" in good.stdout
    assert "a file holds no metrics; lossary.diagnose takes them" in good.stdout
    assert "pass m" not in good.stdout
    logits = ("check", binary, "--loss", "binary_crossentropy", "--target", "y", "--prediction", "z")
    bad = run(*logits, "--json")
    assert bad.returncode == 1
    report = json.loads(bad.stdout)
    assert not report["ok"]
    assert any("from_logits=True" in finding["remedy"] for finding in report["reports"][0]["findings"])
    spoken = run(*logits)
    assert spoken.returncode == 1
    assert "from_logits=True" in spoken.stdout
    first = json.loads(run(*logits, "--rows", 50, "--json").stdout)
    assert first["rows"] == 50
    assert "after the first 50" in first["reports"][0]["not_checked"][0]


def test_suggest_reads_a_column(binary: Path) -> None:
    found = json.loads(told("suggest", binary, "--target", "y", "--json"))
    assert (found["loss"], found["units"], found["activation"]) == ("binary_crossentropy", 1, "sigmoid")
    text = told("suggest", binary, "--target", "y", "--framework", "torch")
    assert "import torch" in text
    assert "BinaryCrossentropy" in text
    assert "did you mean torch?" in refused("suggest", binary, "--target", "y", "--framework", "troch")
    assert "goal is 'foo'" in refused("suggest", binary, "--target", "y", "--goal", "foo")


# --- surroundings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("show", "huber"), ("--help",), ("score", "--help"), ("list", "--backend", "numpy")],
    ids=" ".join,
)
def test_a_small_terminal_is_not_overrun(arguments: tuple[str, ...]) -> None:
    lines = told(*arguments, COLUMNS="60").splitlines()
    # Lines to copy (definitions) are never wrapped.
    assert [line for line in lines if len(line) > 60 and " = " not in line] == []


def test_lines_to_copy_are_whole_in_a_small_terminal() -> None:
    lines = told("list", "--peer", "torch", COLUMNS="60").splitlines()
    written = lossary.names(peer="torch").items()
    assert lines == [line for theirs, ours in written for line in (theirs, f"  {ours}")]


def in_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes when its output and error streams are a terminal."""
    leader, follower = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    command = subprocess.Popen(
        [str(LOSSARY), *arguments],
        stdout=follower,
        stderr=follower,
        env=clean | {"TERM": "xterm-256color"} | environment,
    )
    os.close(follower)
    written = b""
    while True:
        try:
            part = os.read(leader, 1 << 16)
        except OSError:
            break
        if not part:
            break
        written += part
    os.close(leader)
    assert command.wait() in (0, 1)
    return written.decode()


@pytest.mark.costly
def test_colour_in_a_terminal_but_not_with_no_color_or_in_a_pipe(binary: Path) -> None:
    arguments = ("check", str(binary), "-l", "binary_crossentropy", "-t", "y", "-p", "z")
    red = "\x1b[1;31m"
    assert red in in_terminal(*arguments)
    assert "\x1b[3" not in in_terminal(*arguments, NO_COLOR="1")
    assert "\x1b" not in run(*arguments).stdout


@pytest.mark.costly
def test_progress_is_shown_in_a_terminal_alone(preds: Path) -> None:
    assert "100%" in in_terminal("score", str(preds), *SCORE)
    assert "%" not in run("score", preds, *SCORE).stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    command = subprocess.Popen([str(LOSSARY), "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait() == 0


@pytest.mark.costly
def test_output_survives_an_ascii_terminal(preds: Path) -> None:
    done = run("show", "huber", installed=True, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0


def test_usage_errors_have_status_two_and_near_names() -> None:
    done = run("scor", installed=True)
    assert done.returncode == 2
    assert "Did you mean 'score'?" in done.stderr
    done = run("score")
    assert done.returncode == 2
    assert "FILE" in done.stderr
    assert told("--version").strip() == f"lossary {lossary.__version__}"


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "lossary", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lossary {lossary.__version__}\n"


def test_bench_measures_what_is_installed() -> None:
    """Times are whatever they are; that a training step of the right size was timed shows in order and path."""
    quick = ("--seconds", "0.05", "--shape")
    found = json.loads(told("bench", "huber:delta=2", "scce", *quick, "2000x4", "--backend", "numpy", "--json"))
    assert (found["shape"], found["dtype"]) == ([2000, 4], "float32")
    assert [timing["loss"] for timing in found["timings"]] == ["Huber(delta=2.0)", "SparseCategoricalCrossentropy()"]
    for timing in found["timings"]:
        assert 0 < timing["reading"] < timing["best"] <= timing["median"] < 1e4
        assert timing["calls"] >= 3
        assert timing["path"] == "a fused kernel on numpy"
    text = told("bench", "mse", *quick, "65536x4", "--backend", "numpy", "--backend", "torch")
    heading, names, *rows = text.splitlines()
    assert heading == "value and gradient, 65536 x 4 float32, milliseconds"
    assert names.split() == ["loss", "backend", "best", "median", "reading", "path"]
    assert [row.split()[1] for row in rows] == ["numpy", "torch"]
    assert [row.split("  ")[-1].strip() for row in rows] == ["a fused kernel on numpy", "a fused kernel on torch"]
    narrow = told("bench", "mse", *quick, "10x4", "--backend", "numpy", COLUMNS="40").splitlines()
    assert narrow[2] == "MeanSquaredError()"
    assert max(map(len, narrow)) <= 40


def test_bench_refuses_in_words() -> None:
    assert refused("bench", "mse", "--shape", "10") == (
        "lossary: shape '10' cannot be read; write it as data points x outputs, --shape 65536x64"
    )
    assert "did you mean torch?" in refused("bench", "--backend", "tork")
    assert "did you mean huber?" in refused("bench", "hubr", "--backend", "numpy")


@pytest.mark.parametrize("name", few("jax".__eq__, ["jax", "tensorflow"]))
def test_bench_compiles_a_step_where_the_library_does(name: str) -> None:
    # TensorFlow greets on the error stream.
    done = run("bench", "mse", "--seconds", "0.05", "--shape", "64x4", "--backend", name, "--json")
    found = json.loads(done.stdout)
    assert found["timings"][0]["path"] == {"jax": "a fused kernel on jax"}.get(name, f"the words of {name}")


def test_the_shell_completes_loss_names() -> None:
    environment = {"_LOSSARY_COMPLETE": "complete_bash", "COMP_WORDS": "lossary show mean_s", "COMP_CWORD": "2"}
    done = run(**environment)
    assert {"mean_squared_error", "mean_squared_logarithmic_error"} == set(done.stdout.split())


def reads(process: int, name: str) -> bool:
    """Whether a process has a file of this name open."""
    links = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(descriptor))
    return any(link.endswith(name) for link in links)


@pytest.mark.costly
def test_an_interruption_is_no_error(tmp_path: Path) -> None:
    size = 1 << 24
    with zipfile.ZipFile(tmp_path / "long.npz", "w", zipfile.ZIP_STORED) as archive:
        for name in ("y", "p"):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.zeros(size))
    command = subprocess.Popen(
        [str(LOSSARY), "score", str(tmp_path / "long.npz"), *SCORE, "--by", "y"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not reads(command.pid, "long.npz"):
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=60)
    assert (command.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_extra_is_named_with_its_line(module: str) -> None:
    script = f"import sys; sys.modules[{module!r}] = None; from lossary.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"lossary: the command line needs {module}, which is not installed.")
    assert done.stderr.endswith('Install it with: pip install "lossary[cli]"\n')


def without(module: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command where a module is not installed."""
    before = f"import sys; sys.modules[{module!r}] = None"
    return cli_server.command(list(map(str, arguments)), dict(os.environ), cwd, before)


def test_missing_readers_are_named(preds: Path) -> None:
    done = without("pyarrow", "score", preds, *SCORE)
    assert done.returncode == 2
    assert 'pip install "lossary[cli]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_numpy_files_need_no_reader(binary: Path) -> None:
    script = "import sys; sys.modules['pyarrow'] = None; sys.argv[0] = 'lossary'; from lossary.cli import main; main()"
    arguments = ["score", str(binary), "-l", "bce", "-t", "y", "-p", "p", "--json"]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["all"]["rows"] == 400


@pytest.mark.parametrize(("module", "extra"), [("matplotlib", "plot"), ("keras", "demo"), ("sklearn", "demo")])
def test_what_commands_need_is_named_before_they_work(module: str, extra: str, tmp_path: Path) -> None:
    done = without(module, *(["plot", "mse"] if extra == "plot" else ["demo"]), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f'needs {module}, which is not installed. Install it with: pip install "lossary[{extra}]"' in " ".join(
        done.stderr.split()
    )


def test_a_fault_of_ours_is_told_in_one_line(preds: Path) -> None:
    broken = "from lossary.scoring import _score\ndef broken(*_): raise KeyError('k')\n_score._scores = broken\n"
    command = ["score", str(preds), *SCORE]
    done = cli_server.command(command, dict(os.environ), before=broken)
    assert (done.returncode, done.stdout) == (2, "")
    assert " ".join(done.stderr.split()) == (
        "lossary: KeyError: 'k'. This is a fault of lossary; LOSSARY_TRACEBACK=1 shows where it happened"
    )
    loud = cli_server.command(command, os.environ | {"LOSSARY_TRACEBACK": "1"}, before=broken)
    assert "Traceback" in loud.stderr


def test_importing_lossary_imports_none_of_it() -> None:
    script = (
        "import sys, lossary; print([m for m in ('typer', 'rich', 'pyarrow', 'matplotlib', 'lossary.cli', "
        "'lossary.scoring') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
