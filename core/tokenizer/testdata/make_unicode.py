"""Writes ../unicode.txt: the character sets of Hugging Face's tokenizers library.

Its parts carry tables of different Unicode versions (Oniguruma 16, Rust 17,
unicode-normalization-alignments 9, unicode_categories 7), so every set is asked of
the library itself, character by character:

    pip install tokenizers==0.23.3
    python make_unicode.py > ../unicode.txt
"""

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CHARS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(CHARS)


def matched(pattern):
    """The characters that a regex of the library matches."""
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return {c for part, _ in split.pre_tokenize_str(TEXT) for c in part}


def removed(step):
    """The characters that a pre-tokenizer removes."""
    return set(CHARS) - {c for part, _ in step.pre_tokenize_str(TEXT) for c in part}


def numeric():
    """The characters that Digits cuts at: each stands alone among letters."""
    text = "x".join(CHARS)
    return {part for part, _ in pre_tokenizers.Digits(True).pre_tokenize_str(text) if len(part) == 1} - {"x"}


def word():
    """The characters that single_word takes for a part of a word."""
    t = Tokenizer(models.BPE({"u": 0}, [], unk_token="u"))
    t.add_tokens([AddedToken("X", single_word=True, normalized=False)])
    return {c for c, e in zip(CHARS, t.encode_batch([c + "X" for c in CHARS])) if 1 not in e.ids}


def changed(normalizer):
    return {c: n for c in CHARS if (n := normalizer.normalize_str(c)) != c}


def ranges(chars):
    out = []
    for c in sorted(map(ord, chars)):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return " ".join(f"{a:x}-{b:x}" if a < b else f"{a:x}" for a, b in out)


def main():
    for category in "L Lu Ll Lt Lm Lo M N Nd Nl No P Pc S".split():
        print(category, ranges(matched(rf"\p{{{category}}}")))
    print("regex-word", ranges(matched(r"\w")))
    print("class-word", ranges(matched(r"[\w]")))  # six of Latin-1 fewer
    print("numeric", ranges(numeric()))
    print("punctuation", ranges(removed(pre_tokenizers.Punctuation("removed"))))
    print("word", ranges(word()))
    print("mark", ranges(c for c, n in changed(normalizers.StripAccents()).items() if not n))
    hangul = set(map(chr, range(0xAC00, 0xD7A4)))
    print("decomposes", ranges(set(changed(normalizers.NFKD())) - hangul))
    lower = changed(normalizers.Lowercase())
    print("lower", " ".join(f"{ord(c):x}:{ord(n):x}" for c, n in lower.items() if len(n) == 1))


main()
