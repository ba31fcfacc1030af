"""Writes goldens.json: each loss and its gradients by torch's autograd in float64.

    pip install torch==2.11.0 && python make_goldens.py

The formulas follow TRL's dpo_trainer.py, cpo_trainer.py and orpo_trainer.py
with torch's own functions, not this package's derivatives.
"""
import json
import pathlib

import torch
from torch.nn.functional import logsigmoid

B = 0.1
T = lambda *v: torch.tensor(v, dtype=torch.float64)
inputs = {
    "chosen": T(-31.5, -120.25, -8.0, -64.125, -200.0),
    "rejected": T(-42.0, -90.5, -8.5, -64.0, -350.0),
    "ref_chosen": T(-35.0, -118.0, -8.0, -70.5, -260.0),
    "ref_rejected": T(-40.0, -97.0, -8.0, -61.0, -280.0),
    "chosen_tokens": T(12, 40, 3, 25, 90),
    "rejected_tokens": T(15, 31, 5, 25, 120),
}


def family(c, r, rc, rr, nc, nr):
    hw, hl = c - rc, r - rr
    z = B * (hw - hl)
    pw, pl = c / nc, r / nr
    lo = lambda p: p - torch.log1p(-torch.exp(p))
    e = 0.1
    smooth = lambda z, e: -(1 - e) * logsigmoid(z) - e * logsigmoid(-z)
    d = torch.cat([B * hw, B * hl]).mean().detach()
    m = torch.sigmoid(z / 0.05)
    yield "sigmoid", {"beta": B}, smooth(z, 0)
    yield "sigmoid", {"beta": B, "label_smoothing": e}, smooth(z, e)
    yield "robust", {"beta": B, "label_smoothing": e}, (-(1 - e) * logsigmoid(z) + e * logsigmoid(-z)) / (1 - 2 * e)
    yield "hinge", {"beta": B}, torch.relu(1 - z)
    yield "ipo", {"beta": B}, (hw / nc - hl / nr - 1 / (2 * B)) ** 2
    yield "ipo", {"beta": B, "average": False}, (hw - hl - 1 / (2 * B)) ** 2
    yield "sigmoid_norm", {"beta": B}, -logsigmoid(B * (hw / nc - hl / nr))
    q, logq, logr = torch.sigmoid(z), logsigmoid(z), logsigmoid(-z)
    yield "exo_pair", {"beta": B, "label_smoothing": e}, q * (logq - torch.log(T(1 - e))) + (1 - q) * (logr - torch.log(T(e)))
    yield "nca_pair", {"beta": B}, -logsigmoid(B * hw) - 0.5 * logsigmoid(-B * hw) - 0.5 * logsigmoid(-B * hl)
    yield "bco_pair", {"beta": B}, -logsigmoid(B * hw) - logsigmoid(-B * hl)
    yield "bco_pair", {"beta": B, "delta": "running"}, -logsigmoid(B * hw - d) - logsigmoid(-(B * hl - d))
    yield "sppo_hard", {"beta": B}, (hw - 0.5 / B) ** 2 + (hl + 0.5 / B) ** 2
    yield "apo_zero", {"beta": B}, torch.sigmoid(-B * hw) + torch.sigmoid(B * hl)
    yield "apo_down", {"beta": B}, torch.sigmoid(B * hw) + 1 - torch.sigmoid(z)
    yield "discopop", {"beta": B}, -(1 - m) * logsigmoid(z) + m * torch.exp(-z)
    yield "aot", {"beta": B, "label_smoothing": e}, smooth(B * (torch.sort(c - r).values - torch.sort(rc - rr).values), e)
    yield "aot_unpaired", {"beta": B}, smooth(B * (torch.sort(hw).values - torch.sort(hl).values), 0)
    yield "simpo", {"beta": 2.0, "simpo_gamma": 1.0}, -logsigmoid(2.0 * (pw - pl) - 1.0)
    yield "orpo", {"beta": B}, -pw - B * logsigmoid(lo(pw) - lo(pl))
    yield "cpo", {"beta": B, "cpo_alpha": 1.0}, -logsigmoid(B * (c - r)) - pw
    yield "sft", {}, -pw


def main():
    c, r = inputs["chosen"].requires_grad_(), inputs["rejected"].requires_grad_()
    cases = []
    for name, options, loss in family(*inputs.values()):
        gc, gr = torch.autograd.grad(loss.sum(), [c, r], retain_graph=True, allow_unused=True)
        zero = torch.zeros_like(c)
        cases.append({
            "loss": name, "options": options, "total": loss.sum().item(),
            "d_chosen": (zero if gc is None else gc).tolist(), "d_rejected": (zero if gr is None else gr).tolist(),
        })
    out = {"inputs": {k: v.tolist() for k, v in inputs.items()}, "cases": cases}
    pathlib.Path(__file__).with_name("goldens.json").write_text(json.dumps(out, indent=1) + "\n")


main()
