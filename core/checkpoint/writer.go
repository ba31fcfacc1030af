package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/stepwise-dpo/stepwise/core/atomicfile"
)

// defaultShardSize is the largest file that a Writer makes unless told otherwise.
const defaultShardSize int64 = 5_000_000_000

// A Writer writes weights to a folder, one tensor at a time, in memory that does
// not grow with the model. The files appear under their names only in Commit.
type Writer struct {
	dir    string
	dtype  DType
	shards []*shard
	places map[string]place
	buffer []byte
}

// A shard is one file being written: tensors, or in the end the index.
type shard struct {
	name  string // final
	file  *os.File
	size  int64 // of the data
	start int64 // of the data in the file
	ps    []Param
}

// A place is where a tensor goes, and whether it has been written.
type place struct {
	shard   *shard
	param   Param
	begin   int64 // in the shard's data
	written bool
}

// NewWriter starts to write the parameters to dir, which it creates if need be,
// as dtype ("float32", "bfloat16", "float16", "float64"). Files hold up to
// shardSize bytes of tensors (0: 5 GB); where more than one is
// needed there is an index. The caller ends with Commit, or with Abort.
func NewWriter(dir, dtype string, params []Param, shardSize int64) (*Writer, error) {
	d, err := parseDType(dtype)
	if err != nil {
		return nil, err
	}
	if shardSize <= 0 {
		shardSize = defaultShardSize
	}
	w := &Writer{dir: dir, dtype: d, places: map[string]place{}}
	if err := w.plan(params, shardSize); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	for _, s := range w.shards {
		if err := w.create(s); err != nil {
			w.Abort()
			return nil, fmt.Errorf("write weights to %q: %w", dir, err)
		}
	}
	return w, nil
}

// plan puts the parameters into shards in their order; a tensor larger than
// shardSize has one of its own.
func (w *Writer) plan(params []Param, shardSize int64) error {
	var s *shard
	for _, p := range params {
		if _, ok := w.places[p.Name]; ok || !p.Exists() {
			return fmt.Errorf("write weights: parameter %q twice or without a name", p.Name)
		}
		size := int64(p.Size()) * int64(sizes[w.dtype])
		if s == nil || s.size > 0 && s.size+size > shardSize {
			s = &shard{}
			w.shards = append(w.shards, s)
		}
		w.places[p.Name] = place{shard: s, param: p, begin: s.size}
		s.ps = append(s.ps, p)
		s.size += size
	}
	if s == nil {
		return fmt.Errorf("write weights: no parameters")
	}
	s.name = singleFile
	if n := len(w.shards); n > 1 {
		for i, s := range w.shards {
			s.name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
		}
	}
	return nil
}

// create opens the shard's file beside its name and writes the header.
func (w *Writer) create(s *shard) error {
	f, err := os.CreateTemp(w.dir, "."+s.name+".*.partial")
	if err != nil {
		return err
	}
	s.file = f
	head, err := w.header(s)
	if err != nil {
		return err
	}
	s.start = int64(len(head))
	_, err = f.Write(head)
	return err
}

// header returns the shard's length prefix and header, padded so that the data is
// aligned to 8 bytes, as the reference implementation does.
func (w *Writer) header(s *shard) ([]byte, error) {
	type entry struct {
		DType       DType    `json:"dtype"`
		Shape       []int    `json:"shape"`
		DataOffsets [2]int64 `json:"data_offsets"`
	}
	object := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	for _, p := range s.ps {
		begin := w.places[p.Name].begin
		end := begin + int64(p.Size())*int64(sizes[w.dtype])
		object[p.Name] = entry{w.dtype, append([]int{}, p.Shape...), [2]int64{begin, end}}
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// chunk is the number of values that are cast and written at a time.
const chunk = 1 << 18

// Write writes a parameter's values, cast to the writer's type with rounding to
// nearest even. Parameters may come in any order, each once.
func (w *Writer) Write(name string, values []float32) error {
	p, ok := w.places[name]
	switch {
	case !ok:
		return fmt.Errorf("write %q: not among the writer's parameters", name)
	case p.written:
		return fmt.Errorf("write %q: already written", name)
	case len(values) != p.param.Size():
		return fmt.Errorf("write %q: %d values for shape %v", name, len(values), p.param.Shape)
	}
	at := p.shard.start + p.begin
	for len(values) > 0 {
		part := values[:min(chunk, len(values))]
		var err error
		if w.buffer, err = w.dtype.encode(w.buffer[:0], part); err != nil {
			return fmt.Errorf("write %q: %w", name, err)
		}
		if _, err := p.shard.file.WriteAt(w.buffer, at); err != nil {
			return fmt.Errorf("write %q: %w", name, err)
		}
		at += int64(len(w.buffer))
		values = values[len(part):]
	}
	p.written = true
	w.places[name] = p
	return nil
}

// Commit makes the files durable, gives them their names, writes the index where
// there are several, and removes weights that the folder held before. A failure before the
// renames, such as a full disk, leaves the folder as it was.
func (w *Writer) Commit() error {
	defer w.Abort()
	var faults faultList
	for _, s := range w.shards {
		for _, p := range s.ps {
			if !w.places[p.Name].written {
				faults.add("parameter %q was not written", p.Name)
			}
		}
	}
	if err := faults.err(); err != nil {
		return fmt.Errorf("write weights to %q: %w", w.dir, err)
	}
	if err := w.commit(); err != nil {
		return fmt.Errorf("write weights to %q: %w", w.dir, err)
	}
	return nil
}

func (w *Writer) commit() error {
	if len(w.shards) > 1 {
		if err := w.addIndex(); err != nil {
			return err
		}
	}
	for _, s := range w.shards {
		if err := atomicfile.Finish(s.file); err != nil {
			return err
		}
	}
	stale, err := fs.Glob(os.DirFS(w.dir), "model*.safetensors*")
	if err != nil {
		return err
	}
	for _, s := range w.shards {
		if err := os.Rename(s.file.Name(), filepath.Join(w.dir, s.name)); err != nil {
			return err
		}
		s.file = nil
		stale = slices.DeleteFunc(stale, func(old string) bool { return old == s.name })
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			return err
		}
	}
	return atomicfile.SyncDir(w.dir)
}

// addIndex writes the index as one more file to be finished and renamed.
func (w *Writer) addIndex() error {
	var total int64
	weightMap := map[string]string{}
	for _, s := range w.shards {
		total += s.size
		for _, p := range s.ps {
			weightMap[p.Name] = s.name
		}
	}
	index := map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}
	text, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(w.dir, "."+indexFile+".*.partial")
	if err != nil {
		return err
	}
	w.shards = append(w.shards, &shard{name: indexFile, file: f})
	_, err = f.Write(append(text, '\n'))
	return err
}

// Abort removes what has not been committed. After Commit it does nothing.
func (w *Writer) Abort() {
	for _, s := range w.shards {
		if s.file != nil {
			s.file.Close()
			os.Remove(s.file.Name())
			s.file = nil
		}
	}
}
