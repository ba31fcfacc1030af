package schedule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
)

// Preset is a recipe's hyper-parameters. Presets say nothing about tokens.
type Preset struct {
	Optimizer     core.Optimizer
	LearningRate  float64
	SchedulerType string
	WarmupRatio   float64
	MaxGradNorm   float64 // 0 = no clipping
	BatchSize     int     // pairs an update
	Epochs        float64
	Beta          float64
}

var adamW = core.Optimizer{Name: "adamw", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}

var presets = map[string]Preset{
	// Tunstall et al. 2023, "Zephyr", which the sDPO paper follows.
	"zephyr-paper": {Optimizer: adamW, LearningRate: 5e-7, SchedulerType: "linear", WarmupRatio: 0.1, BatchSize: 32, Epochs: 3, Beta: 0.1},
	// The alignment handbook's first recipe.
	"handbook-2023-11": {
		Optimizer:    core.Optimizer{Name: "rmsprop", Alpha: 0.99, Epsilon: 1e-8},
		LearningRate: 5e-7, SchedulerType: "linear", WarmupRatio: 0.1, MaxGradNorm: 1, BatchSize: 64, Epochs: 3, Beta: 0.1,
	},
	// The alignment handbook's recipe of 2024.
	"handbook-2024": {Optimizer: adamW, LearningRate: 5e-7, SchedulerType: "cosine", WarmupRatio: 0.1, MaxGradNorm: 1, BatchSize: 128, Epochs: 1, Beta: 0.01},
	// The defaults of TRL's DPOConfig.
	"trl": {Optimizer: adamW, LearningRate: 1e-6, SchedulerType: "linear", MaxGradNorm: 1, BatchSize: 8, Epochs: 3, Beta: 0.1},
}

// PresetByName returns the preset called name.
func PresetByName(name string) (Preset, error) {
	p, ok := presets[name]
	if !ok {
		return p, fmt.Errorf("unknown preset %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(presets)), ", "))
	}
	return p, nil
}

// OptimizerByName returns torch's defaults for the optimizer called name.
func OptimizerByName(name string) (core.Optimizer, error) {
	switch name {
	case "adamw":
		return adamW, nil
	case "rmsprop":
		return presets["handbook-2023-11"].Optimizer, nil
	}
	return core.Optimizer{}, fmt.Errorf("unknown optim %q; there are: adamw, rmsprop", name)
}
