"""The doctor: does this loss fit these targets, these outputs and this model; which loss would; is a loss sound.

``examine`` runs the rules of ``outputs``, ``targets``, ``balance``, ``head``, ``metric``, ``start`` and ``refusal`` over
the ``evidence`` and writes a ``report``.  ``suggest``, ``verify`` and ``explain`` stand beside it.
"""

from .examine import diagnose
from .report import Finding, Report

__all__ = ["Finding", "Report", "diagnose"]
