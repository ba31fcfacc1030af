"""Write tiny benchmarks of our own making, in the hub's layouts, into bench/.

    python make_data.py

The questions are this project's; odd white space, brackets, capitals, other
scripts, duplicates and answers outside the choices are there on purpose.
"""

import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
THINGS = "lamp river stone bread cloud violin ladder harbor pencil garden mirror basket".split()
PLACES = "attic market valley kitchen station island".split()


def write(path, rows):
    path = os.path.join(HERE, "bench", path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def arc(i, choices=4):
    labels = list("ABCDE")[:choices] if i % 3 else [str(n + 1) for n in range(choices)]
    texts = [f"the {THINGS[(i + k) % 12]} in the {PLACES[(i * k) % 6]}" for k in range(choices)]
    return {"id": f"Q{i}", "question": f"Which of these is heavier than {THINGS[i % 12]} number {i}?",
            "choices": {"text": texts, "label": labels}, "answerKey": labels[(i * 7) % choices]}


def book(i):
    row = arc(i)
    return {"id": row["id"], "question_stem": f"A {THINGS[i % 12]} left in the {PLACES[i % 6]} will", "choices": row["choices"],
            "answerKey": (" " if i == 2 else "") + row["answerKey"]}


def swag(i):
    tricky = ["[header] A [title] b", "", "ÄRGER im [step] haus  [x]", "ßtrasse", "ΟΔΟΣ ΣΑΣ", "two  spaces   three"]
    return {"ind": i, "activity_label": f"Making {THINGS[i % 12]}s", "ctx_a": f"How to carry a {THINGS[i % 12]} [title] Step {i}.",
            "ctx_b": tricky[i % 6], "ctx": f"How to carry a {THINGS[i % 12]}", "source_id": f"s~{i}", "split": "val", "split_type": "indomain",
            "endings": [f"[header] {THINGS[(i + 1) % 12]} first", f"he  drops   the {THINGS[i % 12]}.", " İstanbul [a\nb] stays ", "[cut]" if i == 33 else f"[substeps] Lift {i} [title] Go on"],
            "label": str(i % 4)}


def mmlu(subject, i):
    return {"question": f" How many {THINGS[i % 12]}s fit into a {subject.replace('_', ' ')}, case {i}?\n", "subject": subject,
            "choices": [str(i), f"{i + 1} or\nmore", f'"{i + 2}"', " none "], "answer": i % 4}


def truth(i):
    good = [f"It stays a {THINGS[i % 12]}", "Nothing happens"][: 1 + i % 2]
    bad = ["It turns into gold", f"It flies to the {PLACES[i % 6]}", "Nobody knows — 不知道"]
    labels = [1] * len(good) + [0] * len(bad)
    choices = good + bad
    if i == 3:  # a true answer behind a false one: the two versions of mc2 differ
        choices, labels = choices + ["It rests"], labels + [1]
    return {"question": f"What happens to a {THINGS[i % 12]} at night?",
            "mc1_targets": {"choices": [choices[0]] + bad, "labels": [1, 0, 0, 0]}, "mc2_targets": {"choices": choices, "labels": labels}}


def wino(i):
    a, b = THINGS[i % 12], THINGS[(i + 5) % 12]
    return {"sentence": f"The {a} did not fit into the {b} because the _ was too large.", "option1": a, "option2": b, "answer": str(1 + i % 2)}


def piqa(i):
    return {"goal": f"To clean a {THINGS[i % 12]},", "sol1": "use water and a cloth", "sol2": f"bury it in the {PLACES[i % 6]}", "label": i % 2}


def boolq(i):
    return {"question": f"is a {THINGS[i % 12]} older than a {THINGS[(i + 1) % 12]}", "passage": f"Every {THINGS[i % 12]} was made in {1800 + i}.",
            "idx": i, "label": i % 2}


write("allenai/ai2_arc/ARC-Challenge/train.jsonl", [arc(i) for i in range(30)])
write("allenai/ai2_arc/ARC-Challenge/test.jsonl", [arc(i, 3 + i % 3) for i in range(40, 49)])
write("allenai/ai2_arc/ARC-Easy/train.jsonl", [arc(i) for i in range(60, 75)])
write("allenai/ai2_arc/ARC-Easy/test.jsonl", [arc(i) for i in range(80, 88)])
write("allenai/openbookqa/main/train.jsonl", [book(i) for i in range(10, 20)])
write("allenai/openbookqa/main/test.jsonl", [book(i) for i in range(6)])
pool = [swag(i) for i in range(20)]
write("Rowan/hellaswag/default/train.jsonl", pool)
write("Rowan/hellaswag/default/validation.jsonl", [swag(i) for i in range(30, 37)] + [pool[4], pool[11]])
for subject in ["abstract_algebra", "global_facts", "sociology"]:
    write(f"cais/mmlu/{subject}/dev.jsonl", [mmlu(subject, i) for i in range(5)])
    outside = dict(mmlu(subject, 30), answer=4)
    write(f"cais/mmlu/{subject}/test.jsonl", [mmlu(subject, i) for i in range(7, 12 + len(subject) % 4)] + [outside])
write("truthfulqa/truthful_qa/multiple_choice/validation.jsonl", [truth(i) for i in range(7)])
write("allenai/winogrande/winogrande_xl/train.jsonl", [wino(i) for i in range(20, 32)])
write("allenai/winogrande/winogrande_xl/validation.jsonl", [wino(i) for i in range(8)])
write("baber/piqa/default/train.jsonl", [piqa(i) for i in range(20, 28)])
write("baber/piqa/default/validation.jsonl", [piqa(i) for i in range(6)])
write("aps/super_glue/boolq/train.jsonl", [boolq(i) for i in range(20, 28)])
write("aps/super_glue/boolq/validation.jsonl", [boolq(i) for i in range(6)])
