package core

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestWeights(t *testing.T) {
	scores := [][]Score{{{}, {}}, {}, {{}}}
	cause := errors.New("no")
	for want, f := range map[string]GradFunc{
		"no":                            func([][]Score) ([][]float64, error) { return nil, cause },
		"weights for 1 items, not 3":    func([][]Score) ([][]float64, error) { return [][]float64{{1, 2}}, nil },
		"item 2: 2 weights for 1 compl": func([][]Score) ([][]float64, error) { return [][]float64{{1, 2}, nil, {3, 4}}, nil },
	} {
		if _, err := f.Weights(scores); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	got, err := GradFunc(func([][]Score) ([][]float64, error) { return [][]float64{{1, 2}, nil, {3}}, nil }).Weights(scores)
	if err != nil || !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("weights %v, error %v", got, err)
	}
}

func TestUpdateCheck(t *testing.T) {
	adamw := Optimizer{Name: "adamw", Beta1: .9, Beta2: .999, Epsilon: 1e-8}
	negative := adamw
	negative.WeightDecay = -1
	for want, u := range map[string]Update{
		`optimizer "sgd" is not known`: {Optimizer: Optimizer{Name: "sgd"}},
		"max_grad_norm -1":             {MaxGradNorm: -1, Optimizer: adamw},
		"max_grad_norm NaN":            {MaxGradNorm: math.NaN(), Optimizer: adamw},
		"NaN is not a number":          {LearningRate: math.NaN(), Optimizer: adamw},
		"+Inf is not a number":         {LearningRate: math.Inf(1), Optimizer: adamw},
		"-1 is not a number":           {Optimizer: negative},
	} {
		if err := u.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := (Update{LearningRate: 1e-3, MaxGradNorm: 1, Optimizer: adamw}).Check(); err != nil {
		t.Error(err)
	}
}

func TestClipScale(t *testing.T) {
	for _, c := range []struct{ most, norm, want float64 }{
		{0, 5, 1}, {1, .5, 1}, {1, 1, 1 / (1 + 1e-6)}, {2, 8, 2 / (8 + 1e-6)},
	} {
		if got := (Update{MaxGradNorm: c.most}).ClipScale(c.norm); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("norm %g clipped to %g: scale %v, want %v", c.norm, c.most, got, c.want)
		}
	}
}
