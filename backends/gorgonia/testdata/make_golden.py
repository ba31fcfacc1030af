"""Makes the golden numbers of a tiny random Llama: pip install torch transformers safetensors; python make_golden.py

The model is small, its weights are drawn here, and transformers computes in
float64 (norms and softmax, which it does in float32 always, are replaced; rotary
angles stay, for every implementation has them in float32)
the log-probabilities of a few sequences and the gradient of a weighted sum of
them. Written beside this file: tiny/ with config.json and model.safetensors, and
tiny/golden.json.
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

OUT = pathlib.Path(__file__).parent / "tiny"
CONFIG = dict(
    vocab_size=96, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
    num_key_value_heads=1, head_dim=8, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=True,
    attention_bias=False, bos_token_id=1, eos_token_id=2, pad_token_id=95,
)


def norm64(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


def softmax64(query, key, value, mask, scaling):
    scores = query @ key.transpose(2, 3) * scaling + mask
    return torch.softmax(scores, dim=-1) @ value


def attention64(module, query, key, value, attention_mask, scaling, dropout=0.0, **_):
    groups = module.num_key_value_groups
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    n = query.shape[2]
    mask = torch.full((n, n), float("-inf"), dtype=query.dtype).triu(1)
    return softmax64(query, key, value, mask, scaling).transpose(1, 2).contiguous(), None


def main():
    torch.manual_seed(7)
    modeling_llama.LlamaRMSNorm.forward = norm64
    modeling_llama.eager_attention_forward = attention64
    model = LlamaForCausalLM._from_config(LlamaConfig(**CONFIG), attn_implementation="eager")
    with torch.no_grad():
        for name, p in model.named_parameters():
            scale = 0.1 if "norm" in name else 0.3
            p.copy_(torch.randn_like(p) * scale + ("norm" in name))
    OUT.mkdir(exist_ok=True)
    model.config.dtype = torch.float32
    model.config.save_pretrained(OUT)
    save_file({n: p.detach().clone() for n, p in model.named_parameters()}, OUT / "model.safetensors", {"format": "pt"})

    model = model.double()
    g = torch.Generator().manual_seed(8)
    sequences = [torch.randint(3, 96, (n,), generator=g) for n in (2, 9, 17, 33, 70)]
    sequences[3][5] = sequences[4][60] = CONFIG["pad_token_id"]  # its embedding gets no gradient where it is looked up
    weights = torch.randn(len(sequences), generator=g, dtype=torch.float64)
    totals, tokens, objective = [], {}, 0
    for i, ids in enumerate(sequences):
        logp = torch.log_softmax(model(ids[None]).logits[0, :-1], -1).gather(1, ids[1:, None])[:, 0]
        totals.append(logp.sum().item())
        tokens[str(i)] = logp.tolist()
        objective = objective + weights[i] * logp.sum()
    objective.backward()
    grad = {}
    for name, p in model.named_parameters():
        flat = p.grad.flatten()
        idx = torch.randperm(flat.numel(), generator=g)[:12]
        if "embed" in name:
            idx[:4] = CONFIG["pad_token_id"] * p.shape[1] + idx[:4] % p.shape[1]
        grad[name] = dict(shape=list(p.shape), l2=flat.norm().item(), idx=idx.tolist(), val=flat[idx].tolist())
    golden = dict(
        sequences=[s.tolist() for s in sequences], weights=weights.tolist(), total_logp_f64=totals,
        token_logp_f64=tokens, grad_f64=grad,
    )
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")


main()
