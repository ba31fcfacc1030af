package multiplechoice

import (
	"fmt"
	"math"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

// TestAgainstLeaderboard compares requests, order and results with those that
// testdata/make_leaderboard.py computes by the leaderboard's rules.
func TestAgainstLeaderboard(t *testing.T) {
	var goldens []struct {
		Task     string
		Shots    int
		Fraction float64
		Requests string `json:"requests_sha256"`
		Results  map[string]float64
	}
	readJSON(t, "testdata/goldens/leaderboard.json", &goldens)
	for _, g := range goldens {
		t.Run(fmt.Sprintf("%s_%d_%v", g.Task, g.Shots, g.Fraction), func(t *testing.T) {
			runs, out := evaluated(t, core.Options{"preset": "leaderboard", "data": "testdata/bench", "tasks": []string{g.Task},
				"num_fewshot": g.Shots, "limit": g.Fraction}, checksumScorer())
			if got := requestHash(runs[0]); got != g.Requests {
				t.Errorf("requests %s, want %s", got, g.Requests)
			}
			for metric, s := range out.Stats()[runs[0].d.Task] {
				if math.Abs(s.Value-g.Results[metric]) > 1e-12 || math.Abs(s.StdErr-g.Results[metric+"_stderr"]) > 1e-12 {
					t.Errorf("%s = %v ± %v, want %v ± %v", metric, s.Value, s.StdErr, g.Results[metric], g.Results[metric+"_stderr"])
				}
			}
		})
	}
}
