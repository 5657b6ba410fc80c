"""PyTorch's names and order, and micro-batches of any size that train as one batch does."""

import torch

import lossary.torch

generator = torch.Generator().manual_seed(0)
x = torch.randn(120, 2, generator=generator)
y = (x @ torch.tensor([2.0, -1.0]) > 0).long()
y[::6] = -100  # labels that nobody knows

loss = lossary.torch.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]), ignore_index=-100)
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

for _ in range(200):
    optimizer.zero_grad()
    with torch.no_grad():
        whole = loss.total(model(x), y).weight  # what the mean over the whole batch divides by
    for rows in (slice(0, 7), slice(7, 60), slice(60, 120)):
        loss.total(model(x[rows]), y[rows]).mean(whole).backward()
    optimizer.step()

known = y != -100
accuracy = (model(x).argmax(1) == y)[known].float().mean()
print(f"{loss}: {accuracy:.1%} of the known labels found")

one, parts = (torch.nn.Linear(2, 2) for _ in range(2))
parts.load_state_dict(one.state_dict())
loss(one(x), y).backward()
whole = loss.total(parts(x), y).weight
for rows in (slice(0, 7), slice(7, 60), slice(60, 120)):
    loss.total(parts(x[rows]), y[rows]).mean(whole).backward()
difference = (one.weight.grad - parts.weight.grad).abs().max() / one.weight.grad.abs().max()
print(f"gradients of three parts and of one batch differ by {difference * 1e6:.2f} millionths")
