"""What commands have in common: arguments, own losses, output."""
