package multiplechoice

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// results is the content of results_*.json: the keys of lm-eval 0.4.13 in its
// order, and what stepwise adds under a key of its own at the end.
func (o *output) results() py.Object {
	all := py.Object{{Key: "results", Value: o.values()}}
	if groups := o.groupValues(); len(groups) > 0 {
		all.Set("groups", groups)
	}
	all = append(all, o.tables()...)
	all = append(all, o.environment()...)
	return append(all, py.Member{Key: "stepwise", Value: o.own()})
}

// values are the metrics of every task and group.
func (o *output) values() py.Object {
	values := py.Object{}
	for _, r := range o.runs {
		v := py.Object{
			{Key: "name", Value: r.d.Task},
			{Key: "alias", Value: r.d.displayName()},
			{Key: "sample_len", Value: len(r.samples)},
		}
		for _, m := range r.d.Metrics {
			setMetric(&v, m, r.results[m])
		}
		values.Set(r.d.Task, v)
	}
	for _, g := range o.chosen.bottomUp() {
		values.Set(g.Name, o.groupValue(g))
	}
	return values
}

func setMetric(v *py.Object, metric string, s summary) {
	v.Set(metric+",none", s.value)
	if math.IsNaN(s.stdErr) {
		v.Set(metric+"_stderr,none", "N/A")
	} else {
		v.Set(metric+"_stderr,none", s.stdErr)
	}
}

// groupValues are the groups that have a number of their own.
func (o *output) groupValues() py.Object {
	values := py.Object{}
	for _, g := range o.chosen.bottomUp() {
		if len(g.metrics()) > 0 {
			values.Set(g.Name, o.groupValue(g))
		}
	}
	return values
}

func (o *output) groupValue(g *Group) py.Object {
	v := py.Object{{Key: "alias", Value: g.displayName()}, {Key: "name", Value: g.Name}}
	if len(g.metrics()) == 0 {
		return v
	}
	leaves, documents := o.chosen.leaves(g), 0
	for _, r := range o.runs {
		if slices.Contains(leaves, r.d.Task) {
			documents += len(r.samples)
		}
	}
	v.Set("sample_len", documents)
	counts := py.Object{}
	for _, m := range g.metrics() {
		if s, ok := o.report.groups[g.Name][m]; ok {
			setMetric(&v, m, s)
			counts.Set(m+",none", s.n)
		}
	}
	if len(counts) > 0 {
		v.Set("sample_count", counts)
	}
	return v
}

// tables are the entries from group_subtasks to n-samples.
func (o *output) tables() py.Object {
	var subtasks, configs, versions, shotCounts, better, samples py.Object
	for _, g := range o.chosen.groups {
		subtasks.Set(g.Name, g.Tasks)
		versions.Set(g.Name, orNA(g.Version))
	}
	for _, r := range o.runs {
		configs.Set(r.d.Task, o.config(r.d))
		versions.Set(r.d.Task, r.d.Version)
		shotCounts.Set(r.d.Task, shots(r.d))
		better.Set(r.d.Task, allHigher(r.d.Metrics))
		samples.Set(r.d.Task, py.Object{{Key: "original", Value: r.documents}, {Key: "effective", Value: len(r.samples)}})
	}
	o.propagate(&shotCounts, &better)
	return py.Object{
		{Key: "group_subtasks", Value: filled(subtasks)},
		{Key: "configs", Value: sorted(configs)},
		{Key: "versions", Value: sorted(versions)},
		{Key: "n-shot", Value: sorted(shotCounts)},
		{Key: "higher_is_better", Value: sorted(better)},
		{Key: "n-samples", Value: samples},
	}
}

// propagate gives groups the shots and directions of their direct members, in
// lm-eval's order, in which a group of groups comes before its members and so
// finds nothing.
func (o *output) propagate(shotCounts, better *py.Object) {
	for _, g := range o.chosen.groups {
		counts := map[any]bool{}
		var metrics []string
		for _, member := range g.Tasks {
			if n, ok := shotCounts.Get(member); ok {
				counts[n] = true
			}
			if b, ok := better.Get(member); ok {
				metrics = append(metrics, b.(py.Object).Keys()...)
			}
		}
		if len(counts) == 1 {
			for n := range counts {
				shotCounts.Set(g.Name, n)
			}
		}
		if len(metrics) > 0 {
			better.Set(g.Name, allHigher(metrics))
		}
	}
}

func allHigher(metrics []string) py.Object {
	o := py.Object{}
	for _, m := range metrics {
		o.Set(m, true)
	}
	return o
}

func orNA(version string) string {
	if version == "" {
		return "N/A"
	}
	return version
}

func filled(o py.Object) py.Object {
	if o == nil {
		return py.Object{}
	}
	return o
}

func sorted(o py.Object) py.Object {
	s := slices.Clone(o)
	slices.SortFunc(s, func(a, b py.Member) int { return strings.Compare(a.Key, b.Key) })
	return s
}

// environment are the entries from config on.
func (o *output) environment() py.Object {
	var hashes py.Object
	for _, r := range o.runs {
		hashes.Set(r.d.Task, r.taskHash())
	}
	return py.Object{
		{Key: "config", Value: o.modelConfig()},
		{Key: "git_hash", Value: nil},
		{Key: "date", Value: float64(o.start.UnixMicro()) / 1e6},
		{Key: "pretty_env_info", Value: fmt.Sprintf("%s on %s/%s, %d CPUs", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())},
		{Key: "transformers_version", Value: nil},
		{Key: "lm_eval_version", Value: "0.4.13"},
		{Key: "upper_git_hash", Value: nil},
		{Key: "tokenizer_pad_token", Value: special(o.model.PAD)},
		{Key: "tokenizer_eos_token", Value: special(o.model.EOS)},
		{Key: "tokenizer_bos_token", Value: special(o.model.BOS)},
		{Key: "eot_token_id", Value: idOrNull(o.model.EOS)},
		{Key: "max_length", Value: o.maxLength()},
		{Key: "task_hashes", Value: hashes},
		{Key: "model_source", Value: o.model.Backend},
		{Key: "model_name", Value: o.model.Name},
		{Key: "model_name_sanitized", Value: FolderName(o.model.Name)},
		{Key: "system_instruction", Value: textOrNull(o.options.SystemInstruction)},
		{Key: "system_instruction_sha", Value: hashOrNull(o.options.SystemInstruction)},
		{Key: "fewshot_as_multiturn", Value: o.ifChat(o.options.multiturn())},
		{Key: "chat_template", Value: o.ifChat(textOrNull(o.model.ChatTemplate))},
		{Key: "chat_template_sha", Value: o.ifChat(hashOrNull(o.model.ChatTemplate))},
		{Key: "total_evaluation_time_seconds", Value: py.FloatRepr(o.took.Seconds())},
	}
}

func (o *output) ifChat(v any) any {
	if o.options.ApplyChatTemplate {
		return v
	}
	return nil
}

func (o *output) maxLength() int {
	if o.options.MaxLength > 0 {
		return o.options.MaxLength
	}
	return o.model.MaxLength
}

func special(t core.SpecialToken) []any {
	if t.Text == "" {
		return []any{nil, "None"}
	}
	return []any{t.Text, fmt.Sprint(t.ID)}
}

func idOrNull(t core.SpecialToken) any {
	if t.Text == "" {
		return nil
	}
	return int64(t.ID)
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func hashOrNull(s string) any {
	if s == "" {
		return nil
	}
	return sha256Hex(s)
}

// modelConfig is the entry config.
func (o *output) modelConfig() py.Object {
	var limit any
	if o.options.Limit > 0 {
		limit = float64(o.options.Limit)
	}
	return py.Object{
		{Key: "model", Value: o.model.Backend},
		{Key: "model_args", Value: o.modelArgs()},
		{Key: "model_num_parameters", Value: o.model.Parameters},
		{Key: "model_dtype", Value: "torch." + torchName(o.model.DType)},
		{Key: "model_revision", Value: "main"},
		{Key: "model_sha", Value: o.model.WeightsHash},
		{Key: "batch_size", Value: "1"},
		{Key: "batch_sizes", Value: []any{}},
		{Key: "device", Value: nil}, // the backend's own affair
		{Key: "use_cache", Value: nil},
		{Key: "limit", Value: limit},
		{Key: "bootstrap_iters", Value: int64(0)},
		{Key: "gen_kwargs", Value: py.Object{}},
		{Key: "random_seed", Value: int64(0)},
		{Key: "numpy_seed", Value: int64(1234)},
		{Key: "torch_seed", Value: int64(1234)},
		{Key: "fewshot_seed", Value: o.options.seed()},
	}
}

func (o *output) modelArgs() py.Object {
	return py.Object{{Key: "pretrained", Value: o.model.Path}, {Key: "dtype", Value: torchName(o.model.DType)}}
}

// torchName is PyTorch's name of a type of numbers.
func torchName(dtype string) string {
	if dtype == "bf16" {
		return "bfloat16"
	}
	return dtype
}

// own is what lm-eval has no key for.
func (o *output) own() py.Object {
	return py.Object{
		{Key: "preset", Value: string(o.options.Preset)},
		{Key: "tokens", Value: py.Object{
			{Key: "naive", Value: o.report.tokens.Naive},
			{Key: "as_lm_eval", Value: o.report.tokens.Grouped},
			{Key: "shared", Value: o.report.tokens.Shared},
		}},
		{Key: "completions", Value: o.report.completions},
		{Key: "truncated", Value: o.report.truncated},
		{Key: "log_softmax", Value: "float32, whatever the type of the weights"},
		{Key: "confidence_95", Value: o.intervals()},
		{Key: "groups", Value: o.groupRules()},
	}
}

// groupRules say how each group's numbers come about.
func (o *output) groupRules() py.Object {
	rules := py.Object{}
	for _, g := range o.chosen.groups {
		rules.Set(g.Name, g.rule())
	}
	return rules
}

// intervals are the metrics' 95 % confidence intervals, value ± 1.96 stderr.
func (o *output) intervals() py.Object {
	intervals := py.Object{}
	add := func(name string, results map[string]summary) {
		for _, m := range slices.Sorted(maps.Keys(results)) {
			if s := results[m]; !math.IsNaN(s.stdErr) {
				intervals.Set(name+"/"+m, []any{s.value - z95*s.stdErr, s.value + z95*s.stdErr})
			}
		}
	}
	for _, r := range o.runs {
		add(r.d.Task, r.results)
	}
	for _, g := range o.chosen.bottomUp() {
		add(g.Name, o.report.groups[g.Name])
	}
	return intervals
}

// z95 is the normal distribution's quantile of 97.5 %.
const z95 = 1.959963984540054
