package multiplechoice

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/coretest/testenv"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// TestMMLU compares all 57 definitions, the tree of groups and the groups'
// numbers with lm-eval's results over its own group mmlu.
func TestMMLU(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testenv.Shared(t), "golden", "lm-eval-0.4.13", "results_dummy_official_mmlu_group.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := py.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	want := v.(py.Object)
	e, err := New(core.Options{"tasks": []string{"mmlu"}, "num_fewshot": 5})
	if err != nil {
		t.Fatal(err)
	}
	o := &output{chosen: e.(*Evaluator).chosen, report: &report{}}
	for _, d := range o.chosen.tasks {
		o.runs = append(o.runs, goldenTask(d, want))
	}
	o.report.groups = aggregate(o.chosen, taskOutcomes(o.runs))
	got := o.tables()
	got.Set("results", o.values())
	got.Set("groups", o.groupValues())
	dropModel(object(got, "configs"))
	dropModel(object(want, "configs"))
	for _, key := range []string{"results", "groups", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples"} {
		a, b := py.DumpJSON(rounded(object(got, key)), py.Format{Indent: 1}), py.DumpJSON(rounded(object(want, key)), py.Format{Indent: 1})
		if a != b {
			t.Errorf("%s: %s", key, firstDifference(a, b))
		}
	}
}

// goldenTask is a task with the results that the file has of it.
func goldenTask(d *Definition, results py.Object) *run {
	values := object(object(results, "results"), d.Task)
	number := func(key string) float64 { v, _ := values.Get(key); f, ok := v.(float64); return orNaN(f, ok) }
	size := object(object(results, "n-samples"), d.Task)
	original, _ := size.Get("original")
	effective, _ := size.Get("effective")
	n := int(effective.(int64))
	return &run{d: d, documents: int(original.(int64)), samples: make([]*sample, n),
		results: map[string]summary{"acc": {number("acc,none"), number("acc_stderr,none"), n}}}
}

func orNaN(f float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return f
}

// dropModel leaves of each configuration's metadata what tells of the task.
func dropModel(configs py.Object) {
	for i, c := range configs {
		config := c.Value.(py.Object)
		metadata := slices.DeleteFunc(slices.Clone(object(config, "metadata")), func(m py.Member) bool { return m.Key != "version" })
		config.Set("metadata", metadata)
		configs[i].Value = config
	}
}
