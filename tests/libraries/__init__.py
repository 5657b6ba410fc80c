"""What other libraries compute, beside the lines that records give for them."""

from . import loading as loading  # Before anything that is not installed whole is imported.
