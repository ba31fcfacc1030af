// Package core is the domain of stepwise: what a model, a backend, a
// partitioner, an evaluator and a scorer are, and the values that pass between
// them. It imports nothing of this module; technology lives in the leaves.
//
// # The idea
//
// Stepwise DPO (sDPO, "Don't Use Your Data All at Once") aligns a language
// model with preferences in T steps. A [Partitioner] decides what is learnt
// first. Step t runs DPO on its part of the pairs with the model of step t-1
// both as the reference and as the starting point. An [Evaluator] measures the
// base model S and every M_t.
//
// The loss lives on this side and the transformer on the other: a [Model] turns
// token ids into log-probabilities, and weights on those log-probabilities into
// gradients. One loss therefore serves every backend.
//
// Only token ids, text, float64 numbers, names and paths pass through these
// interfaces, never logits or tensors, so that each of them can be served by
// another process.
package core

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Backend opens models for scoring and training.
type Backend interface {
	// Check refuses options that the backend does not know or cannot honour on
	// this machine, before any work is done. Its error names the option.
	Check(ctx context.Context, o OpenOptions) error
	// Open loads the Hugging Face folder at path.
	Open(ctx context.Context, path string, o OpenOptions) (Model, error)
}

// OpenOptions says how a model is to be opened.
type OpenOptions struct {
	// DType is the arithmetic and storage of the weights: "float32" or "bf16".
	DType string
	// Train is true where Accumulate and Update will be called.
	Train bool
	// State, where not empty, is a folder written by Model.Save with its
	// State option; the optimizer goes on from there.
	State string
	// Options are the backend's own, as in the configuration's
	// [backend] options.
	Options Options
}

// Model is a causal language model that can be scored and trained. Its calls
// must not overlap. How a workload is cut into calls changes no result beyond
// rounding.
type Model interface {
	// LogProbs returns, for each item in order and each of its completions in
	// order, the natural log-probability of the completion's tokens given the
	// prompt and the completion's earlier tokens. It takes the whole workload
	// at once, so that whatever the items share is computed once.
	LogProbs(ctx context.Context, items []Item, d Detail) ([][]Score, error)
	// Accumulate scores the items, hands the scores to grad, and adds
	// sum_ij w_ij * d logp_ij / d theta to the gradient, w being what grad
	// returned. If grad fails, its error is returned and the gradient is
	// unchanged. Items are processed as one micro-batch.
	Accumulate(ctx context.Context, items []Item, grad GradFunc) error
	// Update takes one optimizer step and clears the gradient. Where the
	// gradient is not finite it returns ErrNotFinite and leaves the weights.
	Update(ctx context.Context, u Update) (UpdateStats, error)
	// Save writes the weights into dir as model.safetensors (or shards with
	// their index) under Hugging Face's names, and on request the optimizer's
	// state, such that Open goes on from them bit by bit. dir exists.
	Save(ctx context.Context, dir string, o SaveOptions) error
	// Close frees the model; no other call may follow.
	Close() error
}

// GradFunc is given the scores of the items of one Accumulate call and returns
// the weight of each completion's log-probability in the gradient: for a loss L
// to be minimised, dL/dlogp.
type GradFunc func(scores [][]Score) (weights [][]float64, err error)

// Weights asks f for the weights of scores and lists them, item by item and
// completion by completion. Weights that are not one a score are an error.
func (f GradFunc) Weights(scores [][]Score) ([]float64, error) {
	given, err := f(scores)
	if err != nil {
		return nil, err
	}
	if len(given) != len(scores) {
		return nil, fmt.Errorf("weights for %d items, not %d", len(given), len(scores))
	}
	var weights []float64
	for i, w := range given {
		if len(w) != len(scores[i]) {
			return nil, fmt.Errorf("item %d: %d weights for %d completions", i, len(w), len(scores[i]))
		}
		weights = append(weights, w...)
	}
	return weights, nil
}

// Item is a prompt and the completions to be scored after it, as token ids. A
// preference pair is an Item with two completions; a multiple-choice question
// is one with a completion per choice. The prompt and every completion hold at
// least one token.
type Item struct {
	Prompt      []int32
	Completions [][]int32
}

// Check refuses an item without a prompt or with an empty completion, and ids
// outside of a vocabulary.
func (it Item) Check(vocabulary int) error {
	if len(it.Prompt) == 0 {
		return errors.New("the prompt has no token; the first completion token needs one to be predicted from")
	}
	if err := checkIDs(it.Prompt, vocabulary); err != nil {
		return fmt.Errorf("the prompt: %w", err)
	}
	for i, c := range it.Completions {
		if len(c) == 0 {
			return fmt.Errorf("completion %d has no token", i)
		}
		if err := checkIDs(c, vocabulary); err != nil {
			return fmt.Errorf("completion %d: %w", i, err)
		}
	}
	return nil
}

func checkIDs(ids []int32, vocabulary int) error {
	for _, id := range ids {
		if id < 0 || int(id) >= vocabulary {
			return fmt.Errorf("token id %d is outside of the vocabulary of %d", id, vocabulary)
		}
	}
	return nil
}

// Detail says what a Score should hold beside the sum.
type Detail struct {
	PerToken bool // fill Score.TokenLogProbs
	Greedy   bool // fill Score.Greedy
}

// Score is the log-probability of one completion.
type Score struct {
	LogProb       float64   // sum over the completion's tokens, in nats
	Tokens        int       // number of tokens summed
	Greedy        bool      // every token was the argmax of its distribution
	TokenLogProbs []float64 // one a token, in nats
}

// Optimizer names an optimizer and its constants, as torch.optim does.
type Optimizer struct {
	Name        string  // "adamw" (decoupled decay) or "rmsprop" (coupled decay)
	Beta1       float64 // adamw
	Beta2       float64 // adamw
	Alpha       float64 // rmsprop: smoothing of the squared gradient
	Epsilon     float64
	WeightDecay float64 // not applied to norms and biases
}

// Update is one optimizer step.
type Update struct {
	LearningRate float64
	MaxGradNorm  float64 // clip the global L2 norm to this; 0 = do not clip
	Optimizer    Optimizer
}

// Check refuses an optimizer that does not exist, and constants that are not
// numbers of at least 0.
func (u Update) Check() error {
	o := u.Optimizer
	switch {
	case o.Name != "adamw" && o.Name != "rmsprop":
		return fmt.Errorf("optimizer %q is not known (known: adamw, rmsprop)", o.Name)
	case u.MaxGradNorm < 0 || math.IsNaN(u.MaxGradNorm):
		return fmt.Errorf("max_grad_norm %g is not a norm", u.MaxGradNorm)
	}
	for _, c := range []float64{u.LearningRate, o.Beta1, o.Beta2, o.Alpha, o.Epsilon, o.WeightDecay} {
		if math.IsNaN(c) || math.IsInf(c, 0) || c < 0 {
			return fmt.Errorf("optimizer constant %g is not a number of at least 0", c)
		}
	}
	return nil
}

// ClipScale returns what a gradient of a norm is to be multiplied by: 1, or less
// where the norm is above MaxGradNorm (torch.nn.utils.clip_grad_norm_).
func (u Update) ClipScale(norm float64) float64 {
	if u.MaxGradNorm == 0 {
		return 1
	}
	return min(1, u.MaxGradNorm/(norm+1e-6))
}

// UpdateStats is what an optimizer step tells.
type UpdateStats struct {
	GradNorm float64 // global L2 norm before clipping
}

// SaveOptions says what Model.Save writes.
type SaveOptions struct {
	DType string // of the weights: "float32", "bf16" or "float16"
	State bool   // also the optimizer's state
}

// Forecaster is what a Backend may also offer: a forecast of memory and time.
type Forecaster interface {
	Forecast(ctx context.Context, path string, o OpenOptions, w Workload) (Forecast, error)
}

// Workload describes the training that a Forecast is asked for.
type Workload struct {
	// MicroBatch is the items of the costliest micro-batch.
	MicroBatch []ItemShape
}

// NewWorkload describes a micro-batch of items.
func NewWorkload(items []Item) Workload {
	shapes := make([]ItemShape, len(items))
	for i, item := range items {
		shapes[i].Prompt = len(item.Prompt)
		for _, c := range item.Completions {
			shapes[i].Completions = append(shapes[i].Completions, len(c))
		}
	}
	return Workload{shapes}
}

// ItemShape is an Item's lengths in tokens.
type ItemShape struct {
	Prompt      int
	Completions []int
}

// Forecast is a backend's estimate.
type Forecast struct {
	PeakBytes      int64 // of the backend's process
	AvailableBytes int64 // what the device has for it, what it holds already included; 0 = unknown
	// TokensPerSecond is the pace of training from a short measurement, prompt
	// and completion counted for each completion; 0 = unknown.
	TokensPerSecond float64
	// PeakFLOPS is the floating-point operations a second that the device's matrix
	// products reach in the options' dtype, from a short measurement; 0 = unknown.
	PeakFLOPS float64
	// Recompute says that the backend will, unasked, make activations anew in the
	// backward pass, a third more work, because the micro-batch would not fit otherwise.
	Recompute bool
}

// ErrNotFinite is returned for a loss, score or gradient that is NaN or
// infinite.
var ErrNotFinite = errors.New("not finite")

// ErrUnsupported is returned by an optional method that the other side of a
// plugin connection lacks.
var ErrUnsupported = errors.New("not supported")
