package preference

import (
	"reflect"
	"testing"

	"github.com/stepwise-dpo/stepwise/core"
)

func pairOf(prompt, chosen, rejected int32) core.Pair {
	return core.Pair{PromptIDs: []int32{prompt}, ChosenIDs: []int32{chosen}, RejectedIDs: []int32{rejected}}
}

func TestOverlaps(t *testing.T) {
	sources := []core.Source{
		{Name: "a", Pairs: []core.Pair{pairOf(1, 2, 3), pairOf(4, 5, 6), pairOf(4, 5, 7)}},
		{Name: "b", Pairs: []core.Pair{pairOf(9, 9, 9)}},
		{Name: "c", Pairs: []core.Pair{pairOf(1, 2, 3), pairOf(1, 3, 2), pairOf(4, 5, 6), pairOf(8, 8, 8)}},
	}
	want := []Overlap{{A: "a", B: "c", Pairs: 2, Prompts: 3}}
	if got := Overlaps(sources); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestDigestBoundaries: the same ids cut elsewhere are another pair.
func TestDigestBoundaries(t *testing.T) {
	a := digestOf([]int32{1, 2}, []int32{3})
	for _, b := range []digest{digestOf([]int32{1}, []int32{2, 3}), digestOf([]int32{1, 2, 3}), digestOf([]int32{1, 2}, []int32{3}, nil)} {
		if a == b {
			t.Error("two different lists have the same digest")
		}
	}
	if a != digestOf([]int32{1, 2}, []int32{3}) {
		t.Error("the same list has two digests")
	}
}
