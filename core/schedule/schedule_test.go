package schedule_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core/schedule"
)

// TestTransformers compares with get_scheduler (testdata/make_goldens.py).
func TestTransformers(t *testing.T) {
	raw, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Kind    string
		Peak    float64
		Updates int
		Ratio   float64
		Rates   []float64
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		s, err := schedule.New(c.Kind, c.Peak, c.Updates, c.Ratio)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range c.Rates {
			if got := s.LearningRate(k); math.Abs(got-want) > 1e-15*c.Peak {
				t.Errorf("%s, %d updates, warm-up %v: rate %d is %v, transformers has %v", c.Kind, c.Updates, c.Ratio, k, got, want)
			}
		}
	}
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
}

func TestRefusals(t *testing.T) {
	if _, err := schedule.New("cosin", 1, 1, 0); err == nil || !strings.Contains(err.Error(), "cosine") {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := schedule.New("constant", 1, 1, 0.1); err == nil || !strings.Contains(err.Error(), "constant_with_warmup") {
		t.Errorf("constant with a warm-up: %v", err)
	}
	if _, err := schedule.PresetByName("zephyr"); err == nil || !strings.Contains(err.Error(), "zephyr-paper") {
		t.Errorf("unknown preset: %v", err)
	}
	if _, err := schedule.OptimizerByName("sgd"); err == nil || !strings.Contains(err.Error(), "rmsprop") {
		t.Errorf("unknown optimizer: %v", err)
	}
}
