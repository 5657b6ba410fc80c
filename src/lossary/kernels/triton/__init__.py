"""Kernels printed as Triton: what a kernel computes, in the language of whatever runs it on a device."""
