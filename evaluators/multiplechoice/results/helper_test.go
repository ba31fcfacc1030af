package results

import (
	"fmt"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// fourGroups are groups within each other, as H4's are: a mean of tasks times
// 100, one of them a group by documents.
func fourGroups() Groups {
	return Groups{
		{Name: "four", Tasks: []string{"arc", "sum"}, MeanOf: []string{"arc/acc_norm", "sum/acc"}, Scale: 100, Version: "1"},
		{Name: "sum", Alias: "the sum", Tasks: []string{"small", "large"}, Aggregate: []Aggregate{{"acc", true}}, Scale: 1},
	}
}

// rightOf makes a task of which the model has those documents right whose number
// it divides; acc_norm is the opposite of acc.
func rightOf(name string, documents, divisor int, metrics ...string) Task {
	t := Task{Name: name, Alias: name, Version: 1, Metrics: metrics, Documents: documents + 1}
	for i := range documents {
		acc := 0.0
		if i%divisor == 0 {
			acc = 1
		}
		t.Samples = append(t.Samples, Sample{
			Doc:      py.Object{{Key: "question", Value: fmt.Sprintf("%s %d?", name, i)}},
			Target:   "0",
			Requests: []Request{{"Q:", " yes", -1.5, true}, {"Q:", " no", -2, false}},
			Values:   map[string]float64{"acc": acc, "acc_norm": 1 - acc},
		})
	}
	return t
}

// fourRun is a run of a model over fourGroups.
func fourRun(model string, divisor int) *Run {
	return &Run{
		Model:  core.ModelInfo{Name: model},
		Groups: fourGroups(),
		Tasks:  []Task{rightOf("arc", 8, divisor, "acc", "acc_norm"), rightOf("small", 3, divisor, "acc"), rightOf("large", 7, divisor, "acc")},
	}
}

// loaded writes a run and reads it back.
func loaded(t *testing.T, r *Run) *File {
	t.Helper()
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	f, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
