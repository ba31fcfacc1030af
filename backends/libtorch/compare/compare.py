"""Times a DPO step in this backend and in PyTorch eager, turn by turn, and prints ratios.

    python compare.py MODEL [--turns 3] [--test BINARY]

MODEL is a Hugging Face folder (SmolLM2-135M-Instruct in the README's numbers).
BINARY is the package's compiled tests:
    eval "$(../install.sh --env)" && go test -c -tags libtorch -o libtorch.test ..
The environment needs torch and transformers.

The step is float32 on the processor, 4 sequences of 256 tokens, every row scored,
nothing shared: forward, DPO's weights, backward, clipping, AdamW (fused in both).
A ratio above 1 means that this backend is faster. Processor time stands beside
wall time: it is steadier on a machine that does other work.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent


def ours(binary, model):
    env = dict(os.environ, STEPWISE_SMOLLM2=str(model))
    out = subprocess.run([binary, "-test.run=^$", "-test.bench=^BenchmarkStep$/^float32$", "-test.benchtime=2x"],
                         cwd=HERE.parent, env=env, check=True, capture_output=True, text=True).stdout
    metric = {unit: float(value) for value, unit in re.findall(r"([\d.e+]+) (\S+)", out)}
    return metric["ns/op"] / 1e9, metric["cpu-s/op"]


def torch_step(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-7, weight_decay=0.1, fused=True)
    ids = torch.randint(0, model.config.vocab_size, (4, 257), generator=torch.Generator().manual_seed(1))

    def step():
        logits = model(input_ids=ids[:, :-1]).logits.float()
        logp = torch.log_softmax(logits, -1).gather(2, ids[:, 1:, None]).sum((1, 2))
        reference = logp.detach()
        delta = (logp[:2] - reference[:2]) - (logp[2:] - reference[2:])
        (-F.logsigmoid(0.1 * delta)).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def timed(f):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(2):
        f()
    return (time.perf_counter() - wall) / 2, (time.process_time() - cpu) / 2


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("--turns", type=int, default=3)
    args.add_argument("--test", default="libtorch.test")
    a = args.parse_args()
    torch.set_num_threads(2)  # as the benchmark
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32, attn_implementation="sdpa")
    step = torch_step(model)
    timed(step)  # memory settles
    rows = []
    for _ in range(a.turns):
        theirs, mine = timed(step), ours(os.path.abspath(a.test), a.model.resolve())
        rows.append((theirs[0], mine[0], theirs[1], mine[1]))
        print("PyTorch %.2f s, this backend %.2f s; processor %.2f s, %.2f s" % rows[-1], flush=True)
    for what, i in (("wall", 0), ("processor", 2)):
        ratios = [r[i] / r[i + 1] for r in rows]
        print(f"{what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


main()
