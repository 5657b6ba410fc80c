"""For PyTorch: ``lossary.torch.guard(loss)`` looks at the first batch of a training loop.

Every lossary loss takes tensors as it is; this module adds only the doctor.
"""

from .adapters.torch import Guard, guard
from .doctor.first_batch import DiagnosisError, DiagnosisWarning

__all__ = ["DiagnosisError", "DiagnosisWarning", "Guard", "guard"]
