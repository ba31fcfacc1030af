// Package results is what evaluations leave behind: lm-eval's files, written by
// [Run.Write] and read back by [Load], the table that lm-eval prints of them, and
// several models side by side ([Compare]).
package results

import (
	"time"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
	"github.com/stepwise-dpo/stepwise/evaluators/multiplechoice/internal/py"
)

// A Run is one evaluation of one model.
type Run struct {
	Settings
	Model       core.ModelInfo
	Tasks       []Task
	Groups      Groups
	Tokens      prefix.Counts
	Completions int
	Truncated   int // completions whose prompt lost tokens on the left
	Start       time.Time
	Took        time.Duration
}

// Settings are how a run asked.
type Settings struct {
	Preset    string
	Limit     float64 // documents of each task, or a fraction of them if below 1; 0 = all
	Seed      int64   // of the shots
	MaxLength int     // in tokens; 0 = the model's own
	Chat      bool    // in the model's chat format
	Multiturn bool    // each shot a turn of its own
	System    string  // the system instruction
}

// A Task is what a run found of one task.
type Task struct {
	Name, Alias string
	Version     float64
	Shots       int
	Metrics     []string
	Config      py.Object // lm-eval's TaskConfig, but for its metadata
	Documents   int       // in the data, before the limit
	Samples     []Sample
}

// A Sample is a document with the model's answers.
type Sample struct {
	Doc      py.Object
	Target   string    // the right answer
	Requests []Request // one for each choice
	Values   map[string]float64
}

// A Request is a prompt with a completion, and the model's answer to it.
type Request struct {
	Prompt, Completion string
	LogProb            float64 // in nats
	Greedy             bool
}

// Stats are the statistics of all tasks and groups.
func (r *Run) Stats() Stats {
	all := Stats{}
	for _, t := range r.Tasks {
		all[t.Name] = t.stats()
	}
	for name, group := range r.Groups.aggregate(all) {
		all[name] = group
	}
	return all
}

func (t *Task) stats() map[string]Stat {
	stats := map[string]Stat{}
	for _, m := range t.Metrics {
		values := make([]float64, len(t.Samples))
		for i, s := range t.Samples {
			values[i] = s.Values[m]
		}
		stats[m] = summarize(values)
	}
	return stats
}
