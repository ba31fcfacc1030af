"""Writes goldens.json: contexts and continuations as lm-eval's own code encodes
them, with the tokenizer of examples/embedded, as it is and with BOS added.

    pip install lm-eval==0.4.13 transformers==5.24 torch && python make_goldens.py
"""
import json
import pathlib
import types

from lm_eval.models.huggingface import HFLM
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

here = pathlib.Path(__file__).parent
model = here.parents[2] / "examples" / "embedded" / "model"

CASES = [
    ("What does the cat say?", " The cat says meow."),
    ("What does the cat say? ", "meow"),
    ("What does the cat say?\n\n", "The cat"),
    ("Question:\x1c", " red"),
    ("Question:\u00a0", "red"),
    ("The cat eats gra", "ss."),
    ("", "The cat"),
    ("", "<|im_start|>The cat"),
    ("<|im_start|>user\nHow does the owl sound?<|im_end|>\n<|im_start|>assistant\n", "The owl says hiss.<|im_end|>"),
    ("Ünïcödé 😀", " 😀"),
]


def lm(add_bos):
    tok = PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), bos_token="<|im_start|>", eos_token="<|im_end|>")
    if add_bos:
        tok.backend_tokenizer.post_processor = TemplateProcessing(
            single="<|im_start|> $A", special_tokens=[("<|im_start|>", tok.bos_token_id)])
    self = HFLM.__new__(HFLM)
    self.tokenizer, self.backend, self.custom_prefix_token_id, self.add_bos_token = tok, "causal", None, None
    self.enable_thinking = None
    return self


out = []
for add_bos in [False, True]:
    self = lm(add_bos)
    requests = [types.SimpleNamespace(args=case) for case in CASES]
    self._loglikelihood_tokens = lambda reqs, **_: reqs
    for (context, continuation), (_, c, k) in zip(CASES, HFLM.loglikelihood(self, requests, disable_tqdm=True)):
        out.append({"bos": add_bos, "context": context, "continuation": continuation, "context_ids": c, "continuation_ids": k})
(here / "goldens.json").write_text(json.dumps(out) + "\n")
