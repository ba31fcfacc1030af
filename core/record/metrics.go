package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Metrics is a line of metrics.jsonl: one optimizer update, with TRL's names.
type Metrics struct {
	Step            int     `json:"step"`   // of the T steps, from 1
	Update          int     `json:"update"` // within the step, from 1
	Epoch           float64 `json:"epoch"`
	Loss            float64 `json:"loss"`
	GradNorm        float64 `json:"grad_norm"` // before clipping
	LearningRate    float64 `json:"learning_rate"`
	RewardsChosen   float64 `json:"rewards/chosen"`
	RewardsRejected float64 `json:"rewards/rejected"`
	Accuracies      float64 `json:"rewards/accuracies"`
	Margins         float64 `json:"rewards/margins"`
	LogpsChosen     float64 `json:"logps/chosen"`
	LogpsRejected   float64 `json:"logps/rejected"`
	Tokens          int     `json:"tokens"` // of prompt+chosen and prompt+rejected
	TokensPerSecond float64 `json:"tokens_per_second"`
}

// MetricsLog appends to metrics.jsonl and to the TensorBoard events.
type MetricsLog struct {
	file   *os.File
	events *events
	global int // updates since the run's start
}

// OpenMetrics opens the log after the line of (step, update), whatever follows
// being cut off; (0, 0) starts it anew.
func OpenMetrics(f *Folder, step, update int) (*MetricsLog, error) {
	var keep []Metrics
	if f.Has("metrics.jsonl") {
		rows, err := ReadMetrics(f)
		if err != nil {
			return nil, err
		}
		for _, m := range rows {
			if m.Step < step || m.Step == step && m.Update <= update {
				keep = append(keep, m)
			}
		}
	}
	if err := WriteJSONL(f, "metrics.jsonl", keep); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.Path("metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if err := f.Remove("tb"); err != nil {
		return nil, err
	}
	events, err := newEvents(f.Path("tb"))
	if err != nil {
		return nil, err
	}
	log := &MetricsLog{file: file, events: events}
	for _, m := range keep {
		if err := log.event(m); err != nil {
			return nil, err
		}
	}
	return log, nil
}

// ReadMetrics returns the run's updates so far. A killed run may have left half
// a line at the end, which does not count.
func ReadMetrics(f *Folder) ([]Metrics, error) {
	raw, err := os.ReadFile(f.Path("metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	var rows []Metrics
	for line := range bytes.Lines(raw) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var m Metrics
		if err := json.Unmarshal(line, &m); err != nil {
			return nil, fmt.Errorf("%q, row %d: %w", f.Path("metrics.jsonl"), len(rows)+1, err)
		}
		rows = append(rows, m)
	}
	return rows, nil
}

// Append writes an update, flushed.
func (l *MetricsLog) Append(m Metrics) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return l.event(m)
}

func (l *MetricsLog) event(m Metrics) error {
	l.global++
	return l.events.scalars(l.global, []scalar{
		{"train/loss", m.Loss}, {"train/grad_norm", m.GradNorm}, {"train/learning_rate", m.LearningRate},
		{"train/rewards/chosen", m.RewardsChosen}, {"train/rewards/rejected", m.RewardsRejected},
		{"train/rewards/accuracies", m.Accuracies}, {"train/rewards/margins", m.Margins},
		{"train/logps/chosen", m.LogpsChosen}, {"train/logps/rejected", m.LogpsRejected},
		{"train/step", float64(m.Step)}, {"train/tokens_per_second", m.TokensPerSecond},
	})
}

// Sync makes the lines so far durable, as whatever counts on them must demand first.
// The events can be made anew from them.
func (l *MetricsLog) Sync() error { return l.file.Sync() }

// Close closes both logs.
func (l *MetricsLog) Close() error {
	err := l.file.Close()
	if e := l.events.close(); err == nil {
		err = e
	}
	return err
}
