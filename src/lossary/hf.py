"""For Hugging Face: ``Trainer(compute_loss_func=lossary.hf.compute_loss_func(loss))``, exact under accumulation."""

from .adapters.hf import compute_loss_func

__all__ = ["compute_loss_func"]
