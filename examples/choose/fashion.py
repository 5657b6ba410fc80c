"""Ten kinds of clothes, Fashion-MNIST: the same small network under four losses."""

import torch

import lossary
from lossary.demo import _data

images = _data.load("fashion-mnist", None)
x, x_test = (torch.from_numpy(part).flatten(1) for part in (images.train, images.test))
y, y_test = torch.from_numpy(images.train_labels), torch.from_numpy(images.test_labels)

advice = lossary.suggest(images.train_labels)
print(f"advice: {advice.loss}, {advice.units} units, {advice.activation}")
hot = torch.nn.functional.one_hot(y, 10).float()
trained = {
    "sparse_categorical_crossentropy": (lossary.SparseCategoricalCrossentropy(from_logits=True), y),
    "brier": (lossary.Brier(from_logits=True), hot),
    "multi_margin": (lossary.MultiMargin(), y),
    "mean_squared_error": (lossary.MeanSquaredError(), hot),
}
crossentropy = lossary.SparseCategoricalCrossentropy(from_logits=True)
for name, (loss, targets) in trained.items():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(3):
        for rows in torch.randperm(len(y)).split(256):
            optimizer.zero_grad()
            loss(targets[rows], model(x[rows])).backward()
            optimizer.step()
    with torch.no_grad():
        scores = model(x_test)
    right = (scores.argmax(1) == y_test).float().mean()
    print(f"{name:<32} {right:.1%} right; cross-entropy of its scores {crossentropy(y_test, scores):.3f}")
