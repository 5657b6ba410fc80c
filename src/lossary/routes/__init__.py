"""Whose calls are computed by something faster than words; the module of each says by what.

Routes stand above the losses and know kernels, which neither losses nor backends do.
"""

from ..backends import NUMPY
from ..calls.route import of, settle

for _library in ("numpy", "torch", "jax", "tensorflow"):
    settle(_library, f"{__name__}.{_library}")
of(NUMPY)
