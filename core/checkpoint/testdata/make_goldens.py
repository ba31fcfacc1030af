"""Makes the golden files of core/checkpoint from the reference programs.

    pip install torch transformers==5.24.0 safetensors gguf==0.19.0
    python make_goldens.py

rope.json            rotary embeddings by transformers, a line for each configuration
architectures.json   tensors' names and shapes and layers' windows of small configurations
quants.json          random GGUF blocks and their values by gguf.quants.dequantize
casts.json           float32 bits and what torch casts them to
types.safetensors    a tensor of each type, by the safetensors package
types.json           its values
tiny.gguf            a two-layer Llama in mixed encodings, its q and k rows permuted as
                     llama.cpp's convert_hf_to_gguf.py does
bias.gguf, llama3.gguf, qwen2.gguf, qwen3.gguf
                     a layer with biases and linear scaling, with Llama 3's scaling,
                     and of the other families
tiny.json            the SHA-256 of each tensor that the imports must give
"""

import base64
import hashlib
import json
import math

import gguf
import numpy as np
import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Q
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding


def write(name, value):
    with open(name, "w") as f:
        json.dump(value, f, indent=None, separators=(",", ":"))
        f.write("\n")


def b64(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def rope():
    sizes = dict(model_type="llama", vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
                 num_attention_heads=4, hidden_act="silu")
    llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=2048)
    cases = [
        (dict(max_position_embeddings=2048), [9]),
        (dict(max_position_embeddings=8192, rope_theta=1e5, head_dim=64), [8192]),
        (dict(max_position_embeddings=8192, rope_parameters=dict(rope_type="default", rope_theta=1e6), head_dim=128), [4000]),
        (dict(max_position_embeddings=2048, rope_theta=10000.0, rope_scaling=dict(type="linear", factor=3.0)), [700]),
        (dict(max_position_embeddings=2048, rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=5e5), head_dim=128), [2048]),
        (dict(max_position_embeddings=32, rope_theta=10000.0, rope_scaling=dict(type="dynamic", factor=2.0)), [7, 32, 33, 50, 101]),
        (dict(max_position_embeddings=64, rope_parameters=dict(rope_type="dynamic", factor=4.0, rope_theta=1e6), head_dim=64), [64, 99, 1000]),
        (dict(max_position_embeddings=131072, rope_theta=5e5, rope_scaling=llama3, head_dim=128), [9000]),
        (dict(max_position_embeddings=131072, rope_parameters=dict(llama3, factor=32.0, rope_theta=5e5), head_dim=64), [100]),
        (dict(max_position_embeddings=8192, rope_theta=1e4, rope_scaling=yarn, head_dim=64), [3000]),
        (dict(max_position_embeddings=8192, rope_parameters=dict(yarn, rope_theta=1e6, attention_factor=0.7), head_dim=128), [20]),
        (dict(max_position_embeddings=8192, rope_theta=1e4, rope_scaling=dict(yarn, beta_fast=16.0, beta_slow=2.0, mscale=0.7, mscale_all_dim=1.3)), [20]),
        (dict(max_position_embeddings=8192, rope_parameters=dict(yarn, truncate=False, rope_theta=1e4), head_dim=128), [20]),
        (dict(max_position_embeddings=8192, rope_theta=1e4, rope_scaling=dict(rope_type="yarn", factor=2.0)), [20]),
    ]
    out = []
    for config, lengths in cases:
        config = sizes | config
        for length in lengths:
            module = LlamaRotaryEmbedding(LlamaConfig.from_dict(json.loads(json.dumps(config))))
            cos, sin = module(torch.zeros(1), torch.arange(length)[None])
            half = cos.shape[-1] // 2
            out.append(dict(config=config, length=length, frequencies=b64(module.inv_freq.numpy()),
                            cos=b64(cos[0, -1, :half].numpy()), sin=b64(sin[0, -1, :half].numpy())))
    write("rope.json", out)


def architectures():
    """Names and shapes of the tensors that transformers builds from a configuration, and each layer's window."""
    sizes = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
                 max_position_embeddings=64)
    cases = [
        dict(model_type="llama"),
        dict(model_type="llama", num_key_value_heads=2, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
        dict(model_type="llama", num_key_value_heads=1, head_dim=16, sliding_window=8, pad_token_id=-1),
        dict(model_type="mistral", num_key_value_heads=2, pad_token_id=7),
        dict(model_type="mistral", num_key_value_heads=2, sliding_window=16, head_dim=16),
        dict(model_type="mistral", num_key_value_heads=4, sliding_window=None),
        dict(model_type="qwen2", num_key_value_heads=2, pad_token_id=95),
        dict(model_type="qwen2", num_key_value_heads=2, use_sliding_window=True, sliding_window=16, max_window_layers=1),
        dict(model_type="qwen2", num_key_value_heads=4, use_sliding_window=True, sliding_window=8, tie_word_embeddings=True,
             layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
        dict(model_type="qwen3", num_key_value_heads=2, head_dim=16, pad_token_id=0),
        dict(model_type="qwen3", num_key_value_heads=2, attention_bias=True, use_sliding_window=True, sliding_window=4, max_window_layers=2),
    ]
    out = []
    for case in cases:
        config = sizes | case
        values = {k: v for k, v in config.items() if k != "model_type"}
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(AutoConfig.for_model(case["model_type"], **values))
        tied = model.config.tie_word_embeddings
        shapes = {k: list(v.shape) for k, v in model.state_dict().items() if not (tied and k == "lm_head.weight")}
        windows = [getattr(layer.self_attn, "sliding_window", None) or 0 for layer in model.model.layers]
        if case["model_type"] == "mistral":  # it masks by the configuration's window in every layer
            windows = [model.config.sliding_window or 0] * len(windows)
        out.append(dict(config=config, shapes=shapes, windows=windows, padding=model.model.embed_tokens.padding_idx, head_dim=model.model.layers[0].self_attn.head_dim))
    write("architectures.json", out)


def quants(rng):
    out = []
    for kind in (Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.Q4_K, Q.Q5_K, Q.Q6_K):
        values, size = GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (64 if values == 1 else 4, size), dtype=np.uint8)
        scales = dict(Q4_0=[0], Q5_0=[0], Q8_0=[0], Q6_K=[208]).get(kind.name, [0, 2])
        if values > 1:  # random bits would make scales of NaN; the last block's are subnormal
            for at in scales:
                halves = rng.normal(0, 1, len(blocks)).astype(np.float16)
                halves[-1] = np.float16(3e-6)
                blocks[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
        elif kind == Q.F32:
            blocks = rng.normal(0, 1, (64, 1)).astype(np.float32).view(np.uint8)
        else:  # exponents of all ones are NaN
            blocks[:, 1] &= 0xBB if kind == Q.F16 else 0xBF
        with np.errstate(all="ignore"):
            x = gguf.quants.dequantize(blocks.reshape(1, -1), kind).astype(np.float32)
        assert not np.isnan(x).any()
        out.append(dict(type=kind.name, number=int(kind), blocks=b64(blocks), values=b64(x)))
    write("quants.json", out)


def casts(rng):
    bits = [0x00000000, 0x80000000, 0x3F800000, 0x3F808000, 0x3F818000, 0x3F808001, 0x3F801000, 0x3F803000, 0x3F801001,
            0x477FE000, 0x477FEFFF, 0x477FF000, 0x47800000, 0x7F7F0000, 0x7F7F7FFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000,
            0x38800000, 0x387FFFFF, 0x387FE000, 0x387FF000, 0x33800000, 0x33000000, 0x33000001, 0x32FFFFFF, 0x00000001,
            0x007FFFFF, 0x33C00000, 0x34200000, 0xB8001234]
    bits += [int(b) for b in rng.integers(0, 1 << 32, 200)]
    bits += [int(b) for b in rng.normal(0, 1e-5, 100).astype(np.float32).view(np.uint32)]
    bits = [b for b in bits if (b & 0x7FFFFFFF) <= 0x7F800000]  # a NaN's payload is nobody's promise
    x = torch.from_numpy(np.array(bits, dtype=np.uint32).view(np.float32).copy())
    as_bits = lambda t: [int(v) & 0xFFFF for v in t.view(torch.int16)]
    write("casts.json", dict(float32=bits, bfloat16=as_bits(x.bfloat16()), float16=as_bits(x.half())))


def types(rng):
    x = torch.from_numpy(rng.normal(0, 1, (3, 5)))
    tensors = dict(f64=x, f32=x.float(), bf16=x.bfloat16(), f16=x.half(), i64=torch.arange(4), u8=torch.arange(3, dtype=torch.uint8),
                   f8=x.to(torch.float8_e4m3fn), scalar=torch.tensor(2.5), empty=torch.zeros(0, 4))
    save_file(tensors, "types.safetensors", metadata=dict(format="pt"))
    write("types.json", {k: dict(shape=list(v.shape), values=v.float().flatten().tolist()) for k, v in tensors.items()})


def permute(w, heads):
    """LlamaModel.permute of llama.cpp's convert_hf_to_gguf.py."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def tiny(rng, name, arch, layers, types, bias=False, qk_norm=False, tied=False, extra=None, factors=None):
    """Writes a GGUF file of a random model, and returns the hashes that its import must give."""
    hidden, heads, kv, dim, ffn = 32, 4, 2, 16, 64
    texts = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [chr(c) for c in range(33, 127)] + ["ab"]
    hashes = {}
    w = gguf.GGUFWriter(name, arch)
    w.add_context_length(128)
    w.add_embedding_length(hidden)
    w.add_block_count(layers)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_key_length(dim)
    w.add_value_length(dim)
    w.add_rope_dimension_count(dim)
    w.add_rope_freq_base(50000.0)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2" if arch.startswith("qwen") else "smollm")
    w.add_token_list(texts)
    w.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(texts) - 3))
    w.add_token_merges(["a b"])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_pad_token_id(2)
    w.add_add_bos_token(False)
    w.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    if extra:
        extra(w)

    def add(gguf_name, hf_name, shape, heads=0):
        heads = heads if arch == "llama" else 0
        x = rng.normal(0, 0.05, shape).astype(np.float32)
        kind = Q.F32 if len(shape) == 1 else types[len(hashes) % len(types)]
        data = gguf.quants.quantize(permute(x, heads) if heads else x, kind)
        value = gguf.quants.dequantize(data, kind)
        if heads:  # undone by the inverse of the reshape above
            value = value.reshape(heads, shape[0] // heads // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
        hashes[hf_name] = hashlib.sha256(np.ascontiguousarray(value, dtype=np.float32).tobytes()).hexdigest()
        w.add_tensor(gguf_name, data, raw_dtype=kind)

    def linear(gguf_name, hf_name, out, inner, bias, heads=0):
        add(gguf_name + ".weight", hf_name + ".weight", (out, inner), heads)
        if bias:
            add(gguf_name + ".bias", hf_name + ".bias", (out,), heads)

    add("token_embd.weight", "model.embed_tokens.weight", (len(texts), hidden))
    for i in range(layers):
        b, m = f"blk.{i}.", f"model.layers.{i}."
        add(b + "attn_norm.weight", m + "input_layernorm.weight", (hidden,))
        linear(b + "attn_q", m + "self_attn.q_proj", heads * dim, hidden, bias, heads)
        linear(b + "attn_k", m + "self_attn.k_proj", kv * dim, hidden, bias, kv)
        linear(b + "attn_v", m + "self_attn.v_proj", kv * dim, hidden, bias)
        linear(b + "attn_output", m + "self_attn.o_proj", hidden, heads * dim, bias and arch == "llama")
        if qk_norm:
            add(b + "attn_q_norm.weight", m + "self_attn.q_norm.weight", (dim,))
            add(b + "attn_k_norm.weight", m + "self_attn.k_norm.weight", (dim,))
        add(b + "ffn_norm.weight", m + "post_attention_layernorm.weight", (hidden,))
        linear(b + "ffn_gate", m + "mlp.gate_proj", ffn, hidden, bias and arch == "llama")
        linear(b + "ffn_up", m + "mlp.up_proj", ffn, hidden, bias and arch == "llama")
        linear(b + "ffn_down", m + "mlp.down_proj", hidden, ffn, bias and arch == "llama")
    add("output_norm.weight", "model.norm.weight", (hidden,))
    if not tied:
        add("output.weight", "lm_head.weight", (len(texts), hidden))
    if factors is not None:
        w.add_tensor("rope_freqs.weight", factors)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return hashes


def llama3_factors(factor, base=50000.0, dim=16):
    """LlamaModel.generate_extra_tensors of llama.cpp's convert_hf_to_gguf.py."""
    freqs = 1.0 / (base ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    low, high, context = 1.0, 4.0, 8192
    out = []
    for freq in freqs:
        wavelength = 2 * math.pi / freq
        if wavelength < context / high:
            out.append(1)
        elif wavelength > context / low:
            out.append(factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(out, dtype=np.float32)


METADATA = dict(uint8=200, int8=-100, uint16=60000, int16=-30000, uint32=4000000000, int32=-2000000000, float32=0.1, bool=True,
                string="text", uint64=1 << 63, int64=-(1 << 62), float64=0.1)


def ggufs(rng):
    def linear(w):
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(4.0)

    def yarn(w):
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(2.0)
        w.add_rope_scaling_orig_ctx_len(64)

    def metadata(w):
        for kind, value in METADATA.items():
            getattr(w, "add_" + kind)("test." + kind, value)
        w.add_array("test.floats", [0.5, -1.5])
        w.add_array("test.bools", [True, False])

    small = [Q.Q4_0]
    write("tiny.json", {
        "tiny.gguf": tiny(rng, "tiny.gguf", "llama", 2, [Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.F16, Q.BF16],
                          extra=metadata),
        "bias.gguf": tiny(rng, "bias.gguf", "llama", 1, small, bias=True, tied=True, extra=linear),
        "llama3.gguf": tiny(rng, "llama3.gguf", "llama", 1, small, tied=True, factors=llama3_factors(32.0)),
        "qwen2.gguf": tiny(rng, "qwen2.gguf", "qwen2", 1, small, bias=True, tied=True, extra=yarn),
        "qwen3.gguf": tiny(rng, "qwen3.gguf", "qwen3", 1, small, qk_norm=True, tied=True),
    })


if __name__ == "__main__":
    random = np.random.default_rng(20)
    rope()
    architectures()
    quants(random)
    casts(random)
    types(random)
    ggufs(random)
