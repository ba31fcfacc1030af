package coretest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
)

// stored is a tensor of a safetensors file, its values widened to float64.
type stored struct {
	dtype string // "F64", "F32" or "BF16"
	shape []int
	value []float64
}

type header struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// writeSafetensors writes the tensors, by name, rounding them to their dtypes.
func writeSafetensors(path string, tensors map[string]stored) error {
	headers, data := map[string]header{}, []byte(nil)
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t, begin := tensors[name], len(data)
		for _, v := range t.value {
			data = appendNumber(data, t.dtype, v)
		}
		headers[name] = header{DType: t.dtype, Shape: t.shape, Offsets: [2]int{begin, len(data)}}
	}
	head, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return os.WriteFile(path, slices.Concat(file, head, data), 0o644)
}

// readSafetensors reads what writeSafetensors, or any other program, wrote with
// dtypes F64, F32 and BF16.
func readSafetensors(path string) (map[string]stored, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(file) < 8 || binary.LittleEndian.Uint64(file) > uint64(len(file)-8) {
		return nil, fmt.Errorf("%q is not a safetensors file", path)
	}
	n := int(binary.LittleEndian.Uint64(file))
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+n], &entries); err != nil {
		return nil, fmt.Errorf("%q: header: %w", path, err)
	}
	delete(entries, "__metadata__")
	tensors := map[string]stored{}
	for name, entry := range entries {
		if tensors[name], err = readTensor(entry, file[8+n:]); err != nil {
			return nil, fmt.Errorf("%q: tensor %q: %w", path, name, err)
		}
	}
	return tensors, nil
}

func readTensor(entry json.RawMessage, data []byte) (stored, error) {
	var h header
	if err := json.Unmarshal(entry, &h); err != nil {
		return stored{}, err
	}
	width, ok := map[string]int{"F64": 8, "F32": 4, "BF16": 2}[h.DType]
	if !ok {
		return stored{}, fmt.Errorf("dtype %q is not supported; write F64, F32 or BF16", h.DType)
	}
	n := 1
	for _, d := range h.Shape {
		n *= d
	}
	begin, end := h.Offsets[0], h.Offsets[1]
	if begin < 0 || end > len(data) || end-begin != n*width {
		return stored{}, fmt.Errorf("offsets %v do not fit its shape %v", h.Offsets, h.Shape)
	}
	t := stored{dtype: h.DType, shape: h.Shape, value: make([]float64, n)}
	for i := range t.value {
		t.value[i] = number(data[begin+i*width:], h.DType)
	}
	return t, nil
}

func appendNumber(data []byte, dtype string, v float64) []byte {
	switch dtype {
	case "F64":
		return binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	case "F32":
		return binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
	default:
		return binary.LittleEndian.AppendUint16(data, bfloat16(float32(v)))
	}
}

func number(data []byte, dtype string) float64 {
	switch dtype {
	case "F64":
		return math.Float64frombits(binary.LittleEndian.Uint64(data))
	case "F32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	default:
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data)) << 16))
	}
}

// bfloat16 rounds to the nearest, ties to even.
func bfloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
