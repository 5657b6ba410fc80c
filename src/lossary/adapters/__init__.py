"""How other libraries call a loss: thin, without mathematics."""
