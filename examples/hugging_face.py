"""A small language model in Hugging Face's Trainer: 4 steps of 2 texts train as 1 of 8, however long they are."""

import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

import lossary.hf

LENGTHS = (3, 9, 4, 10, 8, 2, 10, 5)
tokens = torch.randint(0, 17, (8, 10), generator=torch.Generator().manual_seed(0))
data = [
    {"input_ids": row, "labels": torch.where(torch.arange(10) < length, row, -100)}
    for row, length in zip(tokens, LENGTHS, strict=True)
]
loss = lossary.hf.compute_loss_func("sparse_categorical_crossentropy", shift=True, from_logits=True)


def trained(batch: int, steps: int) -> float:
    torch.manual_seed(0)
    sizes = {"vocab_size": 17, "n_positions": 10, "n_embd": 8, "n_layer": 1, "n_head": 2}
    config = GPT2Config(**sizes, bos_token_id=0, eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=steps,
            max_steps=10,
            learning_rate=0.05,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            save_strategy="no",
            logging_strategy="no",
        )
        trainer = Trainer(GPT2LMHeadModel(config), arguments, train_dataset=data, compute_loss_func=loss)
        return trainer.train().training_loss


print(f"loss over ten steps: {trained(8, 1):.5f} in one piece, {trained(2, 4):.5f} in four")
