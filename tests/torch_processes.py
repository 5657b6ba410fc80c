"""One of two processes of ``torch.distributed``; prints how far losses and gradients are from those of one process.

python torch_processes.py RANK FILE, where both processes share the file.
"""

from __future__ import annotations

import json
import sys

import torch
from torch import nn
from torch.distributed import destroy_process_group, init_process_group
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import lossary
import lossary.torch as ours

ROWS = 8
PARTS = (slice(0, 6), slice(6, 8))
G = torch.Generator().manual_seed(0)
X, Y = torch.randn(ROWS, 3, generator=G), torch.randint(0, 4, (ROWS,), generator=G)
TARGET, POINTS = torch.randn(ROWS, 4, generator=G), torch.rand(ROWS, generator=G) + 0.5
MASK = torch.tensor([True, False, False, True, False, True, True, True])
IGNORED, WEIGHT = torch.where(MASK, Y, -100), torch.tensor([0.2, 3.0, 1.0, 0.5])

# What to train with, on some rows; and what PyTorch or a plain mean of each process would do.
CASES = {
    "rows": (ours.MSELoss(sync=True), nn.MSELoss(), lambda loss, out, rows: loss(out, TARGET[rows])),
    "classes": (
        ours.CrossEntropyLoss(weight=WEIGHT, ignore_index=-100, sync=True),
        nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=-100),
        lambda loss, out, rows: loss(out, IGNORED[rows]),
    ),
    "weights and a mask": (
        ours.Loss("huber", reduction="mean_with_sample_weight", sync=True),
        ours.Loss("huber", reduction="mean_with_sample_weight"),
        lambda loss, out, rows: loss(out, TARGET[rows], sample_weight=POINTS[rows], where=MASK[rows]),
    ),
    "terms": (
        ours.Loss(0.5 * lossary.MeanSquaredError() + lossary.LogCosh(), sync=True),
        nn.MSELoss(),
        lambda loss, out, rows: loss(out, TARGET[rows]),
    ),
}


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))


def gradient(net):
    parts = [p.grad for p in net.parameters()]
    return torch.cat([(p.full_tensor() if hasattr(p, "full_tensor") else p).flatten() for p in parts])


def trained(net, loss, call, rows):
    value = call(loss, net(X[rows]), rows)
    value.backward()
    return float(value.detach()), gradient(net)


def off(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def main(rank, file):
    whole = {name: trained(model(), loss, call, slice(0, ROWS)) for name, (loss, _, call) in CASES.items()}
    init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    rows, report = PARTS[rank], {}
    for name, (loss, plain, call) in CASES.items():
        value, right = whole[name]
        found = trained(DistributedDataParallel(model()), loss, call, rows)
        _, naive = trained(DistributedDataParallel(model()), plain, call, rows)
        report[name] = {
            "value": abs(found[0] / value - 1),
            "gradient": off(found[1], right),
            "plain": off(naive, right),
        }
    sharded = model()
    fully_shard(sharded, mesh=torch.distributed.init_device_mesh("cpu", (2,)))
    report["sharded"] = {"gradient": off(trained(sharded, *CASES["classes"][::2], rows)[1], whole["classes"][1])}
    print(json.dumps(report))
    destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
