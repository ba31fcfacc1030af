"""Run lm-evaluation-harness 0.4.13 on the tiny benchmarks in bench/ and store
its files, so that a clean clone is tested against the truth.

    pip install lm_eval==0.4.13
    python make_goldens.py

The model answers from a checksum of what it is asked.
"""

import glob
import json
import os
import shutil
import tempfile
import zlib

import datasets

HERE = os.path.dirname(os.path.abspath(__file__))


def load_dataset(path, name=None, **_):
    """Stands for the hub."""
    folder = os.path.join(HERE, "bench", path, name or "default")
    splits = {os.path.splitext(os.path.basename(f))[0]: [json.loads(line) for line in open(f, encoding="utf-8")]
              for f in sorted(glob.glob(folder + "/*.jsonl"))}
    return datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in splits.items()})


datasets.load_dataset = load_dataset

from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.model import LM  # noqa: E402
from lm_eval.loggers import EvaluationTracker  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from lm_eval.utils import make_table  # noqa: E402


class Checksum(LM):
    """The log-likelihood is a checksum of the request, exact in float32."""

    tokenizer_name = "checksum"

    def loglikelihood(self, requests):
        sums = [(zlib.crc32((r.args[0] + "\0" + r.args[1]).encode()), len(r.args[1])) for r in requests]
        return [(-(32 + s % 64) * n / 64, s % 3 == 0) for s, n in sums]

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

    def generate_until(self, requests):
        raise NotImplementedError

    def chat_template(self, chat_template=False):
        return "checksum"

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return "".join(f"<{m['role']}>{m['content']}\n" for m in chat_history) + "<assistant>\n"


GROUPS = {
    "mmlu3": "group: mmlu3\ntask: [mmlu3_one, mmlu_abstract_algebra]\n",
    "mmlu3_one": "group: mmlu3_one\ngroup_alias: one\ntask: [mmlu_sociology, mmlu_global_facts]\n",
}
MEAN = "aggregate_metric_list: [{metric: acc, weight_by_size: true}]\nmetadata: {version: 2}\n"
PLAIN = ["arc_challenge", "arc_easy", "hellaswag", "openbookqa", "piqa", "boolq", "winogrande", "truthfulqa_mc1", "truthfulqa_mc2"]
RUNS = {
    "zero_shot": dict(tasks=PLAIN + ["mmlu3"]),
    "three_shot": dict(tasks=PLAIN + ["mmlu_sociology"], num_fewshot=3, limit=3),
    "own_pool": dict(tasks=["hellaswag"], num_fewshot=4),
    "fraction": dict(tasks=["arc_challenge"], limit=0.3, num_fewshot=2),
    "chat": dict(tasks=["arc_easy", "winogrande", "mmlu_sociology"], limit=3, num_fewshot=2, apply_chat_template=True, fewshot_as_multiturn=True,
                 system_instruction="Answer well."),
    "chat_one_turn": dict(tasks=["arc_easy", "winogrande", "mmlu_sociology"], limit=3, num_fewshot=2, apply_chat_template=True, fewshot_as_multiturn=False),
}

groups = tempfile.mkdtemp()
for name, text in GROUPS.items():
    with open(os.path.join(groups, name + ".yaml"), "w") as f:
        f.write(text + MEAN)

for run, arguments in RUNS.items():
    out = os.path.join(HERE, "goldens", run)
    shutil.rmtree(out, ignore_errors=True)
    tracker = EvaluationTracker(output_path=out)
    tasks = arguments.pop("tasks")
    results = simple_evaluate(model=Checksum(), tasks=tasks, task_manager=TaskManager(include_path=groups), evaluation_tracker=tracker, log_samples=True,
                              bootstrap_iters=100, **arguments)
    samples = results.pop("samples")
    table = make_table(results) + ("\n" + make_table(results, "groups") if "groups" in results else "")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    # The files get names without the date, and the long configs, which name this
    # machine's paths, are left out.
    for path in glob.glob(out + "/*/*"):
        name = os.path.basename(path).rsplit("_20", 1)[0]
        shutil.move(path, os.path.join(out, name + os.path.splitext(path)[1]))
    for folder in glob.glob(out + "/*/"):
        os.rmdir(folder)
    with open(out + "/results.json", encoding="utf-8") as f:
        full = json.load(f)
    kept = "results groups group_subtasks versions n-shot higher_is_better n-samples task_hashes".split()
    with open(out + "/results.json", "w", encoding="utf-8") as f:
        json.dump({k: full[k] for k in kept if k in full}, f, indent=1, ensure_ascii=False)
    with open(out + "/table.md", "w", encoding="utf-8") as f:
        f.write(table)
