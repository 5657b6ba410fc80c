"""What other libraries call their losses, and what to write here: what records say, and names of no loss here.

Names are compared as those of ours are.
"""

from __future__ import annotations

from ..facts.record import Record
from ..facts.registry import folded, records
from ..facts.spelling import fold, spelling

_NONE = "lossary.get(your_function)   # of (y_true, y_pred): no loss here has this formula"
_LABELS_OR_ROWS = "lossary.SparseCategoricalCrossentropy()   # of integer labels; lossary.CategoricalCrossentropy() of"

_DICE_CE = (
    "lossary.Dice(axis=(1, 2)) + lossary.CategoricalCrossentropy()   # of probabilities; of two classes, "
    "lossary.Dice(axis=(1, 2), from_logits=True) + lossary.BinaryCrossentropy(from_logits=True)"
)
_IN_BATCH = (
    "lossary.SparseCategoricalCrossentropy(from_logits=True)   # of np.arange(N) and the similarities of all pairs "
    "over a temperature; CLIP's is the mean of it and that of the transpose"
)
_IN_BATCH_BITS = (
    "lossary.BinaryCrossentropy(from_logits=True)   # of np.eye(N) and the scaled similarities of all pairs; N times "
    "it there"
)
_MINED = "lossary.TripletMargin()   # of triplets that are chosen before"
_QUANTILES = "lossary.ImplicitQuantile()   # with a level per output; or lossary.Pinball() of each"
_PERMUTED = (
    "lossary.get(your_function)   # the least of a loss over the orders of y_pred, such as "
    "lossary.scale_invariant_sdr(y_true, y_pred[:, order]) for order in itertools.permutations(range(S))"
)
_FOCAL_OF_LABELS = (
    "lossary.SparseCategoricalFocalCrossentropy(alpha=1.0, from_logits=True)   # of integer labels; of one-hot rows: "
    "CategoricalFocalCrossentropy"
)
_XENDCG = "lossary.RankingSoftmax()   # of gains without the noise that is added there"
_IMAGES = "lossary.TotalVariationDistance()   # of distributions; no loss here is how rough an image is"
_MIXED_COUNTS = "lossary.MixtureDensityNLL()   # of normal components; no loss here mixes counts"
_PAIRS = "lossary.PairwiseLogistic()   # the same pairs, without weights by what an exchange does to a score"
_COX = "lossary.CoxCaseControl()   # of an event and some that were at risk then, not of whole batches"
_ADAPTIVE = (
    "lossary.NegativeLogLikelihood()   # of layer.log_prob(hidden); the layer itself, which computes fewer scores, is "
    "lossary.torch.AdaptiveLogSoftmaxWithLoss"
)

# Names that belong to several losses, to none, or to a setting of one.
NAMES = {
    "AdaptiveLogSoftmaxWithLoss": _ADAPTIVE,
    "adaptive_softmax": _ADAPTIVE,
    "AdaptiveLossFunction": "lossary.GeneralRobust()   # whose alpha and c are fixed; they are learned there",
    "AsymmetricFocalTverskyLoss": "lossary.FocalTversky(axis=(1, 2))   # the background has no power there",
    "beta_loss": "lossary.BetaNLL()   # of a beta distribution; lossary.GeneralizedKLDivergence() is that of NMF",
    "batchmean": "lossary.KLDivergence()   # its default mean over data points is PyTorch's batchmean",
    "charbonnier_loss": "lossary.Charbonnier()   # sqrt(d**2 + epsilon**2); lossary.PseudoHuber() is Kornia's",
    "brier_score_loss": "lossary.MeanSquaredError()   # of 0/1 and one probability; lossary.Brier() of one-hot rows",
    "ce": f"{_LABELS_OR_ROWS} one-hot rows, lossary.BinaryCrossentropy() of 0/1",
    "crossentropy": f"{_LABELS_OR_ROWS} one-hot rows, lossary.BinaryCrossentropy() of 0/1",
    "ContrastiveLoss": "lossary.Contrastive()   # of distances of pairs; half of it in sentence-transformers",
    "OnlineContrastiveLoss": "lossary.Contrastive()   # of all pairs; of those that are hard there",
    "PNLoss": "lossary.Contrastive()   # of distances of pairs, which are mined there",
    "cosine_loss": "lossary.CosineSimilarity()",
    "CRPSLoss": "lossary.CRPSGaussian()   # of a mean and a deviation; lossary.CRPSEnsemble() of members",
    "dice_crossentropy": _DICE_CE,
    "DiceCELoss": _DICE_CE,
    "DC_and_CE_loss": _DICE_CE,
    "combo_loss": _DICE_CE,
    "GCELoss": "lossary.GeneralizedCrossentropy()",
    "GeneralizedDiceFocalLoss": "lossary.GeneralizedDice(axis=(1, 2)) + "
    "lossary.CategoricalFocalCrossentropy(alpha=1.0)   # of probabilities",
    "generalized_knowledge_distillation": "lossary.JensenShannonDivergence()   # of probabilities",
    "gkd": "lossary.JensenShannonDivergence()   # of probabilities",
    "js_div_loss_2d": "lossary.JensenShannonDivergence()   # of maps as rows, such as p.flatten(2)",
    "HuasdorffDisstanceLoss": "lossary.HausdorffDT()",
    "hinge_d_loss": "lossary.GANHinge()",
    "hinge_g_loss": "lossary.GANHinge(generator=True)",
    "LinearCrossEntropyLoss": "lossary.LinearCrossEntropy()   # of (y_true, hidden, weight, bias); PyTorch's module, "
    "which holds weight and bias, is lossary.torch.LinearCrossEntropyLoss",
    "LigerFusedLinearCrossEntropyLoss": "lossary.LinearCrossEntropy()   # of (y_true, hidden, weight), Liger's of "
    "(weight, hidden, target)",
    "LambdaMart": _PAIRS,
    "lambdarank": _PAIRS,
    "rank:ndcg": _PAIRS,
    "rank:map": _PAIRS,
    "PairLogitPairwise": "lossary.PairwiseLogistic()",
    "YetiRank": _PAIRS,
    "YetiRankPairwise": _PAIRS,
    "StochasticRank": _PAIRS,
    "StochasticFilter": _PAIRS,
    "rank_xendcg": _XENDCG,
    "xendcg": _XENDCG,
    "xe_ndcg": _XENDCG,
    "xe_ndcg_mart": _XENDCG,
    "xendcg_mart": _XENDCG,
    "QueryRMSE": "lossary.get(your_function)   # the variance of y_pred - y_true in a list: no loss here",
    "QueryCrossEntropy": "lossary.BinaryCrossentropy(from_logits=True)   # of scores, without the number that is added "
    "to those of a list there",
    "cox": _COX,
    "survival:cox": _COX,
    "Lq": "lossary.get(your_function)   # abs(y_pred - y_true)**q; q=1 is lossary.MeanAbsoluteError(), q=2 "
    "lossary.MeanSquaredError()",
    "LogLinQuantile": "lossary.Pinball()   # quantile=alpha, of y_pred = np.exp(raw)",
    "MultiQuantile": _QUANTILES,
    "MultiRMSE": "lossary.MeanSquaredError()   # has its gradients but for the number of outputs",
    "MultiLogloss": "lossary.BinaryCrossentropy(from_logits=True)   # of several labels, as in CatBoost; LightGBM's "
    "multi_logloss, of one of several classes, is lossary.SparseCategoricalCrossentropy()",
    "MultiRMSEWithMissingValues": "lossary.MeanSquaredError()   # with where=~np.isnan(y_true); as MultiRMSE",
    "GroupQuantile": "lossary.Pinball()   # of points by themselves; no loss here is one of groups",
    "l2_root": "lossary.MeanSquaredError()   # has its gradients",
    "reg:linear": "0.5 * lossary.MeanSquaredError()   # the old name of reg:squarederror",
    "linear": "lossary.MeanAbsoluteError()   # over the largest, which weighs the points of AdaBoostRegressor",
    "square": "lossary.MeanSquaredError()   # over the largest, which weighs the points of AdaBoostRegressor",
    "binomial_loss": "lossary.BinaryCrossentropy(from_logits=True)",
    "multinomial_loss": "lossary.SparseCategoricalCrossentropy(from_logits=True)",
    "entropy": "lossary.SparseCategoricalCrossentropy()   # whose least value in the leaf of a tree it is",
    "gini": "lossary.Brier()   # of one-hot rows, whose least value in the leaf of a tree it is",
    "max_error": "lossary.get(your_function)   # the largest difference of all data points: no loss here",
    "median_absolute_error": "lossary.MeanAbsoluteError()   # the mean: no loss here is a median of data points",
    "negative_likelihood_ratio": _NONE,
    "HalfBinomialLossArrayAPI": "lossary.BinaryCrossentropy(from_logits=True)   # as HalfBinomialLoss",
    "HalfMultinomialLossArrayAPI": "lossary.SparseCategoricalCrossentropy(from_logits=True)   # as HalfMultinomialLoss",
    "HalfPoissonLossArrayAPI": "lossary.Poisson(from_logs=True)   # as HalfPoissonLoss",
    "ctc_loss_with_forward_probs": "lossary.CTC()   # the value; lossary.optax.ctc_loss_with_forward_probs has all",
    "fused_linear_cross_entropy": "lossary.LinearCrossEntropy()   # of (y_true, hidden, weight, bias)",
    "log_loss": "lossary.BinaryCrossentropy()   # of probabilities, of several classes SparseCategoricalCrossentropy; "
    "from_logits=True of raw scores, as CatBoost and SGDClassifier have it",
    "logistic_loss": "lossary.SoftMargin()   # of -1 and 1; lossary.BinaryCrossentropy(from_logits=True) of 0 and 1",
    "NLLLoss2d": "lossary.NegativeLogLikelihood(axis=1)   # of images; an old name of NLLLoss",
    "nll_pmf_cr": "lossary.DeepHitNLL()   # of one event; no loss here is of risks that compete",
    "nll": "lossary.NegativeLogLikelihood()   # of logs; lossary.SparseCategoricalCrossentropy() of probabilities",
    "ImplicitQuantileNetwork": "lossary.ImplicitQuantile()   # of the levels that the model sees",
    "ImplicitQuantileNetworkDistributionLoss": "lossary.ImplicitQuantile()   # of the levels that the model sees",
    "ordinal_crossentropy": "lossary.CORAL()   # of a score for each step; lossary.CORN() of steps that are reached",
    "PMM": _MIXED_COUNTS,
    "NBMM": _MIXED_COUNTS,
    "gamma": "lossary.GammaDeviance()   # the objective of boosters; lossary.GammaNLL() of a shape and a rate",
    "logpdf": "lossary.GaussianNLL()   # likewise the others of lossary.names(peer='scipy')",
    "kl": "lossary.KLDivergence()",
    "permutation_invariant": _PERMUTED,
    "PitWrapper": _PERMUTED,
    "PITLossWrapper": _PERMUTED,
    "pit": _PERMUTED,
    "upit": _PERMUTED,
    "get_si_snr_with_pitwrapper": _PERMUTED,
    "get_snr_with_pitwrapper": _PERMUTED,
    "poisson_deviance": "lossary.TweedieDeviance(power=1.0)",
    "rank:pairwise": "lossary.PairwiseLogistic()",
    "rmse": "lossary.RootMeanSquaredError()   # one root per row; or lossary.MeanSquaredError() and the root of it",
    "root_mean_squared_log_error": "lossary.MeanSquaredLogarithmicError(epsilon=0.0)   # and the root of it",
    "smooth_labels": "lossary.CategoricalCrossentropy(label_smoothing=0.1)   # alpha; a setting of losses here, and "
    "lossary.optax.smooth_labels makes targets",
    "kl_div": "lossary.KLDivergence()   # PyTorch's; lossary.GeneralizedKLDivergence() is SciPy's, summed over the row",
    "FocalLoss": "lossary.BinaryFocalCrossentropy(from_logits=True)   # of 0/1; "
    "lossary.CategoricalFocalCrossentropy(alpha=1.0, from_logits=True) of one-hot rows",
    "focal_loss_with_logits": "lossary.BinaryFocalCrossentropy(from_logits=True)   # with alpha: "
    "apply_class_balancing=True",
    "softmax_focal_loss_with_logits": _FOCAL_OF_LABELS,
    "CrossEntropyFocalLoss": _FOCAL_OF_LABELS,
    "sigmoid_focal_loss": "lossary.BinaryFocalCrossentropy(from_logits=True)   # torchvision's default alpha: "
    "apply_class_balancing=True",
    "sparsemax_loss": "lossary.BinarySparsemax()   # of two classes, as in optax; lossary.Sparsemax() of several, "
    "as in entmax",
    "SoftF1Loss": "lossary.Dice(axis=0)   # of one-hot rows and the softmax of scores",
    "sigmoidF1": "lossary.Dice(axis=0, from_logits=True)   # whose sigmoid is neither steeper nor moved",
    "total_variation": _IMAGES,
    "TVLoss": _IMAGES,
    "TukeyLoss": "lossary.TukeyBiweight()   # neuralforecast's falls as errors grow: c**2 / 6 less this",
    "sigmoid": "lossary.DPO()   # TRL's loss_type",
    "robust": "lossary.RobustDPO()   # TRL's loss_type",
    "sft": "lossary.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)   # of the tokens that follow",
    "dr_grpo": _NONE,
    "friedman_mse": "lossary.MeanSquaredError()   # where trees split is no matter of the loss",
    "SoftBCEWithLogitsLoss": "lossary.BinaryCrossentropy(from_logits=True)   # label_smoothing: twice smooth_factor",
    "SoftCrossEntropyLoss": "lossary.SparseCategoricalCrossentropy(from_logits=True)   # label_smoothing is "
    "smooth_factor; classes lie along axis 1 there",
    "SoftTargetCrossEntropy": "lossary.CategoricalCrossentropy(from_logits=True)",
    "LabelSmoothingCrossEntropy": "lossary.SparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.1)",
    "JsdCrossEntropy": "lossary.JensenShannonDivergence()   # of two; there of three copies, 12 times it and a "
    "cross-entropy",
    "AsymmetricLossSingleLabel": "lossary.AsymmetricLoss()   # of several labels; no loss here is of one by a softmax",
    "wasserstein_loss": "lossary.WassersteinGAN()   # of a critic's scores; no loss here is a distance of transport",
}

# What is no loss here, or one of inputs that are made before.
_OTHERS = {
    _COX: (
        "cox_partial_likelihood", "cox_ph_loss", "neg_partial_log_likelihood", "CoxPH", "breslow", "cox_efron",
        "CoxPHFitter", "CoxPHSurvivalAnalysis",
    ),
    _IN_BATCH: (
        "clip_loss", "MultipleNegativesSymmetricRankingLoss", "symmetric_infonce", "clip_symmetric_infonce",
        "infonce", "MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss",
        "MultiNegativesRankLoss", "multiple_negatives_ranking", "in_batch_negatives",
        "npairs",
    ),
    _IN_BATCH_BITS: (
        "siglip", "sigmoid_contrastive", "siglip_sigmoid",
    ),
    _MINED: (
        "triplet_batch_hard", "triplet_hard_loss", "BatchHardTripletLoss", "BatchHardSoftMarginTripletLoss",
        "triplet_semihard", "BatchSemiHardTripletLoss",
    ),
    _PAIRS: (
        "lambdarank_map", "lambdarank_ndcg", "lambdaRank_scheme", "LambdaLoss",
    ),
    _QUANTILES: (
        "crps_quantile", "MQLoss", "QuantileOutput", "weighted_quantile_loss", "sCRPS", "wQL", "scaled_crps",
    ),
    _NONE: (
        "npairs_multilabel_loss",
        "weighted_interval_score", "wis", "bi_tempered_logistic", "entmax", "Entmax15Loss", "EntmaxBisectLoss",
        "logit_adjusted_crossentropy", "balanced_softmax", "LogitAdjustedLoss", "logit_adjustment",
        "ranked_probability_score", "rps_score", "EMDLoss", "squared_emd", "emd2", "rps",
        "earth_mover_distance", "weighted_kappa", "WKLoss", "cohen_kappa_loss", "quadratic_weighted_kappa",
        "dino", "IBOTPatchLoss", "ibot", "energy_distance", "SamplesLoss", "maximum_mean_discrepancy", "mmd",
        "mmd_rbf", "sinkhorn", "sinkhorn2", "empirical_sinkhorn_divergence", "sinkhorn_divergence",
        "sliced_wasserstein", "sliced_wasserstein_distance", "swd", "wasserstein_1d", "emd2_1d",
        "wasserstein_distance", "earth_movers_distance", "energy_score", "es_ensemble",
        "multivariate_normal_nll", "MultivariateNormalDistributionLoss", "MVNLogScore",
        "multivariate_gaussian_nll", "variogram_score", "vs_ensemble", "cldice", "SoftclDiceLoss",
        "SoftDiceclDiceLoss", "soft_cldice", "soft_skeleton", "local_normalized_cross_correlation", "lncc",
        "ncc_loss", "NCC", "lovasz_hinge", "LovaszLoss", "BinaryLovaszLoss", "lovasz_softmax",
        "multiscale_structural_similarity", "MS_SSIM", "MultiScaleSSIMLoss", "mutual_information",
        "GlobalMutualInformationLoss", "normalized_mutual_information_loss", "mi_loss", "mattes",
        "structural_similarity", "SSIMLoss", "SSIM", "dssim", "TVLoss", "xe_ndcg", "xe_ndcg_mart", "approx_mrr",
        "approx_ndcg", "approx_t12n", "ndcg_loss2pp", "listmle", "listnet", "binary_listNet", "neural_ndcg",
        "neuralNDCG_transposed", "pairwise_hinge", "pairwise_mse", "PairwiseMeanSquaredError",
        "pairwise_soft_zero_one", "unique_softmax", "alignment_uniformity", "HypersphereLoss", "align_uniform",
        "wang_isola", "angle_loss", "angular_loss", "arcface", "AdditiveAngularMargin", "aam_softmax",
        "barlow_twins", "Barlow", "center_loss", "cosent", "cosface", "AngularMargin", "am_softmax",
        "additive_margin_softmax", "large_margin_cosine", "decoupled_contrastive", "DCLLoss", "DCLWLoss",
        "fast_ap", "histogram_loss", "large_margin_softmax", "l_softmax", "lifted_structure",
        "lifted_struct_loss", "margin_loss", "multi_similarity", "nca", "NeighborhoodComponentsAnalysis",
        "normalized_softmax", "norm_softmax", "proxy_anchor", "proxy_nca", "proxy_nca_pp", "ranked_list",
        "smooth_ap", "soft_triple", "sphereface", "a_softmax", "subcenter_arcface", "supervised_contrastive",
        "SupConLoss", "supcon", "tuplet_margin", "vicreg", "VICRegLLoss", "deephit_ranking",
        "rank_loss_deephit_single", "DeepHitSingleLoss", "DeepHitLoss", "deephit_rank", "mtlr_nll", "nll_mtlr",
        "multi_task_logistic_regression", "crf_nll", "crf_log_likelihood", "CRF", "linear_chain_crf",
        "multiresolution_stft_loss", "MelSTFTLoss", "multi_resolution_stft", "mrstft", "rnnt",
        "transducer_loss", "transducer", "rnn_transducer", "soft_dtw", "SoftDTWLossPyTorch", "stft_loss",
        "SpectralConvergenceLoss", "STFTMagnitudeLoss", "spectral_convergence", "dapo", "bnpo", "grpo",
        "LigerFusedLinearGRPOLoss", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "aot_pair", "exo_pair", "nca_pair",
        "discopop", "VariationalELBO", "PredictiveLogLikelihood", "ExactMarginalLogLikelihood",
    ),
}  # fmt: skip
NAMES |= {name: line for line, names in _OTHERS.items() for name in names}

# The heads of language models, which are no records.
_HEADS = {
    "torch.nn.functional.linear_cross_entropy": NAMES["fused_linear_cross_entropy"],
    "torch.nn.LinearCrossEntropyLoss": NAMES["LinearCrossEntropyLoss"],
}

_DICE_FOCAL = "lossary.Dice(from_logits=True) + lossary.BinaryFocalCrossentropy(from_logits=True)"
# Names of losses that are another one with settings, or a sum; `axis` is given with the name.
COMPOSED = {
    "dawid_sebastiani": "2 * lossary.GaussianNLL()",
    "dawid_sebastiani_score": "2 * lossary.GaussianNLL()",
    "dss": "2 * lossary.GaussianNLL()",
    "dice_focal": _DICE_FOCAL,
    "DiceFocalLoss": _DICE_FOCAL,
    "multilabel_soft_margin": "lossary.BinaryCrossentropy(from_logits=True)",
    "soft_f1": "lossary.Dice(axis=0)",
    "macro_soft_f1": "lossary.Dice(axis=0)",
    "BinarySoftF1Loss": "lossary.Dice(axis=0, from_logits=True)",
}


def of_libraries() -> dict[str, Record]:
    """Another library's full name -> the record that stands for it, in the order of the libraries' names."""
    found = {peer: record for record in records() for peer in record.peers}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def lines_of_libraries() -> dict[str, str]:
    """Another library's full name -> what to write, in the order of names."""
    found = {peer: record.line(peer) for peer, record in of_libraries().items()}
    return dict(sorted((found | _HEADS).items(), key=lambda item: item[0].lower()))


def _lines(library: str | None = None) -> dict[str, str]:
    """Folded names and what to write; what other libraries call so is nothing to one that is named."""
    found = {fold(name): line for name, line in NAMES.items()}
    for peer, record in of_libraries().items():
        if record.peers[peer] and library in (None, _library(peer)):  # Else the name is one of ours.
            found.setdefault(fold(spelling(peer)), record.line(peer))
    return found


def spellings() -> list[str]:
    """All that other libraries call losses that have another name here."""
    return [*NAMES, *(spelling(peer) for peer, record in of_libraries().items() if record.peers[peer])]


# How people shorten the names of libraries, and what these stand for.
_SHORT = {"nn": "torch", "f": "torch", "tf.keras": "keras", "tf": "tensorflow"}


def _full(name: str) -> tuple[Record, str] | None:
    """The record and the full name of a loss that is named with its library: ``"nn.BCELoss"``, ``"optax.l2_loss"``."""
    if "." not in name:
        return None
    known, wanted = of_libraries(), (_library(name), fold(spelling(name)))
    alike = (peer for peer in known if (_library(peer), fold(spelling(peer))) == wanted)
    peer = name if name in known else next(alike, None)
    return None if peer is None else (known[peer], peer)


def _library(name: str) -> str:
    wanted = fold(name)
    return next((full for short, full in _SHORT.items() if wanted.startswith(f"{short}.")), wanted.split(".")[0])


def same(name: str) -> str | None:
    """Our name of a loss that is named with its library and is the same here."""
    full = _full(name)
    if full is not None:
        record, peer = full
        return record.name if record.peers[peer] in ("", "Loss()") else None
    # Keras's short names are ours too.
    return folded().get(fold(spelling(name))) if _library(name) == "keras" else None


def exact(name: str) -> str | None:
    """What to write for a loss that is called exactly so, if all libraries that call one so mean the same."""
    full = _full(name)
    if full is not None:
        record, peer = full
        return record.line(peer)
    wanted = fold(name)
    composed = next((line for known, line in COMPOSED.items() if fold(known) == wanted), None)
    if composed is not None or any(fold(told) == wanted for told in NAMES):
        return composed
    found = {record.line(peer) for peer, record in of_libraries().items() if fold(spelling(peer)) == wanted}
    return found.pop() if len(found) == 1 else None


def stands_for(name: str) -> str | None:
    """Our loss for one of another library that is called exactly so, if nothing has to be said besides."""
    lines = (record.line(peer) for peer, record in of_libraries().items() if spelling(peer) == name)
    return next((line for line in lines if line.startswith("lossary.") and "#" not in line), None)


def line(name: str) -> str | None:
    """What to write for a name of another library; scorers and functions add words before and after it."""
    full = _full(name)
    if full is not None:
        record, peer = full
        return record.line(peer)
    library = _library(name) if "." in name else ""
    wanted, lines = fold(spelling(name)), _lines(library if library in map(_library, of_libraries()) else None)
    forms = [wanted, wanted.removesuffix("loss"), wanted.removesuffix("score"), wanted.removeprefix("neg")]
    forms += [f"{form.removeprefix('neg')}loss" for form in forms]
    return next((lines[form] for form in forms if form in lines), None)
