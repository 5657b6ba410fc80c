"""What the best prediction of a loss is: the quantity of the targets' distribution that a model learns with it."""

from __future__ import annotations

_MEAN = "The mean of the targets."
_MEDIAN = "The median of the targets."
_OF_ROOTS = (
    "Of rows with one output the median; of longer rows their geometric median, as roots are summed, not squares."
)
_BETWEEN = "A location between the median and the mean: far targets pull with a bounded force."
_REDESCENDING = "The place where most targets are: far targets hardly pull at all. There may be several minima."
_PROBABILITY = "The probability of class 1."
_PROBABILITIES = "The probability of every class."
_CLASS = "On which side the more likely class lies, not how likely it is."
_LOG_ODDS = "Half the logarithm of the odds of class 1."
_BEST_CLASS = "Which class is the most likely one, not how likely it is."
_LIKELIHOOD = "The parameters under which the targets are most likely; of a right model, the true ones."
_OVERLAP = (
    "The region whose expected overlap is best, which is smaller or larger than where the probability is above 1/2."
)
_ORDER = "An order: only differences of scores count."
_SURVIVAL = "The parameters under which what was observed, censored times included, is most likely."
_PREFERENCE = "A policy whose ratio of likelihoods to the reference follows the preferences."

ESTIMATES: dict[str, str] = {
    "mean_squared_error": _MEAN,
    "mean_absolute_error": _MEDIAN,
    "root_mean_squared_error": _OF_ROOTS,
    "mean_absolute_percentage_error": "The median of the targets, each weighed by 1 over its size: below the median.",
    "symmetric_mean_absolute_percentage_error": "A median of the targets in which larger ones weigh less.",
    "mean_squared_logarithmic_error": "exp of the mean of log(1 + y), less 1: a geometric mean.",
    "epsilon_insensitive": "A median of the targets; whatever lies within epsilon of all of them is as good.",
    "squared_epsilon_insensitive": "A mean of the targets; whatever lies within epsilon of all of them is as good.",
    "pinball": "The quantile of the targets at the level `quantile`.",
    "quantile_huber": "Nearly the quantile of the targets; rounded where they lie close.",
    "implicit_quantile": "The quantile of the targets at each level that is drawn.",
    "expectile": "The expectile of the targets at the level `expectile`; at 0.5 the mean.",
    "interval_score": "The two quantiles that leave out `alpha / 2` of the targets on each side.",
    "poisson": _MEAN,
    "gamma_deviance": _MEAN,
    "tweedie_deviance": _MEAN,
    "generalized_kl_divergence": _MEAN,
    "negative_binomial_nll": _LIKELIHOOD,
    "binary_crossentropy": _PROBABILITY,
    "poly_binary_crossentropy": "The probability of class 1, pulled outwards by the added term: with "
    "`poly_weight=1` 0.7 becomes 0.77.",
    "binary_focal_crossentropy": "A probability drawn towards 1/2: the order is right, the number is not calibrated.",
    "categorical_focal_crossentropy": "Probabilities drawn towards each other: the order is right, the numbers are not "
    "calibrated.",
    "sparse_categorical_focal_crossentropy": "Probabilities drawn towards each other: the order is right, the numbers "
    "are not calibrated.",
    "categorical_crossentropy": _PROBABILITIES,
    "sparse_categorical_crossentropy": _PROBABILITIES,
    "negative_log_likelihood": _PROBABILITIES,
    "brier": _PROBABILITIES,
    "kl_divergence": _PROBABILITIES,
    "z_loss_crossentropy": "The probability of every class, from scores whose sum of exponentials stays near 1.",
    "one_vs_all_logistic": "The probability of each class against all others, one at a time.",
    "generalized_crossentropy": "Between the probabilities of the classes and the most likely class alone.",
    "zlpr": "The logarithm of the odds of every label, against a threshold of 0.",
    "hinge": _CLASS,
    "perceptron": _CLASS,
    "squared_hinge": "A score that tells the probability of class 1: 2 p - 1, between -1 and 1.",
    "modified_huber": "A score that tells the probability of class 1: 2 p - 1, between -1 and 1.",
    "exponential": _LOG_ODDS,
    "soft_margin": "The logarithm of the odds of class 1.",
    "binary_sparsemax": "A score that tells the probability of class 1: 2 p - 1, between -1 and 1.",
    "categorical_hinge": _BEST_CLASS,
    "multi_margin": _BEST_CLASS,
    "multiclass_hinge": _BEST_CLASS,
    "multiclass_perceptron": _BEST_CLASS,
    "sparsemax": "Scores whose sparsemax is the probability of every class.",
    "fenchel_young": "Scores whose sparsemax is the mean of the targets.",
    "crps_gaussian": "Mean and deviation of the normal distribution nearest to that of the targets.",
    "crps_ensemble": "Members that are distributed as the targets are.",
    "coral": "The probability of lying beyond each step.",
    "corn": "The probability of going a step further once it was reached.",
    "asymmetric_loss": "A probability drawn towards 1/2, and more so for labels that are absent.",
    "mean_absolute_scaled_error": _MEDIAN,
    "root_mean_squared_scaled_error": _OF_ROOTS,
    "general_robust": "With `alpha` from 1 to 2 a location between the median and the mean; with less, the place where "
    "most targets are, as far ones hardly pull.",
    "wing_loss": "A place where many targets lie exactly: small differences pull hardest.",
}

FAMILIES: dict[str, str] = {
    "robust": _BETWEEN,
    "redescending": _REDESCENDING,
    "likelihood": _LIKELIHOOD,
    "positive": _LIKELIHOOD,
    "segmentation": _OVERLAP,
    "overlaps": _OVERLAP,
    "ranking": _ORDER,
    "preference": _PREFERENCE,
    "survival": _SURVIVAL,
}


def estimate(name: str, family: str) -> str:
    """The sentence for a loss, or nothing where none says it well."""
    return ESTIMATES.get(name) or FAMILIES.get(family, "")
