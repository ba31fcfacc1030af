// Package loss holds the preference losses: pure functions of the
// log-probabilities that the policy and the reference give to the chosen and
// the rejected completion, with their derivatives.
//
// Throughout, s is the logistic function, h = logp_policy - logp_reference,
// delta = h_chosen - h_rejected, p = logp / tokens, and beta scales the
// implicit reward beta*h.
package loss

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
)

// Pair is what a loss sees of a preference pair: summed log-probabilities in
// nats and the completions' lengths in tokens.
type Pair struct {
	Chosen, Rejected             float64 // under the policy
	RefChosen, RefRejected       float64 // under the reference
	ChosenTokens, RejectedTokens int
}

func (p Pair) hChosen() float64   { return p.Chosen - p.RefChosen }
func (p Pair) hRejected() float64 { return p.Rejected - p.RefRejected }
func (p Pair) delta() float64     { return p.hChosen() - p.hRejected() }

// Term is a pair's loss and its derivatives with respect to the policy's
// log-probabilities.
type Term struct {
	Loss, DChosen, DRejected float64
}

// Loss is one member of the family, with its options set.
type Loss struct {
	Name string
	// Beta scales the implicit rewards.
	Beta float64
	// ReferenceFree losses ignore the reference.
	ReferenceFree bool
	// PerToken losses see mean log-probabilities a token, and so do their
	// rewards.
	PerToken bool

	pair  func(Pair) Term
	batch func([]Pair) []Term
}

// OverBatch says that the loss of a pair depends on the other pairs of its
// update, so that all of them must be given to Terms together.
func (l *Loss) OverBatch() bool { return l.batch != nil }

// Terms returns each pair's term. The loss of an update is the mean of its
// terms' losses; the derivatives are those of the pair's own term, not yet
// divided by the number of pairs.
func (l *Loss) Terms(pairs []Pair) []Term {
	if l.OverBatch() {
		return l.batch(pairs)
	}
	terms := make([]Term, len(pairs))
	for i, p := range pairs {
		terms[i] = l.pair(p)
	}
	return terms
}

// Rewards returns the implicit rewards beta*h of p; where the loss is
// reference-free beta*logp, of a mean a token if that is what the loss sees, as
// TRL's CPOTrainer and ORPOTrainer log them.
func (l *Loss) Rewards(p Pair) (chosen, rejected float64) {
	if l.PerToken {
		return l.Beta * p.Chosen / float64(p.ChosenTokens), l.Beta * p.Rejected / float64(p.RejectedTokens)
	}
	if l.ReferenceFree {
		return l.Beta * p.Chosen, l.Beta * p.Rejected
	}
	return l.Beta * p.hChosen(), l.Beta * p.hRejected()
}

// constructors maps loss_type to what builds it from its options. Names are
// TRL's.
var constructors = map[string]func(core.Options) (*Loss, error){
	"aot":          newAOT,
	"aot_unpaired": newAOTUnpaired,
	"apo_down":     newAPODown,
	"apo_zero":     newAPOZero,
	"bco_pair":     newBCO,
	"cpo":          newCPO,
	"discopop":     newDiscoPOP,
	"exo_pair":     newEXO,
	"hinge":        newHinge,
	"ipo":          newIPO,
	"nca_pair":     newNCA,
	"orpo":         newORPO,
	"robust":       newRobust,
	"sft":          newSFT,
	"sigmoid":      newSigmoid,
	"sigmoid_norm": newSigmoidNorm,
	"simpo":        newSimPO,
	"sppo_hard":    newSPPO,
}

// New builds the loss that TRL calls name (its loss_type). Options that it does
// not have, and values out of their range, are errors.
func New(name string, o core.Options) (*Loss, error) {
	build, ok := constructors[name]
	if !ok {
		return nil, fmt.Errorf("unknown loss_type %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	l, err := build(o)
	if err != nil {
		return nil, fmt.Errorf("loss_type %q: %w", name, err)
	}
	l.Name = name
	if l.Beta <= 0 {
		return nil, fmt.Errorf("loss_type %q: %w", name, badOption("beta", "must be positive, not %v", l.Beta))
	}
	return l, nil
}

// Names returns every loss_type in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(constructors)) }

// scaled is the option of the losses that have no other.
type scaled struct {
	Beta float64 `json:"beta"`
}

// smoothed are the options of the losses with label smoothing.
type smoothed struct {
	Beta           float64 `json:"beta"`
	LabelSmoothing float64 `json:"label_smoothing"`
}

// badOption says what an option must be.
func badOption(name, format string, args ...any) error {
	return &core.OptionError{Option: name, Err: fmt.Errorf(name+" "+format, args...)}
}

// decode returns the options over their defaults.
func decode[T any](o core.Options, defaults T) (T, error) {
	err := o.Decode(&defaults)
	return defaults, err
}

// decodeSmoothed also refuses a label smoothing outside of [0, 1/2).
func decodeSmoothed(o core.Options, defaults smoothed) (smoothed, error) {
	v, err := decode(o, defaults)
	if err == nil && !(v.LabelSmoothing >= 0 && v.LabelSmoothing < 0.5) {
		err = badOption("label_smoothing", "must be at least 0 and below 0.5, not %v", v.LabelSmoothing)
	}
	return v, err
}

// ofDelta builds a loss from f(beta*delta), which returns the value and the
// derivative by its argument.
func ofDelta(beta float64, f func(z float64) (value, slope float64)) *Loss {
	return &Loss{Beta: beta, pair: func(p Pair) Term {
		value, slope := f(beta * p.delta())
		return Term{Loss: value, DChosen: beta * slope, DRejected: -beta * slope}
	}}
}
