"""Where in a noisy picture is the digit? Few pixels are of it: cross-entropy, the overlap itself, and both."""

import numpy as np
import torch
from sklearn.datasets import load_digits

import lossary

rng = np.random.default_rng(0)
digits = load_digits().images / 16
masks = np.zeros((len(digits), 1, 32, 32), np.float32)
pictures = rng.normal(0, 0.35, masks.shape).astype(np.float32)
for mask, picture, digit in zip(masks, pictures, digits, strict=True):
    row, column = rng.integers(0, 24, 2)
    mask[0, row : row + 8, column : column + 8] = digit > 0.5
    picture[0, row : row + 8, column : column + 8] += digit
x, x_test, y, y_test = map(torch.from_numpy, (pictures[:1500], pictures[1500:], masks[:1500], masks[1500:]))

advice = lossary.suggest(masks[:, 0])
print(
    f"advice: {advice.loss}, or {' or '.join(list(advice.alternatives)[1:])}; {masks.mean():.1%} of the pixels are set"
)
crossentropy = lossary.BinaryCrossentropy(from_logits=True, axis=(1, 2, 3))
dice = lossary.Dice(from_logits=True, axis=(1, 2, 3))
for name, loss in {"binary_crossentropy": crossentropy, "dice": dice, "their sum": crossentropy + dice}.items():
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(1, 8, 5, padding=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 5, padding=2)]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(6):
        for rows in torch.randperm(len(y)).split(64):
            optimizer.zero_grad()
            loss(y[rows], model(x[rows])).backward()
            optimizer.step()
    with torch.no_grad():
        found = (model(x_test) > 0).float()
    both, either = (found * y_test).sum((1, 2, 3)), torch.maximum(found, y_test).sum((1, 2, 3))
    print(f"{name:<20} overlap (intersection over union) {(both / either).mean():.3f}, {found.mean():.1%} called digit")
