"""Kernels of the processor as functions that XLA calls."""
