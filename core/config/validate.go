package config

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/preference"
	"github.com/stepwise-dpo/stepwise/core/schedule"
)

// The values of the settings that choose among a few.
var (
	saveDTypes  = []string{"float32", "bf16", "float16"}
	dtypes      = []string{"float32", "bf16"}
	whens       = []string{"each-step", "start", "end"}
	targetInits = []string{"previous", "base"}
)

// HeldoutSuffix ends the name of what a source's eval_fraction holds out.
const HeldoutSuffix = "-heldout"

var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// CheckName refuses a name of a run or a source that cannot be a file's.
func CheckName(name string) error {
	if !safeName.MatchString(name) {
		return fmt.Errorf("%q must be letters, digits, '.', '_' and '-', and begin with a letter or a digit", name)
	}
	return nil
}

// resolvePaths makes paths, which are relative to the configuration's folder,
// absolute.
func (c *Config) resolvePaths(file string) error {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	under := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	c.Model.Path = modelPath(dir, c.Model.Path)
	if c.Train.Reference != "previous" && c.Train.Reference != "base" {
		c.Train.Reference = modelPath(dir, c.Train.Reference)
	}
	for _, list := range [][]Source{c.Sources, c.Heldout} {
		for i := range list {
			under(&list[i].Path)
		}
	}
	under(&c.Plugins.Dir)
	under(&c.Backend.Path)
	under(&c.Partition.Path)
	for i := range c.Evals {
		under(&c.Evals[i].Path)
		// By convention an evaluator's data and task_dir are paths.
		for _, key := range []string{"data", "task_dir"} {
			if p, ok := c.Evals[i].Options[key].(string); ok {
				under(&p)
				c.Evals[i].Options[key] = p
			}
		}
	}
	return nil
}

// modelPath resolves a model that is a folder or a file; what exists nowhere
// and looks like ORG/NAME is left for the hub.
func modelPath(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	if local := filepath.Join(dir, name); exists(local) || strings.Count(name, "/") != 1 || strings.HasPrefix(name, ".") {
		return local
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// validate reports every bad value. tree is the file, which says what was given.
func (c *Config) validate(tree map[string]any, f *faults) {
	oneOf(f, "model.save_dtype", c.Model.SaveDType, saveDTypes)
	oneOf(f, "backend.dtype", c.Backend.DType, dtypes)
	if err := CheckName(c.Run.Name); err != nil {
		f.add("run.name", "%v", err)
	}
	if c.Model.Path == "" {
		f.add("model.path", "is missing; name the SFT base: a folder, a .gguf file or ORG/NAME")
	}
	if len(c.Sources) == 0 {
		f.add("source", "there is none; add a [[source]] with name and path")
	}
	seen := map[string]string{}
	for i, s := range c.Sources {
		s.validate(fmt.Sprintf("source[%d]", i), seen, f)
	}
	for i, s := range c.Heldout {
		place := fmt.Sprintf("heldout[%d]", i)
		s.validate(place, seen, f)
		if s.EvalFraction != 0 {
			f.add(place+".eval_fraction", "has no meaning here: all of a [[heldout]] is held out")
		}
	}
	for i, e := range c.Evals {
		place := fmt.Sprintf("eval[%d]", i)
		if e.Evaluator == "" {
			f.add(place+".evaluator", "is missing")
		}
		oneOf(f, place+".when", e.When, whens)
		if first := slices.IndexFunc(c.Evals, func(o Eval) bool { return o.Evaluator == e.Evaluator }); c.Evals[first].Path != e.Path {
			f.add(place+".path", "eval[%d] has evaluator %q from another path; give one of them another name", first, e.Evaluator)
		}
	}
	if dir := c.Plugins.Dir; dir != "" && !exists(dir) {
		f.add("plugins.dir", "no folder %q", dir)
	}
	given, _ := tree["train"].(map[string]any)
	c.Train.validate(given, f)
}

func (s *Source) validate(place string, seen map[string]string, f *faults) {
	bad := CheckName(s.Name)
	switch other, twice := seen[s.Name]; {
	case bad != nil:
		f.add(place+".name", "%v", bad)
	case twice:
		f.add(place+".name", "%q is the name of %s too", s.Name, other)
	default:
		seen[s.Name] = place
	}
	if s.Path == "" {
		f.add(place+".path", "is missing")
	} else if !exists(s.Path) {
		f.add(place+".path", "no file %q", s.Path)
	}
	if s.Format != "" {
		oneOf(f, place+".format", s.Format, preference.Formats())
	}
	if s.EvalFraction > 0 {
		heldout := s.Name + HeldoutSuffix
		if other, twice := seen[heldout]; twice {
			f.add(place+".eval_fraction", "what it holds out is named %q, as %s is", heldout, other)
		}
		seen[heldout] = place + ".eval_fraction"
	}
	if s.Limit < 0 {
		f.add(place+".limit", "must be 0 (all) or the number of pairs, not %d", s.Limit)
	}
	if !(s.EvalFraction >= 0 && s.EvalFraction < 1) { // NaN too
		f.add(place+".eval_fraction", "must be at least 0 and below 1, not %v", s.EvalFraction)
	}
}

func (t *Train) validate(given map[string]any, f *faults) {
	oneOf(f, "train.target_init", t.TargetInit, targetInits)
	oneOf(f, "train.reference_tokenization", t.ReferenceTokenization, []string{"same", "own"})
	oneOf(f, "train.optim", t.Optim, []string{"adamw", "rmsprop"})
	t.validateLoss(f)
	t.validateProfile(f)
	if _, err := schedule.New(t.LRSchedulerType, t.LearningRate, 1, t.WarmupRatio); err != nil {
		f.add("train.lr_scheduler_type", "%v", err)
	}
	if t.ReferenceTokenization == "own" && (t.Reference == "previous" || t.Reference == "base") {
		f.add("train.reference_tokenization", `"own" is for an external reference; reference = %q has the model's tokenizer`, t.Reference)
	}
	for _, r := range []struct {
		key string
		ok  bool
		is  any
		be  string
	}{
		{"learning_rate", t.LearningRate >= 0, t.LearningRate, "at least 0"},
		{"warmup_ratio", t.WarmupRatio >= 0 && t.WarmupRatio < 1, t.WarmupRatio, "at least 0 and below 1"},
		{"adam_beta1", t.AdamBeta1 >= 0 && t.AdamBeta1 < 1, t.AdamBeta1, "at least 0 and below 1"},
		{"adam_beta2", t.AdamBeta2 >= 0 && t.AdamBeta2 < 1, t.AdamBeta2, "at least 0 and below 1"},
		{"adam_epsilon", t.AdamEpsilon >= 0, t.AdamEpsilon, "at least 0"},
		{"rmsprop_alpha", t.RMSPropAlpha >= 0 && t.RMSPropAlpha < 1, t.RMSPropAlpha, "at least 0 and below 1"},
		{"rmsprop_epsilon", t.RMSPropEpsilon >= 0, t.RMSPropEpsilon, "at least 0"},
		{"weight_decay", t.WeightDecay >= 0, t.WeightDecay, "at least 0"},
		{"max_grad_norm", t.MaxGradNorm >= 0, t.MaxGradNorm, "at least 0 (0 = no clipping)"},
		{"num_train_epochs", t.NumTrainEpochs > 0, t.NumTrainEpochs, "above 0"},
		{"batch_size", t.BatchSize > 0, t.BatchSize, "above 0"},
		{"micro_batch_tokens", t.MicroBatchTokens >= 0, t.MicroBatchTokens, "at least 0 (0 = by the memory forecast)"},
		{"max_length", t.MaxLength > 1, t.MaxLength, "above 1"},
		{"max_prompt_length", t.MaxPromptLength >= 0, t.MaxPromptLength, "at least 0"},
		{"save_every", t.SaveEvery >= 0, t.SaveEvery, "at least 0 (0 = by time)"},
	} {
		if v, ok := r.is.(float64); ok && math.IsInf(v, 0) {
			r.ok, r.be = false, r.be+" and finite"
		}
		if !r.ok {
			f.add("train."+r.key, "must be %s, not %v", r.be, r.is)
		}
	}
	for _, key := range unusedBy[t.Optim] {
		if _, ok := given[key]; ok {
			f.add("train."+key, "optim = %q does not use it", t.Optim)
		}
	}
}

// Profile returns the rules by which pairs become tokens.
func (t *Train) Profile() preference.Profile {
	return preference.Profile{
		Name: t.Tokenization, MaxLength: t.MaxLength, MaxPromptLength: t.MaxPromptLength, TruncationMode: t.TruncationMode,
	}
}

func (t *Train) validateLoss(f *faults) {
	l, err := t.Loss()
	option := (*core.OptionError)(nil)
	switch {
	case errors.As(err, &option) && option.Unknown: // perhaps meant as a key of [train] itself
		f.add("train."+option.Option, "%v; beside the loss's options, [train] has: %s", err, strings.Join(trainKeys, ", "))
	case option != nil:
		f.add("train."+option.Option, "%v", err)
	case err != nil:
		f.add("train.loss_type", "%v", err)
	case l.ReferenceFree && t.Reference != "previous":
		f.add("train.reference", "loss_type %q uses no reference; leave reference out, or take a loss that has one", t.LossType)
	}
}

func (t *Train) validateProfile(f *faults) {
	if t.MaxLength <= 1 || t.MaxPromptLength < 0 {
		return // reported as out of range
	}
	if _, err := t.Profile().Resolve(); err != nil {
		f.add("train.tokenization", "%v", err)
	}
}

func oneOf(f *faults, key, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		f.add(key, "%q is none of: %s", value, strings.Join(allowed, ", "))
	}
}

// tagName returns the field's key in the file.
func tagName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
	return name
}
