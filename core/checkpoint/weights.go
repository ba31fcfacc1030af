package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The names of the weights' files in a Hugging Face folder.
const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// Weights are the tensors of a model, mapped from its safetensors files. They
// may be read concurrently. Close ends the life of what Tensor returned.
type Weights struct {
	shards  []*mapping
	names   []string // in the order of the files
	tensors map[string]located
}

type located struct {
	entry
	shard *mapping
}

// A Tensor is a view of one tensor's bytes, little endian, row by row.
type Tensor struct {
	DType DType
	Shape []int
	Data  []byte
}

// Open opens the weights of a model's folder, in model.safetensors or the shards
// that its index names, or of one safetensors file. Everything but the values is
// checked: lengths, offsets, duplicates, and that index and shards agree.
func Open(path string) (*Weights, error) {
	files, index, err := weightFiles(path)
	if err != nil {
		return nil, err
	}
	w := &Weights{tensors: map[string]located{}}
	for _, file := range files {
		if err := w.add(file); err != nil {
			w.Close()
			return nil, fmt.Errorf("weights %q: %w", file, err)
		}
	}
	if err := w.agree(index); err != nil {
		w.Close()
		return nil, fmt.Errorf("weights %q: %w", filepath.Join(path, indexFile), err)
	}
	return w, nil
}

// weightFiles returns the paths of the files that hold the weights, in order,
// and the index's map from tensor to file, nil where there is no index.
func weightFiles(path string) (files []string, index map[string]string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("weights: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil, nil
	}
	single := filepath.Join(path, singleFile)
	if _, err := os.Stat(single); err == nil {
		return []string{single}, nil, nil
	}
	index, err = readIndex(filepath.Join(path, indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, noWeights(path)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, file := range index {
		files = append(files, filepath.Join(path, file))
	}
	slices.Sort(files)
	return slices.Compact(files), index, nil
}

// noWeights explains what is wrong with a folder that has no safetensors.
func noWeights(dir string) error {
	if old, _ := fs.Glob(os.DirFS(dir), "pytorch_model*.bin"); len(old) > 0 {
		return fmt.Errorf("weights %q: only PyTorch's pickled %s: convert it to safetensors (transformers: save_pretrained)", dir, old[0])
	}
	return fmt.Errorf("weights %q: neither %s nor %s", dir, singleFile, indexFile)
}

func readIndex(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("weights %q: %w", path, err)
	}
	if len(index.WeightMap) == 0 {
		return nil, fmt.Errorf("weights %q: weight_map is empty or missing", path)
	}
	for name, file := range index.WeightMap {
		// A name out of the folder could read any file of the user's.
		if file != filepath.Base(file) || strings.ContainsAny(file, `/\`) || file == "." || file == ".." {
			return nil, fmt.Errorf("weights %q: %q is in %q, which is not a file's name", path, name, file)
		}
	}
	return index.WeightMap, nil
}

// add maps one file and takes in its tensors.
func (w *Weights) add(path string) error {
	m, err := openMapping(path)
	if err != nil {
		return err
	}
	w.shards = append(w.shards, m)
	h, err := readHeader(m)
	if err != nil {
		return err
	}
	for _, e := range h.tensors {
		if _, ok := w.tensors[e.name]; ok {
			return fmt.Errorf("%q is also in another shard", e.name)
		}
		w.tensors[e.name] = located{e, m}
		w.names = append(w.names, e.name)
	}
	return nil
}

// agree checks that the index, if any, names what the shards hold.
func (w *Weights) agree(index map[string]string) error {
	if index == nil {
		return nil
	}
	var faults faultList
	for _, name := range w.names {
		if _, ok := index[name]; !ok {
			faults.add("%q is in a shard, but not in weight_map", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(index)) {
		if _, ok := w.tensors[name]; !ok {
			faults.add("%q is not in %q", name, index[name])
		}
	}
	return faults.err()
}

// Names returns the tensors' names, in the order of the files.
func (w *Weights) Names() []string { return slices.Clone(w.names) }

// Tensor returns a tensor. The bytes are valid until Close and must not be written.
func (w *Weights) Tensor(name string) (Tensor, error) {
	l, ok := w.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("no tensor %q in the weights", name)
	}
	data, err := l.shard.bytes(l.begin, l.end-l.begin)
	if err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return Tensor{l.dtype, slices.Clone(l.shape), data}, nil
}

// Float32 fills dst, which must be of the tensor's size, with a tensor of F32,
// BF16, F16 (exact) or F64 (rounded).
func (w *Weights) Float32(name string, dst []float32) error {
	t, err := w.Tensor(name)
	if err != nil {
		return err
	}
	if err := t.DType.decode(dst, t.Data); err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	return nil
}

// Release gives the memory of a tensor that was read back to the system. What
// Tensor returned stays valid: it is read from the file again.
func (w *Weights) Release(name string) {
	if l, ok := w.tensors[name]; ok {
		l.shard.release(l.begin, l.end)
	}
}

// Close unmaps the files.
func (w *Weights) Close() error {
	var errs []error
	for _, m := range w.shards {
		errs = append(errs, m.close())
	}
	w.shards, w.tensors, w.names = nil, nil, nil
	return errors.Join(errs...)
}
