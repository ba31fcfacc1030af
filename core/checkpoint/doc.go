// Package checkpoint reads and writes models as folders in Hugging Face's layout:
// config.json, safetensors, tokenizer and template files.
//
// [Resolve] finds the folder that a user named: itself, the import of a GGUF file,
// or a model of the hub, whose data sets [Datasets] fetches. [ReadArchitecture] reads from config.json the description
// that backends build the network from: sizes, the blocks with their tensors'
// names and shapes, the rotary embedding. A new family of the same blocks is an
// entry in family.go. [Open] maps the weights, and [Weights.Check] compares them
// with the description before anything is computed:
//
//	a, err := checkpoint.ReadArchitecture(dir)
//	w, err := checkpoint.Open(dir)
//	err = w.Check(a)
//	for _, p := range a.Params() {
//		err = w.Float32(p.Name, values[p.Name])
//	}
//
// [NewWriter] writes weights one tensor at a time, and [CarryOver] brings along what
// else the folder needs, so that transformers loads it. What is written appears
// whole or not at all. Files from elsewhere are not trusted: what is truncated,
// overlapping, contradictory or unknown is an error that names it, never a panic.
package checkpoint
