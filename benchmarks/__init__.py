"""How long value and gradient take, beside the same loss in other libraries: ``python -m benchmarks``."""
