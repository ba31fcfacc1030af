package config

import (
	"bytes"
	"maps"
	"slices"

	"github.com/BurntSushi/toml"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/loss"
	"github.com/stepwise-dpo/stepwise/core/schedule"
)

// Train is how each step trains. Names are those of TRL and transformers.
type Train struct {
	Preset       string `toml:"preset"`
	Tokenization string `toml:"tokenization"` // profile: trl-0.7.4, trl-0.28, trl-1
	LossType     string `toml:"loss_type"`
	// LossOptions stand beside loss_type in the file: beta, label_smoothing
	// and whatever else the loss has.
	LossOptions core.Options `toml:"-"`

	Reference             string `toml:"reference"`              // "previous", "base" or a model
	ReferenceTokenization string `toml:"reference_tokenization"` // "same", or "own": the reference's tokenizer and template
	TargetInit            string `toml:"target_init"`            // "previous" or "base"

	LearningRate    float64 `toml:"learning_rate"`
	LRSchedulerType string  `toml:"lr_scheduler_type"`
	WarmupRatio     float64 `toml:"warmup_ratio"`
	Optim           string  `toml:"optim"`
	AdamBeta1       float64 `toml:"adam_beta1"`
	AdamBeta2       float64 `toml:"adam_beta2"`
	AdamEpsilon     float64 `toml:"adam_epsilon"`
	RMSPropAlpha    float64 `toml:"rmsprop_alpha"`
	RMSPropEpsilon  float64 `toml:"rmsprop_epsilon"`
	WeightDecay     float64 `toml:"weight_decay"`
	MaxGradNorm     float64 `toml:"max_grad_norm"`

	NumTrainEpochs   float64 `toml:"num_train_epochs"`
	BatchSize        int     `toml:"batch_size"`         // pairs an update
	MicroBatchTokens int     `toml:"micro_batch_tokens"` // 0 = by the memory forecast
	MaxLength        int     `toml:"max_length"`
	MaxPromptLength  int     `toml:"max_prompt_length"`
	TruncationMode   string  `toml:"truncation_mode"`
	Shuffle          bool    `toml:"shuffle"`
	SaveEvery        int     `toml:"save_every"` // updates between checkpoints; 0 = by time
}

// unusedBy lists the constants of the other optimizers.
var unusedBy = map[string][]string{
	"adamw":   {"rmsprop_alpha", "rmsprop_epsilon"},
	"rmsprop": {"adam_beta1", "adam_beta2", "adam_epsilon"},
}

// Optimizer returns the optimizer that the settings describe.
func (t *Train) Optimizer() core.Optimizer {
	o := core.Optimizer{Name: t.Optim, WeightDecay: t.WeightDecay}
	if t.Optim == "rmsprop" {
		o.Alpha, o.Epsilon = t.RMSPropAlpha, t.RMSPropEpsilon
	} else {
		o.Beta1, o.Beta2, o.Epsilon = t.AdamBeta1, t.AdamBeta2, t.AdamEpsilon
	}
	return o
}

// Loss returns the loss that the settings describe.
func (t *Train) Loss() (*loss.Loss, error) { return loss.New(t.LossType, t.LossOptions) }

// decode fills t from the table: first the preset's values, then those given.
// What is no setting of training is the loss's.
func (t *Train) decode(table map[string]any, f *faults) {
	preset := presetOf(table, f)
	*t = trainOf(preset, table)
	own, rest := map[string]any{}, core.Options{}
	for key, value := range table {
		if slices.Contains(trainKeys, key) {
			own[key] = value
		} else {
			rest[key] = value
		}
	}
	decodeTable(own, t, "train", f)
	t.LossOptions = rest
	if _, given := rest["beta"]; !given && t.LossType != "sft" {
		rest["beta"] = preset.Beta
	}
}

const defaultPreset = "zephyr-paper"

// presetOf returns the preset that the table names; the default one where it
// names none, or one that there is not.
func presetOf(table map[string]any, f *faults) schedule.Preset {
	if name, ok := table["preset"].(string); ok {
		p, err := schedule.PresetByName(name)
		if err == nil {
			return p
		}
		f.add("train.preset", "%v", err)
	}
	p, _ := schedule.PresetByName(defaultPreset)
	return p
}

// trainOf returns the preset's settings, of which the table's lr_scheduler_type
// and optim bring others with them.
func trainOf(p schedule.Preset, table map[string]any) Train {
	t := Train{
		Preset: defaultPreset, Tokenization: "trl-1", LossType: "sigmoid",
		Reference: "previous", ReferenceTokenization: "same", TargetInit: "previous",
		LearningRate: p.LearningRate, LRSchedulerType: p.SchedulerType, WarmupRatio: p.WarmupRatio,
		MaxGradNorm: p.MaxGradNorm, BatchSize: p.BatchSize, NumTrainEpochs: p.Epochs,
		MaxLength: 1024, Shuffle: true,
	}
	if kind, ok := table["lr_scheduler_type"].(string); ok && kind == "constant" {
		t.WarmupRatio = 0
	}
	o := p.Optimizer
	if name, ok := table["optim"].(string); ok && name != o.Name {
		if other, err := schedule.OptimizerByName(name); err == nil { // else validate reports it
			o = other
		}
	}
	t.Optim, t.WeightDecay = o.Name, o.WeightDecay
	if o.Name == "rmsprop" {
		t.RMSPropAlpha, t.RMSPropEpsilon = o.Alpha, o.Epsilon
	} else {
		t.AdamBeta1, t.AdamBeta2, t.AdamEpsilon = o.Beta1, o.Beta2, o.Epsilon
	}
	return t
}

// trainKeys are the keys of [train] that are not the loss's.
var trainKeys = func() []string {
	table, err := encodeTable(Train{})
	if err != nil {
		panic(err)
	}
	return slices.Sorted(maps.Keys(table))
}()

// table returns t as it stands in the file.
func (t *Train) table() (map[string]any, error) {
	table, err := encodeTable(*t)
	if err != nil {
		return nil, err
	}
	maps.Copy(table, t.LossOptions)
	for _, key := range unusedBy[t.Optim] {
		delete(table, key)
	}
	if t.MaxPromptLength == 0 {
		delete(table, "max_prompt_length")
	}
	if t.TruncationMode == "" {
		delete(table, "truncation_mode")
	}
	return table, nil
}

func encodeTable(v any) (map[string]any, error) {
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(v); err != nil {
		return nil, err
	}
	table := map[string]any{}
	_, err := toml.Decode(text.String(), &table)
	return table, err
}
