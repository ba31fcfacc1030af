"""Writes goldens.json.gz: the ids that three versions of TRL make of rows.jsonl, with two tokenizers and several settings.

    make_goldens.py --trl-0.28 DIR --trl-0.7.4 DIR        (TRL 1.16.0 installed; DIRs as in trl_ids.py)
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

RUNS = [
    ("trl-1", {}),
    ("trl-1", {"max_length": 48}),
    ("trl-1", {"max_length": 20}),
    ("trl-1", {"max_length": 48, "truncation_mode": "keep_end"}),
    ("trl-0.28", {}),
    ("trl-0.28", {"max_length": 64, "max_prompt_length": 16}),
    ("trl-0.28", {"max_length": 40, "max_prompt_length": 30}),
    ("trl-0.28", {"max_length": 40, "max_prompt_length": 60, "truncation_mode": "keep_start"}),
    ("trl-0.7.4", {}),
    ("trl-0.7.4", {"max_length": 48, "max_prompt_length": 16}),
    ("trl-0.7.4", {"max_length": 64, "max_prompt_length": 40, "truncation_mode": "keep_start"}),
]


def run(profile, model, settings, folder):
    options = [x for k, v in settings.items() for x in ("--" + k.replace("_", "-"), str(v))]
    out = subprocess.run(
        [sys.executable, HERE / "trl_ids.py", profile, HERE / model, *options],
        stdin=open(HERE / "rows.jsonl"), stdout=subprocess.PIPE, check=True,
        env={**os.environ, "PYTHONPATH": folder or ""},
    )
    return [json.loads(line) for line in out.stdout.splitlines()]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--trl-0.28", required=True, dest="v028")
    p.add_argument("--trl-0.7.4", required=True, dest="v074")
    args = p.parse_args()
    folders = {"trl-1": None, "trl-0.28": args.v028, "trl-0.7.4": args.v074}
    goldens = [
        {"model": model, "profile": {"tokenization": profile, **settings}, "rows": run(profile, model, settings, folders[profile])}
        for model in ("chatml", "inst")
        for profile, settings in RUNS
    ]
    data = json.dumps(goldens, separators=(",", ":")).encode()
    (HERE / "goldens.json.gz").write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main()
