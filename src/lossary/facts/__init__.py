"""What is known: sets, arguments, records of losses, and where they are found."""
