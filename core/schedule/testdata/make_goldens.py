"""Writes goldens.json: learning rates as transformers' get_scheduler gives them.

    pip install torch==2.11.0 transformers==5.24 && python make_goldens.py
"""
import json
import math
import pathlib

import torch
from transformers import get_scheduler

cases = []
for kind in ["linear", "cosine", "constant", "constant_with_warmup"]:
    for updates in [1, 8, 10, 33]:
        for ratio in [0.0, 0.1, 0.25]:
            if kind == "constant" and ratio:
                continue
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=5e-7)
            s = get_scheduler(kind, optimizer, num_warmup_steps=math.ceil(updates * ratio), num_training_steps=updates)
            rates = []
            for _ in range(updates):
                rates.append(s.get_last_lr()[0])
                optimizer.step()
                s.step()
            cases.append({"kind": kind, "peak": 5e-7, "updates": updates, "ratio": ratio, "rates": rates})
pathlib.Path(__file__).with_name("goldens.json").write_text(json.dumps(cases) + "\n")
