package coretest

import (
	"math"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// The gradient of every weight against central differences in float64.
func TestGradientOfEveryWeight(t *testing.T) {
	m := NewModel(11, 5, 3)
	items := []core.Item{
		{Prompt: []int32{1, 2, 3}, Completions: [][]int32{{4, 5}, {6}}},
		{Prompt: []int32{7}, Completions: [][]int32{{1, 1, 8, 10}}},
	}
	if err := m.Accumulate(t.Context(), items, fixed); err != nil {
		t.Fatal(err)
	}
	loss := func() float64 {
		scores, err := m.LogProbs(t.Context(), items, core.Detail{})
		if err != nil {
			t.Fatal(err)
		}
		weights, _ := fixed(scores)
		return weights[0][0]*scores[0][0].LogProb + weights[0][1]*scores[0][1].LogProb + weights[1][0]*scores[1][0].LogProb
	}
	const h = 1e-5
	for _, p := range m.tensors() {
		for k, v := range p.value {
			p.value[k] = v + h
			up := loss()
			p.value[k] = v - h
			down := loss()
			p.value[k] = v
			if got := (up - down) / (2 * h); math.Abs(got-p.grad[k]) > 1e-8 {
				t.Fatalf("%s[%d]: gradient %v, finite difference %v", p.name, k, p.grad[k], got)
			}
		}
	}
}

// By hand: with W = 0 and b = 0 the hidden layer is 0 and every token has
// probability 1/vocab.
func TestUniformWithoutHiddenLayer(t *testing.T) {
	m := NewModel(16, 4, 1)
	clear(m.weight.value)
	clear(m.bias.value)
	scores, err := m.LogProbs(t.Context(), []core.Item{{Prompt: []int32{3}, Completions: [][]int32{{5, 9}}}}, core.Detail{})
	if err != nil {
		t.Fatal(err)
	}
	if want := -2 * math.Log(16); math.Abs(scores[0][0].LogProb-want) > 1e-12 {
		t.Errorf("log-probability %v, want %v", scores[0][0].LogProb, want)
	}
}

func TestCutsChangeNoBit(t *testing.T) {
	s := &backendSuite{vocab: Vocab}
	whole, cut := NewModel(Vocab, 6, 1), NewModel(Vocab, 6, 1)
	items := s.items()
	for _, err := range []error{
		whole.Accumulate(t.Context(), items, fixed),
		cut.Accumulate(t.Context(), items[:2], fixed),
		cut.Accumulate(t.Context(), items[2:], fixed),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, p := range whole.tensors() {
		for k, g := range p.grad {
			if g != cut.tensors()[i].grad[k] {
				t.Fatalf("%s[%d]: gradient %v in one call, %v in two", p.name, k, g, cut.tensors()[i].grad[k])
			}
		}
	}
}
