package prefix_test

import (
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
	"github.com/stepwise-dpo/stepwise/core/prefix"
)

func TestScores(t *testing.T) {
	items := []core.Item{{Prompt: []int32{1}, Completions: [][]int32{{2, 3}, {4}}}, {Prompt: []int32{5}}}
	f := plan(t, items, nil)
	for _, d := range []core.Detail{{}, {PerToken: true}, {Greedy: true}, {PerToken: true, Greedy: true}} {
		s := prefix.NewScores(items, d)
		for i := range f.Segments {
			for _, target := range f.Targets(i) {
				s.Add(target, -float64(target.Token), target.Token != 3)
			}
		}
		want := [][]core.Score{{{LogProb: -5, Tokens: 2}, {LogProb: -4, Tokens: 1, Greedy: d.Greedy}}, {}}
		if d.PerToken {
			want[0][0].TokenLogProbs, want[0][1].TokenLogProbs = []float64{-2, -3}, []float64{-4}
		}
		if !reflect.DeepEqual(s.Items, want) {
			t.Errorf("%+v: %+v, want %+v", d, s.Items, want)
		}
	}
}
