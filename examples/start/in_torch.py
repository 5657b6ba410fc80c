"""Two classes with PyTorch: a loss that reads raw scores."""

import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import lossary

x, y = load_breast_cancer(return_X_y=True)
parts = train_test_split(scale(x), y[:, None], random_state=0)
x, x_test, y, y_test = (torch.tensor(part, dtype=torch.float32) for part in parts)

torch.manual_seed(0)
model = torch.nn.Linear(30, 1)
loss = lossary.BinaryCrossentropy(from_logits=True)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(200):
    optimizer.zero_grad()
    loss(y, model(x)).backward()
    optimizer.step()

scores = model(x_test)
print(f"loss {loss(y_test, scores).item():.3f}, accuracy {((scores > 0) == y_test).float().mean():.3f}")
