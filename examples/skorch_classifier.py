"""A module of lossary as the criterion of a skorch classifier, which scikit-learn takes for one of its own."""

from functools import partial

import numpy as np
import torch
from sklearn.model_selection import cross_val_score
from skorch import NeuralNetClassifier

import lossary.torch

x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
y = (x @ np.asarray([2.0, -1.0]) > 0).astype("int64")

torch.manual_seed(0)
net = NeuralNetClassifier(
    torch.nn.Linear(2, 2),
    criterion=lossary.torch.CrossEntropyLoss,
    criterion__label_smoothing=0.01,
    predict_nonlinearity=partial(torch.softmax, dim=-1),  # skorch guesses it for PyTorch's own classes alone
    max_epochs=30,
    lr=0.5,
    verbose=0,
)
print(f"accuracy {cross_val_score(net, x, y, cv=3).mean():.3f} over three folds")
