"""What TRL makes of preference rows: reads rows as JSON lines, writes the ids as JSON lines.

    trl_ids.py PROFILE MODEL [--max-length N] [--max-prompt-length N] [--truncation-mode M] < rows.jsonl > ids.jsonl

MODEL is a folder with a tokenizer. PROFILE names whose code runs:

    trl-1      the installed TRL (made with 1.16.0): DPOTrainer._prepare_dataset and its collator
    trl-0.28   TRL 0.28.0:  pip install --no-deps --target DIR trl==0.28.0, DIR in $PYTHONPATH;
               DPOTrainer._prepare_dataset, and concatenated_forward before a model that notes its input
    trl-0.7.4  TRL 0.7.4, installed likewise, does not import beside a transformers of today, so its
               class DPODataCollatorWithPadding is taken out of trl/trainer/utils.py and run alone.
               It takes text; messages are rendered by the installed TRL's apply_chat_template.

Each output line is the row of chosen and the row of rejected as the model gets them, and how many
tokens at the end of each are completion: {"chosen": [ids], "chosen_completion": n, "rejected": ...},
or null where TRL drops the pair.
"""

import argparse
import ast
import itertools
import json
import pathlib
import sys
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Union

import transformers.utils.import_utils as import_utils

available = import_utils._is_package_available


class Found(tuple):
    """(found, version) that is also true where found is: TRL 0.28 expects transformers 4's bool."""

    def __bool__(self):
        return bool(self[0])


def found(name, return_version=False):
    out = available(name, return_version)
    return Found(out) if isinstance(out, tuple) else out


def side(completion, prompt):
    return {"ids": prompt + completion, "completion": len(completion)}


def result(chosen, rejected):
    return {
        "chosen": chosen["ids"],
        "chosen_completion": chosen["completion"],
        "rejected": rejected["ids"],
        "rejected_completion": rejected["completion"],
    }


def batches(rows):
    """Lists of rows in a row that have the same fields of the same types: Arrow would fill up what one lacks."""
    for _, batch in itertools.groupby(rows, lambda row: [(k, type(v)) for k, v in row.items()]):
        yield list(batch)


def prepared(trainer, config, rows, tokenizer):
    """DPOTrainer._prepare_dataset's rows, None where it drops one."""
    from datasets import Dataset
    from trl.trainer.dpo_trainer import DPOTrainer

    for batch in batches(rows):
        data = Dataset.from_list([{**row, "number": i} for i, row in enumerate(batch)])
        out = {row["number"]: row for row in DPOTrainer._prepare_dataset(trainer, data, tokenizer, config, "rows")}
        yield from (out.get(i) for i in range(len(batch)))


def trl_1(rows, tokenizer, args):
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    collate = DataCollatorForPreference(0, args.max_length or 1024, args.truncation_mode or "keep_start")
    config = SimpleNamespace(dataset_num_proc=None, max_length=collate.max_length, truncation_mode=collate.truncation_mode)
    for row in prepared(SimpleNamespace(_tokenizer=tokenizer), config, rows, tokenizer):
        if row is None:
            yield None
            continue
        batch = collate([row])
        sides = []
        for ids, mask, completion in zip(batch["input_ids"], batch["attention_mask"], batch["completion_mask"]):
            sides.append({"ids": ids[mask.bool()].tolist(), "completion": int(completion.sum())})
        yield result(*sides)


class Noted(Exception):
    """Carries what the model would have got."""


def note(input_ids, attention_mask, **_):
    raise Noted(input_ids, attention_mask)


def trl_028(rows, tokenizer, args):
    from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

    config = SimpleNamespace(
        dataset_num_proc=None, tools=None, max_prompt_length=args.max_prompt_length or 512, max_completion_length=None
    )
    trainer = SimpleNamespace(
        is_vision_model=False, tokenize_row=DPOTrainer.tokenize_row, concatenated_inputs=DPOTrainer.concatenated_inputs,
        pad_token_id=0, aux_loss_enabled=False, is_encoder_decoder=False, max_length=args.max_length or 1024,
        truncation_mode=args.truncation_mode or "keep_end", use_logits_to_keep=False, padding_free=False,
    )
    for data in prepared(trainer, config, rows, tokenizer):
        batch = DataCollatorForPreference(0)([data])
        try:
            DPOTrainer.concatenated_forward(trainer, note, batch)
        except Noted as noted:
            input_ids, attention = noted.args
        sides = []
        for ids, mask, name in zip(input_ids, attention, ["chosen", "rejected"]):
            ids = ids[mask.bool()].tolist()
            completion, prompt = data[f"{name}_input_ids"], data["prompt_input_ids"]
            kept = len(ids) - len(prompt) if trainer.truncation_mode == "keep_start" else len(ids)
            sides.append({"ids": ids, "completion": max(0, min(len(completion), kept))})
        yield result(*sides)


def collator_074():
    """TRL 0.7.4's collator, cut out of its module."""
    path = next(p for p in (pathlib.Path(d, "trl/trainer/utils.py") for d in sys.path) if p.exists() and "DPODataCollatorWithPadding" in p.read_text())
    tree = ast.parse(path.read_text())
    tree.body = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "DPODataCollatorWithPadding"]
    from dataclasses import dataclass

    scope = {"dataclass": dataclass, "PreTrainedTokenizerBase": Any, "PreTrainedModel": Any, "PaddingStrategy": Any,
             "Optional": Optional, "Union": Union, "Dict": Dict, "List": List, "Any": Any}
    exec(compile(tree, str(path), "exec"), scope)
    return scope["DPODataCollatorWithPadding"]


def trl_074(rows, tokenizer, args):
    collator = collator_074()
    sys.path = [d for d in sys.path if "DPODataCollatorWithPadding" not in utils_text(d)]
    from trl.data_utils import apply_chat_template, is_conversational, maybe_extract_prompt

    collate = collator(
        tokenizer, max_length=args.max_length or 1024, max_prompt_length=args.max_prompt_length or 512,
        truncation_mode=args.truncation_mode or "keep_end",
    )
    for row in rows:
        row = maybe_extract_prompt(row)
        if is_conversational(row):
            row = apply_chat_template(row, tokenizer)
        x = collate.tokenize_batch_element(row["prompt"], row["chosen"], row["rejected"])
        sides = []
        for name in ["chosen", "rejected"]:
            completion = sum(label != -100 for label in x[f"{name}_labels"])
            sides.append({"ids": x[f"{name}_input_ids"], "completion": completion})
        yield result(*sides)


def utils_text(folder):
    path = pathlib.Path(folder, "trl/trainer/utils.py")
    return path.read_text() if path.exists() else ""


def main():
    p = argparse.ArgumentParser()
    p.add_argument("profile", choices=["trl-1", "trl-0.28", "trl-0.7.4"])
    p.add_argument("model")
    p.add_argument("--max-length", type=int)
    p.add_argument("--max-prompt-length", type=int)
    p.add_argument("--truncation-mode", choices=["keep_start", "keep_end"])
    args = p.parse_args()

    import_utils._is_package_available = found
    import datasets
    from transformers import PreTrainedTokenizerFast

    datasets.disable_progress_bars()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(args.model)
    run = {"trl-1": trl_1, "trl-0.28": trl_028, "trl-0.7.4": trl_074}[args.profile]
    for out in run((json.loads(line) for line in sys.stdin), tokenizer, args):
        print(json.dumps(out, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
