package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
)

// An Architecture describes a decoder-only transformer: the sizes, the blocks
// with their tensors' names and shapes, the rotary embedding and the norms. It
// is all that a backend needs to build the model, and says nothing of how.
//
// Every block computes, with RMSNorm and no dropout,
//
//	h += Output(attention(rope(Query(norm(h))), rope(Key(norm(h))), Value(norm(h))))
//	h += Down(silu(Gate(norm(h))) * Up(norm(h)))
//
// and the model Head(norm(h)) after the last. Query head i reads key and value
// head i / (Heads / KVHeads); scores are scaled by 1/sqrt(HeadDim).
type Architecture struct {
	Family string // model_type of config.json

	VocabSize    int
	Hidden       int // width of the residual stream
	Layers       int // len(Blocks)
	Heads        int // query heads
	KVHeads      int // key and value heads; divides Heads
	HeadDim      int // Heads * HeadDim need not be Hidden
	FFN          int // width of the gated feed-forward
	MaxPositions int

	NormEps float64 // of every RMSNorm
	RoPE    RoPE
	DType   string // as config.json names it: "float32", "bfloat16", "float16"

	Padding int // the token whose embedding no input moves (torch's padding_idx); -1 = none

	Embedding Param // [VocabSize, Hidden]
	Blocks    []Block
	FinalNorm Param // [Hidden]
	Head      Param // [VocabSize, Hidden]; the Embedding itself where TiedHead
	TiedHead  bool
}

// A Block is one layer. Absent parameters (Param.Exists) take no part.
type Block struct {
	Window int // a token sees itself and Window-1 before it; 0 = all before it

	AttentionNorm Param  // [Hidden]
	Query         Linear // [Heads*HeadDim, Hidden]
	Key, Value    Linear // [KVHeads*HeadDim, Hidden]
	QueryNorm     Param  // [HeadDim], RMSNorm of each head before RoPE; absent but in Qwen3
	KeyNorm       Param  // [HeadDim]
	Output        Linear // [Hidden, Heads*HeadDim]

	FFNNorm  Param  // [Hidden]
	Gate, Up Linear // [FFN, Hidden]
	Down     Linear // [Hidden, FFN]
}

// A Linear computes x W^T + b. Weight is [out, in], Bias [out] or absent.
type Linear struct {
	Weight, Bias Param
}

// A Param is a tensor of the model. The zero Param is absent.
type Param struct {
	Name  string
	Role  Role
	Shape []int
}

// A Role says what a parameter is to the model, for optimizers that treat some
// apart (weight decay usually spares norms and biases).
type Role string

// The roles of parameters.
const (
	RoleEmbedding Role = "embedding"
	RoleMatrix    Role = "matrix" // weight of a Linear, or an untied head
	RoleBias      Role = "bias"
	RoleNorm      Role = "norm"
)

// Exists says whether the model has the parameter.
func (p Param) Exists() bool { return p.Name != "" }

// Size returns the number of the parameter's elements.
func (p Param) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// ReadArchitecture reads the architecture of the model in dir from its
// config.json, in the spelling of transformers 4 or 5. The error names what is
// missing, contradictory or of a family that is not supported.
func ReadArchitecture(dir string) (*Architecture, error) {
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model %q: %w", dir, err)
	}
	a, err := ParseArchitecture(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	return a, nil
}

// ParseArchitecture is ReadArchitecture of the content of a config.json.
func ParseArchitecture(configJSON []byte) (*Architecture, error) {
	c, f, err := parseConfig(configJSON)
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	rope, err := c.rope()
	if err != nil {
		return nil, err
	}
	a := &Architecture{
		Family: c.ModelType, VocabSize: c.VocabSize, Hidden: c.HiddenSize, Layers: c.NumHiddenLayers,
		Heads: c.NumAttentionHeads, KVHeads: c.kvHeads(), HeadDim: c.headDim(), FFN: c.IntermediateSize,
		MaxPositions: c.MaxPositionEmbeddings, NormEps: c.RMSNormEps, RoPE: rope, DType: c.dtype(),
		TiedHead: c.TieWordEmbeddings, Padding: c.padding(),
	}
	traits, err := f.traits(c)
	if err != nil {
		return nil, err
	}
	a.name(traits)
	return a, nil
}

// name fills in the parameters, by the names that Llama gave them and its
// descendants kept.
func (a *Architecture) name(t traits) {
	a.Embedding = Param{"model.embed_tokens.weight", RoleEmbedding, []int{a.VocabSize, a.Hidden}}
	a.FinalNorm = norm("model.norm", a.Hidden)
	a.Head = a.Embedding
	if !a.TiedHead {
		a.Head = linear("lm_head", a.VocabSize, a.Hidden, false).Weight
	}
	a.Blocks = make([]Block, a.Layers)
	for i := range a.Blocks {
		a.Blocks[i] = a.block(i, t)
	}
}

func (a *Architecture) block(i int, t traits) Block {
	prefix := fmt.Sprintf("model.layers.%d.", i)
	attention, mlp := prefix+"self_attn.", prefix+"mlp."
	q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	b := Block{
		AttentionNorm: norm(prefix+"input_layernorm", a.Hidden),
		Query:         linear(attention+"q_proj", q, a.Hidden, t.qkvBias),
		Key:           linear(attention+"k_proj", kv, a.Hidden, t.qkvBias),
		Value:         linear(attention+"v_proj", kv, a.Hidden, t.qkvBias),
		Output:        linear(attention+"o_proj", a.Hidden, q, t.outputBias),
		FFNNorm:       norm(prefix+"post_attention_layernorm", a.Hidden),
		Gate:          linear(mlp+"gate_proj", a.FFN, a.Hidden, t.mlpBias),
		Up:            linear(mlp+"up_proj", a.FFN, a.Hidden, t.mlpBias),
		Down:          linear(mlp+"down_proj", a.Hidden, a.FFN, t.mlpBias),
	}
	if t.windows != nil {
		b.Window = t.windows[i]
	}
	if t.qkNorm {
		b.QueryNorm, b.KeyNorm = norm(attention+"q_norm", a.HeadDim), norm(attention+"k_norm", a.HeadDim)
	}
	return b
}

func norm(name string, size int) Param {
	return Param{name + ".weight", RoleNorm, []int{size}}
}

func linear(name string, out, in int, bias bool) Linear {
	l := Linear{Weight: Param{name + ".weight", RoleMatrix, []int{out, in}}}
	if bias {
		l.Bias = Param{name + ".bias", RoleBias, []int{out}}
	}
	return l
}

// Params returns every parameter that exists, once, in the order of the forward
// pass: the embedding, the blocks, the final norm, the head unless tied.
func (a *Architecture) Params() []Param {
	ps := []Param{a.Embedding}
	for i := range a.Blocks {
		ps = append(ps, a.Blocks[i].Params()...)
	}
	ps = append(ps, a.FinalNorm)
	if !a.TiedHead {
		ps = append(ps, a.Head)
	}
	return ps
}

// Params returns the block's parameters that exist, in the order of the forward pass.
func (b *Block) Params() []Param {
	all := []Param{
		b.AttentionNorm, b.Query.Weight, b.Query.Bias, b.Key.Weight, b.Key.Bias, b.Value.Weight, b.Value.Bias,
		b.QueryNorm, b.KeyNorm, b.Output.Weight, b.Output.Bias,
		b.FFNNorm, b.Gate.Weight, b.Gate.Bias, b.Up.Weight, b.Up.Bias, b.Down.Weight, b.Down.Bias,
	}
	ps := all[:0]
	for _, p := range all {
		if p.Exists() {
			ps = append(ps, p)
		}
	}
	return ps
}

// Multiplied returns the number of the blocks' parameters that each row is
// multiplied by: their matrices'.
func (a *Architecture) Multiplied() int {
	n := 0
	for i := range a.Blocks {
		for _, p := range a.Blocks[i].Params() {
			if p.Role == RoleMatrix {
				n += p.Size()
			}
		}
	}
	return n
}

// Size returns the number of the model's parameters.
func (a *Architecture) Size() int {
	n := 0
	for _, p := range a.Params() {
		n += p.Size()
	}
	return n
}
