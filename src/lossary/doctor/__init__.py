"""The doctor: does this loss fit these targets, these outputs and this model; which loss would; is a loss sound.

``examine`` runs the rules of ``outputs``, ``parts``, ``preferences``, ``targets``, ``balance``, ``head``, ``metric``,
``start`` and ``refusal`` over the ``evidence`` and writes a ``report``.  ``adviser``, ``verifier`` and ``explainer``
stand beside it.
"""

from .advice import Advice
from .adviser import suggest
from .examine import diagnose
from .explainer import Explanation, explain
from .first_batch import DiagnosisError, DiagnosisWarning, check_first_batch
from .report import Finding, Report
from .verification import Check, Verification
from .verifier import verify

__all__ = [
    "Advice",
    "Check",
    "DiagnosisError",
    "DiagnosisWarning",
    "Explanation",
    "Finding",
    "Report",
    "Verification",
    "check_first_batch",
    "diagnose",
    "explain",
    "suggest",
    "verify",
]
