package coretest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/stepwise-dpo/stepwise/core"
)

var gradientChecks = []check[*backendSuite]{
	{"gradient equals finite differences", checkFiniteDifferences},
	{"adamw is torch's", func(ctx context.Context, s *backendSuite) error {
		return checkOptimizer(ctx, s, adamw)
	}},
	{"rmsprop is torch's", func(ctx context.Context, s *backendSuite) error {
		return checkOptimizer(ctx, s, rmsprop)
	}},
	{"clipping is torch's", func(ctx context.Context, s *backendSuite) error {
		u := sgd(1)
		u.MaxGradNorm = 0.1
		return checkOptimizer(ctx, s, u)
	}},
}

// gradient is d loss / d theta by tensor, as the model takes it in a step of
// plain gradient descent, and the weights it was taken at.
type gradient struct {
	weights map[string]stored
	grad    map[string][]float64
	norm    float64
}

// length is the norm of all of it.
func (g gradient) length() float64 {
	sum := 0.0
	for _, v := range g.grad {
		sum += norm(v) * norm(v)
	}
	return math.Sqrt(sum)
}

// measure returns the gradient of sum w logp over the items. The step is as
// long as the weights, so that float32 keeps most of its digits.
func (s *backendSuite) measure(ctx context.Context, items []core.Item) (gradient, error) {
	g := gradient{grad: map[string][]float64{}}
	var err error
	if g.weights, err = readSafetensors(filepath.Join(s.path, weightsFile)); err != nil {
		return g, err
	}
	var rate float64
	after, err := s.trained(ctx, func(m core.Model) error {
		if g.norm, err = s.accumulatedNorm(ctx, m, items); err != nil {
			return err
		}
		rate = weightNorm(g.weights) / g.norm
		return train(ctx, m, sgd(rate), items)
	})
	if err != nil {
		return g, err
	}
	for name, before := range g.weights {
		for k, v := range before.value {
			g.grad[name] = append(g.grad[name], (v-after[name].value[k])/rate)
		}
	}
	return g, nil
}

// trained opens the model, trains it, and returns its weights.
func (s *backendSuite) trained(ctx context.Context, train func(core.Model) error) (map[string]stored, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	err = s.with(ctx, func(m core.Model) error {
		if err := train(m); err != nil {
			return err
		}
		return m.Save(ctx, dir, core.SaveOptions{DType: "float32"})
	})
	if err != nil {
		return nil, err
	}
	after, err := readSafetensors(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	return after, s.sameTensors(after)
}

// sameTensors says where what was saved lacks a tensor of the model's folder.
func (s *backendSuite) sameTensors(after map[string]stored) error {
	before, err := readSafetensors(filepath.Join(s.path, weightsFile))
	if err != nil {
		return err
	}
	for name, t := range before {
		if !slices.Equal(t.shape, after[name].shape) || len(t.value) != len(after[name].value) {
			return fmt.Errorf("tensor %q of shape %v was saved with shape %v", name, t.shape, after[name].shape)
		}
	}
	return nil
}

// checkFiniteDifferences moves one tensor at a time in its file, along its
// gradient and a random direction, and compares the change of the loss with
// what the gradient says.
func checkFiniteDifferences(ctx context.Context, s *backendSuite) error {
	items := s.items()
	g, err := s.measure(ctx, items)
	if err != nil {
		return err
	}
	if err := s.sameNorm("GradNorm, then the step taken", g.norm, g.length()); err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(11, 11))
	for _, name := range slices.Sorted(maps.Keys(g.grad)) {
		plus, minus := nudge(g.weights[name], g.grad[name], r)
		up, err := s.lossWith(ctx, g.weights, name, plus, items)
		if err != nil {
			return err
		}
		down, err := s.lossWith(ctx, g.weights, name, minus, items)
		if err != nil {
			return err
		}
		predicted := 0.0
		for k, v := range g.grad[name] {
			predicted += v * (plus.value[k] - minus.value[k])
		}
		if slack := s.options.Gradient*math.Abs(predicted) + s.options.LogProb; math.Abs(up-down-predicted) > slack {
			return fmt.Errorf("tensor %q: the loss changes by %v, its gradient says %v", name, up-down, predicted)
		}
	}
	return nil
}

// nudge moves t both ways by a hundredth of its norm, or less where the gradient
// says that this would change the loss by more than a fiftieth: the loss is far
// from straight beyond.
func nudge(t stored, grad []float64, r *rand.Rand) (plus, minus stored) {
	direction := make([]float64, len(grad))
	for k := range direction {
		direction[k] = r.NormFloat64() / math.Sqrt(float64(len(grad)))
		if n := norm(grad); n > 0 {
			direction[k] += grad[k] / n
		}
	}
	size := 0.01 * max(norm(t.value), 1e-2) / norm(direction)
	if slope := math.Abs(dot(grad, direction)); size*slope > 0.02 {
		size = 0.02 / slope
	}
	move := func(sign float64) stored {
		moved := stored{t.dtype, t.shape, slices.Clone(t.value)}
		for k := range moved.value {
			moved.value[k] = float64(float32(moved.value[k] + sign*size*direction[k]))
		}
		return moved
	}
	return move(1), move(-1)
}

// lossWith returns sum w logp of the items with one tensor replaced.
func (s *backendSuite) lossWith(ctx context.Context, weights map[string]stored, name string, t stored, items []core.Item) (float64, error) {
	dir, err := s.folder()
	if err != nil {
		return 0, err
	}
	changed := maps.Clone(weights)
	changed[name] = t
	if err := writeSafetensors(filepath.Join(dir, weightsFile), changed); err != nil {
		return 0, err
	}
	if err := s.completeFolder(dir); err != nil {
		return 0, err
	}
	loss := 0.0
	err = s.withModel(ctx, dir, s.openOptions(), func(m core.Model) error {
		scores, err := m.LogProbs(ctx, items, core.Detail{})
		if err != nil {
			return err
		}
		w, err := fixed(scores)
		for i := range scores {
			for j := range scores[i] {
				loss += w[i][j] * scores[i][j].LogProb
			}
		}
		return err
	})
	return loss, err
}

// checkOptimizer compares one step with its equation, applied to the measured
// gradient. Each tensor is compared as a whole: where a gradient is near 0, its
// sign, which the first step of AdamW follows, is noise.
func checkOptimizer(ctx context.Context, s *backendSuite, u core.Update) error {
	g, err := s.measure(ctx, s.items())
	if err != nil {
		return err
	}
	after, err := s.trained(ctx, func(m core.Model) error { return train(ctx, m, u, s.items()) })
	if err != nil {
		return err
	}
	scale := 1.0
	if u.MaxGradNorm > 0 {
		scale = min(1, u.MaxGradNorm/(g.norm+1e-6))
	}
	for name, before := range g.weights {
		var diff, size float64
		for k, p := range before.value {
			want := firstStep(p, g.grad[name][k]*scale, len(before.shape) > 1, u)
			diff += math.Abs(after[name].value[k] - want)
			size += math.Abs(want - p)
		}
		rounding := 1e-7 * math.Sqrt(float64(len(before.value))) * norm(before.value)
		if diff > 2*s.options.Gradient*size+rounding {
			return fmt.Errorf("tensor %q: the step is off by %v of %v in all", name, diff, size)
		}
	}
	return nil
}

// firstStep returns the weight p after the first step of torch.optim.AdamW or
// torch.optim.RMSprop with gradient g.
func firstStep(p, g float64, decays bool, u core.Update) float64 {
	c := u.Optimizer
	if !decays {
		c.WeightDecay = 0
	}
	if c.Name == "adamw" {
		p -= u.LearningRate * c.WeightDecay * p
		return p - u.LearningRate*g/(math.Abs(g)+c.Epsilon)
	}
	g += c.WeightDecay * p
	return p - u.LearningRate*g/(math.Sqrt(1-c.Alpha)*math.Abs(g)+c.Epsilon)
}

func weightNorm(tensors map[string]stored) float64 {
	sum := 0.0
	for _, t := range tensors {
		sum += norm(t.value) * norm(t.value)
	}
	return math.Sqrt(sum)
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }

func dot(x, y []float64) float64 {
	sum := 0.0
	for k, v := range x {
		sum += v * y[k]
	}
	return sum
}
