"""The same losses in a PyTorch training loop: Huber is hardly moved by outliers, the squared error is."""

import torch

import lossary

generator = torch.Generator().manual_seed(0)
x = torch.rand(200, 1, generator=generator) * 2 - 1
y = 3 * x + 0.05 * torch.randn(200, 1, generator=generator)
y[::10] += 5.0  # one point in ten is far off

for loss in (lossary.Huber(delta=0.1), lossary.MeanSquaredError()):
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss(y, model(x)).backward()
        optimizer.step()
    print(f"{loss.name:<20} slope {model.weight.item():.2f}, offset {model.bias.item():+.2f}  (true: 3.00, +0.00)")
