package checkpoint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Check says, all at once, in what the weights do not fit the architecture:
// tensors that are missing, unexpected, of another shape or of a type that
// cannot be read.
func (w *Weights) Check(a *Architecture) error {
	var faults faultList
	expected := map[string]bool{}
	for _, p := range a.Params() {
		expected[p.Name] = true
		l, ok := w.tensors[p.Name]
		switch {
		case !ok:
			faults.add("%q is missing", p.Name)
		case !slices.Equal(l.shape, p.Shape):
			faults.add("%q has shape %v, config.json gives %v", p.Name, l.shape, p.Shape)
		case l.dtype.readable() != nil:
			faults.add("%q: %w", p.Name, l.dtype.readable())
		}
	}
	for _, name := range w.names {
		if !expected[name] && !superfluous(name) {
			if err := w.tiedCopy(a, name); err != nil {
				faults.add("%w", err)
			}
		}
	}
	if err := faults.err(); err != nil {
		return fmt.Errorf("weights do not fit the %s architecture: %w", a.Family, err)
	}
	return nil
}

// Param returns the tensor of a parameter, as Tensor does. Another shape than the
// architecture's and types that weights are not read from are errors.
func (w *Weights) Param(p Param) (Tensor, error) {
	t, err := w.Tensor(p.Name)
	if err != nil {
		return t, err
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return t, fmt.Errorf("tensor %q has shape %v, config.json says %v", p.Name, t.Shape, p.Shape)
	}
	if err := t.DType.readable(); err != nil {
		return t, fmt.Errorf("tensor %q: %w", p.Name, err)
	}
	return t, nil
}

// superfluous names buffers that old checkpoints hold and that follow from
// config.json (transformers' _keys_to_ignore_on_load_unexpected).
func superfluous(name string) bool {
	return strings.HasSuffix(name, ".rotary_emb.inv_freq")
}

// tiedCopy accepts a copy of the embedding as the head of a tied model, and
// refuses any other unexpected tensor.
func (w *Weights) tiedCopy(a *Architecture, name string) error {
	if !a.TiedHead || name != "lm_head.weight" {
		return fmt.Errorf("%q is not part of the architecture", name)
	}
	head, err := w.Tensor(name)
	if err != nil {
		return err
	}
	embedding, err := w.Tensor(a.Embedding.Name)
	if err != nil {
		return err
	}
	if head.DType != embedding.DType || !bytes.Equal(head.Data, embedding.Data) {
		return fmt.Errorf("%q differs from %q, though config.json ties them", name, a.Embedding.Name)
	}
	return nil
}
