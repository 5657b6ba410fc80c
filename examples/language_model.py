"""A tiny language model whose head never makes its logits: it learns to count, in steps that a sequence shows."""

import torch

import lossary

VOCABULARY, LENGTH = 97, 16
generator = torch.Generator().manual_seed(0)


def sequences(count):
    """Each counts in steps of its own: 3, 8, 13, 18, ... modulo the vocabulary."""
    start, step = (torch.randint(0, n, (count, 1), generator=generator) for n in (VOCABULARY, 4))
    return (start + (step + 1) * torch.arange(LENGTH)) % VOCABULARY


class Model(torch.nn.Module):
    """Two words behind, an embedding of each; the last layer is only a weight."""

    def __init__(self, width=64):
        super().__init__()
        self.words = torch.nn.Embedding(VOCABULARY, width)
        self.mix = torch.nn.Sequential(torch.nn.Linear(2 * width, 128), torch.nn.ReLU(), torch.nn.Linear(128, width))
        self.head = torch.nn.Linear(width, VOCABULARY)

    def forward(self, tokens):
        """The hidden vectors, which the head would make scores of."""
        now = self.words(tokens)
        before = torch.cat([torch.zeros_like(now[:, :1]), now[:, :-1]], 1)
        return self.mix(torch.cat([before, now], -1))


torch.manual_seed(0)
model = Model()
# The next token is one place after its hidden vector.  The first says nothing of the step: the second is left out.
loss = lossary.LinearCrossEntropy(shift=1, z_loss=1e-4)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(60):
    tokens = sequences(64)
    known = torch.arange(LENGTH).expand_as(tokens) > 1
    optimizer.zero_grad()
    value = loss(tokens, model(tokens), model.head.weight, model.head.bias, where=known)
    value.backward()
    optimizer.step()

tokens = sequences(200)
with torch.no_grad():
    guesses = model.head(model(tokens)).argmax(-1)
right = (guesses[:, 1:-1] == tokens[:, 2:]).float().mean()
print(
    f"loss {value.item():.3f} (at the start {torch.tensor(float(VOCABULARY)).log():.3f}), next tokens right {right:.1%}"
)
