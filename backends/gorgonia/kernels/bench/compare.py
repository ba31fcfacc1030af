"""Kernels beside PyTorch and beside the processor's peak, in turns, so that what else the machine does hits both.

    go build -o bench . && python compare.py ./bench [--rounds 5] [--threads 1,2] [--only nn,nt,tn] [--processor]

Prints for each case the median and the range over rounds of PyTorch's time divided by ours, and for matrix
products our share of the FMA peak (register-only, same number of threads). With --processor the times are
processor time over threads: on a machine that does other work they are steadier. PyTorch is whatever this
Python imports."""

import argparse
import statistics
import subprocess
import time

import torch

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("bench")
args.add_argument("--rounds", type=int, default=5)
args.add_argument("--threads", default="1,2")
args.add_argument("--only", default="", help="kernels, of those below")
args.add_argument("--processor", action="store_true")
args = args.parse_args()
ours = subprocess.Popen([args.bench], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
clock = time.process_time if args.processor else time.perf_counter


def ask(name, threads, m=0, n=0, k=0):
    ours.stdin.write(f"{name} {threads} {m} {n} {k}\n")
    ours.stdin.flush()
    answer = ours.stdout.readline().split()
    return float(answer[-1 if args.processor else 0])


def peak_rate(name, threads):
    if args.processor:  # bursts of several threads are never all undisturbed
        return threads * ask(name, 1)
    return ask(name, threads)


def fastest(f, threads):
    f()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < 0.1:
        t = clock()
        f()
        best = min(best, clock() - t)
    return best / (threads if args.processor else 1)


def attention(m, n, k, backward):
    grad = backward
    q = torch.randn(1, n, m, 64, requires_grad=grad)
    kv = [torch.randn(1, k, m, 64, requires_grad=grad) for _ in range(2)]
    g = torch.randn(1, n, m, 64)

    def f():
        key, value = (x.repeat_interleave(n // k, 1) for x in kv)  # as transformers' sdpa does
        y = torch.nn.functional.scaled_dot_product_attention(q, key, value, is_causal=True)
        if grad:
            y.backward(g)

    return f


def linear(m, n, k, dtype=torch.float32):
    x, w = torch.randn(m, k, dtype=dtype), torch.randn(n, k, dtype=dtype)
    y = torch.empty(m, n, dtype=dtype)
    return lambda: torch.mm(x, w.t(), out=y)


def nn(m, n, k):
    a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
    return lambda: torch.mm(a, b, out=c)


def tn(m, n, k):
    a, b, c = torch.randn(k, m), torch.randn(k, n), torch.empty(m, n)
    return lambda: torch.mm(a.t(), b, out=c)


def logprob(m, n, k):
    x, t = torch.randn(m, n), torch.zeros(m, 1, dtype=torch.long)
    return lambda: (torch.log_softmax(x, -1).gather(1, t), x.argmax(-1))


def rmsnorm(m, n, k):
    x, w = torch.randn(m, n), torch.randn(n)
    return lambda: w * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))  # LlamaRMSNorm


def swiglu(m, n, k):
    x = torch.randn(m, 2 * n)
    return lambda: torch.nn.functional.silu(x[:, :n]) * x[:, n:]


def adamw(m, n, k):
    w = torch.nn.Parameter(torch.randn(m))
    w.grad = torch.randn(m)
    return torch.optim.AdamW([w], lr=1e-6).step


THEIRS = {
    "nn": nn,
    "nt": linear,
    "tn": tn,
    "nt-weights-bf16": linear,  # PyTorch has no such form: its float32 one
    "nt-bf16": lambda m, n, k: linear(m, n, k, torch.bfloat16),
    "attention": lambda m, n, k: attention(m, n, k, False),
    "attention-backward": lambda m, n, k: attention(m, n, k, True),
    "logprob": logprob,
    "rmsnorm": rmsnorm,
    "swiglu": swiglu,
    "adamw": adamw,
}

SQUARE, UP, DOWN, HEAD = (1024, 1024, 1024), (1024, 1536, 576), (1024, 576, 1536), (1024, 49152, 576)
CASES = [(f, s) for s in (SQUARE, UP, DOWN, HEAD) for f in ("nn", "nt", "tn")]
CASES += [("nt-bf16", s) for s in (SQUARE, UP, DOWN, HEAD)]
CASES += [("nt", (m, 49152, 576)) for m in (1, 4, 16)] + [("nt-weights-bf16", (m, 49152, 576)) for m in (1, 16)]
CASES += [(f, (t, 9, 3)) for f in ("attention", "attention-backward") for t in (256, 1024)]
CASES += [("logprob", (256, 49152, 0)), ("rmsnorm", (1024, 576, 0))]
CASES += [("swiglu", (1024, 1536, 0)), ("adamw", (1 << 22, 0, 0))]


def compare(name, size, threads):
    torch.set_num_threads(threads)
    ratios, shares = [], []
    with torch.inference_mode(name not in ("attention-backward", "adamw")):
        theirs = THEIRS[name](*size)
        for _ in range(args.rounds):
            mine = ask(name, threads, *size)
            ratios.append(fastest(theirs, threads) / mine)
            if name[:2] in ("nn", "nt", "tn"):
                peak = peak_rate("peak-bf16" if name == "nt-bf16" else "peak", threads)
                shares.append(2e-9 * size[0] * size[1] * size[2] / mine / peak)
    line = f"{threads} thread{'s' * (threads > 1)}  {name:18} {'x'.join(map(str, size)):16}"
    line += f" PyTorch/ours {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    if shares:
        line += f"  of peak {statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"
    print(line, flush=True)


only = args.only.split(",") if args.only else THEIRS
for threads in map(int, args.threads.split(",")):
    for name, size in CASES:
        if name in only:
            compare(name, size, threads)
ours.stdin.close()
