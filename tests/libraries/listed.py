"""All of them, and the names that are not run, with the reason."""

from .boosters import PEERS as BOOSTERS
from .forecasts import PEERS as FORECASTS
from .images import PEERS as IMAGES
from .language import PEERS as LANGUAGE
from .tensorflows import PEERS as TENSORFLOW
from .times import PEERS as TIMES

PEERS = {**BOOSTERS, **FORECASTS, **IMAGES, **LANGUAGE, **TENSORFLOW, **TIMES}

_TRITON = "a kernel of Triton: for a GPU"
_SEQUENCES = "of lists of labels and lengths: its formula is run in test_peers_sequences.py"
_ABSENT = "not on PyPI"
NOT_RUN = {
    "keras_contrib.losses.jaccard_distance": _ABSENT,
    "liger_kernel.transformers.LigerCrossEntropyLoss": _TRITON,
    "liger_kernel.transformers.LigerJSD": _TRITON,
    "liger_kernel.transformers.LigerTVDLoss": _TRITON,
    "tensorflow.keras.backend.ctc_batch_cost": _SEQUENCES,
    "tensorflow.nn.ctc_loss": _SEQUENCES,
    "tensorflow_similarity.losses.CircleLoss": "another loss, as its line says",
    "rlax.policy_gradient_loss": "asks for distrax, which asks for a TensorFlow Probability that JAX 0.10 breaks",
    "robust_loss_pytorch.general.lossfun": _ABSENT,
}
