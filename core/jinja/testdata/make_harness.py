"""Renders the templates below by lm-evaluation-harness's environment and writes what came out, errors included, to
harness.json.

    python make_harness.py     # needs jinja2 (made with 3.1.6, CPython 3.11)

The environment is that of lm_eval/utils.py of 0.4.13, the filter regex_replace included.
"""

import json
import os
import re

import jinja2

HERE = os.path.dirname(os.path.abspath(__file__))

DOC = {
    "q": " Why {so}? ", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "key": "2", "n": 3, "flag": True,
    "none": None, "empty": [], "f": 0.5, "rows": [{"x": 1, "y": "A"}, {"x": 2}], "html": "<b> & 'é'",
    "ctx": "A man [header] sits.  He [title] stands [step] up.\n[sub\nsteps] x",
}

ENV = jinja2.Environment(loader=jinja2.BaseLoader(), undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


def regex_replace(string, pattern, repl, count=0):
    return re.sub(pattern, repl, string, count=count)


ENV.filters["regex_replace"] = regex_replace

TEMPLATES = [
    "", "\n", "x\n\n", "plain { brace }", "Q:{{q}}\nA:", "{{ q.strip() }}|{{q | trim}}", "{{choices.text[0]}}{{n}}",
    "{{choices['label'][-1]}}", "{{choices.label.index(key)}}", "{{'ABCD'.index('C')}}",
    "{% set p = 'x\\ny' %}{{p + q}}", "{% set p = 'x\ny' %}\n{{p}}\n", "{{flag}} {{none}}", "{{n ~ 'rd' ~ n}}",
    "{{ {'2': 'two'}.get(key) }}", "{{ {'1': 'one'}.get(key, key)}}", """{{"it's" | replace("'", '"')}}""",
    "{{'a-b-c'.split('-', 1)[1]}}", "{{'a.b' | regex_replace('[.]', '$1')}}", "{{('ab' + 'c') | upper}}",
    "{{choices.text | join(', ')}}", "{{choices.text | length + 1}}", "{{'7' | int + n}}", "{{'x' | int}}",
    "{{'ΑΣ'.capitalize()}}", "{{'\\[x\\]'}}", "{{choices}}", "{{choices.text}}{{[1.0, 1e16, none]}}",
    "{{ ctx.strip().replace(' [title]', '. ') | regex_replace('\\[.*?\\]', '') | replace('  ', ' ') }}",
    "{{ [ctx, ' b [x] '] | map('trim') | map('regex_replace', '\\[.*?\\]', '') | map('replace', '  ', ' ') | list }}",
    # White space: no trim_blocks, no lstrip_blocks.
    "  {% if flag %}\n  yes\n  {% endif %}\nend", "  {%- if flag -%}\n  yes\n  {%- endif %}\nend", "a {# c #}\nb",
    "{% raw %}\n{{x}}\n{% endraw %}\nz", "  {%+ if flag +%}\n x {% endif %}\n",
    "{% for c in choices.text %}\n{{loop.index}}. {{c}}\n{% endfor %}\nAnswer:",
    "{% for c in choices.text -%}\n{{loop.index}}. {{c}}\n{% endfor %}",
    # Undefined values.
    "{{x}}", "{{choices.x}}", "{{choices.text[2]}}", "{{choices['x'].y}}", "{{x | default('y')}}", "{{choices.x | d('y')}}",
    "{{x is defined}} {{x is undefined}} {{choices.x is defined}}", "{{x.y | default('z')}}", "{{x or 'y'}}",
    "{% if x %}y{% endif %}", "{% for i in x %}{% endfor %}", "{{x == 1}}", "{{x ~ 'a'}}", "{{x + 1}}",
    "{{'a' if false}}", "{{empty | first}}", "{{rows | map(attribute='y') | join(',')}}",
    "{{rows | map(attribute='y', default='-') | join(',')}}", "{{rows | selectattr('y') | list}}",
    "{{rows | selectattr('x', 'gt', 1) | list}}", "{{rows | sum(attribute='x')}}",
    # What only transformers' environment has.
    "{% for i in [1] %}{% break %}{% endfor %}", "{% generation %}{% endgeneration %}", "{{raise_exception('x')}}",
    "{{strftime_now('%Y')}}", "{{html | tojson}}", "{{rows | tojson}}", "{{rows | tojson(indent=1)}}",
    "{{choices | tojson ~ '<'}}", "{{html | tojson(ensure_ascii=false)}}", "{{'tojson' is filter}} {{'regex_replace' is filter}}",
    # Faults.
    "{{", "{{q", "{{q}", "{{'q}}", "{{q | nothing}}", "{{(q}}", "{{[q q]}}", "{{1 2}}", "{{q + n}}", "{{q.index('x')}}",
    "{{q.split('')}}", "{{n.strip()}}", "{{q | replace('a')}}", "{{choices.label.index('9')}}", "{{n | regex_replace('a', 'b')}}",
    "{{'a' | regex_replace('a')}}", "{{'x\u00a0\u00e9 \u0663_b-' | regex_replace('\\\\s|\\\\w', '+')}}",
    "{{'x\u00e9 yz.' | regex_replace('\\\\b', '|')}}", "{{'abxd' | regex_replace('x*', '-')}}", "{{'a\\n' | regex_replace('$', '!')}}",
    "{{'7\u0663 a' | regex_replace('\\\\d+', '#')}}",
]

# What is one expression, by the value it has.
VALUES = [
    "choices.text", "[key, n]", "[]", "(key, n)", "choices.text[:1] + empty", "choices.label[:9]", "choices.keys()",
    "choices.values()", "{'a': n, 'b': [n]}", "[1, 0][key | int - 1]", "'a-b-c'.split('-', -1)", "'a-b-c'.split('-', 0)", "n", "f",
    "none", "choices.text | map('upper')", "range(3)", "rows | map(attribute='x')", "{'k': choices.text | map('upper')}", "10 ** 30",
    "[(1, [range(2)])]",
]


def render(source):
    try:
        return {"template": source, "out": ENV.from_string(source).render(**DOC)}
    except jinja2.TemplateSyntaxError as e:
        return {"template": source, "error": type(e).__name__ + ": " + e.message}
    except Exception as e:
        return {"template": source, "error": type(e).__name__ + ": " + str(e)}


def plain(v):
    """Lists instead of tuples and of what is computed lazily."""
    if v is None or isinstance(v, (str, int, float)):
        return v
    if isinstance(v, dict):
        return {k: plain(e) for k, e in v.items()}
    return [plain(e) for e in v]


def main():
    cases = [render(t) for t in TEMPLATES]
    values = [{"template": "{{ " + s + " }}", "value": plain(ENV.compile_expression(s)(**DOC))} for s in VALUES]
    with open(os.path.join(HERE, "harness.json"), "w") as f:
        json.dump({"doc": DOC, "cases": cases, "values": values}, f, ensure_ascii=False, indent=1)
        f.write("\n")
    print(len(cases), "templates,", len(values), "values")


if __name__ == "__main__":
    main()
