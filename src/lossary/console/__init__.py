"""What commands have in common: arguments, own losses, output."""

# Exit statuses: 1 is a verdict ("findings"), 2 a command that could not be carried out, 130 an interruption.
FOUND, FAILED, INTERRUPTED = 1, 2, 130
