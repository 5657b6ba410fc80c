"""For PyTorch: losses as modules, in PyTorch's order ``(input, target)`` and under its names.

>>> import torch, lossary.torch
>>> loss = lossary.torch.CrossEntropyLoss(label_smoothing=0.1)
>>> round(float(loss(torch.zeros(2, 4), torch.tensor([0, 3]))), 4)
1.3863

`Loss` makes a module of any lossary loss, `lossary.torch.functional` holds the functions of ``torch.nn.functional``,
and `guard` looks at the first batch of a training loop.  Every lossary loss takes tensors as it is, too, in the order
``(y_true, y_pred)``.
"""

from ..adapters.torch import Guard, guard
from ..adapters.torch_classes import (
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from ..adapters.torch_linear import AdaptiveLogSoftmaxWithLoss, LinearCrossEntropyLoss
from ..adapters.torch_modules import Loss
from ..adapters.torch_numbers import (
    BCELoss,
    BCEWithLogitsLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    PoissonNLLLoss,
    SmoothL1Loss,
    SoftMarginLoss,
)
from ..adapters.torch_sequences import CTCLoss
from ..doctor.first_batch import DiagnosisError, DiagnosisWarning
from . import functional

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "DiagnosisError",
    "DiagnosisWarning",
    "GaussianNLLLoss",
    "Guard",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "functional",
    "guard",
]
