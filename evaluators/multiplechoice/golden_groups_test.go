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
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/results"
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
	chosen := e.(*Evaluator).chosen
	out := &results.Run{Groups: chosen.groups}
	for _, d := range chosen.tasks {
		out.Tasks = append(out.Tasks, goldenTask(d, want))
	}
	got := written(t, out)
	dropModel(got.Object("configs"))
	dropModel(want.Object("configs"))
	for _, key := range []string{"results", "groups", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples"} {
		a, b := py.DumpJSON(rounded(got.Object(key)), py.Format{Indent: 1}), py.DumpJSON(rounded(want.Object(key)), py.Format{Indent: 1})
		if a != b {
			t.Errorf("%s: %s", key, firstDifference(a, b))
		}
	}
}

// goldenTask is a task with as many samples as the file has of it, and as many
// right.
func goldenTask(d *Definition, golden py.Object) results.Task {
	size := golden.Object("n-samples").Object(d.Task)
	original, _ := size.Get("original")
	effective, _ := size.Get("effective")
	acc, _ := golden.Object("results").Object(d.Task).Get("acc,none")
	task := (&run{d: d, documents: int(original.(int64))}).task()
	for range effective.(int64) {
		task.Samples = append(task.Samples, results.Sample{Requests: make([]results.Request, 1), Values: map[string]float64{}})
	}
	count(task.Samples, "acc", int(math.Round(acc.(float64)*float64(len(task.Samples)))))
	return task
}

// dropModel leaves of each configuration's metadata what tells of the task.
func dropModel(configs py.Object) {
	for i, c := range configs {
		config := c.Value.(py.Object)
		metadata := slices.DeleteFunc(slices.Clone(config.Object("metadata")), func(m py.Member) bool { return m.Key != "version" })
		config.Set("metadata", metadata)
		configs[i].Value = config
	}
}
