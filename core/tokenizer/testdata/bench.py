"""Compares this package's speed with Hugging Face's native library, one thread each.

For each tokenizer and kind of text both encode the same documents in turns, several
rounds; the best round of each counts, since other load on the machine only slows.

    pip install tokenizers==0.23.3
    python bench.py TOKENIZER.json ... -- prose=FILE.json code=FILE.json

A FILE.json is a list of documents.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer  # noqa: E402  (reads the variable above)

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 4


def main():
    cut = sys.argv.index("--")
    texts = dict(a.split("=", 1) for a in sys.argv[cut + 1 :])
    with tempfile.TemporaryDirectory() as tmp:
        program = os.path.join(tmp, "bench.test")
        subprocess.run(["go", "test", "-c", "-o", program, ".."], cwd=HERE, check=True)
        print(f"{'tokenizer':14} {'text':8} {'theirs MB/s':>11} {'ours MB/s':>10} {'ratio':>6}")
        for path in sys.argv[1:cut]:
            theirs = Tokenizer.from_file(path)
            for kind, file in texts.items():
                compare(program, path, theirs, kind, file)


def compare(program, path, theirs, kind, file):
    docs = json.load(open(file, encoding="utf-8"))
    size = sum(len(d.encode()) for d in docs) / 1e6
    best = {"theirs": 0.0, "ours": 0.0}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for d in docs:
            theirs.encode(d)
        best["theirs"] = max(best["theirs"], size / (time.perf_counter() - start))
        best["ours"] = max(best["ours"], ours(program, path, file))
    name = os.path.basename(path).removesuffix(".json")
    print(f"{name:14} {kind:8} {best['theirs']:11.2f} {best['ours']:10.2f} {best['ours'] / best['theirs']:6.1f}", flush=True)


def ours(program, path, file):
    env = dict(os.environ, BENCH_TOKENIZER=path, BENCH_TEXTS=file, GOMAXPROCS="1")
    run = ["-test.run=^$", "-test.bench=^BenchmarkEncodeFile$", "-test.benchtime=3x"]
    out = subprocess.run([program, *run], env=env, check=True, capture_output=True, text=True, cwd=os.path.dirname(HERE)).stdout
    words = next(line for line in out.splitlines() if "MB/s" in line).split()
    return float(words[words.index("MB/s") - 1])


main()
