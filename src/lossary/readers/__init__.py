"""What other libraries' losses and the heads of models say."""
