"""Writes goldens/*.json.gz: tiny tokenizers and what Hugging Face's library makes of texts.

goldens/texts.json.gz is the list of texts as hexadecimal bytes. Every other file is
{"tokenizer": a tokenizer.json, "cases": one for each text: {"ids", "special": ids with
special tokens, "offsets": of special, in characters, "decoded": of special, "skipped":
the same without special tokens}}, where "special" left out is "ids", "decoded" the text
and "skipped" is "decoded". Each kind of component is in some tokenizer.
sentencepiece-*.json.gz hold a tokenizer.model in base64 instead, and what the
sentencepiece library itself makes of the texts (null: not comparable).
goldens/patterns.json.gz holds where regexes cut the texts, and
goldens/codepoints.json.gz hashes of the ids of every character.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python make_goldens.py
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import random
import struct

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
TEXTS = (HERE / "texts.txt").read_text(encoding="utf-8").split("\n----\n")

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

# What texts of fuzzing are made of: the characters that rules ask about.
PIECES = (
    list("aaeeiosStTzZ09 \t\n\r.,'!_-/(") + ["  ", "   ", "\n\n", "\r\n", " \n", "'s", "'LL", "'ve", "'ſ", "1234"]
    + list("éÉßİıſÅñ\u0301\u0323\u0308\u0327\u0300\u0340\u1e9b\u00a0\u2003\u2028\u200b\u200d\u3000\ufeff\u0085")
    + list("中文字，。한글각ㄱ각なナ्कি௦²½Ⅷ٣๓𝟙🙂👩🏽\U0001f1e9\U0001f1ea〜–—…“”«€$+<=>^`|~©")
    + list("ﬁﬆ①㈱Ǆǅǆ\u0345\ufffd\u0600\u0f0b\U00011938\U0001171d\U00031350\ua7da\ufb1d\u0958")
    + ["<|end|>", "<s>", "</s>", "<pad>", "user", "User", "[X]", "▁", "▁▁", " ▁", "Ġ", "##", "</w>", "<0x41>", "Ċ"]
)
BYTES = [b"\xff", b"\xc0\x80", b"\xe4\xb8", b"\xf0\x9f\x99", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"a", b" ", "中".encode(), "é".encode(), b"\x00"]


def fuzz(rng, count, pieces, longest):
    join = b"".join if isinstance(pieces[0], bytes) else "".join
    return [join(rng.choices(pieces, k=rng.randint(1, longest))) for _ in range(count)]


def texts():
    rng = random.Random(1)
    out = [t.encode() for t in [""] + TEXTS + fuzz(rng, 75, PIECES, 9) + fuzz(rng, 1, PIECES, 150)]
    return out + fuzz(rng, 14, BYTES, 8)


def train(tokenizer, size=330, **options):
    byte = any("ByteLevel" in repr(p) for p in [tokenizer.pre_tokenizer])
    alphabet = pre_tokenizers.ByteLevel.alphabet() if byte else []
    options.setdefault("initial_alphabet", alphabet)
    kind = trainers.UnigramTrainer if isinstance(tokenizer.model, models.Unigram) else trainers.BpeTrainer
    tokenizer.train_from_iterator(TEXTS, kind(vocab_size=size, show_progress=False, **options))
    return tokenizer


def bpe(normalizer=None, pre=None, post=None, decoder=None, added=(), train_options=None, **model):
    t = Tokenizer(models.BPE(**model))
    parts = dict(normalizer=normalizer, pre_tokenizer=pre, post_processor=post, decoder=decoder)
    return finish(t, parts, added, train_options or {})


def finish(t, parts, added, train_options):
    for name, part in parts.items():
        if part is not None:
            setattr(t, name, part)
    train(t, **train_options)
    t.add_tokens(list(added))
    return t


def special(content, **flags):
    return AddedToken(content, special=True, normalized=False, **flags)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern if isinstance(pattern, Regex) else Regex(pattern), behavior, invert)


def byte_split(pattern):
    return pre_tokenizers.Sequence([split(pattern), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def bytelevel(pre, **more):
    more.setdefault("decoder", decoders.ByteLevel())
    more.setdefault("post", processors.ByteLevel(trim_offsets=False))
    more.setdefault("added", [special("<|end|>")])
    return bpe(pre=pre, **more)


FALLBACK = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
SPM_DECODER = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]


def fallback(**parts):
    t = bpe(
        decoder=decoders.Sequence(SPM_DECODER), byte_fallback=True, fuse_unk=True, unk_token="<unk>",
        train_options=dict(special_tokens=FALLBACK, size=600, limit_alphabet=60), **parts,
    )
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    t.post_processor = template("<s>", 1, "", 0)
    # The trainer calls all of FALLBACK special; models of the field call three so.
    d = json.loads(t.to_str())
    d["added_tokens"] = [a for a in d["added_tokens"] if not a["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(d))


def template(bos, bos_id, eos, eos_id):
    return processors.TemplateProcessing(
        single=f"{bos} $A {eos}".strip(), pair=f"{bos} $A {bos} $B:1", special_tokens=[(s, i) for s, i in [(bos, bos_id), (eos, eos_id)] if s]
    )


def both_ends():
    t = bytelevel(pre_tokenizers.ByteLevel(add_prefix_space=True), post=processors.ByteLevel(trim_offsets=True))
    t.add_special_tokens(["<s>", "</s>"])
    t.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True), template("<s>", t.token_to_id("<s>"), "</s>", t.token_to_id("</s>"))])
    return t


def unigram(pre, added=(), byte_fallback=False, **parts):
    t = finish(Tokenizer(models.Unigram()), dict(parts, pre_tokenizer=pre), added,
               dict(size=500, unk_token="<unk>", special_tokens=["<unk>"] + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])))
    d = json.loads(t.to_str())
    d["model"]["byte_fallback"] = byte_fallback
    d["added_tokens"] = [a for a in d["added_tokens"] if not a["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(d))


N, P = normalizers, pre_tokenizers
ADDED = [
    special("<|end|>", lstrip=True), special("<s>", rstrip=True), AddedToken("user", single_word=True, normalized=True),
    AddedToken("[X]", lstrip=True, rstrip=True, normalized=False), AddedToken("É", normalized=True, special=True), AddedToken("  ", normalized=False),
]
WORDS = dict(unk_token="<unk>", train_options=dict(special_tokens=["<unk>"], limit_alphabet=70))

TOKENIZERS = {
    "gpt2": lambda: bytelevel(P.ByteLevel(add_prefix_space=False), post=processors.ByteLevel(trim_offsets=True)),
    "gpt2-ends": both_ends,
    "smollm": lambda: bytelevel(P.Sequence([P.Digits(individual_digits=True), P.ByteLevel(add_prefix_space=False)])),
    "digits-prefix": lambda: bytelevel(P.Sequence([P.Digits(), P.ByteLevel(add_prefix_space=True)])),
    "falcon": lambda: bytelevel(P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(), split("[0-9][0-9][0-9]")])),
    "llama3": lambda: bytelevel(byte_split(LLAMA3), ignore_merges=True),
    "qwen2": lambda: bytelevel(byte_split(QWEN2), normalizer=N.NFC()),
    "cl100k": lambda: bytelevel(byte_split(CL100K)),
    "o200k": lambda: bytelevel(byte_split(O200K)),
    "deepseek": lambda: bytelevel(P.Sequence([split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), P.ByteLevel(add_prefix_space=False, use_regex=False)])),
    "added": lambda: bytelevel(P.ByteLevel(add_prefix_space=False), normalizer=N.Lowercase(), added=ADDED),
    "added-prepend": lambda: fallback(normalizer=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), added=ADDED),
    "llama2": lambda: fallback(normalizer=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])),
    "mistral": lambda: fallback(pre=P.Metaspace(prepend_scheme="first", split=False), added=ADDED[:2]),
    "metaspace-strip": lambda: fallback(normalizer=N.Strip(), pre=P.Metaspace(prepend_scheme="first", split=False), added=ADDED[:4]),
    "metaspace": lambda: bpe(pre=P.Metaspace(), decoder=decoders.Metaspace(), **WORDS),
    "metaspace-never": lambda: bpe(pre=P.Metaspace(prepend_scheme="never"), decoder=decoders.Metaspace(prepend_scheme="never"), fuse_unk=True, **WORDS),
    "no-unk": lambda: bpe(pre=P.WhitespaceSplit(), decoder=decoders.Fuse(), train_options=dict(limit_alphabet=40)),
    "no-decoder": lambda: bpe(pre=P.Whitespace(), normalizer=N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase()]), **WORDS),
    "nfd": lambda: bytelevel(P.ByteLevel(add_prefix_space=False), normalizer=N.NFD()),
    "nfkc": lambda: bytelevel(P.ByteLevel(add_prefix_space=False), normalizer=N.NFKC()),
    "nfkd": lambda: bytelevel(P.Sequence([P.Punctuation("merged_with_previous"), P.ByteLevel(add_prefix_space=False, use_regex=False)]), normalizer=N.NFKD()),
    "replace": lambda: bytelevel(
        P.ByteLevel(add_prefix_space=False, use_regex=False),
        normalizer=N.Sequence([N.Replace(Regex(r"\s{2,}"), " "), N.Replace("ab", "c"), N.Replace(Regex(r"(\d)\1|^\w"), "ü"), N.Strip(left=False, right=True)])),
    "prefix": lambda: bpe(pre=P.Whitespace(), continuing_subword_prefix="##", unk_token="<unk>",
                          train_options=dict(special_tokens=["<unk>"], limit_alphabet=70, continuing_subword_prefix="##")),
    "suffix": lambda: bpe(pre=P.Sequence([P.Whitespace(), P.Punctuation()]), end_of_word_suffix="</w>", decoder=decoders.BPEDecoder("</w>"), unk_token="<unk>",
                          train_options=dict(special_tokens=["<unk>"], limit_alphabet=70, end_of_word_suffix="</w>")),
    "removed": lambda: bpe(pre=split(r"[aeiou]\s*", "removed"), **WORDS),
    "previous": lambda: bpe(pre=split(r"[.,!?\n ]", "merged_with_previous"), **WORDS),
    "next": lambda: bpe(pre=split(r"[\p{Lu}\s]", "merged_with_next"), **WORDS),
    "contiguous": lambda: bpe(pre=split(r"\s|\p{P}", "contiguous"), **WORDS),
    "inverted": lambda: bpe(pre=P.Sequence([split(r"\w+", "removed", invert=True), split(r"[^\W\d_]+|\D", "merged_with_next", invert=True)]), **WORDS),
    "possessive": lambda: bpe(pre=split(r"(?:a|s)?+\p{^L}++(?=.)|\P{M}$|(?<=e)[^\w\s]*+"), **WORDS),
    "unigram": lambda: unigram(P.Metaspace(), decoder=decoders.Metaspace()),
    "unigram-bytes": lambda: unigram(P.Metaspace(prepend_scheme="first"), byte_fallback=True, decoder=decoders.Sequence(SPM_DECODER), normalizer=N.NFKC()),
}


CODEPOINTS = ["falcon", "qwen2", "mistral", "no-decoder"]


def case(t, raw):
    s = raw.decode("utf-8", "replace")
    e = t.encode(s)
    out = {"ids": t.encode(s, add_special_tokens=False).ids, "special": e.ids, "offsets": e.offsets,
           "decoded": t.decode(e.ids, skip_special_tokens=False), "skipped": t.decode(e.ids)}
    for key, same in [("skipped", out["decoded"]), ("decoded", s), ("special", out["ids"])]:
        if out[key] == same:
            del out[key]
    return out


def codepoints(t):
    """A hash of the ids of each block of 4096 characters, each between others of all classes."""
    out = []
    for block in range(0, 0x110000, 4096):
        chars = [chr(c) for c in range(block, block + 4096) if not 0xD800 <= c < 0xE000]
        h = hashlib.sha256()
        for e in t.encode_batch(["".join(f"a{c}1 {c}\n" for c in chars[i : i + 64]) for i in range(0, len(chars), 64)]):
            h.update(struct.pack(f"<{len(e.ids) + 1}i", len(e.ids), *e.ids))
        out.append(h.hexdigest()[:16])
    return out


def write(name, value):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as z:
        z.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    (HERE / "goldens" / f"{name}.json.gz").write_bytes(buffer.getvalue())


def sentencepieces():
    """BPE and unigram models trained by sentencepiece, and its own ids."""
    lines = [line for t in TEXTS for line in t.split("\n") if line.strip()]
    base = dict(vocab_size=500, character_coverage=0.98, normalization_rule_name="identity", hard_vocab_limit=False, minloglevel=2)
    for name, options in {
        "bpe": dict(model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False),
        "bpe-squeeze": dict(model_type="bpe", byte_fallback=True, user_defined_symbols=["user", "[X]"]),
        "unigram": dict(model_type="unigram", byte_fallback=True, remove_extra_whitespaces=False),
        "unigram-plain": dict(model_type="unigram", add_dummy_prefix=False),
    }.items():
        buffer = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=buffer, **base, **options)
        p = sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())
        # Pieces that are not normal may be matched in text by Hugging Face, never by sentencepiece.
        def ids(raw):
            t = raw.decode("utf-8", "replace")
            return None if any(piece in t for piece in ["<s>", "</s>", "<unk>", "<0x"]) else p.encode(t)

        write(f"sentencepiece-{name}", {"model": base64.b64encode(buffer.getvalue()).decode(),
              "cases": [{"ids": ids(raw)} for raw in texts()]})


PATTERNS = [GPT2, LLAMA3, QWEN2, CL100K, O200K, DEEPSEEK, r"(?i)s|k\w", r"(?:a|s)?+\p{^L}++(?=.)|\P{M}$|(?<=e)[^\w\s]*+", r"[^\W\d_]+|\D",
            r"\s{2,}|^\w", r"[^\S\r\n]+\p{Han}|[\p{Lu}\P{L}]+"]


def patterns():
    """Where each pattern cuts each text: the ends of the parts, in characters."""
    def ends(pattern, raw):
        parts = split(pattern).pre_tokenize_str(raw.decode("utf-8", "replace"))
        return [end for _, (_, end) in parts]

    write("patterns", [{"pattern": p, "ends": [ends(p, raw) for raw in texts()]} for p in PATTERNS])


def main():
    (HERE / "goldens").mkdir(exist_ok=True)
    write("texts", [raw.hex() for raw in texts()])
    hashes = {}
    for name, make in TOKENIZERS.items():
        t = make()
        write(name, {"tokenizer": json.loads(t.to_str()), "cases": [case(t, raw) for raw in texts()]})
        if name in CODEPOINTS:
            hashes[name] = codepoints(t)
    write("codepoints", hashes)
    patterns()
    sentencepieces()


main()
