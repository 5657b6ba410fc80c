"""What users hold: losses as objects and functions, sums of losses, names."""
