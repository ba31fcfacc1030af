"""Writes chatml/ and inst/ beside itself: two tiny tokenizers with chat templates, trained on the text below.

chatml is byte-level like SmolLM2's, adds nothing to text, and its template ends a message in EOS and a new line.
inst is like Llama-2's: spaces are "▁", unknown characters bytes, BOS goes before text, and its template trims.

    make_models.py        (tokenizers 0.23, nothing else)
"""

import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """
Hello world! Nice to meet you. The answer is yes, and the answer is no. Question: what is two and two? Answer: 4.
You are a helpful assistant. Write a list of the colours of the rainbow: red, orange, yellow, green, blue, violet.
The river runs to the sea, and the sea is wide; a boat with a white sail goes from the harbour to the island.
Tell me a story about a fox and a hen. Once upon a time there was a fox who wanted to learn how to count to ten.
Explain why the sky is blue. Light from the sun is scattered by the air, and blue light is scattered the most.
def add(a, b):\n    return a + b\n\nfor i in range(10):\n    print(i, add(i, 1))\n
Please summarise this text in one sentence. How do I cook rice? Wash it, add water, bring it to the boil, wait.
Café, naïve, Straße, 12345, 2026, 3.14, 100 %, «oui», “yes”, it’s fine.
""".strip().split("\n")

CHATML = """\
{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}\
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

INST = """\
{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] | trim + ' [/INST]' }}\
{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] | trim + eos_token }}\
{% else %}{{ '<<SYS>> ' + message['content'] | trim + ' <</SYS>> ' }}{% endif %}{% endfor %}"""


def chatml():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    t.train_from_iterator(TEXT, trainer)
    return t, {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "unk_token": "<|endoftext|>"}


def inst():
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=480, special_tokens=special, show_progress=False, max_token_length=8)
    words = [w for line in TEXT for w in line.split(" ")]
    t.train_from_iterator(words, trainer)
    state = json.loads(t.to_str())
    state["added_tokens"] = [a for a in state["added_tokens"] if a["id"] < 3]  # the bytes are plain entries
    t = Tokenizer.from_str(json.dumps(state))
    t.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return t, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}


def main():
    here = pathlib.Path(__file__).parent
    for name, (tokenizer, special), template in [("chatml", chatml(), CHATML), ("inst", inst(), INST)]:
        folder = here / name
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False))
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, "model_max_length": 4096, **special}
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
        (folder / "chat_template.jinja").write_text(template)


if __name__ == "__main__":
    main()
