package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// maxHeader is the limit of the reference implementation (100 MB).
const maxHeader = 100_000_000

// A header is the directory of a safetensors file, in the order of the data.
type header struct {
	tensors  []entry
	metadata map[string]string
	start    int64 // of the data in the file
}

// An entry is one tensor of a header. Its offsets count from the file's start.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int64
}

// readHeader reads and checks the header of a safetensors file: as in the
// reference implementation the tensors must fill the data exactly, one after the
// other, and no name may occur twice.
func readHeader(m *mapping) (*header, error) {
	if m.size() < 8 {
		return nil, fmt.Errorf("not a safetensors file: %d bytes", m.size())
	}
	prefix, err := m.bytes(0, 8)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix)
	if n > maxHeader {
		return nil, fmt.Errorf("not a safetensors file: a header of %d bytes (limit %d)", n, maxHeader)
	}
	if int64(n) > m.size()-8 {
		return nil, fmt.Errorf("truncated: a header of %d bytes in a file of %d", n, m.size())
	}
	text, err := m.bytes(8, int64(n))
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	h.start = 8 + int64(n)
	return h, h.layOut(m.size())
}

// parseHeader reads the JSON object by tokens, since a map would hide duplicates.
func parseHeader(text []byte) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("does not begin with '{'")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	h := &header{}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // a key of an object, else the decoder had failed
		if seen[name] {
			return nil, fmt.Errorf("%q occurs twice", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			err = d.Decode(&h.metadata)
		} else {
			err = h.parseEntry(d, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.TrimRight(text[d.InputOffset():], " "); len(rest) != 0 {
		return nil, fmt.Errorf("%d bytes follow the object", len(rest))
	}
	return h, nil
}

func (h *header) parseEntry(d *json.Decoder, name string) error {
	var e struct {
		DType       DType     `json:"dtype"`
		Shape       *[]int64  `json:"shape"`
		DataOffsets *[2]int64 `json:"data_offsets"`
	}
	if err := d.Decode(&e); err != nil {
		return err
	}
	if e.DType == "" || e.Shape == nil || e.DataOffsets == nil {
		return fmt.Errorf("dtype, shape or data_offsets is missing")
	}
	count := int64(1)
	shape := make([]int, len(*e.Shape))
	for i, dim := range *e.Shape {
		if dim < 0 || dim > math.MaxInt32 || dim > 0 && count > math.MaxInt64/8/dim {
			return fmt.Errorf("impossible shape %v", *e.Shape)
		}
		count *= dim
		shape[i] = int(dim)
	}
	begin, end := e.DataOffsets[0], e.DataOffsets[1]
	if begin < 0 || end < begin {
		return fmt.Errorf("impossible data_offsets %v", *e.DataOffsets)
	}
	if size, known := sizes[e.DType]; known && end-begin != count*int64(size) {
		return fmt.Errorf("shape %v of %s takes %d bytes, data_offsets give %d", shape, e.DType, count*int64(size), end-begin)
	}
	h.tensors = append(h.tensors, entry{name, e.DType, shape, begin, end})
	return nil
}

// layOut sorts the entries by position, checks that they fill the file from the
// header's end to its own, and makes their offsets count from the file's start.
func (h *header) layOut(fileSize int64) error {
	slices.SortStableFunc(h.tensors, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	data := fileSize - h.start
	at := int64(0)
	for i := range h.tensors {
		e := &h.tensors[i]
		switch {
		case e.begin < at:
			return fmt.Errorf("header: %q overlaps the tensor before it", e.name)
		case e.begin > at:
			return fmt.Errorf("header: %d unused bytes before %q", e.begin-at, e.name)
		case e.end > data:
			return fmt.Errorf("truncated: %q ends at byte %d of the data, the file has %d", e.name, e.end, data)
		}
		at = e.end
		e.begin += h.start
		e.end += h.start
	}
	if at != data {
		return fmt.Errorf("%d bytes follow the last tensor", data-at)
	}
	return nil
}
