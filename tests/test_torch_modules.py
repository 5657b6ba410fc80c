"""Modules of PyTorch: its own values, gradients, signatures and habits, with ours behind them."""

from __future__ import annotations

import copy
import inspect
import io
import re
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lossary
import lossary.torch as ours
import lossary.torch.functional as functions

N, C, T = 5, 4, 3
GENERATOR = torch.Generator().manual_seed(0)
WEIGHT, OTHER = torch.tensor([0.5, 2.0, 1.0, 3.0]), torch.tensor([1.0, 0.25, 4.0, 2.0])


def real(*shape):
    return torch.randn(shape, generator=GENERATOR)


def unit(*shape):
    return torch.rand(shape, generator=GENERATOR) * 0.98 + 0.01


def labels(*shape, ignored=None):
    found = torch.randint(0, C, shape, generator=GENERATOR)
    if ignored is not None:
        found.view(-1)[1] = ignored
    return found


def bits(*shape):
    return torch.randint(0, 2, shape, generator=GENERATOR).float()


def signs(*shape):
    return 2 * bits(*shape) - 1


def shares(*shape):
    return real(*shape).softmax(1)


def lists(*shape):
    found = torch.stack([torch.randperm(shape[-1], generator=GENERATOR) for _ in range(shape[0])])
    found[0, 2], found[1, 0], found[2, 1:] = -1, -1, -1
    return found


def spoken(*shape):
    return torch.randint(1, C, shape, generator=GENERATOR)


# Steps and labels that count; the third sequence has too few steps for two equal labels.
HEARD, SAID = torch.tensor([7, 6, 2, 7, 5]), torch.tensor([2, 1, 2, 2, 3])


def distance(a, b):
    return (a - b).abs().sum(-1)


# Class, arguments of the constructor, what makes the arguments of a call.  The first argument has a gradient, and
# others that are predictions.
CALLS = [
    ("L1Loss", {}, lambda: (real(N, T), real(N, T))),
    ("MSELoss", {}, lambda: (real(N, T), real(N, T))),
    ("MSELoss", {}, lambda: (real(), real())),
    ("HuberLoss", {"delta": 0.7}, lambda: (real(N, T), real(N, T))),
    ("SmoothL1Loss", {}, lambda: (real(N), real(N))),
    ("SmoothL1Loss", {"beta": 0.3}, lambda: (real(N, 2, 2, T), real(N, 2, 2, T))),
    ("SmoothL1Loss", {"beta": 0.0}, lambda: (real(N, T), real(N, T))),
    ("SoftMarginLoss", {}, lambda: (real(N, T), signs(N, T))),
    ("HingeEmbeddingLoss", {"margin": 1.5}, lambda: (real(N, T).abs(), signs(N, T))),
    ("BCELoss", {}, lambda: (unit(N, C), bits(N, C))),
    ("BCELoss", {"weight": WEIGHT}, lambda: (unit(N, C), unit(N, C))),
    ("BCEWithLogitsLoss", {}, lambda: (real(N, C), bits(N, C))),
    ("BCEWithLogitsLoss", {"pos_weight": WEIGHT}, lambda: (real(N, C), unit(N, C))),
    ("BCEWithLogitsLoss", {"pos_weight": torch.tensor(2.0)}, lambda: (real(N), bits(N))),
    ("BCEWithLogitsLoss", {"pos_weight": WEIGHT, "weight": OTHER}, lambda: (real(N, C), bits(N, C))),
    ("PoissonNLLLoss", {}, lambda: (real(N, T), labels(N, T).float())),
    ("PoissonNLLLoss", {"full": True}, lambda: (real(N, T), labels(N, T).float())),
    ("PoissonNLLLoss", {"log_input": False, "eps": 1e-6}, lambda: (unit(N, T) * 5, labels(N, T).float())),
    ("KLDivLoss", {}, lambda: (real(N, C).log_softmax(1), shares(N, C))),
    ("KLDivLoss", {"log_target": True}, lambda: (real(N, C).log_softmax(1), real(N, C).log_softmax(1))),
    ("KLDivLoss", {}, lambda: (real(N, C) - 9, 3 * unit(N, C))),
    ("GaussianNLLLoss", {"full": True}, lambda: (real(N, T), real(N, T), unit(N, T))),
    ("GaussianNLLLoss", {}, lambda: (real(), real(), unit())),
    ("MarginRankingLoss", {}, lambda: (real(), real(), signs())),
    ("GaussianNLLLoss", {"eps": 1e-3}, lambda: (real(N, T), real(N, T), unit(N, 1))),
    ("GaussianNLLLoss", {}, lambda: (real(N, T), real(N, T), unit(N))),
    ("MarginRankingLoss", {"margin": 0.4}, lambda: (real(N), real(N), signs(N))),
    ("NLLLoss", {}, lambda: (real(N, C).log_softmax(1), labels(N))),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": -1},
     lambda: (real(N, C, 2).log_softmax(1), labels(N, 2, ignored=-1))),
    ("NLLLoss", {"weight": WEIGHT}, lambda: (real(C).log_softmax(0), labels())),
    ("CrossEntropyLoss", {}, lambda: (real(N, C), labels(N))),
    ("CrossEntropyLoss", {}, lambda: (real(N, C, 2, T), labels(N, 2, T, ignored=-100))),
    ("CrossEntropyLoss", {"ignore_index": 2}, lambda: (real(N, C), labels(N, ignored=2))),
    ("CrossEntropyLoss", {"weight": WEIGHT}, lambda: (real(N, C, T), labels(N, T, ignored=-100))),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, lambda: (real(N, C), labels(N, ignored=-100))),
    ("CrossEntropyLoss", {"label_smoothing": 0.2, "weight": WEIGHT},
     lambda: (real(N, C, T), labels(N, T, ignored=-100))),
    ("CrossEntropyLoss", {}, lambda: (real(C), labels())),
    ("CrossEntropyLoss", {"weight": WEIGHT}, lambda: (real(C), labels())),
    ("CrossEntropyLoss", {}, lambda: (real(N, C, T), shares(N, C, T))),
    ("CrossEntropyLoss", {"label_smoothing": 0.2, "weight": WEIGHT}, lambda: (real(N, C, T), shares(N, C, T))),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, lambda: (real(C), real(C).softmax(0))),
    ("CTCLoss", {}, lambda: (real(7, N, C).log_softmax(-1), spoken(N, 3), HEARD + 2 * (HEARD < 6), SAID)),
    ("CTCLoss", {"zero_infinity": True},
     lambda: (real(7, N, C).log_softmax(-1), torch.tensor([1, 2, 2, 2, 3, 1, 1, 3, 3, 3]), HEARD, SAID)),
    ("CTCLoss", {"blank": 3}, lambda: (real(7, C).log_softmax(-1), torch.tensor([0, 1, 1]), torch.tensor(6),
     torch.tensor(3))),
    ("MultiMarginLoss", {}, lambda: (real(N, C), labels(N))),
    ("MultiMarginLoss", {"p": 2, "margin": 0.7, "weight": WEIGHT}, lambda: (real(N, C), labels(N))),
    ("MultiMarginLoss", {}, lambda: (real(C), labels())),
    ("MultiLabelMarginLoss", {}, lambda: (real(N, C), lists(N, C))),
    ("MultiLabelMarginLoss", {}, lambda: (real(C), torch.tensor([3, 0, -1, 1]))),
    ("MultiLabelSoftMarginLoss", {}, lambda: (real(N, C), bits(N, C))),
    ("MultiLabelSoftMarginLoss", {"weight": WEIGHT}, lambda: (real(N, C), bits(N, C))),
    ("CosineEmbeddingLoss", {"margin": 0.2}, lambda: (real(N, C), real(N, C), signs(N))),
    ("CosineEmbeddingLoss", {}, lambda: (real(C), real(C), signs())),
    ("TripletMarginLoss", {"margin": 0.8}, lambda: (real(N, C), real(N, C), real(N, C))),
    ("TripletMarginLoss", {"p": 1.0, "swap": True}, lambda: (real(N, C), real(N, C), real(N, C))),
    ("TripletMarginWithDistanceLoss", {}, lambda: (real(N, C), real(N, C), real(N, C))),
    ("TripletMarginWithDistanceLoss", {"distance_function": distance, "swap": True, "margin": 2.0},
     lambda: (real(N, C), real(N, C), real(N, C))),
]  # fmt: skip
# Which arguments are trained.
TRAINED = {"GaussianNLLLoss": (0, 2), "MarginRankingLoss": (0, 1), "CosineEmbeddingLoss": (0, 1)}
TRAINED |= dict.fromkeys(("TripletMarginLoss", "TripletMarginWithDistanceLoss"), (0, 1, 2))
# PyTorch adds 1e-6 to each difference of a triplet.
LOOSE = {"TripletMarginLoss": 1e-5, "CosineEmbeddingLoss": 3e-6}


def both(module, name, arguments):
    """A value, and the gradients of its sum."""
    given = [x.detach().clone() for x in arguments]
    trained = [given[place].requires_grad_() for place in TRAINED.get(name, (0,))]
    value = module(*given)
    return value, torch.autograd.grad(value.sum(), trained)


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize(("name", "settings", "draw"), CALLS)
def test_values_and_gradients_are_those_of_torch(name, settings, draw):
    reductions = ("mean", "sum", "none", *(["batchmean"] if name == "KLDivLoss" else []))
    arguments, close = draw(), LOOSE.get(name, 1e-6)
    for reduction in reductions:
        theirs, mine = (getattr(room, name)(**settings, reduction=reduction) for room in (nn, ours))
        (value, slopes), (expected, right) = both(mine, name, arguments), both(theirs, name, arguments)
        torch.testing.assert_close(value, expected, rtol=close, atol=close)
        for one, other in zip(slopes, right, strict=True):
            torch.testing.assert_close(one, other, rtol=close, atol=close)


# What PyTorch calls the functions of its classes, where that is not the class's own name.
FUNCTIONS = {"BCE": "binary_cross_entropy", "BCEWithLogits": "binary_cross_entropy_with_logits", "KLDiv": "kl_div"}
FUNCTIONS |= {"CrossEntropy": "cross_entropy", "MultiLabelMargin": "multilabel_margin_loss"}
FUNCTIONS |= {"MultiLabelSoftMargin": "multilabel_soft_margin_loss"}


def function_of(name):
    stem = name.removesuffix("Loss")
    words = re.findall("[A-Z]+(?![a-z])[0-9]?|[A-Z][a-z]+[0-9]?", stem)
    return FUNCTIONS.get(stem, "_".join(words).lower() + "_loss")


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize(("name", "settings", "draw"), CALLS)
def test_functions_are_those_of_torch(name, settings, draw):
    arguments, close = draw(), LOOSE.get(name, 1e-6)
    for reduction in ("mean", "sum", "none"):
        theirs, mine = (
            partial(getattr(room, function_of(name)), **settings, reduction=reduction)
            for room in (nn.functional, functions)
        )
        (value, slopes), (expected, right) = both(mine, name, arguments), both(theirs, name, arguments)
        torch.testing.assert_close(value, expected, rtol=close, atol=close)
        torch.testing.assert_close(slopes, right, rtol=close, atol=close)


def test_every_function_of_torch_is_here_with_its_signature():
    theirs = {name for name in vars(nn.functional) if re.search("_loss$|_entropy|^kl_div", name) and name[0] != "_"}
    assert set(functions.__all__) == theirs
    for name in theirs:
        one, other = (inspect.signature(getattr(room, name)).parameters.values() for room in (nn.functional, functions))
        assert [(p.name, p.default, p.kind) for p in other] == [(p.name, p.default, p.kind) for p in one]


def test_functions_with_a_weight_per_element():
    x, y, weight = real(N, T), real(N, T), unit(N, T)
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        for reduction in ("mean", "sum", "none"):
            one, other = (
                getattr(room, name)(x, y, weight=weight, reduction=reduction) for room in (nn.functional, functions)
            )
            torch.testing.assert_close(other, one)


@pytest.mark.parametrize("settings", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.2, "weight": WEIGHT}])
def test_the_function_of_a_linear_layer(settings):
    hidden, y = real(N, 7), labels(N, ignored=-100)
    for matrix, bias, target in (
        (real(C, 7), real(C), y),
        (real(C, 7), None, y),
        (real(C, 2, 7), real(C, 2), labels(N, 2)),
    ):
        one, other = (
            room.linear_cross_entropy(hidden, matrix, target, linear_bias=bias, **settings)
            for room in (nn.functional, functions)
        )
        torch.testing.assert_close(other, one)


def test_a_function_keeps_no_tensor_of_an_earlier_call():
    scores, y = real(N, C), labels(N)
    functions.cross_entropy(scores, y, WEIGHT)
    torch.testing.assert_close(functions.cross_entropy(scores, y), nn.functional.cross_entropy(scores, y))


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize(("name", "settings", "draw"), CALLS)
def test_totals_of_parts_are_the_whole(name, settings, draw):
    loss, arguments = getattr(ours, name)(**settings), draw()
    if arguments[0].dim() > 1 and name != "CTCLoss":
        parts = sum(loss.total(*(x[rows] for x in arguments)) for rows in (slice(0, 1), slice(1, N)))
        torch.testing.assert_close(parts.mean(), loss(*arguments), rtol=2e-6, atol=1e-6)
    one = getattr(ours, name)(**settings, sync=True)(*arguments)
    torch.testing.assert_close(one, loss(*arguments), rtol=2e-6, atol=1e-6)


def test_every_loss_of_torch_is_here_with_its_signature():
    layers = {
        "LinearCrossEntropyLoss",
        "AdaptiveLogSoftmaxWithLoss",
    }  # Whose losses tests/test_torch_linear.py looks at.
    theirs = {*nn.modules.loss.__all__} - {"NLLLoss2d"} - layers  # An old name of one.
    assert theirs | layers <= set(ours.__all__)
    assert {name for name, *_ in CALLS} == theirs
    for name in theirs:
        for part in (getattr(nn, name), getattr(ours, name)):
            assert issubclass(part, nn.Module)
        one, other = (
            [(p.name, p.default, p.kind) for p in inspect.signature(getattr(room, name)).parameters.values()]
            for room in (nn, ours)
        )
        assert [p for p in other if p[0] != "sync"] == one
        one, other = (inspect.signature(getattr(room, name).forward).parameters for room in (nn, ours))
        assert list(other) == list(one)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
def test_logarithms_as_targets_of_a_divergence_are_told(reduction):
    x, forgotten = torch.zeros(2, 3).log_softmax(1), torch.ones(2, 3).log_softmax(1)  # PyTorch's value is NaN.
    with pytest.raises(lossary.DomainError, match="log_target=True"):
        ours.functional.kl_div(x, forgotten, reduction=reduction)
    assert ours.functional.kl_div(x, forgotten, reduction=reduction, log_target=True).abs().max() < 1e-6
    with lossary.check("off"):
        ours.functional.kl_div(x, forgotten, reduction=reduction)


def test_a_target_may_be_an_array_of_numpy_or_trained_where_it_is_said():
    x, y = real(N, C), labels(N)
    assert ours.CrossEntropyLoss()(x, y.numpy()) == ours.CrossEntropyLoss()(x, y)
    assert ours.MSELoss().total(x, x.numpy() + 1).mean() == 1.0
    teacher = real(N, C).log_softmax(1).requires_grad_()
    found = [
        torch.autograd.grad(
            room.KLDivLoss(reduction="batchmean", log_target=True)(x.log_softmax(1).requires_grad_(), teacher), teacher
        )
        for room in (ours, nn)
    ]
    torch.testing.assert_close(*found)


def test_old_switches_of_reductions():
    x, y = real(N), real(N)
    for old in ({"size_average": False}, {"reduce": False}, {"reduce": True}):
        with pytest.warns(UserWarning, match="deprecated"):
            theirs = nn.L1Loss(**old)
        torch.testing.assert_close(ours.L1Loss(**old)(x, y), theirs(x, y))


def test_any_loss():
    scores, target = real(N, C, T), labels(N, T)
    assert float(ours.Loss("scce", from_logits=True)(scores, target)) == pytest.approx(
        float(nn.functional.cross_entropy(scores, target)), rel=1e-6
    )
    loss = ours.Loss(lossary.Huber(delta=2.0, reduction="none"))
    assert loss(real(N, T), real(N, T)).shape == (N,)
    mask, weight = torch.tensor([True, False, True, True, True]), unit(N)
    x, y = real(N, T), real(N, T)
    torch.testing.assert_close(
        ours.Loss("mse")(x, y, where=mask, sample_weight=weight),
        lossary.MeanSquaredError()(y, x, weight, mask),
    )
    with pytest.raises(lossary.ShapeError, match=r"sample_weight has shape \(2,\)"):
        ours.Loss("mse")(x, y, sample_weight=unit(2))
    mean, variance = real(N, T), unit(N, T)
    torch.testing.assert_close(ours.Loss("gaussian_nll")((mean, variance), y), nn.GaussianNLLLoss()(mean, y, variance))
    a, b, c = real(N, C), real(N, C), signs(N)
    torch.testing.assert_close(ours.Loss("cosine_embedding")(a, b, c), nn.CosineEmbeddingLoss()(a, b, c))
    both = ours.Loss(0.5 * lossary.MeanSquaredError() + lossary.Huber())
    torch.testing.assert_close(both(x, y), 0.5 * nn.MSELoss()(x, y) + nn.HuberLoss()(x, y))
    torch.testing.assert_close(both.total(x, y).mean(), both(x, y))


def test_a_module_is_shown_moved_and_saved_as_modules_are():
    loss = ours.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1)
    assert repr(loss) == "CrossEntropyLoss(weight=tensor of (4,), label_smoothing=0.1)"
    assert repr(ours.MSELoss(sync=True)) == "MSELoss(sync=True)"
    assert repr(ours.Loss("huber", delta=2.0)) == "Loss(Huber(delta=2.0))"
    assert list(loss.state_dict()) == list(nn.CrossEntropyLoss(weight=WEIGHT).state_dict())
    assert loss.double().weight.dtype == torch.float64
    assert loss.to("meta").weight.is_meta
    held = ours.CrossEntropyLoss(weight=WEIGHT)
    file = io.BytesIO()
    torch.save(nn.Sequential(nn.Linear(C, C), held).state_dict(), file)
    file.seek(0)
    other = nn.Sequential(nn.Linear(C, C), ours.CrossEntropyLoss(weight=torch.zeros(C)))
    other.load_state_dict(torch.load(file, weights_only=True))
    assert other[1].weight.tolist() == WEIGHT.tolist()
    x, y = real(N, C), labels(N)
    torch.testing.assert_close(copy.deepcopy(held)(x, y), held(x, y))


# PyTorch computes no gradient of HuberLoss and BCELoss there; of BCEWithLogitsLoss it has the dtype of the target.
PROMOTED = ["MSELoss", "SmoothL1Loss", "SoftMarginLoss", "CosineEmbeddingLoss", "GaussianNLLLoss", "TripletMarginLoss"]


@pytest.mark.parametrize("name", PROMOTED)
def test_tensors_of_several_dtypes_are_promoted_as_in_pytorch(name: str) -> None:
    arguments = next(make for each, _, make in CALLS if each == name)()
    for place in range(len(arguments)):
        mixed = [x.float() if each == place else x.double() for each, x in enumerate(arguments)]
        mixed[0] = mixed[0].detach().requires_grad_()
        found, wanted = (home(reduction="none")(*mixed) for home in (getattr(ours, name), getattr(nn, name)))
        assert found.dtype == wanted.dtype
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
        assert torch.autograd.grad(found.sum(), mixed[0])[0].dtype == mixed[0].dtype
    given = np.zeros((2, 1)), torch.ones(2, 1)
    assert ours.MSELoss()(given[1], given[0]).dtype == torch.float32


def test_autocast_computes_in_float32():
    x, y = real(N, C).bfloat16(), labels(N)
    for reduction in ("mean", "none"):
        with torch.autocast("cpu", torch.bfloat16):
            found = ours.CrossEntropyLoss(reduction=reduction)(x, y)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, nn.CrossEntropyLoss(reduction=reduction)(x.float(), y))


HALF = {"label_smoothing": 0.1, "weight": WEIGHT}


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("name", "settings", "arguments"),
    [
        ("KLDivLoss", {"reduction": "batchmean"}, lambda n: (real(n, C).log_softmax(1), real(n, C).softmax(1))),
        ("CrossEntropyLoss", HALF, lambda n: (real(n, C), labels(n))),
        ("CrossEntropyLoss", HALF, lambda n: (real(n, C), real(n, C).softmax(1))),
        ("NLLLoss", {"weight": WEIGHT}, lambda n: (real(n, C).log_softmax(1), labels(n))),
    ],
)
def test_a_mean_of_half_precision_divides_by_what_float32_holds(name, settings, arguments, dtype):
    """3001 is 3000 in float16 and 3008 in bfloat16, 70,001 infinite in float16."""
    for n in (3001, 70_001):
        given = [x.to(dtype) if x.is_floating_point() else x for x in arguments(n)]
        made = {key: x.to(dtype) if isinstance(x, torch.Tensor) else x for key, x in settings.items()}
        fine = {key: x.float() if isinstance(x, torch.Tensor) else x for key, x in made.items()}
        wanted = getattr(nn, name)(**fine)(*(x.float() if x.is_floating_point() else x for x in given))
        found = getattr(ours, name)(**made)(*given)
        torch.testing.assert_close(found, wanted, rtol=2e-5, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_half_precision_are_added_in_float32(dtype):
    x, y, weight = (each.to(dtype) for each in (real(3001), real(3001), real(3001).abs()))
    wanted = nn.functional.mse_loss(x.float(), y.float(), weight=weight.float())
    torch.testing.assert_close(functions.mse_loss(x, y, weight=weight), wanted, rtol=2e-5, atol=0.0)


@pytest.mark.parametrize(
    ("name", "settings", "arguments"),
    [
        pytest.param(
            "KLDivLoss",
            {"reduction": "batchmean"},
            lambda n: (real(n, C).log_softmax(1), real(n, C).softmax(1)),
            marks=pytest.mark.costly,
        ),
        ("CrossEntropyLoss", {"weight": WEIGHT}, lambda n: (real(n, C), real(n, C).softmax(1))),
    ],
)
def test_a_traced_program_divides_by_the_length_it_is_given(name, settings, arguments):
    first, behind = {0: torch.export.Dim("n", min=2)}, getattr(nn, name)(**settings)
    made = torch.export.export(
        getattr(ours, name)(**settings), arguments(N), dynamic_shapes=(first, first), strict=False
    ).module()
    other = arguments(N + 2)
    torch.testing.assert_close(made(*other), behind(*other))


def test_a_compiled_divergence_tells_of_negative_targets():
    """In one program per mode, which a block around the call may choose."""
    loss = torch.compile(ours.KLDivLoss(reduction="none"), backend="eager", fullgraph=True)
    arguments = torch.zeros(2, 2), torch.tensor([[0.5, 0.5], [-0.7, 0.0]])
    with lossary.check("async"), pytest.warns(lossary.DomainWarning, match=r" target\[1, 0\] is -0.7; accepted are p"):
        found = loss(*arguments)
    with pytest.raises(lossary.DomainError, match=r"-0\.7; accepted"):
        lossary.raise_faults()
    # 0.5 log 0.5 of the first row, 0 of the last element.
    torch.testing.assert_close(found, torch.tensor([[-0.34657, -0.34657], [torch.nan, 0.0]]), equal_nan=True)
    with lossary.check("off"), warnings.catch_warnings():
        warnings.simplefilter("error", lossary.DomainWarning)
        loss(*arguments)


def test_gradients_of_single_points_with_weights_and_smoothing():
    settings = {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.2, "reduction": "sum"}
    scores, target = real(N, 2, C), labels(N, 2)
    loss, theirs = ours.CrossEntropyLoss(**settings), nn.CrossEntropyLoss(**settings)
    each = [torch.func.grad(theirs)(*pair) for pair in zip(scores, target, strict=True)]
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(loss))(scores, target), torch.stack(each))


def test_a_program_can_be_exported():
    for loss, arguments in (
        (ours.CrossEntropyLoss(weight=WEIGHT), (real(N, C), labels(N))),
        (ours.HuberLoss(reduction="none"), (real(N, T), real(N, T))),
        (ours.BCEWithLogitsLoss(pos_weight=WEIGHT), (real(N, C), bits(N, C))),
    ):
        made = torch.export.export(loss, arguments).module()
        torch.testing.assert_close(made(*arguments), loss(*arguments), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "draw"),
    [
        (ours.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1), lambda: (real(N, C), labels(N))),
        pytest.param(ours.GaussianNLLLoss(), lambda: (real(N, T), real(N, T), unit(N, T)), marks=pytest.mark.costly),
        pytest.param(
            partial(functions.cross_entropy, weight=WEIGHT), lambda: (real(N, C), labels(N)), marks=pytest.mark.costly
        ),
        pytest.param(ours.TripletMarginLoss(), lambda: (real(N, C),) * 3, marks=pytest.mark.exhaustive),
    ],
)
def test_a_program_can_be_compiled(loss, draw):
    arguments = draw()
    made = torch.compile(loss, backend="aot_eager", fullgraph=True)
    (value, slopes), (expected, right) = (both(each, "", arguments) for each in (made, loss))
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(slopes, right)


def test_nothing_is_left_to_remember_inside_compile():
    loss = lossary.CosineSimilarityMSE()
    assert {"main", "is_pair", "first_prediction", "labels_are_integers"} <= vars(loss.record).keys()


SCORES = real(N, C)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ours.CrossEntropyLoss()(labels(N), SCORES), "CrossEntropyLoss: input has shape (5,) and target "
         "(5, 4); accepted is the order (input, target). Write loss(input, target)"),
        (lambda: ours.CrossEntropyLoss()(real(N, T, C), labels(N, T)), "CrossEntropyLoss: input has shape (5, 3, 4) "
         "and target (5, 3); accepted are the classes along axis 1, as in PyTorch. Write loss(input.movedim(-1, 1), "
         "target)"),
        (lambda: ours.CrossEntropyLoss()(SCORES, labels(N, 1)), "CrossEntropyLoss: input has shape (5, 4) and target "
         "(5, 1); accepted are input (N, C, ...) with a target (N, ...) of class indices, or (N, C, ...) of "
         "probabilities. Write target = target.reshape((5,))"),
        (lambda: ours.CrossEntropyLoss(weight=torch.ones(3))(SCORES, labels(N)), "CrossEntropyLoss: weight has shape "
         "(3,); accepted is one weight per class, (4,). Write weight=torch.ones(4) with weights of yours"),
        (lambda: ours.CrossEntropyLoss()(SCORES[:2], torch.tensor([0, -1])), "sparse_categorical_crossentropy: "
         "target[1] is -1; accepted are labels 0 to 3 (4 classes). A label that marks positions to leave out is named "
         "with ignore_index=-1"),
        (lambda: ours.MSELoss()(SCORES, real(N, 1)), "MSELoss: input has shape (5, 4) and target (5, 1); accepted are "
         "equal shapes. Nothing is broadcast: if target is to be repeated, write torch.broadcast_to(target, "
         "input.shape)"),
        (lambda: ours.MarginRankingLoss()(SCORES, SCORES, SCORES.T), "MarginRankingLoss: input1 has shape (5, 4) and "
         "target (4, 5); accepted are equal shapes. Nothing is broadcast: if its axes stand in another order, write "
         "target = torch.permute(target, (1, 0))"),
        (lambda: ours.BCEWithLogitsLoss(pos_weight=torch.ones(3))(SCORES, SCORES), "BCEWithLogitsLoss: pos_weight has "
         "shape (3,); accepted is one weight per class, (4,). Write pos_weight=torch.ones(4) with weights of yours"),
        (lambda: ours.BCELoss()(torch.ones(2), torch.ones(3, requires_grad=True)), "BCELoss: target "
         "requires a gradient and input does not, and they do not fit; accepted is the order (input, target). Write "
         "loss(input, target)"),
        (lambda: ours.CrossEntropyLoss(ignore_index=1)(SCORES, SCORES.softmax(1)), "CrossEntropyLoss: ignore_index=1; "
         "accepted is a label that indices leave out, and the target holds probabilities. Write target.argmax(1)"),
        (lambda: ours.HuberLoss(reduction="average"), "HuberLoss: reduction='average'; accepted are 'mean', 'sum', "
         "'none'. Write reduction='mean'"),
        (lambda: ours.MSELoss(reduction="none", sync=True), "MSELoss: sync=True; accepted is what reduces, over all "
         "processes. Write reduction='mean'"),
        (lambda: ours.Loss("triplet_margin")(SCORES, SCORES), "Loss: arguments=2; accepted are 3. Write loss(anchor, "
         "positive, negative)"),
        (lambda: ours.TripletMarginLoss(eps=0.1), "TripletMarginLoss: eps=0.1; accepted is 0 to 1e-6. Write "
         "TripletMarginLoss() without eps: a distance of 0 has the slope 0 here"),
    ],
)  # fmt: skip
def test_messages_speak_torch(call, text):
    with pytest.raises(lossary.LossError) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "name", ["CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss",
             "CosineEmbeddingLoss", "TripletMarginLoss"]
)  # fmt: skip
def test_a_number_is_no_vector(name):
    loss, one = getattr(ours, name)(), torch.tensor(1.0)
    forward = list(inspect.signature(loss.forward).parameters)
    with pytest.raises(lossary.ShapeError, match=f"{name}: {forward[0]} has shape"):
        loss(*[one] * len(forward))


@pytest.mark.parametrize(
    ("name", "last"), [("MultiMarginLoss", (5,)), ("MultiLabelMarginLoss", (5, 0)), ("CosineEmbeddingLoss", (5,)),
                   ("TripletMarginLoss", (5, 0))]
)  # fmt: skip
def test_a_row_without_entries_is_no_vector(name, last):
    loss, none = getattr(ours, name)(), torch.zeros(5, 0)
    vectors = [none] * (len(inspect.signature(loss.forward).parameters) - 1)
    with pytest.raises(lossary.ShapeError, match="holds no elements"):
        loss(*vectors, torch.zeros(last))


def test_the_doctor_looks_at_the_first_batch():
    loss = ours.guard(ours.CrossEntropyLoss(), doctor="warn")
    with pytest.warns(lossary.torch.DiagnosisWarning, match="softmax"):
        loss(real(64, C).softmax(1), labels(64))
    assert not loss.report.ok
    loss = ours.guard(ours.MSELoss())
    loss(real(64, 1), real(64, 1))
    assert loss.report.ok


def test_a_metric_over_batches():
    loss, batches = ours.CrossEntropyLoss(weight=WEIGHT), [(real(n, C), labels(n)) for n in (1, 5, 3)]
    together = loss(*(torch.cat(each) for each in zip(*batches, strict=True)))
    torch.testing.assert_close(sum(loss.total(*batch) for batch in batches).mean(), together)
    assert partial(loss)(*batches[0]).dim() == 0


@pytest.mark.parametrize(
    ("loss", "setting", "value"),
    [
        (ours.HuberLoss(), "delta", 0.1),
        (ours.CrossEntropyLoss(), "ignore_index", 1),
        (ours.CrossEntropyLoss(), "label_smoothing", 0.5),
        (ours.TripletMarginLoss(), "margin", 0.5),
        (ours.PoissonNLLLoss(), "log_input", False),
        (ours.GaussianNLLLoss(), "eps", 0.5),
    ],
)
def test_a_setting_that_is_changed_later_is_refused(loss: Any, setting: str, value: object) -> None:
    with pytest.raises(lossary.ParameterError, match=f"loss = lossary.torch.* *{type(loss).__name__}\\({setting}="):
        setattr(loss, setting, value)
    assert getattr(copy.deepcopy(loss).train(False), setting) == getattr(loss, setting)


def test_a_reduction_that_is_set_later_is_checked() -> None:
    loss = ours.MSELoss()
    loss.reduction = "sum"
    assert loss(torch.tensor([1.0, 2.0]), torch.zeros(2)) == 5.0
    with pytest.raises(lossary.ParameterError, match="MSELoss: reduction='total'; accepted are 'mean', 'sum', 'none'"):
        loss.reduction = "total"
    assert loss.reduction == "sum"


def test_nested_tensors_are_told_the_way() -> None:
    ragged = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
    for loss in (ours.MSELoss(), ours.Loss("huber")):
        with pytest.raises(lossary.DTypeError, match=r"input is a nested tensor.*input = torch\.nested\.to_padded"):
            loss(ragged, ragged)
