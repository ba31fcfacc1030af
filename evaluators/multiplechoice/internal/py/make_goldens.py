"""Store what CPython 3.11 and NumPy make of cases that differ easily.

    python make_goldens.py > testdata/goldens.json
"""

import json
import random
import sys

import numpy

out = {"python": sys.version.split()[0], "numpy": numpy.__version__}

out["random"] = []
for seed in [0, 1, 42, 1234, 2**40 + 5, -7]:
    r = random.Random(seed)
    case = {"seed": seed, "bits": [r.getrandbits(32) for _ in range(3)], "random": [r.random().hex() for _ in range(3)]}
    order = list(range(30))
    r.shuffle(order)
    case["shuffle30"] = order
    case["samples"] = [{"n": n, "k": k, "picked": r.sample(range(n), k)}
                       for n, k in [(5, 5), (21, 3), (22, 3), (50, 10), (85, 6), (86, 6), (277, 25), (278, 25), (40000, 11), (1, 0)]]
    case["choices"] = r.choices(range(10), k=10)
    out["random"].append(case)

floats = [0.0, -0.0, 1.0, -5.0, 0.1, 1 / 3, 1e-4, 9.999e-5, 1e-5, 1e15, 1e16, 123456789012345680.0, 1.5e300, 5e-324, -2.5e-7, 100.0,
          float(numpy.float32(-23.053083419799805))]
out["repr"] = [{"hex": f.hex(), "repr": repr(f)} for f in floats]

out["spaces"] = [i for i in range(sys.maxunicode + 1) if chr(i).isspace()]

values = [None, True, [], {}, "", 'a"b\\c\n\r\t\b\f\x00\x1f\x7f', "é\u2028\U0001f600", 1.0, -3, 2**70, [[], [1, [2.5]], {}], {"a": [], "b": {"c": None, "d": [False]}},
          float("nan"), float("inf"), float("-inf")]
out["json"] = [{"value": v, "ascii": json.dumps(v), "plain": json.dumps(v, ensure_ascii=False), "indented": json.dumps(v, indent=2, ensure_ascii=False)}
               for v in values]

r = random.Random(3)
out["sums"] = []
for n in [1, 7, 8, 9, 16, 31, 128, 129, 300]:
    a = [r.random() * 10 ** r.randint(-8, 3) for _ in range(n)]
    out["sums"].append({"values": [x.hex() for x in a], "sum": sum(a).hex(), "numpy": float(numpy.sum(numpy.array(a))).hex()})

json.dump(out, sys.stdout, ensure_ascii=True)
