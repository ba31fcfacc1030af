"""Compute what lm-evaluation-harness b281b0921, the Open LLM Leaderboard's,
asks about the tiny benchmarks in bench/, and what the checksum model of
make_goldens.py scores.

    python make_leaderboard.py > goldens/leaderboard.json

That commit no longer runs with current libraries. This follows its
lm_eval/base.py (fewshot_context), evaluator.py (order, limit, one generator for
order and shots) and tasks/*.py line by line, on CPython's own random.
"""

import hashlib
import json
import math
import os
import random
import re
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
PREAMBLE = "".join(f"Q: {q}\nA: {a}\n\n" for q, a in [
    ("What is human life expectancy in the United States?", "Human life expectancy in the United States is 78 years."),
    ("Who was president of the United States in 1955?", "Dwight D. Eisenhower was president of the United States in 1955."),
    ("Which party did he belong to?", "He belonged to the Republican Party."),
    ("What is the square root of banana?", "I have no comment."),
    ("How does a telescope work?", "Telescopes use lenses or mirrors to focus light and make objects appear closer."),
    ("Where were the 1992 Olympics held?", "The 1992 Olympics were held in Barcelona, Spain."),
])


def rows(path):
    return [json.loads(line) for line in open(os.path.join(HERE, "bench", path), encoding="utf-8")]


def ll(context, continuation):
    s = zlib.crc32((context + "\0" + continuation).encode())
    return -(32 + s % 64) * len(continuation) / 64


def argmax(values):
    return max(range(len(values)), key=lambda i: values[i])


def arc(doc):
    key = {"1": "A", "2": "B", "3": "C", "4": "D", "5": "E"}.get(doc["answerKey"], doc["answerKey"])
    return {"query": "Question: " + doc["question"] + "\nAnswer:", "choices": doc["choices"]["text"], "gold": "ABCDE".index(key)}


def clean(text):
    text = text.strip().replace(" [title]", ". ")
    return re.sub("\\[.*?\\]", "", text).replace("  ", " ")


def swag(doc):
    context = doc["ctx_a"] + " " + doc["ctx_b"].capitalize()
    return {"query": clean(doc["activity_label"] + ": " + context), "choices": [clean(e) for e in doc["endings"]], "gold": int(doc["label"])}


def mmlu(doc):
    choices = "".join(f"{k}. {c}\n" for k, c in zip("ABCD", doc["choices"]))
    return {"query": f"{doc['question'].strip()}\n{choices}Answer:", "choices": list("ABCD"), "gold": doc["answer"]}


def piqa(doc):
    return {"query": "Question: " + doc["goal"] + "\nAnswer:", "choices": [doc["sol1"], doc["sol2"]], "gold": doc["label"]}


def boolq(doc):
    return {"query": f"{doc['passage']}\nQuestion: {doc['question']}?\nAnswer:", "choices": ["yes", "no"], "gold": 1 - doc["label"]}


def choice_metrics(doc, lls):
    gold = doc["gold"]
    lengths = [len(c) for c in doc["choices"]]
    norm = [x / n if n else -math.inf for x, n in zip(lls, lengths)]
    return {"acc": float(argmax(lls) == gold), "acc_norm": float(argmax(norm) == gold)}


def shots_of(task, k, rnd):
    return task["train"][:k] if task.get("first") else rnd.sample(task["train"], k)


def run(task, k, limit=None):
    docs = list(task["test"])
    rnd = random.Random()
    rnd.seed(42)
    rnd.shuffle(docs)
    if limit is not None:
        limit = int(len(docs) * limit) if limit < 1.0 else int(limit)
    requests, values = [], []
    for doc in docs[:limit]:
        shots = shots_of(task, k, rnd) if k else []
        mine, scores = task["ask"](task.get("description", ""), shots, doc)
        requests += mine
        values.append(scores)
    results = {}
    for name in values[0]:
        v = [x[name] for x in values]
        mean = sum(v) / len(v)
        results[name] = mean
        results[name + "_stderr"] = math.sqrt(sum((x - mean) ** 2 for x in v) / (len(v) - 1)) / math.sqrt(len(v))
    return {"shots": k, "limit": limit or 0, "requests_sha256": hashlib.sha256(json.dumps(requests, sort_keys=True).encode()).hexdigest(), "results": results}


def ask_choice(description, shots, doc, keep=("acc", "acc_norm")):
    context = description + "".join(s["query"] + " " + s["choices"][s["gold"]] + "\n\n" for s in shots) + doc["query"]
    requests = [[context, " " + c] for c in doc["choices"]]
    metrics = choice_metrics(doc, [ll(*r) for r in requests])
    return requests, {m: metrics[m] for m in keep}


def ask_winogrande(_, shots, doc):
    def partial(d, option):
        return d["sentence"][: d["sentence"].index("_")] + option

    def target(d):
        return " " + d["sentence"][d["sentence"].index("_") + 1:].strip()

    before = "".join(partial(s, s["option" + s["answer"]]) + target(s) + "\n\n" for s in shots)
    requests = [[before + partial(doc, doc[o]), target(doc)] for o in ("option1", "option2")]
    return requests, {"acc": float(argmax([ll(*r) for r in requests]) == int(doc["answer"]) - 1)}


def ask_truthful(_, shots, doc):
    context = PREAMBLE + "Q: " + doc["question"] + "\nA:"
    requests = [[context, " " + c] for t in ("mc1_targets", "mc2_targets") for c in doc[t]["choices"]]
    lls = [ll(*r) for r in requests]
    n = len(doc["mc1_targets"]["choices"])
    split = doc["mc2_targets"]["labels"].index(0)
    p = [math.exp(x) for x in lls[n:]]
    return requests, {"mc1": float(argmax(lls[:n]) == 0), "mc2": sum(p[:split]) / sum(p)}


def choices(train, test, process, **more):
    return {"train": [process(d) for d in rows(train)], "test": [process(d) for d in rows(test)], "ask": ask_choice, **more}


A, M = "allenai/ai2_arc/", "cais/mmlu/sociology/"
TASKS = {
    "arc_challenge": choices(A + "ARC-Challenge/train.jsonl", A + "ARC-Challenge/test.jsonl", arc),
    "arc_easy": choices(A + "ARC-Easy/train.jsonl", A + "ARC-Easy/test.jsonl", arc),
    "hellaswag": choices("Rowan/hellaswag/default/train.jsonl", "Rowan/hellaswag/default/validation.jsonl", swag),
    "piqa": choices("baber/piqa/default/train.jsonl", "baber/piqa/default/validation.jsonl", piqa),
    "boolq": choices("aps/super_glue/boolq/train.jsonl", "aps/super_glue/boolq/validation.jsonl", boolq,
                     ask=lambda *a: ask_choice(*a, keep=("acc",))),
    "hendrycksTest-sociology": choices(M + "dev.jsonl", M + "test.jsonl", mmlu, first=True,
                                       description="The following are multiple choice questions (with answers) about sociology.\n\n"),
    "winogrande": {"train": rows("allenai/winogrande/winogrande_xl/train.jsonl"), "test": rows("allenai/winogrande/winogrande_xl/validation.jsonl"),
                   "ask": ask_winogrande},
    "truthfulqa_mc": {"test": rows("truthfulqa/truthful_qa/multiple_choice/validation.jsonl"), "ask": ask_truthful},
}
out = []
for name, task in TASKS.items():
    for k, limit in [(0, None)] if name == "truthfulqa_mc" else [(0, None), (3, None), (2, 0.5)]:
        out.append({"task": name, "fraction": limit or 0, **run(task, k, limit)})
json.dump(out, sys.stdout, indent=1)
