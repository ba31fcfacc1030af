//go:build libtorch

package libtorch

import (
	"github.com/stepwise-dpo/stepwise/backends/libtorch/internal/torch"
	"github.com/stepwise-dpo/stepwise/core/checkpoint"
)

// A weight is a parameter on the device.
type weight struct {
	param checkpoint.Param
	// value is what the optimizer moves, float32 unless master_weights is off; its
	// gradient is the weight's. used is what operations read: the same, or a rounded copy.
	value, used torch.Tensor
	moments     []torch.Tensor // of the optimizer, in the type of value, made when it needs them
}

// types maps the types that weights are read from to libtorch's.
var types = map[checkpoint.DType]torch.DType{
	checkpoint.F64: torch.Float64, checkpoint.F32: torch.Float32,
	checkpoint.BF16: torch.BFloat16, checkpoint.F16: torch.Float16,
}

// kept returns the type in which the model's weights live: in training also their
// gradient and moments.
func (m *Model) kept() torch.DType {
	if m.trainable && m.options.MasterWeights {
		return torch.Float32
	}
	return m.dtype
}

// loadWeight copies a parameter from its file to the device.
func (m *Model) loadWeight(from *checkpoint.Weights, p checkpoint.Param) (*weight, error) {
	t, err := from.Param(p)
	if err != nil {
		return nil, err
	}
	kept := m.kept()
	var s torch.Scope
	defer s.Free()
	defer from.Release(p.Name)
	value := s.FromBytes(m.device, types[t.DType], kept, t.Data, p.Shape)
	used := value
	if m.trainable {
		used = s.Leaf(s.To(value, m.device, m.dtype))
		if kept == m.dtype {
			value = used
		}
	}
	w := &weight{param: p, value: s.Keep(value), used: used}
	if w.separate() {
		s.Keep(used)
	}
	return w, nil
}

// separate says whether operations read a copy.
func (w *weight) separate() bool { return w.used != w.value }

// decays says whether weight decay applies.
func (w *weight) decays() bool {
	return w.param.Role == checkpoint.RoleEmbedding || w.param.Role == checkpoint.RoleMatrix
}

// remember makes room for an optimizer's moments.
func (w *weight) remember(count int, device torch.Device, dtype torch.DType) {
	var s torch.Scope
	defer s.Free()
	for len(w.moments) < count {
		w.moments = append(w.moments, s.Keep(s.Zeros(device, dtype, sizes(w.param)...)))
	}
}

// round brings the copy that operations read up to date.
func (w *weight) round() {
	if w.separate() {
		torch.Copy(w.used, w.value)
	}
}

func (w *weight) free() {
	w.value.Free()
	if w.separate() {
		w.used.Free()
	}
	for _, t := range w.moments {
		t.Free()
	}
}

// sizes returns the parameter's shape as libtorch takes it.
func sizes(p checkpoint.Param) []int64 {
	out := make([]int64, len(p.Shape))
	for i, n := range p.Shape {
		out[i] = int64(n)
	}
	return out
}
