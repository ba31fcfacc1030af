"""Time lm-evaluation-harness 0.4.13 against `stepwise eval`: the same model,
tasks, documents and threads, one after the other in one run.

    pip install lm_eval==0.4.13 torch transformers
    go build -o /tmp/stepwise ./cmd/stepwise
    python compare.py --model DIR --data HUB --stepwise /tmp/stepwise

DIR is a Hugging Face folder, HUB a folder of data sets in the hub's layout
(allenai/ai2_arc/ARC-Challenge/test.jsonl, ...). lm-eval runs with the fastest of
the batch sizes tried on a few documents of each task. Loading the model is in
neither time; starting the program and reading the data are in both.
"""

import argparse
import glob
import json
import os
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--stepwise", required=True, help="the binary")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--batch-sizes", default="1,8", help="tried on --pilot documents")
parser.add_argument("--pilot", type=int, default=2)
parser.add_argument("--tasks", nargs="*", metavar="TASK:SHOTS:LIMIT", help="limit 0 = all",
                    default=["mmlu_anatomy:5:0", "arc_challenge:25:40", "hellaswag:10:40", "truthfulqa_mc2:0:0"])
args = parser.parse_args()

os.environ.update(OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import datasets  # noqa: E402
import torch  # noqa: E402


def load_dataset(path, name=None, **_):
    """Reads the local copy of what the hub has."""
    files = sorted(glob.glob(os.path.join(args.data, path, name or "default", "*.jsonl")))
    if not files:
        raise FileNotFoundError(f"{args.data} has no {path} {name}")
    return datasets.DatasetDict({os.path.splitext(os.path.basename(f))[0]: datasets.Dataset.from_list([json.loads(line) for line in open(f)])
                                 for f in files})


datasets.load_dataset = load_dataset
torch.set_num_threads(args.threads)

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

lm = HFLM(pretrained=args.model, dtype="float32", device="cpu", batch_size=1)


def harness(task, shots, limit, batch_size):
    """Runs lm-eval; returns seconds and the log-likelihoods in order."""
    lm.batch_size_per_gpu = batch_size
    start = time.perf_counter()
    results = simple_evaluate(model=lm, tasks=[task], num_fewshot=shots, limit=limit or None, bootstrap_iters=0, log_samples=True)
    seconds = time.perf_counter() - start
    return seconds, [float(r[0]) for s in results["samples"][task] for r in s["filtered_resps"]]


def stepwise(task, shots, limit):
    """Runs stepwise; returns seconds without loading the model, log-likelihoods and its plan's tokens."""
    with tempfile.TemporaryDirectory() as out:
        command = [args.stepwise, "eval", "--model", args.model, "--tasks", task, "--num-fewshot", str(shots), "--data", args.data,
                   "--out", out, "--backend-option", f"threads={args.threads}"] + (["--limit", str(limit)] if limit else [])
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(glob.glob(out + "/*/results_*.json")[0]) as f:
            results = json.load(f)
        with open(glob.glob(out + f"/*/samples_{task}_*.jsonl")[0]) as f:
            lls = [float(r[0]) for line in f for r in json.loads(line)["filtered_resps"]]
        return float(results["total_evaluation_time_seconds"]), lls, results["stepwise"]["tokens"]


print(f"{args.threads} threads; seconds, log-likelihoods and tokens of each task")
total = {"harness": 0.0, "stepwise": 0.0, "grouped": 0, "shared": 0}
for entry in args.tasks:
    task, shots, limit = entry.split(":")
    shots, limit = int(shots), int(limit)
    sizes = [int(b) for b in args.batch_sizes.split(",")]
    best = min(sizes, key=lambda b: harness(task, shots, args.pilot, b)[0]) if len(sizes) > 1 else sizes[0]
    theirs, want = harness(task, shots, limit, best)
    ours, got, tokens = stepwise(task, shots, limit)
    assert len(want) == len(got), (len(want), len(got))
    worst = max(abs(a - b) for a, b in zip(want, got))
    by_tokens = tokens["as_lm_eval"] / tokens["shared"]
    print(f"{task:24s} {shots:2d} shots: lm-eval {theirs:8.1f} s (batch {best}), stepwise {ours:7.1f} s: {theirs / ours:5.1f} times faster; "
          f"tokens {tokens['naive']} / {tokens['as_lm_eval']} / {tokens['shared']}: {by_tokens:.1f} times fewer; "
          f"{theirs / ours / by_tokens:.2f} of that; largest difference {worst:.1e}", flush=True)
    total["harness"] += theirs
    total["stepwise"] += ours
    total["grouped"] += tokens["as_lm_eval"]
    total["shared"] += tokens["shared"]
print(f"together: {total['harness'] / total['stepwise']:.1f} times faster, {total['grouped'] / total['shared']:.1f} times fewer tokens")
