"""What other libraries call their losses, and what to write here instead.  Names are compared as those of ours are."""

from __future__ import annotations

from ..facts.record import fold

_BCE = "lossary.BinaryCrossentropy()"
_BCE_LOGITS = "lossary.BinaryCrossentropy(from_logits=True)"
_CCE_LOGITS = "lossary.CategoricalCrossentropy(from_logits=True)"
_SCCE = "lossary.SparseCategoricalCrossentropy()"
_SCCE_LOGITS = "lossary.SparseCategoricalCrossentropy(from_logits=True)"
_MSE = "lossary.MeanSquaredError()"
_MAE = "lossary.MeanAbsoluteError()"
_KL_LOGS = "lossary.KLDivergence()   # of probabilities: y_pred = log_probabilities.exp()"
_NONE = "lossary.get(your_function), with a function of (y_true, y_pred)   # no loss here has this formula"

# Each line is code; what stands behind # says where scale, sign or inputs differ.
_TORCH = {
    "BCELoss": _BCE,
    "BCEWithLogitsLoss": _BCE_LOGITS,
    "binary_cross_entropy_with_logits": _BCE_LOGITS,
    "CrossEntropyLoss": f"{_SCCE_LOGITS}   # of integer labels; {_CCE_LOGITS} of rows of probabilities",
    "cross_entropy": f"{_SCCE_LOGITS}   # of integer labels; {_CCE_LOGITS} of rows of probabilities",
    "NLLLoss": f"{_SCCE_LOGITS}   # log-probabilities are scores too, so the values agree",
    "nll": f"{_SCCE_LOGITS}   # log-probabilities are scores too, so the values agree",
    "KLDivLoss": _KL_LOGS,
    "kl_div": _KL_LOGS,
    "batchmean": "lossary.KLDivergence()   # its default mean over data points is PyTorch's batchmean",
    "PoissonNLLLoss": "lossary.Poisson()   # of rates: y_pred = log_rates.exp() for PyTorch's default log_input=True",
    "SmoothL1Loss": "lossary.Huber(delta=beta) / beta   # for the parameter beta",
    "SoftMarginLoss": f"{_BCE_LOGITS}   # with labels 0 and 1: y_true = (y_true + 1) / 2",
    "MultiLabelSoftMarginLoss": _BCE_LOGITS,
    "MultiMarginLoss": "lossary.CategoricalHinge()   # the largest wrong score alone counts, not the mean of all",
    "HingeEmbeddingLoss": _NONE,
    "CosineEmbeddingLoss": "lossary.CosineSimilarity()   # less 1, for pairs that belong together",
    "GaussianNLLLoss": _NONE,
    "CTCLoss": _NONE,
    "TripletMarginLoss": _NONE,
    "MarginRankingLoss": _NONE,
}
_OPTAX = {
    "l2_loss": f"0.5 * {_MSE}",
    "sigmoid_binary_cross_entropy": _BCE_LOGITS,
    "sigmoid_cross_entropy": _BCE_LOGITS,
    "safe_softmax_cross_entropy": _CCE_LOGITS,
    "softmax_cross_entropy_with_integer_labels": _SCCE_LOGITS,
    "softmax_cross_entropy_with_logits": _CCE_LOGITS,
    "sparse_softmax_cross_entropy_with_logits": _SCCE_LOGITS,
    "sigmoid_cross_entropy_with_logits": _BCE_LOGITS,
    "cosine_distance": "lossary.CosineSimilarity()   # less 1",
    "convex_kl_divergence": _KL_LOGS,
    "multiclass_hinge_loss": "lossary.CategoricalHinge()   # of one-hot rows: lossary.to_categorical(y_true, C)",
}
_SKLEARN = {
    "log_loss": f"{_BCE}   # of 0/1 and one column; {_SCCE} of integer labels and rows of probabilities",
    "mean_squared_log_error": "lossary.MeanSquaredLogarithmicError()",
    "mean_absolute_percentage": "lossary.MeanAbsolutePercentageError()   # in percent: 100 times scikit-learn's",
    "root_mean_squared_error": f"{_MSE}   # and the root of its mean",
    "brier_score": f"{_MSE}   # of 0/1 targets and probabilities",
    "mean_poisson_deviance": "2 * lossary.Poisson()   # less what the targets alone add",
    "half_squared_error": f"0.5 * {_MSE}",
    "half_poisson": "lossary.Poisson()   # of rates: y_pred = log_rates.exp()",
    "half_binomial": _BCE_LOGITS,
    "half_multinomial": _SCCE_LOGITS,
    "deviance": f"{_SCCE}   # of integer labels and rows of probabilities",
    "pinball": _NONE,
    "quantile": _NONE,
}
_BOOSTERS = {
    "reg:squarederror": f"0.5 * {_MSE}",
    "reg:squaredlogerror": "0.5 * lossary.MeanSquaredLogarithmicError()",
    "reg:absoluteerror": _MAE,
    "reg:pseudohubererror": "lossary.Huber()   # close to it; the pseudo-Huber loss is smooth",
    "reg:logistic": _BCE_LOGITS,
    "binary:logistic": _BCE_LOGITS,
    "binary:logitraw": _BCE_LOGITS,
    "binary:hinge": "lossary.Hinge()",
    "multi:softmax": _SCCE_LOGITS,
    "multi:softprob": _SCCE_LOGITS,
    "count:poisson": "lossary.Poisson()   # of rates: y_pred = raw.exp()",
    "mlogloss": _SCCE,
    "multi_logloss": _SCCE,
    "binary_logloss": _BCE,
    "rmse": f"{_MSE}   # and the root of its mean",
    "l2": _MSE,
    "regression": _MSE,
    "regression_l1": _MAE,
    "regression_l2": _MSE,
    "binary": _BCE_LOGITS,
    "multiclass": _SCCE_LOGITS,
    "xentropy": _BCE_LOGITS,
}
_KERAS = {
    "crossentropy": f"{_SCCE}   # of integer labels; lossary.CategoricalCrossentropy() of one-hot rows, {_BCE} of 0/1",
    "cosine_loss": "lossary.CosineSimilarity()",
    "kl": "lossary.KLDivergence()",
}

LINES = {fold(name): line for peer in (_TORCH, _OPTAX, _SKLEARN, _BOOSTERS, _KERAS) for name, line in peer.items()}


def line(name: str) -> str | None:
    """What to write for a name of another library; scorers and functions add words before and after it."""
    wanted = fold(name)
    forms = [wanted, wanted.removesuffix("loss"), wanted.removesuffix("score"), wanted.removeprefix("neg")]
    forms += [f"{form.removeprefix('neg')}loss" for form in forms]
    return next((LINES[form] for form in forms if form in LINES), None)
