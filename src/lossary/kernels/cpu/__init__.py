"""Kernels for the processor: printed as Python that Numba compiles, kept on disk, run on a few threads."""
