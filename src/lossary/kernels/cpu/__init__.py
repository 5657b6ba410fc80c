"""Kernels for the processor: printed as Python that is compiled, kept on disk, run on a few threads."""
