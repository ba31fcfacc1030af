"""Writes optimizers.json: what torch.optim makes of a few weights in five steps.

    python optimizers.py > optimizers.json
"""

import json

import torch

STEPS, N = 5, 37


def run(make):
    gen = torch.Generator().manual_seed(1)
    w = torch.nn.Parameter(torch.randn(N, generator=gen))
    start, grads, after = w.tolist(), [], []
    optimizer = make([w])
    for _ in range(STEPS):
        w.grad = torch.randn(N, generator=gen)
        grads.append(w.grad.tolist())
        optimizer.step()
        after.append(w.tolist())
    return {"start": start, "grads": grads, "after": after}


print(
    json.dumps(
        {
            "torch": torch.__version__,
            "adamw": run(lambda w: torch.optim.AdamW(w, lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)),
            "rmsprop": run(lambda w: torch.optim.RMSprop(w, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.1)),
        }
    )
)
