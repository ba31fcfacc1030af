"""Times the same work in this backend and in PyTorch, turn by turn, and prints ratios.

    python -m venv v && v/bin/pip install torch transformers trl datasets
    v/bin/python compare.py MODEL --pairs PAIRS.jsonl [--turns 5] [--only step,bf16,score,threads,trl] [--threads N]

MODEL is a Hugging Face folder (SmolLM2-135M-Instruct in the README's numbers).
PAIRS are lines with prompt, chosen and rejected texts (UltraFeedback in the
README's numbers): the first four whose sequences, by the model's chat template,
have at most 1,024 tokens are used.

step   a training step in float32, 4 x 256 tokens, every row scored, nothing
       shared: forward, DPO's weights, backward, clipping, AdamW
bf16   the same with this backend's dtype bf16 and PyTorch's autocast to bfloat16
score  log-probabilities of ragged pairs; transformers batches them sorted by
       length, padded, in the best of several batch sizes
threads
       the training step on one thread and on two, beside what the second thread adds
       to multiply-adds on registers alone
trl    an update on four pairs by TRL's DPOTrainer (reference log-probabilities
       precomputed) and by this backend, in micro-batches of 1, 2 or 4, and the peak
       memory of both processes (run it alone, with one --micro-batches)

A ratio above 1 means that this backend is faster. Ratios of processor time stand
beside those of wall time: they are steadier on a machine that does other work.

PyTorch's memory is kept when it is freed (--free gives it back, glibc's default): to
get it anew, page by page, takes virtual machines that are short of memory longer than
the arithmetic, which is not what is compared. For the same reason it takes subnormal
numbers for 0 (--subnormals: not): Intel's processors take a hundred times as long over
them, and the gradient of attention is full of them.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


def timed(f):
    wall, cpu = time.perf_counter(), time.process_time()
    f()
    return time.perf_counter() - wall, time.process_time() - cpu


class Ours:
    """The package's Go benchmarks, compiled once."""

    def __init__(self, model, pairs, threads):
        folder = tempfile.mkdtemp()
        self.binary, ids = os.path.join(folder, "bench"), os.path.join(folder, "pairs.jsonl.gz")
        with gzip.open(ids, "wt") as f:
            f.writelines(json.dumps(p) + "\n" for p in pairs)
        subprocess.run(["go", "test", "-c", "-o", self.binary, "."], cwd=HERE.parent, check=True)
        self.env = dict(os.environ, STEPWISE_SMOLLM2=str(model), COMPARE_PAIRS=ids)
        if threads:
            self.env["GOMAXPROCS"] = str(threads)

    def __call__(self, name, threads=None):
        env = dict(self.env, GOMAXPROCS=str(threads)) if threads else self.env
        out = subprocess.run([self.binary, "-test.run=^$", f"-test.bench=^{name}$", "-test.benchtime=1x"], cwd=HERE.parent,
                             env=env, check=True, capture_output=True, text=True).stdout
        metric = {unit: float(value) for value, unit in re.findall(r"([\d.e+]+) (\S+)", out)}
        if "ns/op" not in metric:
            raise SystemExit(f"benchmark {name} gave no time:\n{out}")
        self.peak = metric.get("peak-GB", float("nan"))
        return metric["ns/op"] / 1e9, metric["cpu-s/op"]


def compare(what, ours, theirs, turns):
    """Runs both in turn and prints the median ratio, theirs to ours, with its range."""
    rows = []
    for _ in range(turns):
        a, b = theirs(), ours()
        rows.append((a[0], b[0], a[1], b[1]))
        print("  turn: theirs {0:.2f} s, ours {1:.2f} s; processor {2:.2f} s, {3:.2f} s".format(*rows[-1]), flush=True)
    wall, cpu = [r[0] / r[1] for r in rows], [r[2] / r[3] for r in rows]
    med = [statistics.median(c) for c in zip(*rows)]
    print(f"{what}: wall {statistics.median(wall):.2f} ({min(wall):.2f} to {max(wall):.2f}), "
          f"processor {statistics.median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f}); "
          f"medians: theirs {med[0]:.2f} s, ours {med[1]:.2f} s; processor {med[2]:.2f} s, {med[3]:.2f} s", flush=True)


def compare_threads(ours, turns):
    """Prints what a second thread gains in the training step and in multiply-adds on registers, in turn."""
    kernels = os.path.join(tempfile.mkdtemp(), "kernels")
    subprocess.run(["go", "build", "-o", kernels, "./kernels/bench"], cwd=HERE.parent, check=True)
    step, peak = [], []
    for _ in range(turns):
        rates = subprocess.run([kernels], input="peak 1 0 0 0\npeak 2 0 0 0\n" * 5, check=True, capture_output=True, text=True).stdout.split()
        peak.append(max(map(float, rates[1::2])) / max(map(float, rates[::2])))
        one, two = ours("BenchmarkStep/4x256", 1)[0], ours("BenchmarkStep/4x256", 2)[0]
        step.append(one / two)
        print(f"  turn: step {one:.2f} s and {two:.2f} s, {step[-1]:.2f} times; multiply-adds {peak[-1]:.2f} times", flush=True)
    shares = [s / p for s, p in zip(step, peak)]
    print(f"two threads: step {statistics.median(step):.2f} times one ({min(step):.2f} to {max(step):.2f}), multiply-adds "
          f"{statistics.median(peak):.2f} times; {statistics.median(shares):.2f} of it ({min(shares):.2f} to {max(shares):.2f})", flush=True)


def logps(model, ids, mask=None):
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    return torch.log_softmax(logits, -1).gather(2, ids[:, 1:, None])[..., 0]


def set_threads(n, f):
    """Sets n threads; 0 = as many as are fastest for f."""
    def seconds(n):
        torch.set_num_threads(n)
        f()
        return timed(f)[0]

    cores = os.cpu_count() or 1
    torch.set_num_threads(n or min({1, max(1, cores // 2), cores}, key=seconds))
    print(f"PyTorch {torch.__version__} with {torch.get_num_threads()} threads", flush=True)


def torch_step(model, dtype=torch.float32):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-7, weight_decay=0.1, fused=True)
    ids = torch.randint(0, model.config.vocab_size, (4, 257), generator=torch.Generator().manual_seed(1))

    def step():
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logp = logps(model, ids).sum(1)
        reference = logp.detach()
        delta = (logp[:2] - reference[:2]) - (logp[2:] - reference[2:])
        (-F.logsigmoid(0.1 * delta)).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def torch_score(model, rows, size):
    rows = sorted(rows, key=len)
    batches = [rows[i:i + size] for i in range(0, len(rows), size)]

    @torch.no_grad()
    def score():
        for batch in batches:
            width = max(map(len, batch))
            ids = torch.tensor([r + [0] * (width - len(r)) for r in batch])
            mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in batch])
            logps(model, ids, mask)

    return score


def read_pairs(path, tokenizer, count=4, longest=1024):
    """Returns the ids of the first pairs that fit."""
    pairs = []
    for line in open(path):
        row = json.loads(line)
        user = [{"role": "user", "content": row["prompt"]}]
        prompt = tokenizer.apply_chat_template(user, add_generation_prompt=True, return_dict=False)
        pair = {"prompt_ids": prompt}
        for side in ("chosen", "rejected"):
            whole = tokenizer.apply_chat_template(user + [{"role": "assistant", "content": row[side]}], return_dict=False)
            assert whole[:len(prompt)] == prompt
            pair[side + "_ids"] = whole[len(prompt):]
        if len(prompt) + max(len(pair["chosen_ids"]), len(pair["rejected_ids"])) <= longest:
            pairs.append(pair)
        if len(pairs) == count:
            return pairs
    raise SystemExit(f"{path} has {len(pairs)} pairs of at most {longest} tokens; {count} are needed")


def trl_run(path, pairs, size):
    """Returns a function that times TRL's update on the pairs, from the first step's begin to the optimizer's end."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import DPOConfig, DPOTrainer

    marks = []

    def mark():
        marks.append((time.perf_counter(), time.process_time()))

    class Marks(TrainerCallback):
        def on_step_begin(self, *args, **kwargs):
            mark()

        def on_step_end(self, *args, **kwargs):
            mark()

    data = Dataset.from_list([dict(prompt="a", chosen="b", rejected="c")] * len(pairs))
    config = DPOConfig(output_dir=tempfile.mkdtemp(), per_device_train_batch_size=size, gradient_accumulation_steps=len(pairs) // size,
                       learning_rate=1e-7, max_length=1024, precompute_ref_log_probs=True, report_to=[], logging_steps=1000,
                       save_strategy="no", use_cpu=True, bf16=False, gradient_checkpointing=False, num_train_epochs=1, disable_tqdm=True)
    trainer = DPOTrainer(model=AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32), args=config, train_dataset=data,
                         processing_class=AutoTokenizer.from_pretrained(path), callbacks=[Marks()])
    scored = trainer.train_dataset
    for column in ("prompt_ids", "chosen_ids", "rejected_ids"):
        if column in scored.column_names:
            scored = scored.remove_columns(column)
        scored = scored.add_column(column, [p[column] for p in pairs])
    trainer.train_dataset = scored

    def run():
        marks.clear()
        trainer.train()
        (begin, end) = marks  # one update
        return end[0] - begin[0], end[1] - begin[1]

    return run


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("--pairs", type=pathlib.Path, required=True)
    args.add_argument("--turns", type=int, default=5)
    args.add_argument("--only", default="step,bf16,score,threads,trl")
    args.add_argument("--threads", type=int, default=0, help="of both; 0 = all for this backend and TRL, and for PyTorch the fastest of one, half and all")
    args.add_argument("--micro-batches", default="1,2,4", help="of both")
    args.add_argument("--free", action="store_true", help="PyTorch gives freed memory back")
    args.add_argument("--subnormals", action="store_true", help="PyTorch computes with subnormal numbers")
    a = args.parse_args()
    if not a.free and os.environ.get("MALLOC_MMAP_MAX_") != "0":  # read when a process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | KEEP)
    torch.set_flush_denormal(not a.subnormals)  # before there are threads, which inherit it
    only = a.only.split(",")
    pairs = read_pairs(a.pairs, AutoTokenizer.from_pretrained(a.model))
    print("tokens of prompt, chosen, rejected:", ", ".join("%d %d %d" % tuple(map(len, p.values())) for p in pairs))
    ours = Ours(a.model.resolve(), pairs, a.threads)
    torch.set_num_threads(a.threads or os.cpu_count())
    if "threads" in only:
        compare_threads(ours, a.turns)
    if {"step", "bf16", "score"} & set(only):
        in_torch(a, only, pairs, ours)
    if "trl" in only:
        for size in map(int, a.micro_batches.split(",")):
            run = trl_run(a.model, pairs[:4], size)
            compare(f"4 pairs, micro-batch {size}", lambda: ours(f"BenchmarkStep/pairs-{size}"), run, a.turns)
            theirs = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(f"peak memory: theirs {theirs:.2f} GB, ours {ours.peak:.2f} GB, {ours.peak / theirs:.2f} of it", flush=True)


def in_torch(a, only, pairs, ours):
    """The comparisons with PyTorch and transformers."""
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32, attn_implementation="sdpa")
    step = torch_step(model)
    set_threads(a.threads, step)
    if "step" in only:
        compare("training step, 4 x 256", lambda: ours("BenchmarkStep/4x256"), lambda: timed(step), a.turns)
    if "bf16" in only:
        half = torch_step(model, torch.bfloat16)
        half()
        compare("the same in bf16", lambda: ours("BenchmarkStep/4x256-bf16"), lambda: timed(half), a.turns)
    if "score" in only:
        rows = [p["prompt_ids"] + p[c] for p in pairs[:4] for c in ("chosen_ids", "rejected_ids")]
        size = min((1, 4, 8), key=lambda s: timed(torch_score(model, rows, s))[0])
        score = torch_score(model, rows, size)
        compare(f"scoring 4 pairs, theirs in batches of {size}", lambda: ours("BenchmarkScore/pairs/float32"), lambda: timed(score), a.turns)


main()
