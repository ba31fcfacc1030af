// Package schedule holds learning-rate schedules and the presets of
// hyper-parameters that papers and peers are known by.
package schedule

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Schedule gives the learning rate of every update of a training.
type Schedule struct {
	kind          string
	peak          float64
	updates, warm int
}

// kinds maps lr_scheduler_type to the factor of the peak rate at update k from
// 0 after the warm-up; progress runs from 0 to 1.
var kinds = map[string]func(progress float64) float64{
	"linear":               func(progress float64) float64 { return 1 - progress },
	"cosine":               func(progress float64) float64 { return 0.5 * (1 + math.Cos(math.Pi*progress)) },
	"constant":             func(float64) float64 { return 1 },
	"constant_with_warmup": func(float64) float64 { return 1 },
}

// New returns the schedule that transformers' get_scheduler builds: kind is its
// lr_scheduler_type and warmupRatio of the updates, rounded up, warm up from 0.
// "constant" has no warm-up.
func New(kind string, peak float64, updates int, warmupRatio float64) (*Schedule, error) {
	if _, ok := kinds[kind]; !ok {
		return nil, fmt.Errorf("unknown lr_scheduler_type %q; there are: %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	if kind == "constant" && warmupRatio != 0 {
		return nil, fmt.Errorf(`lr_scheduler_type "constant" has no warm-up; use "constant_with_warmup" or warmup_ratio = 0`)
	}
	return &Schedule{
		kind: kind, peak: peak, updates: updates,
		warm: int(math.Ceil(warmupRatio * float64(updates))),
	}, nil
}

// LearningRate returns the rate of update k, from 0. With a warm-up the first
// update's rate is 0, as it is in transformers.
func (s *Schedule) LearningRate(k int) float64 {
	if k < s.warm {
		return s.peak * (float64(k) / float64(max(1, s.warm)))
	}
	progress := float64(k-s.warm) / float64(max(1, s.updates-s.warm))
	return s.peak * kinds[s.kind](min(1, progress))
}
