package checkpoint

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A ggufFile is an open GGUF file of version 2 or 3: metadata and tensors.
type ggufFile struct {
	mapping *mapping
	meta    map[string]any // Go's own types: uint32, float32, string, []string, []int32...
	names   []string       // in the order of the file
	tensors map[string]ggufTensor
}

// A ggufTensor is a tensor in the file. Shape is in Hugging Face's order, the
// reverse of GGUF's, which lists the fastest dimension first.
type ggufTensor struct {
	ggmlType
	shape  []int
	count  int
	offset int64 // in the file
}

// openGGUF reads metadata and directory, and checks that every tensor lies in
// the file.
func openGGUF(path string) (*ggufFile, error) {
	m, err := openMapping(path)
	if err != nil {
		return nil, err
	}
	g := &ggufFile{mapping: m, meta: map[string]any{}, tensors: map[string]ggufTensor{}}
	if err := g.read(); err != nil {
		m.close()
		return nil, fmt.Errorf("gguf %q: %w", path, err)
	}
	return g, nil
}

func (g *ggufFile) close() error { return g.mapping.close() }

// float32 decodes a tensor.
func (g *ggufFile) float32(name string) ([]float32, error) {
	t, ok := g.tensors[name]
	if !ok {
		return nil, fmt.Errorf("no tensor %q", name)
	}
	src, err := g.mapping.bytes(t.offset, int64(t.count/t.values*t.bytes))
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", name, err)
	}
	dst := make([]float32, t.count)
	t.dequantize(dst, src)
	return dst, nil
}

func (g *ggufFile) read() error {
	size := g.mapping.size()
	r := &ggufReader{r: bufio.NewReaderSize(io.NewSectionReader(g.mapping.readerAt(), 0, size), 1<<16), size: size}
	if magic := r.text(4); magic != "GGUF" {
		return fmt.Errorf("not a GGUF file: it begins with %q", magic)
	}
	version := r.uint32()
	if version>>16 != 0 && version&0xffff == 0 {
		return fmt.Errorf("big-endian files are not supported")
	}
	if version != 2 && version != 3 {
		return fmt.Errorf("version %d is not supported (supported: 2, 3)", version)
	}
	tensors, pairs := r.count(24), r.count(13) // of at least so many bytes each
	for range pairs {
		key := r.string()
		if _, ok := g.meta[key]; ok && r.err == nil {
			return fmt.Errorf("metadata %q occurs twice", key)
		}
		g.meta[key] = r.value(r.uint32(), 0)
		if r.err != nil {
			return fmt.Errorf("metadata %q: %w", key, r.err)
		}
	}
	for range tensors {
		if err := g.readTensor(r); err != nil {
			return err
		}
	}
	if r.err != nil {
		return r.err
	}
	return g.place(r.at)
}

// readTensor reads one entry of the directory.
func (g *ggufFile) readTensor(r *ggufReader) error {
	name := r.string()
	dims := r.uint32()
	if r.err == nil && dims > 4 {
		return fmt.Errorf("tensor %q has %d dimensions", name, dims)
	}
	t := ggufTensor{shape: make([]int, dims), count: 1}
	for i := range t.shape {
		d := r.uint64()
		if d > math.MaxInt32 || d > 0 && t.count > math.MaxInt64/8/int(d) {
			return fmt.Errorf("tensor %q is impossibly large", name)
		}
		t.shape[len(t.shape)-1-i] = int(d)
		t.count *= int(d)
	}
	number, offset := r.uint32(), r.uint64()
	if r.err != nil {
		return fmt.Errorf("tensor %q: %w", name, r.err)
	}
	var err error
	if t.ggmlType, err = findGGMLType(number); err != nil {
		return fmt.Errorf("tensor %q: %w", name, err)
	}
	if _, ok := g.tensors[name]; ok {
		return fmt.Errorf("tensor %q occurs twice", name)
	}
	if offset > uint64(g.mapping.size()) {
		return fmt.Errorf("truncated: tensor %q lies beyond the file's end", name)
	}
	if dims > 0 && t.shape[dims-1]%t.values != 0 || dims == 0 && t.values != 1 {
		return fmt.Errorf("tensor %q: shape %v does not fill blocks of %d (%s)", name, t.shape, t.values, t.name)
	}
	t.offset = int64(offset)
	g.names = append(g.names, name)
	g.tensors[name] = t
	return nil
}

// place turns offsets into the data, which begins after the directory on a
// multiple of general.alignment, into offsets in the file.
func (g *ggufFile) place(end int64) error {
	alignment := int64(32)
	if v, ok := g.meta["general.alignment"]; ok {
		a, isUint32 := v.(uint32)
		if !isUint32 || a == 0 || a&(a-1) != 0 {
			return fmt.Errorf("general.alignment %v is not a power of two", v)
		}
		alignment = int64(a)
	}
	start := (end + alignment - 1) / alignment * alignment
	for name, t := range g.tensors {
		t.offset += start
		if n := int64(t.count/t.values) * int64(t.bytes); t.offset > g.mapping.size()-n {
			return fmt.Errorf("truncated: tensor %q ends beyond the file's %d bytes", name, g.mapping.size())
		}
		g.tensors[name] = t
	}
	return nil
}

// A ggufReader reads little-endian values. After an error it returns zeros.
type ggufReader struct {
	r        io.Reader
	at, size int64
	err      error
}

var errGGUFEnd = errors.New("truncated: the file ends in its header")

func (r *ggufReader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		if _, err := io.ReadFull(r.r, b); err != nil {
			r.err = errGGUFEnd
		}
		r.at += int64(n)
	}
	return b
}

func (r *ggufReader) text(n int) string { return string(r.bytes(n)) }
func (r *ggufReader) uint8() uint8      { return r.bytes(1)[0] }
func (r *ggufReader) uint16() uint16    { return binary.LittleEndian.Uint16(r.bytes(2)) }
func (r *ggufReader) uint32() uint32    { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *ggufReader) uint64() uint64    { return binary.LittleEndian.Uint64(r.bytes(8)) }

// count reads the number of things that take at least size bytes each, and
// refuses more than the rest of the file can hold.
func (r *ggufReader) count(size int64) int {
	n := r.uint64()
	if r.err == nil && n > uint64(max(r.size-r.at, 0)/size) {
		r.err = errGGUFEnd
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *ggufReader) string() string { return r.text(r.count(1)) }

// value reads a metadata value of the numbered type.
func (r *ggufReader) value(kind uint32, depth int) any {
	switch kind {
	case 0:
		return r.uint8()
	case 1:
		return int8(r.uint8())
	case 2:
		return r.uint16()
	case 3:
		return int16(r.uint16())
	case 4:
		return r.uint32()
	case 5:
		return int32(r.uint32())
	case 6:
		return math.Float32frombits(r.uint32())
	case 7:
		return r.uint8() != 0
	case 8:
		return r.string()
	case 9:
		return r.array(depth)
	case 10:
		return r.uint64()
	case 11:
		return int64(r.uint64())
	case 12:
		return math.Float64frombits(r.uint64())
	}
	if r.err == nil {
		r.err = fmt.Errorf("unknown type %d", kind)
	}
	return nil
}

// array reads an array. Those of strings, int32 and float32, which tokenizers
// have, are slices of these; all others []any.
func (r *ggufReader) array(depth int) any {
	kind := r.uint32()
	if r.err == nil && depth == 4 {
		r.err = errors.New("arrays nested too deep")
	}
	switch kind {
	case 5:
		return list(r, 4, func() int32 { return int32(r.uint32()) })
	case 6:
		return list(r, 4, func() float32 { return math.Float32frombits(r.uint32()) })
	case 8:
		return list(r, 8, r.string)
	}
	return list(r, 1, func() any { return r.value(kind, depth+1) })
}

func list[T any](r *ggufReader, size int64, next func() T) []T {
	n := r.count(size)
	var out []T
	for i := 0; i < n && r.err == nil; i++ {
		out = append(out, next())
	}
	return out
}
