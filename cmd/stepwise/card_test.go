package main

import (
	"strings"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/config"
	"github.com/stepwise-dpo/stepwise/core/record"
)

// TestCardOptions: the model card lists the loss's options in order, in words.
func TestCardOptions(t *testing.T) {
	c := &config.Config{Train: config.Train{LossType: "robust", LossOptions: core.Options{"label_smoothing": 0.2, "beta": 0.1}}}
	text := card(c)(record.StepResult{})
	if want := "| loss | robust, beta = 0.1, label_smoothing = 0.2 |\n"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}
