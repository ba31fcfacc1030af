"""Writes rows.jsonl: the preference rows that the goldens are made of."""

import json
import pathlib

U, A, S = "user", "assistant", "system"
STORY = "Once upon a time there was a fox who wanted to learn how to count to ten. " * 4
SEA = "The river runs to the sea, and the sea is wide. " * 5


def turns(*pairs):
    return [{"role": role, "content": content} for role, content in pairs]


plain = [
    ("The answer is", " yes", " no"),
    ("The answer is ", "yes", "no"),  # a space that would be part of the next token
    ("Hello wor", "ld! Nice to meet you.", "m is bad"),  # a token over the boundary
    ("Question: what is two and two?\nAnswer:", " 4", " 5"),
    ("A: ", " two", " three"),
    ("List\n", "\n1. a", "\n2. b"),
    ("Say café:", " café, naïve", " Straße"),
    ("日本", "語です", "人です"),  # no token of the training text
    ("Tell me a story.", " " + STORY.strip(), " No."),
    (STORY + "What next?", " Ten!", " Nine, and then ten."),
    (SEA + "And then?", " " + SEA.strip(), " " + STORY.strip()),
    ("Explain why the sky is blue.", "\nLight from the sun is scattered by the air.", "\nIt is."),
    ("def add(a, b):\n", "    return a + b\n", "    return b\n"),
    ("Tabs\tand  spaces ", "  kept\t", " kept "),
]

conversations = [
    (turns((U, "How do I cook rice?")), turns((A, "Wash it, add water, bring it to the boil, wait.")), turns((A, "You cook it."))),
    (turns((S, "You are a fox."), (U, "Hello!")), turns((A, "Hello, hen.")), turns((A, "No."))),
    (turns((U, "Hello"), (A, "Hello!"), (U, "Count to ten.")), turns((A, "1 2 3 4 5 6 7 8 9 10")), turns((A, "10"))),
    (turns((U, "Hello"), (A, "Once upon")), turns((A, "a time there was a fox.")), turns((A, "a hen."))),  # the assistant goes on
    (turns((U, "Hello"), (A, "Once upon  \n")), turns((U, "Go on."), (A, "a time")), turns((U, "Stop."), (A, "Yes."))),
    (turns((U, "  spaces around  ")), turns((A, "  kept or trimmed \n")), turns((A, "trimmed"))),
    (turns((U, "Café?\n\n日本語")), turns((A, "«oui», “yes”")), turns((A, "it’s fine"))),
    (turns((U, SEA)), turns((A, STORY)), turns((A, "Short."))),
    (turns((U, STORY + SEA)), turns((A, "Ten.")), turns((A, "Ten and more."))),
    (turns((U, "Tell me a story.")), turns((A, STORY)), turns((A, SEA))),
    (turns((U, "Same start")), turns((A, "the same beginning, then this")), turns((A, "the same beginning, then that"))),
]

implicit = [
    ("Hello world! Nice to meet you.", "Hello world! Nice to see you."),
    ("The answer is yes", "The answer is no"),
    ("A story: ten", "A story: ten hens"),  # one is the beginning of the other
    ("été «oui»", "été «non»"),
]

rows = [{"prompt": p, "chosen": c, "rejected": r} for p, c, r in plain + conversations]
rows += [{"chosen": c, "rejected": r} for c, r in implicit]
rows += [{"chosen": p + c, "rejected": p + r} for p, c, r in conversations[:3]]

with open(pathlib.Path(__file__).parent / "rows.jsonl", "w") as f:
    for row in rows:
        f.write(json.dumps(row, ensure_ascii=False) + "\n")
